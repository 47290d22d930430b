//! The shop's own database; the logins live in another file, which belongs to auth-core.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// Opens the database, makes it when it is missing, and brings it to the newest schema.
///
/// A commit survives a power cut: a changed password or a disabled user must not come back.
///
/// # Errors
///
/// When the file cannot be opened, is no database, or is one of a newer version of the shop.
pub(crate) async fn open(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    make_private_file(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(5))
        .connect_with(options)
        .await?;
    migrate(&pool).await?;
    Ok(pool)
}

/// All or nothing, and while other processes wait: of two first starts at once the second finds the tables.
async fn migrate(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::migrate!().run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await
}

/// It holds password hashes. SQLite gives the files that it puts beside it the same mode.
fn make_private_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
