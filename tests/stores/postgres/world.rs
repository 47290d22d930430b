//! The suite's world around a schema of a running server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::store::Store;
use auth_core::store::postgres::{ClockOffset, PostgresStore, PostgresStoreBuilder};
use auth_core::testing::contract::{Restorable, World};
use auth_tests::server::Server;
use auth_tests::watch_this_test;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, Row as _};

/// Every table but those that say what the store is.
const TABLES: [&str; 6] =
    ["auth_realm", "auth_subject", "auth_login", "auth_session", "auth_log", "auth_document"];

/// A store in a schema of its own, and the way to its server.
pub(crate) struct PostgresWorld {
    pub(crate) store: PostgresStore,
    pub(crate) schema: String,
    pub(crate) options: PgConnectOptions,
    url: String,
    offset: ClockOffset,
}

impl PostgresWorld {
    /// On the server that the tests share; none where PostgreSQL is not installed.
    pub(crate) async fn new() -> Option<Self> {
        Some(Self::on(Server::postgres()?).await)
    }

    pub(crate) async fn on(server: &Server) -> Self {
        Self::in_schema(server, &new_schema()).await
    }

    pub(crate) async fn in_schema(server: &Server, schema: &str) -> Self {
        watch_this_test();
        let (url, offset) = (server.postgres_url(), ClockOffset::default());
        let store = builder(&url, schema, &offset).open().await.unwrap();
        Self { store, schema: schema.to_owned(), options: server.postgres_options(), url, offset }
    }

    /// Another node of the same store.
    pub(crate) async fn node(&self) -> PostgresStore {
        self.builder().open().await.unwrap()
    }

    pub(crate) fn builder(&self) -> PostgresStoreBuilder {
        builder(&self.url, &self.schema, &self.offset)
    }

    /// A connection of somebody else. Its statements write `{s}` for the schema.
    pub(crate) async fn stranger(&self) -> Stranger {
        Stranger { connection: self.options.connect().await.unwrap(), schema: self.schema.clone() }
    }
}

pub(crate) fn new_schema() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn builder(url: &str, schema: &str, offset: &ClockOffset) -> PostgresStoreBuilder {
    // Patience with other tests on the same machine.
    let builder = PostgresStore::builder(url).schema(schema).clock_offset(offset);
    builder.max_connections(8).timeout(Duration::from_secs(30))
}

pub(crate) struct Stranger {
    pub(crate) connection: PgConnection,
    schema: String,
}

impl Stranger {
    pub(crate) fn sql(&self, text: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(text.replace("{s}", &self.schema))
    }

    pub(crate) async fn run(&mut self, text: &str) {
        sqlx::raw_sql(self.sql(text)).execute(&mut self.connection).await.unwrap();
    }

    pub(crate) async fn number(&mut self, text: &str) -> i64 {
        sqlx::query(self.sql(text)).fetch_one(&mut self.connection).await.unwrap().get(0)
    }

    pub(crate) async fn text(&mut self, text: &str) -> String {
        sqlx::query(self.sql(text)).fetch_one(&mut self.connection).await.unwrap().get(0)
    }
}

impl World for PostgresWorld {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn advance(&self, by: Duration) {
        self.offset.advance(by);
    }

    fn step_back(&self, by: Duration) {
        self.offset.step_back(by);
    }
}

/// What a restore of single tables does, while the server runs.
#[async_trait]
impl Restorable for PostgresWorld {
    async fn copy(&self) {
        let copies = TABLES.map(|table| {
            format!("DROP TABLE IF EXISTS {{s}}.copy_{table}; CREATE TABLE {{s}}.copy_{table} AS TABLE {{s}}.{table};")
        });
        self.stranger().await.run(&copies.concat()).await;
    }

    async fn restore(&self) {
        let tables = TABLES.map(|table| {
            format!(
                "DELETE FROM {{s}}.{table};
                 INSERT INTO {{s}}.{table} OVERRIDING SYSTEM VALUE TABLE {{s}}.copy_{table};"
            )
        });
        self.stranger().await.run(&tables.concat()).await;
    }

    /// What a new schema is.
    async fn empty(&self) {
        let tables = TABLES.map(|table| format!("DELETE FROM {{s}}.{table};"));
        let sql = format!("{} DELETE FROM {{s}}.auth_incarnation", tables.concat());
        self.stranger().await.run(&sql).await;
    }
}
