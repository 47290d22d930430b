//! The suite's world around a file.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Clock as _;
use auth_core::store::Store;
use auth_core::store::sqlite::SqliteStore;
use auth_core::testing::ManualClock;
use auth_core::testing::contract::{Restorable, World};
use tempfile::TempDir;

use crate::sqlite::support::*;

/// Parents first, so that each row finds its parent when rows are put back.
const TABLES: [&str; 8] = [
    "auth_store",
    "auth_realm",
    "auth_subject",
    "auth_login",
    "auth_session",
    "auth_log",
    "auth_untidy",
    "auth_document",
];

pub(crate) struct SqliteWorld {
    store: SqliteStore,
    clock: ManualClock,
    folder: TempDir,
}

impl SqliteWorld {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::new(NOW);
        Self { store: open_at(&file(&folder), clock.clone()).await, clock, folder }
    }

    async fn run(&self, sql: &str) {
        run(&mut stranger(&file(&self.folder)).await, sql).await;
    }
}

impl World for SqliteWorld {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn step_back(&self, by: Duration) {
        self.clock.set(self.clock.now().before(by));
    }
}

/// What SQLite's backup does to a file that stays open: its content is that of the copy.
#[async_trait]
impl Restorable for SqliteWorld {
    async fn copy(&self) {
        let copy = self.folder.path().join("copy.db");
        // None is there the first time.
        let _ = std::fs::remove_file(&copy);
        self.run(&format!("VACUUM INTO '{}'", copy.display())).await;
    }

    async fn restore(&self) {
        let copy = self.folder.path().join("copy.db");
        let mut stranger = stranger(&file(&self.folder)).await;
        let mut sql = format!("ATTACH '{}' AS copy; BEGIN IMMEDIATE;", copy.display());
        TABLES.iter().rev().for_each(|table| sql += &format!("DELETE FROM main.{table};"));
        for table in TABLES {
            // Generated columns are not among them.
            let columns = format!("SELECT group_concat(name) FROM pragma_table_info('{table}')");
            let columns = text(&mut stranger, &columns).await;
            sql += &format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM copy.{table};");
        }
        sql += "UPDATE sqlite_sequence SET seq = coalesce((SELECT seq FROM copy.sqlite_sequence), 0); COMMIT";
        run(&mut stranger, &sql).await;
    }

    /// What a new file is.
    async fn empty(&self) {
        let mut sql = "BEGIN IMMEDIATE;".to_owned();
        TABLES.iter().skip(1).rev().for_each(|table| sql += &format!("DELETE FROM {table};"));
        sql += "UPDATE auth_store SET incarnation = randomblob(16); DELETE FROM sqlite_sequence; COMMIT";
        self.run(&sql).await;
    }
}
