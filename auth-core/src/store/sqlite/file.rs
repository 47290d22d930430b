//! Whether the file at the path still is the one that was opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::store::StoreError;

/// The database file, and the `-wal` and `-shm` beside it.
///
/// A process goes on reading and writing a file that was deleted or renamed, and nobody else sees what it wrote. Its
/// device and inode tell. Who opens the file after its `-shm` was deleted makes another one, where the locks of the two do
/// not meet.
pub(super) struct DatabaseFile {
    path: PathBuf,
    beside: [PathBuf; 2],
    file: Identity,
    journal: OnceLock<[Identity; 2]>,
    /// Why nothing may be read or written any more.
    lost: OnceLock<&'static str>,
}

impl DatabaseFile {
    /// The file that is there now.
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

    /// Takes the `-wal` and `-shm` that are there now for those that belong to the file.
    pub(super) fn watch_journal(&self) -> Result<(), StoreError> {
        let [log, index] = &self.beside;
        let identities = [identity(log).map_err(StoreError::new)?, identity(index).map_err(StoreError::new)?];
        self.journal.get_or_init(|| identities);
        Ok(())
    }

    /// Costs three calls of `stat`.
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

    /// From now on every check fails, for the reason that came first.
    pub(super) fn lose(&self, reason: &'static str) -> StoreError {
        StoreError::new(*self.lost.get_or_init(|| reason))
    }
}

/// A `stat` that fails for another reason than that nothing is there says nothing about the file, so it is an error of
/// this one look.
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

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Elsewhere an open file cannot be deleted or renamed, or there is no telling.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::metadata(path).map(drop)
}
