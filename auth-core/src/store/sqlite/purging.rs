//! Purging in small steps.

use super::SqliteStore;
use super::rows::signed;
use super::step::Step;
use crate::clock::Timestamp;
use crate::store::{LogEntry, StoreError};

/// The maximum number of rows that one step deletes; other writers have their turn in between.
const AT_ONCE: u64 = 200;

/// Deletes the expired logins among those that are due for a check (`look_at`).
const EXPIRED_LOGINS: &str = "DELETE FROM auth_login WHERE over_at <= $1 AND rowid IN \
    (SELECT rowid FROM auth_login WHERE look_at <= $1 ORDER BY look_at LIMIT $2)";

/// Postpones the check of logins that were used in the meantime.
const LOOK_LATER: &str = "UPDATE auth_login SET look_at = over_at WHERE over_at > $1 AND rowid IN \
    (SELECT rowid FROM auth_login WHERE look_at <= $1 ORDER BY look_at LIMIT $2)";

/// Deletes logins that began below the floor of their realm.
pub(super) const BELOW_FLOOR: &str = "DELETE FROM auth_login WHERE rowid IN \
    (SELECT login.rowid FROM auth_realm AS realm CROSS JOIN auth_login AS login \
     WHERE login.realm = realm.id AND login.begun_under < realm.floor LIMIT $2)";

/// Deletes logins of one subject whose logins were all ended.
pub(super) const ALL_ENDED: &str = "DELETE FROM auth_login WHERE rowid IN \
    (SELECT login.rowid \
     FROM (SELECT realm, subject FROM auth_untidy ORDER BY realm, subject LIMIT 1) AS untidy \
     CROSS JOIN auth_subject AS record CROSS JOIN auth_login AS login \
     WHERE (record.realm, record.subject) = (untidy.realm, untidy.subject) \
         AND (login.realm, login.subject) = (untidy.realm, untidy.subject) \
         AND +login.begun_under < record.ended_below AND login.id IS NOT record.spared \
     LIMIT $2)";

const TIDIED: &str = "DELETE FROM auth_untidy WHERE (realm, subject) = \
    (SELECT realm, subject FROM auth_untidy ORDER BY realm, subject LIMIT 1)";

pub(super) const EXPIRED_SESSIONS: &str = "DELETE FROM auth_session WHERE rowid IN \
    (SELECT rowid FROM auth_session WHERE session_ends <= $1 LIMIT $2)";

/// Deletes expired log entries, except the newest of each realm, which cursors refer to.
pub(super) const OVER_ENTRIES: &str = "DELETE FROM auth_log WHERE number IN \
    (SELECT number FROM auth_log AS entry \
     WHERE entry_ends <= $3 AND number < (SELECT max(number) FROM auth_log WHERE realm = entry.realm) LIMIT $2)";

impl SqliteStore {
    /// Runs a statement until there is nothing left to delete. Returns the number of deleted rows, and the time at
    /// the end.
    pub(super) async fn delete_all(&self, delete: &'static str) -> Result<(u64, Timestamp), StoreError> {
        let mut deleted = 0;
        loop {
            let mut step = self.write().await?;
            let batch = batch_of(&mut step, delete).await?;
            let done = step.commit(()).await?;
            deleted += batch;
            if batch < AT_ONCE {
                return Ok((deleted, done.now));
            }
        }
    }

    /// Deletes logins that have expired. Returns their number.
    pub(super) async fn delete_expired(&self) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let mut step = self.write().await?;
            let batch = batch_of(&mut step, EXPIRED_LOGINS).await?;
            let later = batch_of(&mut step, LOOK_LATER).await?;
            step.commit(()).await?;
            deleted += batch;
            if batch == 0 && later == 0 {
                return Ok(deleted);
            }
        }
    }

    /// Deletes logins of subjects whose logins were all ended, subject by subject. Returns their number.
    pub(super) async fn tidy(&self) -> Result<u64, StoreError> {
        let mut deleted = 0;
        loop {
            let mut step = self.write().await?;
            let batch = batch_of(&mut step, ALL_ENDED).await?;
            let is_done =
                batch < AT_ONCE && step.run(step.statement_of_all(TIDIED)).await?.rows_affected() == 0;
            step.commit(()).await?;
            deleted += batch;
            if is_done {
                return Ok(deleted);
            }
        }
    }
}

/// Runs a statement on at most [`AT_ONCE`] rows. Returns the number of affected rows.
async fn batch_of(step: &mut Step<'_>, statement: &'static str) -> Result<u64, StoreError> {
    let over = step.now.before(LogEntry::MARGIN);
    let statement = step.statement_of_all(statement).bind(signed(AT_ONCE)?).bind(over.millis());
    Ok(step.run(statement).await?.rows_affected())
}
