//! [`RevocationStore`].

use async_trait::async_trait;
use sqlx::query;

use super::SqliteStore;
use super::connections::Lease;
use super::ending::append;
use super::rows::{Columns, log_columns, log_entry};
use crate::clock::Timestamp;
use crate::store::{LogEntry, LogPage, RevocationStore, Revoked, StoreError};

#[async_trait]
impl RevocationStore for SqliteStore {
    async fn append(
        &self,
        revoked: &Revoked,
        expires_at: Timestamp,
        _: Timestamp,
    ) -> Result<u64, StoreError> {
        let sequence = append(&mut self.write().await?, revoked, expires_at).await?;
        self.announce(sequence);
        Ok(sequence)
    }

    async fn entries(&self, after: u64, most: u32, now: Timestamp) -> Result<LogPage, StoreError> {
        // One statement, so that the last number and the entries are of one instant.
        let select = query(
            "SELECT last, sequence, kind, thing, detail, expires_at \
             FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'auth_log'), 0) AS last) \
             LEFT JOIN (SELECT * FROM auth_log WHERE sequence > ?2 AND expires_at > ?1 ORDER BY sequence LIMIT ?3) \
             ORDER BY sequence",
        )
        .bind(now.millis())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(most);
        let rows = self.read().await?.rows(select).await?;
        let mut page = LogPage { entries: Vec::with_capacity(rows.len()), last: 0 };
        for row in &rows {
            let mut columns = Columns::of(row);
            page.last = columns.unsigned()?;
            page.entries.extend(joined_entry(&mut columns)?);
        }
        Ok(page)
    }

    async fn is_revoked(&self, revoked: &[Revoked], now: Timestamp) -> Result<bool, StoreError> {
        let mut lease = self.read().await?;
        for one in revoked {
            let (kind, thing, detail) = log_columns(one)?;
            // Of an ended login the reason does not matter; a subject is revoked by a later epoch only.
            let above = if matches!(one, Revoked::SubjectBelow(..)) { detail } else { -1 };
            let entry = query(
                "SELECT 1 FROM auth_log WHERE kind = ?2 AND thing = ?3 AND detail > ?4 AND expires_at > ?1 LIMIT 1",
            )
            .bind(now.millis())
            .bind(kind)
            .bind(thing)
            .bind(above);
            if lease.row(entry).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn changed(&self, after: u64) {
        // Never an error: the sender lives as long as `self`.
        let _ = self.shared.last.subscribe().wait_for(|last| *last > after).await;
    }
}

/// The entry of a row; none in the one row of a page without entries.
fn joined_entry(columns: &mut Columns<'_>) -> Result<Option<LogEntry>, StoreError> {
    if columns.at_null()? { Ok(None) } else { log_entry(columns).map(Some) }
}

/// The number of the last entry that was ever appended.
pub(super) async fn last_sequence(lease: &mut Lease<'_>) -> Result<u64, StoreError> {
    let row = lease.row(query("SELECT seq FROM sqlite_sequence WHERE name = 'auth_log'")).await?;
    row.map_or(Ok(0), |row| Columns::of(&row).unsigned())
}
