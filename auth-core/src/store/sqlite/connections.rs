//! A pool of connections. Statements are run only through it.
//!
//! This is not sqlx's pool, which pings a connection each time it is returned, which for SQLite costs as much as the
//! statement, and keeps a connection on which a transaction failed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteQueryResult, SqliteRow};
use sqlx::{ConnectOptions as _, Sqlite, SqliteConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::file::DatabaseFile;
use crate::store::StoreError;

/// One or several statements, separated by `;`. Several statements need only one message to the connection's thread.
/// Parameters are `$1`, `$2`, …, because with several statements sqlx binds `?1` wrongly where a number is left out.
pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Connections of one kind, which are lent in the order of the requests.
pub(super) struct Connections {
    options: SqliteConnectOptions,
    file: Arc<DatabaseFile>,
    idle: Mutex<Vec<SqliteConnection>>,
    free: Semaphore,
    patience: Duration,
}

impl Connections {
    /// A pool of at most `most` connections. A caller waits for one at most as long as `patience`.
    pub(super) fn new(
        options: SqliteConnectOptions,
        file: Arc<DatabaseFile>,
        most: usize,
        patience: Duration,
    ) -> Self {
        Self { options, file, idle: Mutex::default(), free: Semaphore::new(most), patience }
    }

    /// Opens another connection to the same file.
    pub(super) async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let connection = self.options.connect().await.map_err(StoreError::new)?;
        self.file.check()?;
        Ok(connection)
    }

    /// Lends a connection until the lease is dropped.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let permit = match self.free.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(self.patience, self.free.acquire())
                .await
                .map_err(|_| StoreError::new("every connection to the database is busy"))?
                .map_err(StoreError::new)?,
        };
        self.file.check()?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lease { home: self, connection: Some(connection), in_transaction: false, _permit: permit })
    }
}

/// A connection that is lent to a caller.
///
/// It is used again only if there was no error. After an error, and if it is dropped within a transaction (because
/// the caller failed or was cancelled), it is closed and SQLite rolls back, so that the next caller never gets a
/// connection in an unknown state.
pub(super) struct Lease<'a> {
    home: &'a Connections,
    connection: Option<SqliteConnection>,
    in_transaction: bool,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    /// The connection itself, for migrations.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or_else(|| StoreError::new("the connection was closed after an error"))
    }

    /// Runs a statement that returns no rows.
    pub(super) async fn run(&mut self, statement: Statement<'_>) -> Result<SqliteQueryResult, StoreError> {
        let done = statement.execute(self.connection()?).await;
        self.settle(done)
    }

    /// Runs a statement to completion and returns its rows.
    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        let done = statement.fetch_all(self.connection()?).await;
        self.settle(done)
    }

    /// Runs a statement that returns at most one row.
    ///
    /// This does not use sqlx's `fetch_optional`, which stops at the row: an `UPDATE … RETURNING` is then committed
    /// by the reset of the statement, and an error of that commit (for example a full disk) is lost.
    pub(super) async fn row(&mut self, statement: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        Ok(self.rows(statement).await?.pop())
    }

    /// Begins a transaction that takes the write lock at once.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        self.in_transaction = true;
        self.run(sqlx::query("BEGIN IMMEDIATE")).await.map(drop)
    }

    /// Commits. It is an error if the file was replaced while this connection waited for the lock.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.run(sqlx::query("COMMIT")).await?;
        self.in_transaction = false;
        self.check_file()
    }

    /// Runs statements of which the last is `COMMIT`, and returns the rows of all of them.
    pub(super) async fn snapshot(&mut self, statements: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        self.in_transaction = true;
        let rows = self.rows(statements).await?;
        self.in_transaction = false;
        Ok(rows)
    }

    /// Checks that the data was written to the file that other processes read.
    pub(super) fn check_file(&self) -> Result<(), StoreError> {
        self.home.file.check()
    }

    fn settle<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        done.map_err(|error| {
            self.connection = None;
            StoreError::new(error)
        })
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && !self.in_transaction
        {
            self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
