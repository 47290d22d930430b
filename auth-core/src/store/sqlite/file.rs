//! Whether the file at the path still is the one that was opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::store::StoreError;

/// The database file, and the `-wal` beside it.
///
/// A process goes on reading and writing a file that was deleted or renamed, and nobody else sees what it wrote. Its
/// device and inode tell.
pub(super) struct DatabaseFile {
    path: PathBuf,
    journal_path: PathBuf,
    file: Identity,
    journal: OnceLock<Identity>,
    /// Why nothing may be read or written any more.
    lost: OnceLock<&'static str>,
}

impl DatabaseFile {
    /// The file that is there now.
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let mut journal_path = path.as_os_str().to_owned();
        journal_path.push("-wal");
        Ok(Self {
            path: path.to_owned(),
            journal_path: journal_path.into(),
            file: identity(path).map_err(StoreError::new)?,
            journal: OnceLock::new(),
            lost: OnceLock::new(),
        })
    }

    /// Takes the `-wal` that is there now for the one that belongs to the file.
    pub(super) fn watch_journal(&self) -> Result<(), StoreError> {
        let identity = identity(&self.journal_path).map_err(StoreError::new)?;
        self.journal.get_or_init(|| identity);
        Ok(())
    }

    /// Costs two calls of `stat`.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if let Some(reason) = self.lost.get() {
            return Err(StoreError::new(*reason));
        }
        if !is_there(&self.path, &self.file)? {
            return Err(self.lose("the database file was deleted, renamed or replaced while it was open"));
        }
        match self.journal.get() {
            Some(journal) if !is_there(&self.journal_path, journal)? => {
                Err(self.lose("the write-ahead log was deleted, renamed or replaced while it was open"))
            }
            _ => Ok(()),
        }
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
