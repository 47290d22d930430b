//! Ending logins: the rows go, their sessions with them, and the log says so, in one transaction.

use serde::Serialize;
use sqlx::query;

use super::SqliteStore;
use super::connections::{Lease, Statement};
use super::rows::{Columns, log_columns};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{EndReason, Revoked, StoreError};

/// Why logins end, and how long the log remembers.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub(super) reason: EndReason,
    pub(super) log_until: Timestamp,
}

impl SqliteStore {
    /// Ends the logins that the statement selects, and returns their ids in its order.
    pub(super) async fn end_selected(
        &self,
        selection: Statement<'_>,
        ending: Ending,
    ) -> Result<Vec<LoginId>, StoreError> {
        let mut lease = self.write().await?;
        lease.begin().await?;
        let ids = select_ids(&mut lease, selection).await?;
        if ids.is_empty() {
            lease.rollback().await?;
            return Ok(ids);
        }
        let last = end(&mut lease, &ids, ending).await?;
        lease.commit().await?;
        self.announce(last);
        Ok(ids)
    }
}

pub(super) async fn select_ids(
    lease: &mut Lease<'_>,
    selection: Statement<'_>,
) -> Result<Vec<LoginId>, StoreError> {
    let rows = lease.rows(selection).await?;
    rows.iter().map(|row| Columns::of(row).bytes().map(LoginId::from_bytes)).collect()
}

/// Ends logins, inside a transaction; they are logged in this order. Returns the number of the last entry, or zero.
pub(super) async fn end(lease: &mut Lease<'_>, ids: &[LoginId], ending: Ending) -> Result<u64, StoreError> {
    if ids.is_empty() {
        return Ok(0);
    }
    let list = json(&ids.iter().map(hex).collect::<Vec<_>>())?;
    let entries = query(
        "INSERT INTO auth_log (kind, thing, detail, expires_at) \
         SELECT 0, unhex(value), ?2, ?3 FROM json_each(?1) ORDER BY key",
    )
    .bind(list.as_str())
    .bind(ending.reason.code())
    .bind(ending.log_until.millis());
    let done = lease.run(entries).await?;
    lease
        .run(query("DELETE FROM auth_login WHERE id IN (SELECT unhex(value) FROM json_each(?1))").bind(list))
        .await?;
    sequence(done.last_insert_rowid())
}

/// Appends to the log and returns the number of the entry.
pub(super) async fn append(
    lease: &mut Lease<'_>,
    revoked: &Revoked,
    expires_at: Timestamp,
) -> Result<u64, StoreError> {
    let (kind, thing, detail) = log_columns(revoked)?;
    let entry = query("INSERT INTO auth_log (kind, thing, detail, expires_at) VALUES (?1, ?2, ?3, ?4)")
        .bind(kind)
        .bind(thing)
        .bind(detail)
        .bind(expires_at.millis());
    let done = lease.run(entry).await?;
    sequence(done.last_insert_rowid())
}

fn sequence(rowid: i64) -> Result<u64, StoreError> {
    u64::try_from(rowid).map_err(StoreError::new)
}

/// A list as the one parameter that `json_each` unpacks.
pub(super) fn json(list: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(StoreError::new)
}

/// JSON has no bytes; `unhex` in the statement turns them back.
pub(super) fn hex(id: &LoginId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id.as_bytes()))
}
