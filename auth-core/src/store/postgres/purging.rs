//! Purging in small steps.

use super::PostgresStore;
use super::rows::{Row, millis};
use crate::clock::Timestamp;
use crate::store::{LogEntry, StoreError, Timed};

/// The maximum number of rows that one step deletes.
const AT_ONCE: i64 = 200;

impl PostgresStore {
    pub(super) async fn purge_all(&self) -> Result<Timed<u64>, StoreError> {
        let expired = self.purge_each("SELECT * FROM {s}.auth_purge_logins($1, $2)").await?;
        let below = self.purge_each("SELECT * FROM {s}.auth_purge_below_floor($1, $2)").await?;
        let ended = self.purge_ended().await?;
        self.purge_each("SELECT * FROM {s}.auth_purge_sessions($1, $2)").await?;
        let now = self.purge_log().await?;
        Ok(Timed::new(expired + below + ended, now))
    }

    /// Runs a step until it finds less than a batch. Returns the number of deleted rows.
    async fn purge_each(&self, step: &'static str) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let row = self.call_of_all(step).bind(AT_ONCE).row().await?;
            deleted += row.number("deleted")?;
            if is_last(&row, "seen")? {
                return Ok(deleted);
            }
        }
    }

    /// Deletes logins of subjects whose logins were all ended, subject by subject. Returns their number.
    async fn purge_ended(&self) -> Result<u64, StoreError> {
        let (mut deleted, mut after) = (0, (0, String::new()));
        loop {
            let step = self.call_of_all("SELECT * FROM {s}.auth_purge_ended($1, $2, $3, $4)");
            let row = step.bind(AT_ONCE).bind(after.0).bind(after.1.as_str()).row().await?;
            deleted += row.number("deleted")?;
            let Some(subject) = row.get::<Option<String>>("whose")? else { return Ok(deleted) };
            if is_last(&row, "deleted")? {
                after = (row.get::<i32>("whose_realm")?, subject);
            }
        }
    }

    async fn purge_log(&self) -> Result<Timestamp, StoreError> {
        loop {
            let step = self.call_of_all("SELECT * FROM {s}.auth_purge_log($1, $2, $3)");
            let row = step.bind(AT_ONCE).bind(millis(LogEntry::MARGIN)).row().await?;
            if is_last(&row, "seen")? {
                return row.time("now");
            }
        }
    }
}

fn is_last(row: &Row, count: &str) -> Result<bool, StoreError> {
    Ok(row.get::<i64>(count)? < AT_ONCE)
}
