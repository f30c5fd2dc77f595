//! A file system in memory that breaks where a test asks for it.

mod fault;

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use self::fault::Fault;
use super::disk::Disk;

#[derive(Clone, Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: usize,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    synced_folders: BTreeSet<PathBuf>,
    locked: bool,
    calls: usize,
    changes: usize,
    fault: Option<(usize, Fault)>,
    struck: Option<(usize, Fault)>,
    full: bool,
    dead: bool,
    removed_dying: usize,
}

/// The file system; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Simulated {
    state: Rc<RefCell<State>>,
}

impl Simulated {
    /// How many calls were made.
    pub fn calls(&self) -> usize {
        self.state.borrow().calls
    }

    /// How many of them would have changed something.
    pub fn changes(&self) -> usize {
        self.state.borrow().changes
    }

    /// Breaks at the call of this number, counted from 0.
    pub fn break_at(&self, call: usize, fault: Fault) {
        self.state.borrow_mut().fault = Some((call, fault));
    }

    /// What fault came to pass, and at which call.
    pub fn struck(&self) -> Option<(usize, Fault)> {
        self.state.borrow().struck
    }

    /// Nothing can be written until [`Simulated::heal`].
    pub fn fill(&self) {
        self.state.borrow_mut().full = true;
    }

    /// Works again.
    pub fn heal(&self) {
        let mut state = self.state.borrow_mut();
        (state.full, state.fault) = (false, None);
    }

    /// Whether the process is dead.
    pub fn is_dead(&self) -> bool {
        self.state.borrow().dead
    }

    /// A new process begins. How many lines a file had that was removed as the last one's last deed: it could not
    /// count them any more.
    pub fn new_process(&self) -> usize {
        let mut state = self.state.borrow_mut();
        (state.dead, state.locked) = (false, false);
        std::mem::take(&mut state.removed_dying)
    }

    /// Files and what they hold.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state.borrow();
        state.names.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].bytes.clone())).collect()
    }

    /// Puts a file there.
    pub fn place(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state.borrow_mut();
        let path = PathBuf::from(path);
        let folder = path.parent().map(Path::to_owned);
        state.folders.extend(folder.clone());
        state.synced_folders.extend(folder);
        let inode = state.add(Inode { bytes: bytes.to_vec(), synced: bytes.len() });
        state.names.insert(path.clone(), inode);
        state.synced_names.insert(path, inode);
    }

    /// Begins a call. `Ok(true)`: do it by half and fail then.
    fn call(&self, changes: bool) -> io::Result<bool> {
        let mut state = self.state.borrow_mut();
        if state.dead {
            return Err(io::Error::other("the process is dead"));
        }
        let number = state.calls;
        state.calls += 1;
        state.changes += usize::from(changes);
        match state.fault.filter(|(at, _)| *at == number) {
            None if changes && state.full => Err(ErrorKind::StorageFull.into()),
            None => Ok(false),
            Some((_, fault)) => {
                state.struck = Some((number, fault));
                state.strike(fault, changes)
            }
        }
    }

    fn inode(&self, path: &Path) -> io::Result<Ref<'_, Inode>> {
        Ref::filter_map(self.state.borrow(), |state| Some(&state.inodes[*state.names.get(path)?]))
            .map_err(|_| ErrorKind::NotFound.into())
    }

    fn add_file(&self, path: &Path) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        if !path.parent().is_some_and(|parent| state.folders.contains(parent)) {
            return Err(ErrorKind::NotFound.into());
        }
        let inode = state.add(Inode::default());
        state.names.insert(path.to_owned(), inode);
        Ok(inode)
    }

    /// The outcome of a call that is done by half.
    fn half_done<T>(&self) -> io::Result<T> {
        let dead = self.is_dead();
        Err(if dead { io::Error::other("the process is dead") } else { ErrorKind::StorageFull.into() })
    }
}

impl State {
    fn add(&mut self, inode: Inode) -> usize {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }
}

impl Disk for Simulated {
    type File = usize;

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let half = self.call(true)?;
        let mut state = self.state.borrow_mut();
        state.folders.insert(path.to_owned());
        if half {
            // Made, and its name not synced.
            drop(state);
            return self.half_done();
        }
        state.synced_folders = state.folders.clone();
        Ok(())
    }

    fn lock_folder(&self, path: &Path) -> io::Result<usize> {
        let half = self.call(false)?;
        let mut state = self.state.borrow_mut();
        if !state.folders.contains(path) {
            return Err(ErrorKind::NotFound.into());
        }
        if state.locked {
            return Err(ErrorKind::WouldBlock.into());
        }
        state.locked = true;
        drop(state);
        if half { self.half_done() } else { Ok(usize::MAX) }
    }

    fn sync_folder(&self, _folder: &usize) -> io::Result<()> {
        let half = self.call(true)?;
        let mut state = self.state.borrow_mut();
        state.synced_names = state.names.clone();
        drop(state);
        if half { self.half_done() } else { Ok(()) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>> {
        let half = self.call(false)?;
        if half {
            return self.half_done();
        }
        let state = self.state.borrow();
        let inside = state.names.iter().filter(|(name, _)| name.parent() == Some(path));
        let listed = inside.map(|(name, inode)| {
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, state.inodes[*inode].bytes.len() as u64)
        });
        // Newest first: no order is promised.
        Ok(listed.rev().collect())
    }

    fn create(&self, path: &Path) -> io::Result<usize> {
        let half = self.call(true)?;
        if self.inode(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = self.add_file(path)?;
        if half { self.half_done() } else { Ok(inode) }
    }

    fn open(&self, path: &Path) -> io::Result<(usize, u64)> {
        let half = self.call(true)?;
        let known = self.state.borrow().names.get(path).copied();
        let inode = known.map_or_else(|| self.add_file(path), Ok)?;
        if half {
            self.half_done()
        } else {
            Ok((inode, self.state.borrow().inodes[inode].bytes.len() as u64))
        }
    }

    fn write(&self, file: &mut usize, bytes: &[u8]) -> io::Result<usize> {
        let half = self.call(true)?;
        let written = if half { bytes.len() / 2 } else { bytes.len() };
        self.state.borrow_mut().inodes[*file].bytes.extend_from_slice(&bytes[..written]);
        if half && (self.is_dead() || written == 0) { self.half_done() } else { Ok(written) }
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        let half = self.call(true)?;
        let mut state = self.state.borrow_mut();
        let inode = &mut state.inodes[*file];
        inode.synced = inode.bytes.len();
        drop(state);
        if half { self.half_done() } else { Ok(()) }
    }

    fn truncate(&self, file: &usize, size: u64) -> io::Result<()> {
        // A full disk has room for less.
        let half = self.call(false)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut state = self.state.borrow_mut();
        let inode = &mut state.inodes[*file];
        inode.bytes.truncate(size);
        inode.synced = inode.synced.min(size);
        drop(state);
        if half { self.half_done() } else { Ok(()) }
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        if self.call(false)? {
            return self.half_done();
        }
        let inode = self.inode(path)?;
        if inode.bytes.len() as u64 > most {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(inode.bytes.clone())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let half = self.call(false)?;
        let gone = self.state.borrow_mut().names.remove(path);
        match gone {
            None => Err(ErrorKind::NotFound.into()),
            Some(inode) if half => {
                let mut state = self.state.borrow_mut();
                state.removed_dying = state.inodes[inode].bytes.iter().filter(|byte| **byte == b'\n').count();
                drop(state);
                self.half_done()
            }
            Some(_) => Ok(()),
        }
    }
}
