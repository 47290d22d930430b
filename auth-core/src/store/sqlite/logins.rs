//! [`LoginStore`].

use async_trait::async_trait;
use sqlx::query;

use super::SqliteStore;
use super::creation::Creation;
use super::ending::{Ending, append};
use super::rows::{Columns, login, login_columns, signed};
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{
    Confirmation, Created, EndReason, Family, Limit, LoginRow, LoginStore, Revoked, Rotation, SessionRow,
    StoreError, Touch,
};

/// How many rows one statement of a purge deletes; other writers have their turn in between.
const PURGED_AT_ONCE: u64 = 1000;

#[async_trait]
impl LoginStore for SqliteStore {
    async fn create_login(
        &self,
        login: &LoginRow,
        session: Option<&SessionRow>,
        replaces: Option<LoginId>,
        limit: Option<Limit>,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.create(Creation { login, session, replaces, limit, log_until, now }).await
    }

    async fn load_login(&self, id: LoginId, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        let select =
            query(concat!("SELECT ", login_columns!(), " FROM auth_login WHERE id = ?2 AND ends_at > ?1"))
                .bind(now.millis())
                .bind(id.as_bytes().as_slice());
        let row = self.read().await?.row(select).await?;
        row.map(|row| login(&mut Columns::of(&row))).transpose()
    }

    async fn list_logins(&self, subject: &Subject, now: Timestamp) -> Result<Vec<LoginRow>, StoreError> {
        let select = query(concat!(
            "SELECT ",
            login_columns!(),
            " FROM auth_login WHERE subject = ?2 AND ends_at > ?1 ORDER BY created_at DESC, id DESC"
        ))
        .bind(now.millis())
        .bind(subject.as_str());
        let rows = self.read().await?.rows(select).await?;
        rows.iter().map(|row| login(&mut Columns::of(row))).collect()
    }

    async fn end_login(
        &self,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_one(subject, id, Ending { reason, log_until }, now).await
    }

    async fn end_logins(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<LoginId>, StoreError> {
        self.end_all(subject, keep, Ending { reason, log_until }, now).await
    }

    async fn rotate(&self, rotation: &Rotation, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        self.rotate_family(rotation, now).await
    }

    async fn swap_family(
        &self,
        id: LoginId,
        expected: &Family,
        new: &Family,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.replace_family(id, expected, new, now).await
    }

    async fn confirm(&self, confirmations: &[Confirmation], now: Timestamp) -> Result<(), StoreError> {
        self.confirm_all(confirmations, now).await
    }

    async fn touch(&self, touches: &[Touch], now: Timestamp) -> Result<(), StoreError> {
        self.touch_all(touches, now).await
    }

    async fn save_claims(
        &self,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
        loaded_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = query(
            "UPDATE auth_login SET claims = ?3, epoch = ?4, claims_loaded_at = ?5 \
             WHERE id = ?2 AND ends_at > ?1 AND epoch <= ?4",
        )
        .bind(now.millis())
        .bind(id.as_bytes().as_slice())
        .bind(claims)
        .bind(signed(epoch)?)
        .bind(loaded_at.millis());
        Ok(self.write().await?.run(update).await?.rows_affected() > 0)
    }

    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError> {
        let select = query("SELECT epoch FROM auth_epoch WHERE subject = ?1").bind(subject.as_str());
        let row = self.read().await?.row(select).await?;
        row.map_or(Ok(0), |row| Columns::of(&row).unsigned())
    }

    async fn raise_epoch(
        &self,
        subject: &Subject,
        log_until: Timestamp,
        _: Timestamp,
    ) -> Result<u64, StoreError> {
        let raise = query(
            "INSERT INTO auth_epoch (subject, epoch) VALUES (?1, 1) \
             ON CONFLICT (subject) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
        );
        let mut lease = self.write().await?;
        lease.begin().await?;
        let row = lease.row(raise.bind(subject.as_str())).await?;
        let epoch =
            row.map_or(Err(StoreError::new("an upsert had no row")), |row| Columns::of(&row).unsigned())?;
        let last = append(&mut lease, &Revoked::SubjectBelow(subject.clone(), epoch), log_until).await?;
        lease.commit().await?;
        self.announce(last);
        Ok(epoch)
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let logins = self.purge_table(
            "DELETE FROM auth_login WHERE rowid IN \
             (SELECT rowid FROM auth_login WHERE ends_at <= ?1 LIMIT ?2)",
            now,
        );
        let logins = logins.await?;
        self.purge_table(
            "DELETE FROM auth_session WHERE rowid IN \
             (SELECT rowid FROM auth_session WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        )
        .await?;
        self.purge_table(
            "DELETE FROM auth_log WHERE sequence IN \
             (SELECT sequence FROM auth_log WHERE expires_at <= ?1 LIMIT ?2)",
            now,
        )
        .await?;
        Ok(logins)
    }
}

impl SqliteStore {
    async fn purge_table(&self, delete: &'static str, now: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        loop {
            let batch = query(delete).bind(now.millis()).bind(signed(PURGED_AT_ONCE)?);
            let deleted = self.write().await?.run(batch).await?.rows_affected();
            purged += deleted;
            if deleted < PURGED_AT_ONCE {
                return Ok(purged);
            }
        }
    }
}
