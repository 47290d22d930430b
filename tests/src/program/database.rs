//! What nobody may do but a test: to change what the shop keeps, while it is stopped, or to keep it from writing.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::within;

/// Runs one statement; how many rows it touched.
pub async fn change(file: &Path, statement: &'static str) -> u64 {
    let options = SqliteConnectOptions::new().filename(file);
    let changed = async {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let done = sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        done.rows_affected()
    };
    within("the statement is executed", changed).await
}

/// Nobody else writes into a file, until this is released.
#[derive(Debug)]
pub struct Locked(SqliteConnection);

impl Locked {
    /// Takes the lock. Who wants to write waits, for as long as it has patience.
    pub async fn take(file: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(file);
        let locked = async {
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            Self(connection)
        };
        within("the file is locked", locked).await
    }

    /// Lets the others write.
    pub async fn release(self) {
        within("the lock is released", self.0.close()).await.unwrap();
    }
}
