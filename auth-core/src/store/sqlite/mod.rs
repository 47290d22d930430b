//! A store in an SQLite file: durable, for one machine, with nothing to run beside the application.
//!
//! # How the contract is kept
//!
//! - **Steps.** A write is one transaction that holds the write lock from its first statement on, so writes happen one
//!   after the other, in whatever process. A read is one statement, or one read transaction.
//! - **Time** is that of the [`Clock`] the store was built with, read once in each step; in a write after it has the lock.
//! - **Liveness** by thresholds is said once, in the view `auth_live`. Statements read that view, or change rows that are
//!   in it.
//! - **The log** is numbered in the order of the commits, because there is one writer at a time.
//! - **Tidying.** What was ended by a threshold, as by [`end_all`](super::LoginStore::end_all), stays in the file as dead
//!   rows until [`purge`](super::LoginStore::purge).

mod connections;
mod creation;
mod documents;
mod entries;
mod families;
mod file;
mod logins;
mod open;
#[cfg(test)]
mod plans;
mod purging;
mod revocations;
mod rows;
mod sessions;
mod step;
mod write_back;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sqlx::SqliteConnection;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::store::StoreError;
use connections::Connections;
use file::DatabaseFile;

pub use open::{Durability, SqliteStoreBuilder};

/// Logins, sessions and the revocation log in an SQLite file. Cheap to clone; clones share everything.
///
/// Several processes may open the same file. There is one writer at a time: writes queue in the order in which they
/// came, reads do not wait for them. A call that does not get its turn within [five
/// seconds](SqliteStoreBuilder::busy_timeout) fails.
///
/// # The file
///
/// On Unix, a file that was deleted, renamed or replaced while it is open, or whose `-wal` was, is noticed at the next
/// call: that call and all later ones fail until the file is opened anew. Copying another file's content over a file that
/// is open is not supported, and not noticed.
///
/// # Cancel safety
///
/// A call that is dropped before it returned happened as a whole or not at all, and leaves no transaction open.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    writer: Connections,
    readers: Connections,
    file: Arc<DatabaseFile>,
    /// Rises after each commit that logged something.
    wake_ups: watch::Sender<u64>,
    /// Never used. While it is open, SQLite does not delete the `-wal`, whichever other connections come and go: if that
    /// file is gone, somebody else did it.
    _anchor: Mutex<SqliteConnection>,
}

impl SqliteStore {
    /// Opens the file, which is created if it is not there, with the defaults of [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or created, is not a database, or was written by a later version of this crate
    /// that this one cannot read.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open().await
    }

    /// To open the file with other settings.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.as_ref())
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
