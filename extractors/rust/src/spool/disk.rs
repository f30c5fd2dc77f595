//! The system calls of the spool, as a seam: tests put a crash or a full disk at any one of them.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// What the spool asks of a file system. Every error is the system's own.
pub trait Disk {
    /// An open file or folder.
    type File;

    /// Makes a folder that is the owner's only, durably; one that is there is good as well.
    ///
    /// # Errors
    /// As the system reports.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Opens a folder and locks it against other processes until it is closed.
    ///
    /// # Errors
    /// `WouldBlock` when another process has it; others as the system reports.
    fn lock_folder(&self, path: &Path) -> io::Result<Self::File>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As the system reports.
    fn sync_folder(&self, folder: &Self::File) -> io::Result<()>;

    /// Names of the files in a folder, and their sizes in bytes.
    ///
    /// # Errors
    /// As the system reports.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>>;

    /// Makes a file that is the owner's only, to append to.
    ///
    /// # Errors
    /// `AlreadyExists`; others as the system reports.
    fn create(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file to append to, or makes it; and its size in bytes.
    ///
    /// # Errors
    /// As the system reports.
    fn open(&self, path: &Path) -> io::Result<(Self::File, u64)>;

    /// Appends the first of the bytes, and returns how many.
    ///
    /// # Errors
    /// As the system reports.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// As the system reports.
    fn sync(&self, file: &Self::File) -> io::Result<()>;

    /// Cuts a file.
    ///
    /// # Errors
    /// As the system reports.
    fn truncate(&self, file: &Self::File, size: u64) -> io::Result<()>;

    /// All of a file, at most so many bytes.
    ///
    /// # Errors
    /// `FileTooLarge` when there are more; others as the system reports.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system reports.
    fn unlink(&self, path: &Path) -> io::Result<()>;
}

/// Writes all of the bytes.
///
/// # Errors
/// As [`Disk::write`]; some may have been written then.
pub fn write_all<D: Disk>(disk: &D, file: &mut D::File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match disk.write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The host's own file systems.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Disk for System {
    type File = File;

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    fn lock_folder(&self, path: &Path) -> io::Result<File> {
        let folder = File::open(path)?;
        match folder.try_lock() {
            Ok(()) => Ok(folder),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn sync_folder(&self, folder: &File) -> io::Result<()> {
        folder.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let found = entry.metadata()?;
            if found.is_file() {
                files.push((name, found.len()));
            }
        }
        Ok(files)
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
    }

    fn open(&self, path: &Path) -> io::Result<(File, u64)> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn truncate(&self, file: &File, size: u64) -> io::Result<()> {
        file.set_len(size)
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        // What is larger is not read at all: memory must not depend on what lies in a folder.
        if size > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
