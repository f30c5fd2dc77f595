//! What can happen at a system call, and what is left of the file system then.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::State;

/// What happens at a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before the call has an effect.
    Kill,
    /// The process is killed in the middle of the call: half of a write is done, all of anything else.
    KillWithin,
    /// The power goes; what was not synced is lost.
    PowerCut,
    /// The power goes; half of what was not synced in each file is lost, names are kept.
    PowerCutHalf,
    /// The call fails, this once.
    Fails(ErrorKind),
    /// Half of a write is done, and from then on no write succeeds until [`heal`](super::Simulated::heal).
    Full,
}

impl State {
    /// A fault strikes. Whether the call has its effect all the same.
    pub(super) fn strike(&mut self, fault: Fault, changes: bool) -> io::Result<bool> {
        match fault {
            Fault::Fails(kind) => return Err(kind.into()),
            Fault::Full => {
                self.full = true;
                return Ok(changes);
            }
            Fault::KillWithin => {
                self.dead = true;
                return Ok(true);
            }
            Fault::Kill => {}
            Fault::PowerCut => {
                self.folders = self.synced_folders.clone();
                let is_left = |path: &Path| path.parent().is_some_and(|folder| self.folders.contains(folder));
                self.synced_names.retain(|path, _| is_left(path));
                self.names = self.synced_names.clone();
                self.inodes.iter_mut().for_each(|inode| inode.bytes.truncate(inode.synced));
            }
            Fault::PowerCutHalf => {
                for inode in &mut self.inodes {
                    inode.bytes.truncate(inode.synced + inode.bytes.len().saturating_sub(inode.synced) / 2);
                }
            }
        }
        self.dead = true;
        Err(io::Error::other("the process is dead"))
    }
}
