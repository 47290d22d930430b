//! Opening the store.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, Row as _};

use super::schema::Schema;
use super::wake_ups::WakeUps;
use super::{PostgresStore, Shared};
use crate::store::{Mark, StoreError};

const SCHEMA: &str = "auth";
const CONNECTIONS: u32 = 16;
const TIMEOUT: Duration = Duration::from_secs(5);
/// The first version whose functions and types the statements use, as PostgreSQL writes it.
const LEAST_SERVER: i32 = 140_000;
/// How long a connection may have been unused before it is tested: it costs a round trip.
const UNTESTED: Duration = Duration::from_secs(1);

/// What opening does when the schema is missing or older than this version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migration {
    /// Runs the missing migrations. Several nodes may do this at the same time. The default.
    #[default]
    Run,
    /// Fails. An administrator runs [`PostgresStore::migrations_sql`].
    Require,
}

#[derive(Clone, Debug)]
enum Source {
    Url(String),
    Pool(PgPool),
}

/// Settings of a PostgreSQL store.
#[derive(Clone, Debug)]
#[must_use]
pub struct PostgresStoreBuilder {
    source: Source,
    schema: String,
    migration: Migration,
    connections: u32,
    timeout: Duration,
    listening: Option<PgConnectOptions>,
    offset: Arc<AtomicI64>,
}

impl PostgresStoreBuilder {
    pub(super) fn of_url(url: &str) -> Self {
        Self::new(Source::Url(url.to_owned()))
    }

    pub(super) fn of_pool(pool: PgPool) -> Self {
        Self::new(Source::Pool(pool))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            schema: SCHEMA.to_owned(),
            migration: Migration::default(),
            connections: CONNECTIONS,
            timeout: TIMEOUT,
            listening: None,
            offset: Arc::default(),
        }
    }

    /// The schema: 1 to 48 ASCII letters, digits and underscores, not beginning with a digit. Default: `auth`.
    pub fn schema(mut self, name: &str) -> Self {
        name.clone_into(&mut self.schema);
        self
    }

    /// What opening does when the schema is missing or older. Default: [`Migration::Run`].
    pub fn migration(mut self, migration: Migration) -> Self {
        self.migration = migration;
        self
    }

    /// The largest number of connections of the store's own pool. Without effect on the application's. Default: 16.
    pub fn max_connections(mut self, most: u32) -> Self {
        self.connections = most;
        self
    }

    /// How long a call waits for a connection and the server before it fails. The server may still complete it.
    /// Default: 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How the two connections for wake-ups reach the server: required where the pool goes through PgBouncer. Default:
    /// like the pool.
    pub fn listen_on(mut self, options: PgConnectOptions) -> Self {
        self.listening = Some(options);
        self
    }

    /// Moves the store's clock, for tests. All nodes of a store must have the same. Requires the feature `testing`.
    #[cfg(feature = "testing")]
    pub fn clock_offset(mut self, offset: &super::ClockOffset) -> Self {
        self.offset = Arc::clone(&offset.millis);
        self
    }

    /// Opens the store. Must be called within a Tokio runtime, which runs the tasks for wake-ups until the last clone of
    /// the store is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when
    ///
    /// - the server does not answer, or is older than PostgreSQL 14;
    /// - the database's encoding is not UTF-8, or its default isolation level is not READ COMMITTED;
    /// - the schema's name is not allowed;
    /// - the schema was migrated by a later version that this one is not compatible with;
    /// - the schema is missing or older, and [`Migration::Require`] is set or the role may not create it.
    pub async fn open(self) -> Result<PostgresStore, StoreError> {
        let schema = Schema::new(&self.schema)?;
        let pool = self.pool()?;
        // The first random number of a process takes tens of milliseconds: here, and not in a step.
        Mark::random()?;
        let timeout = self.timeout;
        let opening = async {
            check_server(&pool).await?;
            if !schema.is_current(&pool).await? {
                match self.migration {
                    Migration::Run => schema.migrate(&pool).await?,
                    Migration::Require => {
                        return Err(StoreError::new(
                            "the schema is missing or older than this version; run `PostgresStore::migrations_sql`",
                        ));
                    }
                }
            }
            Ok(())
        };
        opening.await?;
        let listening = self.listening.unwrap_or_else(|| pool.connect_options().as_ref().clone());
        let wake_ups = WakeUps::begin(listening, schema.channel())?;
        let (offset, is_too_old) = (self.offset, AtomicBool::new(false));
        let shared = Shared { pool, schema, timeout, offset, is_too_old, wake_ups };
        Ok(PostgresStore { shared: Arc::new(shared) })
    }

    fn pool(&self) -> Result<PgPool, StoreError> {
        let url = match &self.source {
            Source::Pool(pool) => return Ok(pool.clone()),
            Source::Url(url) => url,
        };
        let mut options = PgConnectOptions::from_str(url)
            .map_err(StoreError::new)?
            // PgBouncer refuses it, and nothing here is a float.
            .extra_float_digits(None)
            .disable_statement_logging();
        if options.get_application_name().is_none() {
            options = options.application_name("auth-core");
        }
        let pool = PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(self.timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, state| {
                Box::pin(async move {
                    if state.idle_for > UNTESTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            });
        Ok(pool.connect_lazy_with(options))
    }
}

async fn check_server(pool: &PgPool) -> Result<(), StoreError> {
    let settings = sqlx::query(
        "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'), \
             current_setting('default_transaction_isolation'), \
             current_setting('fsync') = 'off' OR current_setting('synchronous_commit') = 'off'",
    );
    let settings = settings.fetch_one(pool).await.map_err(StoreError::new)?;
    if settings.try_get::<i32, _>(0).map_err(StoreError::new)? < LEAST_SERVER {
        return Err(StoreError::new("the server is older than PostgreSQL 14"));
    }
    if settings.try_get::<&str, _>(1).map_err(StoreError::new)? != "UTF8" {
        return Err(StoreError::new("the encoding of the database is not UTF-8"));
    }
    if settings.try_get::<&str, _>(2).map_err(StoreError::new)? != "read committed" {
        return Err(StoreError::new("`default_transaction_isolation` is not `read committed`"));
    }
    if settings.try_get(3).map_err(StoreError::new)? {
        tracing::warn!(
            "`fsync` or `synchronous_commit` is off: a crash of PostgreSQL can undo the end of logins"
        );
    }
    Ok(())
}
