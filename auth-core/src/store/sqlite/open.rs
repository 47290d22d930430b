//! Opening and migrating the file.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlSafeStr as _, SqliteConnection};
use tokio::sync::watch;

use super::connections::{Connections, Lease};
use super::file::DatabaseFile;
use super::rows::Columns;
use super::{Shared, SqliteStore};
use crate::clock::{Clock, SystemClock};
use crate::store::{Mark, StoreError};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: usize = 4;
const CACHED_STATEMENTS: usize = 64;
/// The size in bytes to which the write-ahead log is truncated after it has grown.
const JOURNAL_BYTES: &str = "67108864";
/// The schema that the last migration makes.
const SCHEMA_VERSION: i64 = 3;
/// Number, name and statements of the migrations. They must never change, not even in comments, because sqlx compares
/// their hashes with those in existing files.
const MIGRATIONS: [(i64, &str, &str); 3] = [
    (1, "store", include_str!("../../../migrations/sqlite/0001_store.sql")),
    (2, "realms", include_str!("../../../migrations/sqlite/0002_realms.sql")),
    (3, "look at", include_str!("../../../migrations/sqlite/0003_look_at.sql")),
];

/// The failures that a completed write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Writes survive a crash of the process and a power failure: each write waits until it is on the disk. The
    /// default.
    #[default]
    Full,
    /// Writes survive a crash of the process only. Several times faster on most disks.
    ///
    /// # Security
    ///
    /// A power failure may undo the last writes: a login that was ended, or revoked because of theft, may be live
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
    clock: Arc<dyn Clock>,
}

impl SqliteStoreBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            durability: Durability::default(),
            busy_timeout: BUSY_TIMEOUT,
            clock: Arc::new(SystemClock),
        }
    }

    /// The failures that a completed write survives. Default: [`Durability::Full`].
    pub fn synchronous(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a call waits for its turn in this process, and then for other processes, before it fails. Default: 5
    /// s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// The store's clock. Default: the operating system's. Processes that share a file must have the same time.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Opens the file. A file that does not exist is created with mode 0600; the mode of an existing file is not
    /// changed. The files `-wal` and `-shm` get the same mode.
    ///
    /// A file with an older schema is migrated. After the migration from schema 1, all logins and sessions have ended
    /// and all users must sign in again.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file cannot be opened or created, is not a database, was migrated by a later version
    /// of this crate that this one is not compatible with, or is on a file system without support for a write-ahead
    /// log (most network file systems).
    pub async fn open(self) -> Result<SqliteStore, StoreError> {
        // Absolute, because SQLite treats ":memory:", and names that begin with "file:", specially.
        let path = std::path::absolute(&self.path).map_err(StoreError::new)?;
        create(&path).map_err(StoreError::new)?;
        // SQLite keeps `-wal` and `-shm` beside the file itself, not beside a symbolic link to it.
        let path = path.canonicalize().map_err(StoreError::new)?;
        let file = Arc::new(DatabaseFile::at(&path)?);

        let writer = Connections::new(self.writing(&path), Arc::clone(&file), 1, self.busy_timeout);
        let readers = Connections::new(self.reading(&path), Arc::clone(&file), READERS, self.busy_timeout);
        // The first draw in a process takes tens of milliseconds: here, and not while a write has the lock.
        Mark::random()?;
        let mut lease = writer.lease().await?;
        check_journal(&mut lease).await?;
        migrate(lease.connection()?).await?;
        drop(lease);

        let mut anchor = readers.connect().await?;
        // Only a connection that has read something keeps the write-ahead log open.
        sqlx::query("SELECT 1 FROM auth_store").execute(&mut anchor).await.map_err(StoreError::new)?;
        file.watch_journal()?;
        let shared = Shared {
            clock: self.clock,
            writer,
            readers,
            file,
            wake_ups: watch::Sender::new(0),
            _anchor: Mutex::new(anchor),
        };
        Ok(SqliteStore { shared: Arc::new(shared) })
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
            // On macOS a plain fsync leaves the data in the disk's cache. On other systems this has no effect.
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

/// SQLite does not report that the file system does not support a write-ahead log: it continues without one.
async fn check_journal(lease: &mut Lease<'_>) -> Result<(), StoreError> {
    let row = lease.row(sqlx::query("PRAGMA journal_mode")).await?;
    let mode = row.map(|row| Columns::of(&row).take::<String>()).transpose()?;
    if mode.as_deref() == Some("wal") {
        Ok(())
    } else {
        Err(StoreError::new("the file system does not support SQLite's write-ahead log"))
    }
}

/// Runs the missing migrations in one transaction, while other processes wait.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let migrations = MIGRATIONS.into_iter().map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // A name of its own, so that an application can have its tables, and their migrations, in the same file.
    migrator.dangerous_set_table_name("auth_migrations");
    // Migrations of later versions are ignored: `least_reader` says whether this version may use the file.
    migrator.set_ignore_missing(true);
    let mut transaction =
        sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await.map_err(StoreError::new)?;
    check_least_reader(&mut transaction).await?;
    migrator.run_direct(None, &mut *transaction, false).await.map_err(StoreError::new)?;
    transaction.commit().await.map_err(StoreError::new)
}

/// Runs before the migrations, because a later schema may have replaced the tables that they change.
async fn check_least_reader(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let has_versions =
        sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'auth_store'");
    if has_versions.fetch_optional(&mut *connection).await.map_err(StoreError::new)?.is_none() {
        return Ok(());
    }
    let least_reader = sqlx::query("SELECT least_reader FROM auth_store");
    let row = least_reader.fetch_one(&mut *connection).await.map_err(StoreError::new)?;
    if is_readable(Columns::of(&row).take()?) { Ok(()) } else { Err(StoreError::new(UNREADABLE)) }
}

/// The error for a file that only later versions may use.
pub(super) const UNREADABLE: &str =
    "the database was migrated by a later version of auth-core; this version is too old to use it";

/// Whether this version may use a file with this `least_reader`.
pub(super) const fn is_readable(least_reader: i64) -> bool {
    least_reader <= SCHEMA_VERSION
}
