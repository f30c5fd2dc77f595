//! Points that InfluxDB has not answered, kept on disk until it does.
//!
//! # Constraints
//!
//! Delivery is at least once, and a repeated point overwrites itself: so a segment may be sent twice, and nothing needs
//! to be known of it but its bytes. A point is *in the spool* when [`Spool::append`] has returned it, and from then on it
//! survives a crash and a power cut. Nothing is written while InfluxDB answers (that is for [`crate::store`] to see to):
//! memory cards wear out. Whatever lies in the folder, reading it neither panics nor takes more than 1 MiB of memory.
//!
//! # Format
//!
//! `<state_dir>/spool/` (0700) holds segments `%020d.lp` (0600): line protocol as it is sent, each line ended by `\n`,
//! at most 256 KiB each. Numbers begin at 1 and rise; files with other names are left alone. There is no index, no
//! checksum and no cursor: both implementations read what the other one wrote, and so do `cat` and `curl`. A later version of
//! this form would stand behind the name, as in `.lp2`: such segments are counted, and left alone too.
//!
//! # Invariants
//!
//! * Only the newest segment is appended to, and only by the process that made it. So a torn last line, left by a crash
//!   in the middle of a write, can only stand at a segment's end. It is cut when the segment is read: its point was
//!   never reported as in the spool, and is made again from the stream.
//! * Lines are written with one write for each segment, then synced; only then are they in the spool. A new segment's
//!   name is synced before the first line is written, and the folder's before the first segment of every process.
//! * After a failed write the segment is cut back to what was good and closed: what failed is not in the spool.
//! * The oldest segment is sent first, whole, and unlinked when all of it is settled. A segment is closed before it is
//!   sent. Within a process the settled part of a segment is remembered, so that no line is refused twice.
//! * Before the cap would be passed the oldest segments go. Their lines are counted.
//! * One process has the folder at a time: it is locked (flock) as long as it is open.

mod append;
pub mod disk;
pub mod rejected;
mod segment;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

pub use self::append::Appended;
use self::disk::Disk;
pub use self::segment::Load;
use self::segment::{name_of, number_of, version_of};
use crate::output::line_ts;
use crate::schema::state_version;

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
    later: Later,
}

/// Segments that a later version wrote, which are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Later {
    /// How many.
    pub count: u64,
    /// The latest version among them.
    pub version: u32,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    size: u64,
    /// How many bytes at its start are settled.
    settled: u64,
    /// How many lines behind that it has; none when they were not counted yet.
    lines: Option<u64>,
    /// The time (µs) of the first of them; none when it has none, or was not read yet.
    oldest_ts: Option<i64>,
    /// It can be read, and removed afterwards, as far as is known.
    usable: bool,
    removable: bool,
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
            later: Later::default(),
        }
    }

    /// Finds what the last run left, if it left a folder.
    ///
    /// # Errors
    /// When another process has the folder; others as the system reports.
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
        let files = self.disk.list(&self.folder)?;
        let later = files
            .iter()
            .filter_map(|(name, _)| version_of(name))
            .filter(|version| *version > state_version::SPOOL);
        self.later = later.fold(Later::default(), |later, version| Later {
            count: later.count + 1,
            version: later.version.max(version),
        });
        let mut found: Vec<(u64, u64)> =
            files.into_iter().filter_map(|(name, size)| Some((number_of(&name)?, size))).collect();
        found.sort_unstable();
        let segment = |(number, size)| Segment {
            number,
            size,
            settled: 0,
            lines: None,
            oldest_ts: None,
            usable: true,
            removable: true,
        };
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

    /// The time (µs) of the oldest point that can be sent; 0 when there is none, or it is not known.
    pub fn oldest_ts(&self) -> i64 {
        self.segments.iter().find(|segment| segment.usable).and_then(|segment| segment.oldest_ts).unwrap_or(0)
    }

    /// The segments that a later version wrote, once the folder was found.
    pub fn later(&self) -> Later {
        self.later
    }

    /// What went wrong with single segments since it was asked last.
    pub fn troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
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
                    let lines = load.lines();
                    segment.lines = Some(lines.len() as u64);
                    segment.oldest_ts = lines.first().and_then(|line| line_ts(line));
                    if !lines.is_empty() {
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

#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
