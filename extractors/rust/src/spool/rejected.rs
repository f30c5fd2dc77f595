//! `rejected.lp`: the points that InfluxDB rejected, for an operator to look at.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::{Disk, write_all};

/// How large the file becomes.
const LARGEST: u64 = 1 << 20;

/// Sets refused points aside in `<state_dir>/rejected.lp` (0600), as long as there is room.
pub struct Rejected<D: Disk> {
    disk: D,
    path: PathBuf,
}

impl<D: Disk> Rejected<D> {
    /// Nothing is done yet.
    pub fn new(disk: D, state_dir: &Path) -> Rejected<D> {
        Rejected { disk, path: state_dir.join("rejected.lp") }
    }

    /// Appends lines. False when not all had room.
    ///
    /// # Errors
    /// When the file cannot be written; it is cut back to what it was.
    pub fn add(&self, lines: &[&[u8]]) -> io::Result<bool> {
        let (mut file, size) = self.disk.open(&self.path)?;
        let room = LARGEST.saturating_sub(size);
        let mut chunk = Vec::new();
        let mut all = true;
        for line in lines {
            let fits = ((chunk.len() + line.len()) as u64) < room;
            all &= fits;
            if fits {
                chunk.extend_from_slice(line);
                chunk.push(b'\n');
            }
        }
        let written = write_all(&self.disk, &mut file, &chunk);
        if written.is_err() {
            let _ = self.disk.truncate(&file, size);
        }
        written.map(|()| all)
    }
}
