//! Points that InfluxDB has not answered, kept on disk until it does.
//!
//! # Constraints
//!
//! Delivery is at least once, and a repeated point overwrites itself: so a segment may be sent twice, and nothing needs
//! to be known of it but its bytes. A point is *in the spool* when [`Spool::append`] has said so, and from then on it
//! survives a crash and a power cut. Nothing is written while InfluxDB answers (that is for [`crate::store`] to see to):
//! memory cards wear out. Whatever lies in the folder, reading it neither panics nor takes more than 1 MiB of memory.
//!
//! # Format
//!
//! `<state_dir>/spool/` (0700) holds segments `%020d.lp` (0600): line protocol as it is sent, each line ended by `\n`,
//! at most 256 KiB each. Numbers begin at 1 and rise; files with other names are left alone. There is no index, no
//! checksum and no cursor: both implementations read what the other one wrote, and so do `cat` and `curl`.
//!
//! # Invariants
//!
//! * Only the newest segment is appended to, and only by the process that made it. So a torn last line, left by a crash
//!   in the middle of a write, can only stand at a segment's end. It is cut when the segment is read: its point was
//!   never said to be in the spool, and is made again from the stream.
//! * Lines are written with one write for each segment, then synced; only then are they in the spool. A new segment's
//!   name is synced before the first line is written, and the folder's before the first segment of every process.
//! * After a failed write the segment is cut back to what was good and closed: what failed is not in the spool.
//! * The oldest segment is sent first, whole, and unlinked when all of it is settled. A segment is closed before it is
//!   sent. Within a process the settled part of a segment is remembered, so that no line is refused twice.
//! * Before the cap would be passed the oldest segments go. Their lines are counted.
//! * One process has the folder at a time: it is locked (flock) as long as it is open.

pub mod disk;
pub mod rejected;

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use self::disk::{Disk, write_all};

/// How large a segment becomes.
const SEGMENT_BYTES: usize = 256 << 10;
/// A larger one is not ours.
const LARGEST_READ: u64 = 1 << 20;

/// The spool of one process.
pub struct Spool<D: Disk> {
    disk: D,
    folder: PathBuf,
    cap: u64,
    /// The folder, locked; none while it is not there or another process has it.
    lock: Option<D::File>,
    /// This process has made sure that the folder survives a power cut.
    is_made: bool,
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The newest, while it is appended to.
    open: Option<D::File>,
    last_number: u64,
    troubles: Vec<Trouble>,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    size: u64,
    /// How many bytes at its start are settled.
    settled: u64,
    /// How many lines behind that it has; none when nobody has counted yet.
    lines: Option<u64>,
    /// It can be read, and removed afterwards, as far as is known.
    usable: bool,
    removable: bool,
}

/// What [`Spool::append`] did.
#[derive(Debug, Default)]
pub struct Appended {
    /// How many lines, from the first on, are in the spool.
    pub lines: usize,
    /// How many older lines had to go for them.
    pub dropped: u64,
    /// Why not all are.
    pub error: Option<io::Error>,
}

/// A segment as it was read.
#[derive(Debug)]
pub struct Load {
    number: u64,
    bytes: Vec<u8>,
    settled: usize,
}

/// A segment that could not be used as it should.
#[derive(Debug)]
pub struct Trouble {
    /// Its number.
    pub segment: u64,
    /// What could not be done with it.
    pub failed: Failed,
    /// Why.
    pub error: io::Error,
}

/// What could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It is passed over until the next start.
    Read,
    /// It stays, and is not sent again by this process.
    Remove,
}

impl<D: Disk> Spool<D> {
    /// A spool in `<state_dir>/spool` of at most `cap` bytes. Nothing is done yet.
    pub fn new(disk: D, state_dir: &Path, cap: u64) -> Spool<D> {
        let folder = state_dir.join("spool");
        let (segments, troubles) = (VecDeque::new(), Vec::new());
        Spool {
            disk,
            folder,
            cap,
            lock: None,
            is_made: false,
            segments,
            open: None,
            last_number: 0,
            troubles,
        }
    }

