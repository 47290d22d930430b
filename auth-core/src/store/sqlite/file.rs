//! Checks that the file at the path still is the one that was opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::store::StoreError;

/// The database file, and its `-wal` and `-shm` files.
///
/// A process can go on reading and writing a file that was deleted or renamed, but no other process sees what it
/// writes. Device and inode of the path show whether that happened. A process that opens the database after its
/// `-shm` was deleted creates a new one, so that the two processes no longer see each other's locks.
pub(super) struct DatabaseFile {
    path: PathBuf,
    beside: [PathBuf; 2],
    file: Identity,
    journal: OnceLock<[Identity; 2]>,
    /// The reason why the file must not be used any more.
    lost: OnceLock<&'static str>,
}

impl DatabaseFile {
    /// The file that exists at the path now.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let beside = ["-wal", "-shm"].map(|ending| {
            let mut path = path.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        });
        Ok(Self {
            path: path.to_owned(),
            beside,
            file: identity(path).map_err(StoreError::new)?,
            journal: OnceLock::new(),
            lost: OnceLock::new(),
        })
    }

    /// Records the identity of the `-wal` and `-shm` files that exist now.
    pub(super) fn watch_journal(&self) -> Result<(), StoreError> {
        let [log, index] = &self.beside;
        let identities = [identity(log).map_err(StoreError::new)?, identity(index).map_err(StoreError::new)?];
        self.journal.get_or_init(|| identities);
        Ok(())
    }

    /// Checks all three files, with three calls of `stat`.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if let Some(reason) = self.lost.get() {
            return Err(StoreError::new(*reason));
        }
        if !is_there(&self.path, &self.file)? {
            return Err(self.lose("the database file was deleted, renamed or replaced while it was open"));
        }
        for (path, expected) in self.beside.iter().zip(self.journal.get().into_iter().flatten()) {
            if !is_there(path, expected)? {
                return Err(
                    self.lose("the write-ahead log was deleted, renamed or replaced while it was open")
                );
            }
        }
        Ok(())
    }

    /// Makes every later check fail, with the first reason that was given.
    pub(super) fn lose(&self, reason: &'static str) -> StoreError {
        StoreError::new(*self.lost.get_or_init(|| reason))
    }
}

/// If `stat` fails for another reason than that the file does not exist, only this check fails, because the file may
/// still be there.
fn is_there(path: &Path, expected: &Identity) -> Result<bool, StoreError> {
    match identity(path) {
        Ok(found) => Ok(found == *expected),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(StoreError::new(error)),
    }
}

#[cfg(unix)]
type Identity = (u64, u64);

/// Asks for nothing but the inode. On Linux from 6.13 on, a question for the times of a file makes the next write to it set new
/// ones, which the `fsync` of the next commit must then write too: that takes half as long again.
#[cfg(target_os = "linux")]
fn identity(path: &Path) -> io::Result<Identity> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    use rustix::io::Errno;

    match statx(CWD, path, AtFlags::empty(), StatxFlags::INO) {
        Ok(found) => {
            Ok((u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor), found.stx_ino))
        }
        // An old kernel, or a sandbox that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => identity_by_metadata(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn identity(path: &Path) -> io::Result<Identity> {
    identity_by_metadata(path)
}

#[cfg(unix)]
fn identity_by_metadata(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// On other systems an open file cannot be deleted or renamed, or the identity of a file is not available.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(drop)
}
