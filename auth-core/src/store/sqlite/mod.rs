//! A store in an SQLite file: durable, for one machine, with nothing to run beside the application.

mod connections;
mod creation;
mod ending;
mod logins;
mod open;
mod revocations;
mod rows;
mod sessions;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::store::StoreError;
use connections::{Connections, Lease};

pub use open::{Durability, SqliteStoreBuilder};

/// Logins, sessions and the revocation log in an SQLite file. Cheap to clone; clones share everything.
///
/// Several processes may open the same file. There is one writer at a time: writes queue in the order in which they
/// came, reads do not wait for them. A call that does not get its turn within [five
/// seconds](SqliteStoreBuilder::busy_timeout) fails.
///
/// # Cancel safety
///
/// A call that is dropped before it returned happened as a whole or not at all, and leaves no transaction open.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Connections,
    readers: Connections,
    /// The highest number of the log that this process knows of.
    last: watch::Sender<u64>,
}

impl SqliteStore {
    /// Opens the file, which is created if it is not there, with the defaults of [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// When the file can not be opened or created, is not a database, or was written by a later version of this crate.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::builder(path).open().await
    }

    /// To open the file with other settings.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::new(path.as_ref())
    }

    async fn write(&self) -> Result<Lease<'_>, StoreError> {
        self.shared.writer.lease().await
    }

    async fn read(&self) -> Result<Lease<'_>, StoreError> {
        self.shared.readers.lease().await
    }

    /// Wakes those who wait for the log to grow; after the commit.
    fn announce(&self, sequence: u64) {
        self.shared.last.send_if_modified(|last| {
            let higher = sequence > *last;
            *last = sequence.max(*last);
            higher
        });
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
