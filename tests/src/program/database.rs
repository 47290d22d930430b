//! What nobody may do but a test: to change what the shop keeps, while it is stopped.

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
