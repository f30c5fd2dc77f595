//! The spool's writing side.

use std::collections::VecDeque;
use std::io;

use super::disk::{Disk, write_all};
use super::segment::Load;
use super::{LARGEST_READ, Segment, Spool};
use crate::output::line_ts;

/// How large a segment becomes.
const SEGMENT_BYTES: usize = 256 << 10;
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

impl<D: Disk> Spool<D> {
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
            segment.oldest_ts = segment.oldest_ts.or_else(|| line_ts(lines[0].as_bytes()));
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
                        // The folder was removed; it is made anew the next time.
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
            oldest_ts: None,
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
