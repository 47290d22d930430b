//! What nobody may do but a test: to change what the shop keeps, while it is stopped.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// Runs one statement; how many rows it touched.
pub(crate) async fn change(file: &Path, statement: &'static str) -> u64 {
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let done = sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    done.rows_affected()
}
