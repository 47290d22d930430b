//! The steps of the store: a connection, and the one time that all statements of a step use.

use sqlx::query;
use sqlx::sqlite::{SqliteQueryResult, SqliteRow};
use tokio::sync::watch;

use super::SqliteStore;
use super::connections::{Lease, Statement};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::store::{Realm, StoreError, Timed};

/// The condition that a row of `auth_live` is a live login of the realm.
macro_rules! live {
    () => {
        "realm_name = $2 AND over_at > $1"
    };
}
pub(super) use live;

/// The condition that the statement got the write lock within 10 ms after [`Step::asked_at`], its parameter.
macro_rules! got_lock_soon {
    ($asked_at:literal) => {
        concat!(
            "CAST(unixepoch('subsec') * 1000 AS INTEGER) BETWEEN ",
            $asked_at,
            " AND ",
            $asked_at,
            " + 10"
        )
    };
}
pub(super) use got_lock_soon;

/// One step. In its statements, `$1` is the time and `$2` the realm.
pub(super) struct Step<'a> {
    lease: Lease<'a>,
    wake_ups: &'a watch::Sender<u64>,
    is_logged: bool,
    pub(super) now: Timestamp,
}

impl SqliteStore {
    /// Begins a write: takes the write lock, then reads the time. If the step is dropped without
    /// [`commit`](Step::commit), nothing changes.
    pub(super) async fn write(&self) -> Result<Step<'_>, StoreError> {
        let mut lease = self.shared.writer.lease().await?;
        lease.begin().await?;
        Ok(self.step(lease))
    }

    /// Begins a write that consists of a single statement, which takes the lock itself; this saves a message to the
    /// connection's thread. The time is read before it has the lock, so the statement must do nothing if it [got the
    /// lock late](got_lock_soon).
    pub(super) async fn write_alone(&self) -> Result<Step<'_>, StoreError> {
        let lease = self.shared.writer.lease().await?;
        Ok(self.step(lease))
    }

    /// Continues, after a single statement that did nothing, as a write that takes the lock and then reads the time.
    pub(super) async fn lock<'a>(&'a self, mut step: Step<'a>) -> Result<Step<'a>, StoreError> {
        step.lease.begin().await?;
        step.now = self.shared.clock.now();
        Ok(step)
    }

    /// Begins a write in a realm, which is created if it does not exist.
    pub(super) async fn write_in(&self, realm: &Realm) -> Result<Step<'_>, StoreError> {
        let mut step = self.write().await?;
        let found =
            "INSERT INTO auth_realm (name, floor) VALUES ($2, max($1, 1)) ON CONFLICT (name) DO NOTHING";
        step.run(step.statement(realm, found)).await?;
        Ok(step)
    }

    /// Begins a read.
    pub(super) async fn read(&self) -> Result<Step<'_>, StoreError> {
        let lease = self.shared.readers.lease().await?;
        Ok(self.step(lease))
    }

    fn step<'a>(&'a self, lease: Lease<'a>) -> Step<'a> {
        Step { lease, wake_ups: &self.shared.wake_ups, is_logged: false, now: self.shared.clock.now() }
    }

    /// Runs a read that returns at least one row in an existing realm. If there is no row, it creates the realm and
    /// reads again.
    ///
    /// Several statements must be a whole transaction, from `BEGIN` to `COMMIT`.
    pub(super) async fn read_in(
        &self,
        realm: &Realm,
        statements: &'static str,
        bind: impl Fn(Statement<'static>, Timestamp) -> Statement<'static>,
    ) -> Result<Timed<Vec<SqliteRow>>, StoreError> {
        let mut step = self.read().await?;
        let rows = step.snapshot(bind(step.statement(realm, statements), step.now)).await?;
        if !rows.is_empty() {
            return Ok(step.answer(rows));
        }
        drop(step);
        self.write_in(realm).await?.commit(()).await?;
        let mut step = self.read().await?;
        let rows = step.snapshot(bind(step.statement(realm, statements), step.now)).await?;
        Ok(step.answer(rows))
    }
}

impl Step<'_> {
    /// A statement with the first two parameters bound.
    pub(super) fn statement(&self, realm: &Realm, sql: &'static str) -> Statement<'static> {
        #[cfg(test)]
        super::plans::note(sql);
        query(sql).bind(self.now.millis()).bind(realm.as_str().to_owned())
    }

    /// A statement about all realms: `$1` is the time, `$2` is free.
    pub(super) fn statement_of_all(&self, sql: &'static str) -> Statement<'static> {
        #[cfg(test)]
        super::plans::note(sql);
        query(sql).bind(self.now.millis())
    }

    pub(super) async fn run(&mut self, statement: Statement<'_>) -> Result<SqliteQueryResult, StoreError> {
        self.lease.run(statement).await
    }

    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        self.lease.rows(statement).await
    }

    pub(super) async fn row(&mut self, statement: Statement<'_>) -> Result<Option<SqliteRow>, StoreError> {
        self.lease.row(statement).await
    }

    pub(super) async fn snapshot(&mut self, statements: Statement<'_>) -> Result<Vec<SqliteRow>, StoreError> {
        self.lease.snapshot(statements).await
    }

    /// The result, with the time at which it is true.
    pub(super) fn answer<T>(&self, value: T) -> Timed<T> {
        Timed::new(value, self.now)
    }

    /// Runs the single statement of [`SqliteStore::write_alone`], and returns the row that it changed.
    pub(super) async fn run_alone(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<Option<SqliteRow>, StoreError> {
        let row = self.lease.row(statement).await?;
        self.lease.check_file()?;
        Ok(row)
    }

    /// Runs statements of which the last is `COMMIT`, with one message to the connection's thread, and returns the
    /// row that they returned.
    pub(super) async fn finish(
        mut self,
        statements: Statement<'_>,
    ) -> Result<Timed<Option<SqliteRow>>, StoreError> {
        let row = self.lease.snapshot(statements).await?.pop();
        self.lease.check_file()?;
        Ok(self.answer(row))
    }

    /// The time of SQLite's own clock, for [`got_lock_soon`].
    pub(super) fn asked_at() -> i64 {
        SystemClock.now().millis()
    }

    /// Notes that this write appended to the log, so that readers are woken after the commit.
    pub(super) fn note_logged(&mut self) {
        self.is_logged = true;
    }

    /// Commits the write and returns the result.
    pub(super) async fn commit<T>(mut self, value: T) -> Result<Timed<T>, StoreError> {
        self.lease.commit().await?;
        if self.is_logged {
            self.wake_ups.send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(self.answer(value))
    }
}
