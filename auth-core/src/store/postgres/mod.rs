//! A store in PostgreSQL 14 or later: durable, for any number of nodes.
//!
//! # How the contract is kept
//!
//! - **Steps.** A write is one function of the store's schema, in one round trip and one transaction. It locks the
//!   subject's record, then rows, reads the time, and then reads in new statements, which see what was committed before
//!   the locks were its own. The usual rotation is one conditional statement, whose time is read at most 100 ms before it
//!   has the lock. A read is one statement. A step that PostgreSQL rolled back because of a deadlock or a
//!   concurrent step is tried again.
//! - **Time** is the server's clock.
//! - **Liveness** by thresholds is defined once, in the view `auth_live`.
//! - **The log** is read by snapshots: transactions commit in another order than they draw numbers. A transaction that
//!   is open for hours, also another application's in the same database, delays no entry. The log is not read on a
//!   standby, which does not know what is in progress.
//! - **Incarnation.** A crash, a promotion, a restore and a restart of the server are noticed, and readers begin at the
//!   start of the log.
//! - **Wake-ups.** A node sends `NOTIFY` after a commit, at most every 10 ms and from a connection of its own, and
//!   listens on another one. They are a hint: readers poll too.
//! - **Sizes.** Rotations and uses change no index, so with HOT updates a login's row needs constant space.
//!
//! # Security
//!
//! What PostgreSQL acknowledged survives a crash of the server with `fsync=on` and a `synchronous_commit` other than
//! `off`, which are its defaults. A failover to a standby that lacks the last commits loses them, unless the primary
//! waits for the standby (`synchronous_standby_names`): the nodes notice this and write back the ends that they know.
//! After a restore from a backup call
//! [`declare_restored`](crate::store::RevocationStore::declare_restored).

mod builder;
mod call;
mod cursor;
mod documents;
mod entries;
mod families;
mod logins;
#[cfg(feature = "testing")]
mod offset;
mod purging;
mod revocations;
mod rows;
mod schema;
mod sessions;
mod wake_ups;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use sqlx::PgPool;

use crate::store::StoreError;
use schema::Schema;
use wake_ups::WakeUps;

pub use builder::{Migration, PostgresStoreBuilder};
#[cfg(feature = "testing")]
pub use offset::ClockOffset;

/// A store in a schema of a PostgreSQL database. Cheap to clone; clones share the connections.
///
/// Several stores, with different schemas, can be in one database, beside the application's own tables. The schema has
/// tables, views and functions whose names begin with `auth_`.
///
/// # Connections
///
/// [`open`](Self::open) makes a pool of its own, and [`on`](Self::on) uses the application's. Both work through
/// PgBouncer in transaction mode, from version 1.21 on and with `max_prepared_statements` above zero. For wake-ups two
/// more connections are kept open. These must not go through PgBouncer: see
/// [`listen_on`](PostgresStoreBuilder::listen_on).
///
/// TLS is chosen by `sslmode` in the URL, and is not authenticated by default. Where the network is not trusted, use
/// `sslmode=verify-full`, with `sslrootcert` unless the certificate is from a public authority.
///
/// # Settings of the server
///
/// - `fsync=on` and `synchronous_commit=on` (the defaults): otherwise a crash can undo the end of a login that was
///   acknowledged. Opening warns when they are off.
/// - `default_transaction_isolation=read committed` (the default) is required.
/// - `idle_in_transaction_session_timeout` and `lock_timeout` for the application's role: a transaction of the
///   application that calls the store's functions itself and stays open makes sign-ins of its subject wait.
/// - Autovacuum on. A long transaction does not delay revocations, but keeps PostgreSQL from reusing the space of rotated
///   rows.
///
/// # Cancel safety
///
/// A call that is dropped before it returned took effect as a whole or not at all.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    schema: Schema,
    timeout: Duration,
    /// How far a test moved the store's clock, in milliseconds; otherwise zero.
    offset: Arc<AtomicI64>,
    /// Whether a later version migrated the schema so that this one cannot use it.
    is_too_old: AtomicBool,
    wake_ups: WakeUps,
}

impl PostgresStore {
    /// Opens the store in the schema `auth` of the database that the URL names, with the defaults of
    /// [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// The same as [`PostgresStoreBuilder::open`].
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::builder(url).open().await
    }

    /// A builder that opens the store with a pool of its own and other settings. The URL is `postgres://…`, with the
    /// parameters of libpq.
    pub fn builder(url: &str) -> PostgresStoreBuilder {
        PostgresStoreBuilder::of_url(url)
    }

    /// A builder that opens the store with the application's pool. Calls wait for connections of this pool together
    /// with the application's own queries.
    pub fn on(pool: PgPool) -> PostgresStoreBuilder {
        PostgresStoreBuilder::of_pool(pool)
    }

    /// The migrations for this schema as one SQL script, for databases in which the application may not create tables:
    /// run it with `psql` as a role that may, and open the store with [`Migration::Require`]. The script can be run
    /// again at any time, also while nodes run; it does only what is missing.
    ///
    /// The application's role needs `USAGE` on the schema, `SELECT`, `INSERT`, `UPDATE` and `DELETE` on its tables and
    /// views, and `EXECUTE` on its functions, which PostgreSQL grants to everybody by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the name of the schema is not allowed: see [`PostgresStoreBuilder::schema`].
    pub fn migrations_sql(schema: &str) -> Result<String, StoreError> {
        Ok(Schema::new(schema)?.printed())
    }

    /// Wakes readers after a commit that appended to the log.
    fn wake_if(&self, is_logged: bool) {
        if is_logged {
            self.shared.wake_ups.wake();
        }
    }

    fn shift(&self) -> i64 {
        self.shared.offset.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
