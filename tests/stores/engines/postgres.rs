//! [`PostgresSketch`]: each step is one function of `postgres.sql`, in one round trip.

mod cursor;
mod row;
mod steps;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use auth_core::store::{Realm, StoreError};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, Row as _};

use crate::engines::postgres::row::Row;
use crate::engines::server::Server;
use crate::engines::sketch::{Offset, Shifted, Sketch};

pub(crate) type PostgresSketch = Sketch<PostgresEngine>;

const TRIES: u32 = 5;
/// Deadlock, and serialization failure: the server rolled the step back.
const AGAIN: [&str; 2] = ["40P01", "40001"];

#[derive(Debug)]
pub(crate) struct PostgresEngine {
    pool: PgPool,
    pub(crate) options: PgConnectOptions,
    offset: Offset,
}

/// An empty store in a schema of its own; none where there is no server.
pub(crate) async fn world() -> Option<Shifted<PostgresEngine>> {
    Some(world_on(Server::postgres()?).await)
}

pub(crate) async fn world_on(server: &Server) -> Shifted<PostgresEngine> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let folder = server.folder();
    let schema = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let options = options(folder, &schema);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let sql = format!("CREATE SCHEMA {schema}; {}", include_str!("postgres.sql"));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    open(options).await
}

/// The same store, by another server.
pub(crate) async fn on_standby(world: &Shifted<PostgresEngine>, server: &Server) -> Shifted<PostgresEngine> {
    open(world.store.engine.options.clone().socket(server.folder())).await
}

async fn open(options: PgConnectOptions) -> Shifted<PostgresEngine> {
    let pool = PgPoolOptions::new().max_connections(8).connect_with(options.clone()).await.unwrap();
    let offset = Offset::default();
    let engine = PostgresEngine { pool, options, offset: offset.clone() };
    Shifted { store: Arc::new(PostgresSketch::new(engine)), offset }
}

/// Read committed whatever the database's default is: the functions read again after a lock.
fn options(folder: &Path, schema: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(folder)
        .username("postgres")
        .database("postgres")
        .options([("search_path", schema), ("default_transaction_isolation", "read committed")])
        .disable_statement_logging()
}

impl PostgresEngine {
    fn shift(&self) -> i64 {
        self.offset.millis()
    }

    /// The rows of a query. Where they do not know the realm, it begins now, and they are asked for again.
    async fn rows<'q>(
        &self,
        realm: &Realm,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send + Sync,
        is_known: impl Fn(&PgRow) -> bool + Send + Sync,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut tries = 1;
        loop {
            match query().fetch_all(&self.pool).await {
                Ok(rows) if rows.first().is_some_and(&is_known) => return Ok(rows),
                Ok(_) if tries < TRIES => {
                    let begin = sqlx::query("SELECT begin_realm($1, $2)");
                    let begin = begin.bind(realm.as_str().to_owned()).bind(self.shift());
                    begin.execute(&self.pool).await.map_err(StoreError::new)?;
                }
                Ok(_) => return Err(StoreError::new("the realm is not there")),
                Err(sqlx::Error::Database(error))
                    if tries < TRIES && error.code().is_some_and(|code| AGAIN.contains(&&*code)) => {}
                Err(error) => return Err(StoreError::new(error)),
            }
            tries += 1;
        }
    }

    async fn row<'q>(
        &self,
        realm: &Realm,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send + Sync,
    ) -> Result<Row, StoreError> {
        let is_known = |row: &PgRow| row.try_get::<Option<i64>, _>("now").is_ok_and(|now| now.is_some());
        let rows = self.rows(realm, query, is_known).await?;
        rows.into_iter().next().map(Row).ok_or_else(|| StoreError::new("no row"))
    }
}
