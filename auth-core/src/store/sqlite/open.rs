//! Opening the file.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::watch;

use super::connections::{Connections, Lease};
use super::revocations::last_sequence;
use super::rows::Columns;
use super::{Shared, SqliteStore};
use crate::store::StoreError;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: usize = 4;
const CACHED_STATEMENTS: usize = 64;
/// To what the write-ahead log shrinks back after a burst.
const JOURNAL_BYTES: &str = "67108864";

/// What a write that returned `Ok` survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A crash of the process, and a power cut: each write waits until the disk has it. The default.
    #[default]
    Full,
    /// A crash of the process only; several times faster on most disks.
    ///
    /// # Security
    ///
    /// A power cut may undo the last moments: a login that was ended, and a stolen token that was found out, work
    /// again. A client whose rotation was undone has to sign in again.
    Normal,
}

/// Settings of an SQLite store.
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    durability: Durability,
    busy_timeout: Duration,
}

impl SqliteStoreBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), durability: Durability::default(), busy_timeout: BUSY_TIMEOUT }
    }

    /// What a write survives. Default: [`Durability::Full`].
    pub fn synchronous(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a write waits for its turn, and then for other processes, before it fails. Default: five seconds.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Opens the file. One that is not there is created, for this user only (mode 0600); the mode of one that is there
    /// is left alone. The files `-wal` and `-shm` beside it get the same mode.
    ///
    /// # Errors
    ///
    /// When the file can not be opened or created, is not a database, was written by a later version of this crate, or
    /// is where no write-ahead log can be kept (most network file systems).
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        // Absolute, because SQLite takes a name that begins with "file:", and ":memory:", for something else.
        let path = std::path::absolute(&self.path).map_err(StoreError::new)?;
        create(&path).map_err(StoreError::new)?;

        let writer = Connections::new(self.writing(&path), 1, self.busy_timeout);
        let readers = Connections::new(self.reading(&path), READERS, self.busy_timeout);
        let mut lease = writer.lease().await?;
        check_journal(&mut lease).await?;
        migrate(lease.connection()?).await?;
        let last = last_sequence(&mut lease).await?;
        drop(lease);
        Ok(SqliteStore { shared: Arc::new(Shared { writer, readers, last: watch::Sender::new(last) }) })
    }

    fn writing(&self, path: &Path) -> SqliteConnectOptions {
        let synchronous = match self.durability {
            Durability::Full => SqliteSynchronous::Full,
            Durability::Normal => SqliteSynchronous::Normal,
        };
        let options = self
            .either(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .pragma("journal_size_limit", JOURNAL_BYTES);
        match self.durability {
            // On macOS a plain fsync leaves the data in the disk's cache. Elsewhere this changes nothing.
            Durability::Full => options.pragma("fullfsync", "ON").pragma("checkpoint_fullfsync", "ON"),
            Durability::Normal => options,
        }
    }

    fn reading(&self, path: &Path) -> SqliteConnectOptions {
        self.either(path).read_only(true)
    }

    fn either(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(self.busy_timeout)
            .statement_cache_capacity(CACHED_STATEMENTS)
            .thread_name(|number| format!("auth-sqlite-{number}"))
            .disable_statement_logging()
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// SQLite does not say when it can not have a write-ahead log, as on most network file systems: it goes on without one.
async fn check_journal(lease: &mut Lease<'_>) -> Result<(), StoreError> {
    let row = lease.row(sqlx::query("PRAGMA journal_mode")).await?;
    let mode = row.map(|row| Columns::of(&row).take::<String>()).transpose()?;
    if mode.as_deref() == Some("wal") {
        Ok(())
    } else {
        Err(StoreError::new("no write-ahead log can be kept there"))
    }
}

/// Brings the tables up to date, all or nothing, while other processes wait.
async fn migrate(connection: &mut sqlx::SqliteConnection) -> Result<(), StoreError> {
    let mut migrator = sqlx::migrate!("migrations/sqlite");
    // A name of our own, so that an application may keep its tables, and their migrations, in the same file.
    migrator.dangerous_set_table_name("auth_migrations");
    let mut transaction =
        sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await.map_err(StoreError::new)?;
    migrator.run_direct(None, &mut *transaction, false).await.map_err(StoreError::new)?;
    transaction.commit().await.map_err(StoreError::new)
}
