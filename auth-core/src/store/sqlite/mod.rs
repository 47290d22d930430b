//! A store in an SQLite file: durable, for one machine, without a database server.
//!
//! # How the contract is kept
//!
//! - **Steps.** A write is one transaction that holds the write lock from its first statement on, so writes happen
//!   one after the other, in whatever process. A read is one statement, or one read transaction.
//! - **Time** is that of the [`Clock`] with which the store was built. Each step reads it once; a write reads it
//!   after it has the lock. A rotation alone reads it before, and does nothing if it got the lock more than 10 ms
//!   later: then it is done again as a transaction.
//! - **Liveness** by thresholds is defined once, in the view `auth_live`. Statements read that view, or change rows
//!   that are in it.
//! - **The log** is numbered in the order of the commits, because there is one writer at a time.
//! - **Purging.** Logins that were ended by a threshold, for example by [`end_all`](super::LoginStore::end_all), stay
//!   in the file until [`purge`](super::LoginStore::purge) deletes them.

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

/// A store in an SQLite file. Cheap to clone; clones share the connections.
///
/// Several processes may open the same file. There is one writer at a time: writes of a process run in the order in
/// which they were called, and reads do not wait for them. A call that does not get its turn within [five
/// seconds](SqliteStoreBuilder::busy_timeout) fails.
///
/// # The file
///
/// On Unix the store notices at the next call if the file, or its `-wal`, was deleted, renamed or replaced while it
/// is open. Then that call and all later ones fail until the file is opened again. Overwriting the content of an open
/// file is not supported, and not noticed.
///
/// # Cancel safety
///
/// A call that is dropped before it returned took effect as a whole or not at all, and leaves no transaction open.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    writer: Connections,
    readers: Connections,
    file: Arc<DatabaseFile>,
    /// Rises after each commit that appended to the log.
    wake_ups: watch::Sender<u64>,
    /// A connection that is never used. While it is open, SQLite does not delete the `-wal`: if that file is gone,
    /// another process deleted it.
    _anchor: Mutex<SqliteConnection>,
}

impl SqliteStore {
    /// Opens the file with the defaults of [`builder`](Self::builder), and creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// The same as [`SqliteStoreBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open().await
    }

    /// A builder that opens the file with other settings.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.as_ref())
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
