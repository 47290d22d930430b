//! The shop's own database; the logins live in another file, which belongs to auth-core.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// `SQLITE_BUSY`.
const LOCKED: &str = "5";

/// How often an attempt to connect to a locked database is repeated, a tenth of a second apart.
const TRIES: u32 = 50;

/// Opens the database, creates it if it does not exist, and migrates it to the newest schema.
///
/// A commit survives a power failure, so that an old password or a disabled user does not become valid again.
///
/// # Errors
///
/// When the file cannot be opened, is not a database, or belongs to a newer version of the shop.
pub(crate) async fn open(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    make_private_file(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = connect(options).await?;
    migrate(&pool).await?;
    Ok(pool)
}

/// Tries again while the database is locked: SQLite does not wait for another process that sets the journal mode at the
/// same time.
async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let pool = || SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(5));
    for _ in 0..TRIES {
        match pool().connect_with(options.clone()).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCKED) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            result => return result,
        }
    }
    pool().connect_with(options).await
}

/// One transaction, for which other processes wait: if two processes start for the first time at once, the second one
/// finds the tables.
async fn migrate(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::migrate!().run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await
}

/// The file contains password hashes. SQLite creates its `-wal` and `-shm` files with the same mode.
fn make_private_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
