//! A step: one statement in one round trip, tried again where PostgreSQL rolled it back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, Encode, Postgres, Row as _, Type};

use super::rows::Row;
use super::schema::UNREADABLE;
use super::{PostgresStore, Shared};
use crate::store::{Realm, StoreError};

const TRIES: u32 = 6;
/// The pause after a failed attempt, multiplied by the number of attempts.
const PAUSE: Duration = Duration::from_millis(2);
/// Serialization failure; deadlock; and unique violation, when two steps insert the same hash at the same time: the next
/// attempt finds it taken.
const AGAIN: [&str; 3] = ["40001", "40P01", "23505"];

/// The store's time in a statement that takes no lock, `$2` is its offset. An index can be searched for it.
macro_rules! statement_time {
    () => {
        "(floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint + $2)"
    };
}
pub(super) use statement_time;

/// A statement with its parameters: `$1` is the realm, `$2` the offset of the clock. In each of its rows the column
/// `now` is the time. If there is no row, or no time in it, the realm or the incarnation does not exist.
#[must_use]
pub(super) struct Call<'a> {
    store: &'a PostgresStore,
    realm: &'a str,
    sql: &'static str,
    arguments: Result<PgArguments, StoreError>,
}

impl PostgresStore {
    pub(super) fn call<'a>(&'a self, realm: &'a Realm, sql: &'static str) -> Call<'a> {
        let call = Call { store: self, realm: realm.as_str(), sql, arguments: Ok(PgArguments::default()) };
        call.bind(realm.as_str()).bind(self.shift())
    }

    /// A statement about all realms, `$1` is the offset of the clock.
    pub(super) fn call_of_all(&self, sql: &'static str) -> Call<'_> {
        Call { store: self, realm: "", sql, arguments: Ok(PgArguments::default()) }.bind(self.shift())
    }
}

impl Call<'_> {
    /// Binds the next parameter.
    pub(super) fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(mut self, value: T) -> Self {
        if let Ok(arguments) = &mut self.arguments
            && let Err(error) = arguments.add(value)
        {
            self.arguments = Err(StoreError::new(error));
        }
        self
    }

    /// The only row.
    pub(super) async fn row(self) -> Result<Row, StoreError> {
        let rows = self.rows().await?;
        rows.into_iter().next().ok_or_else(|| StoreError::new("a step returned no row"))
    }

    /// The rows, at least one.
    pub(super) async fn rows(self) -> Result<Vec<Row>, StoreError> {
        let timeout = self.store.shared.timeout;
        let done = tokio::time::timeout(timeout, self.tried()).await;
        done.unwrap_or_else(|_| Err(StoreError::new("PostgreSQL did not answer in time")))
    }

    async fn tried(self) -> Result<Vec<Row>, StoreError> {
        let arguments = self.arguments?;
        let Shared { pool, schema, is_too_old, .. } = &*self.store.shared;
        if is_too_old.load(Ordering::Relaxed) {
            return Err(StoreError::new(UNREADABLE));
        }
        let mut tries = 1;
        loop {
            match sqlx::query_with(schema.sql(self.sql), arguments.clone()).fetch_all(pool).await {
                Ok(rows) if rows.first().is_some_and(has_time) => {
                    return Ok(rows.into_iter().map(Row).collect());
                }
                Ok(_) if tries < TRIES => self.store.begin(self.realm).await?,
                Ok(_) => return Err(StoreError::new("the realm does not exist")),
                Err(error) if tries < TRIES && was_rolled_back(&error) => {
                    tokio::time::sleep(PAUSE * tries).await;
                }
                Err(error) => return Err(StoreError::new(error)),
            }
            tries += 1;
        }
    }
}

impl PostgresStore {
    /// Creates the realm and the incarnation, if they do not exist.
    async fn begin(&self, realm: &str) -> Result<(), StoreError> {
        let begin = sqlx::query(self.shared.schema.sql("SELECT {s}.auth_begin($1, $2)"));
        let begin = begin.bind(realm).bind(self.shift()).execute(&self.shared.pool).await;
        match begin {
            Err(error) if !was_rolled_back(&error) => Err(StoreError::new(error)),
            _ => Ok(()),
        }
    }
}

fn has_time(row: &PgRow) -> bool {
    row.try_get::<Option<i64>, _>("now").is_ok_and(|now| now.is_some())
}

fn was_rolled_back(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| AGAIN.contains(&&*code))
}