    /// Finds what the last run left, if it left a folder.
    ///
    /// # Errors
    /// When another process has the folder; others as the system says.
    pub fn find(&mut self) -> io::Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        let lock = match self.disk.lock_folder(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::Error::other("state_dir is used by another process"));
            }
            locked => locked?,
        };
        let mut found: Vec<(u64, u64)> = self
            .disk
            .list(&self.folder)?
            .into_iter()
            .filter_map(|(name, size)| Some((number_of(&name)?, size)))
            .collect();
        found.sort_unstable();
        let segment =
            |(number, size)| Segment { number, size, settled: 0, lines: None, usable: true, removable: true };
        self.last_number = found.last().map_or(self.last_number, |(number, _)| *number);
        self.segments = found.into_iter().map(segment).collect();
        self.lock = Some(lock);
        Ok(())
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        !self.segments.iter().any(|segment| segment.usable)
    }

    /// How many bytes the segments have.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// What went wrong with single segments since it was asked last.
    pub fn troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
    }

    /// Puts lines into the spool, in order, as far as that can be done.
    pub fn append(&mut self, lines: &[&str]) -> Appended {
        let mut appended = Appended::default();
        while appended.error.is_none() && appended.lines < lines.len() {
            let rest = &lines[appended.lines..];
            match self.append_some(rest, &mut appended.dropped) {
                Ok(count) => appended.lines += count,
                Err(error) => appended.error = Some(error),
            }
        }
        appended
    }

    /// Appends as many of the lines as go into one segment; at least one.
    fn append_some(&mut self, lines: &[&str], dropped: &mut u64) -> io::Result<usize> {
        self.begin()?;
        let held = self.segments.back().filter(|_| self.open.is_some()).map_or(0, |open| open.size);
        let room = SEGMENT_BYTES.saturating_sub(usize::try_from(held).unwrap_or(SEGMENT_BYTES));
        let mut count = how_many_fit(lines, room);
        if count == 0 {
            self.open = None;
            count = how_many_fit(lines, SEGMENT_BYTES).max(1);
        }
        let chunk = lines[..count].iter().fold(Vec::new(), |mut chunk: Vec<u8>, line| {
            chunk.extend_from_slice(line.as_bytes());
            chunk.push(b'\n');
            chunk
        });
        self.make_room(chunk.len() as u64, dropped)?;
        self.write(&chunk)?;
        if let Some(segment) = self.segments.back_mut() {
            segment.lines = segment.lines.map(|lines| lines + count as u64);
        }
        Ok(count)
    }

    /// Makes and locks the folder, if that is still to be done.
    fn begin(&mut self) -> io::Result<()> {
        if self.lock.is_none() || !self.is_made {
            // Also when it is there: who made it may have been killed before its name was synced.
            self.disk.make_folder(&self.folder)?;
            self.is_made = true;
            self.find()?;
        }
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.new_segment()?,
        };
        let Some(segment) = self.segments.back_mut() else {
            return Err(io::Error::other("the spool has lost its segment"));
        };
        match write_all(&self.disk, &mut file, chunk).and_then(|()| self.disk.sync(&file)) {
            Ok(()) => {
                segment.size += chunk.len() as u64;
                self.open = Some(file);
                Ok(())
            }
            Err(error) => {
                // What is left of it, should this fail too, is sent as well: harmless.
                let (number, good) = (segment.number, segment.size);
                let _ = self.disk.truncate(&file, good);
                if good == 0 {
                    let _ = self.disk.unlink(&self.path(number));
                    self.segments.pop_back();
                }
                Err(error)
            }
        }
    }

    fn new_segment(&mut self) -> io::Result<D::File> {
        let Some(folder) = &self.lock else {
            return Err(io::Error::other("the spool is not open"));
        };
        let (number, file) = loop {
            let number = self.last_number.checked_add(1);
            let number = number.ok_or_else(|| io::Error::other("no number is left for a segment"))?;
            self.last_number = number;
            match self.disk.create(&self.path(number)) {
                Ok(file) => break (number, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    self.last_number -= 1;
                    if error.kind() == io::ErrorKind::NotFound {
                        // Somebody removed the folder; it is made anew the next time.
                        (self.lock, self.segments) = (None, VecDeque::new());
                    }
                    return Err(error);
                }
            }
        };
        if let Err(error) = self.disk.sync_folder(folder) {
            let _ = self.disk.unlink(&self.path(number));
            return Err(error);
        }
        self.segments.push_back(Segment {
            number,
            size: 0,
            settled: 0,
            lines: Some(0),
            usable: true,
            removable: true,
        });
        Ok(file)
    }

    /// Lets the oldest segments go until so many bytes more are within the cap.
    fn make_room(&mut self, more: u64, dropped: &mut u64) -> io::Result<()> {
        while self.bytes() + more > self.cap {
            let Some(index) = self.segments.iter().position(|segment| segment.removable) else {
                return Err(io::Error::other("the spool is full and nothing in it can be removed"));
            };
            if index + 1 == self.segments.len() {
                self.open = None;
            }
            let lost = self.segments[index].lines.unwrap_or_else(|| self.count(index));
            if self.remove(index) {
                *dropped += lost;
            }
        }
        Ok(())
    }

    /// How many lines of a segment are not settled; 0 when it cannot be read.
    fn count(&self, index: usize) -> u64 {
        let Segment { number, settled, .. } = self.segments[index];
        let bytes = self.disk.read(&self.path(number), LARGEST_READ).unwrap_or_default();
        Load { number, bytes, settled: usize::try_from(settled).unwrap_or(usize::MAX) }.lines().len() as u64
    }

    /// The oldest segment that holds something; segments that hold nothing are removed on the way.
    pub fn oldest(&mut self) -> Option<Load> {
        loop {
            let index = self.segments.iter().position(|segment| segment.usable)?;
            if index + 1 == self.segments.len() {
                self.open = None;
            }
            let segment = &mut self.segments[index];
            let (number, settled) = (segment.number, usize::try_from(segment.settled).unwrap_or(usize::MAX));
            match self.disk.read(&self.folder.join(name_of(number)), LARGEST_READ) {
                Ok(bytes) => {
                    let load = Load { number, bytes, settled };
                    let lines = load.lines().len() as u64;
                    segment.lines = Some(lines);
                    if lines > 0 {
                        return Some(load);
                    }
                    self.remove(index);
                }
                Err(error) => {
                    segment.usable = false;
                    let error = match error.kind() {
                        io::ErrorKind::FileTooLarge => io::Error::other("it is larger than 1 MiB"),
                        _ => error,
                    };
                    self.troubles.push(Trouble { segment: number, failed: Failed::Read, error });
                }
            }
        }
    }

    /// So many of its lines, from the first on, are answered. When all are it is removed.
    pub fn settle(&mut self, load: &Load, lines: usize) {
        let Some(index) = self.segments.iter().position(|segment| segment.number == load.number) else {
            return;
        };
        let (settled, all) = load.behind(lines);
        let segment = &mut self.segments[index];
        segment.settled = settled as u64;
        segment.lines = segment.lines.map(|left| left.saturating_sub(lines as u64));
        if all {
            self.remove(index);
        }
    }

    /// Removes a segment; false when that cannot be done.
    fn remove(&mut self, index: usize) -> bool {
        let number = self.segments[index].number;
        match self.disk.unlink(&self.path(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let segment = &mut self.segments[index];
                (segment.usable, segment.removable) = (false, false);
                self.troubles.push(Trouble { segment: number, failed: Failed::Remove, error });
                false
            }
            _ => {
                self.segments.remove(index);
                true
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(name_of(number))
    }
}

impl Load {
    /// The lines that are not settled, without their ends. A torn last line and empty ones are none.
    pub fn lines(&self) -> Vec<&[u8]> {
        self.places().map(|place| &self.bytes[place]).collect()
    }

    fn places(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = self.settled;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let settled = self.settled;
        ends.filter_map(move |end| {
            let place = start..settled + end;
            start = place.end + 1;
            (!place.is_empty()).then_some(place)
        })
    }

    /// How many bytes are settled when so many of its lines are, and whether that is all.
    fn behind(&self, lines: usize) -> (usize, bool) {
        let mut places = self.places();
        let last = lines.checked_sub(1).and_then(|last| places.nth(last));
        (last.map_or(self.settled, |place| place.end + 1), places.next().is_none())
    }
}

fn how_many_fit(lines: &[&str], room: usize) -> usize {
    let mut size = 0;
    lines
        .iter()
        .take_while(|line| {
            size += line.len() + 1;
            size <= room
        })
        .count()
}

fn name_of(number: u64) -> String {
    format!("{number:020}.lp")
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".lp")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}

#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
