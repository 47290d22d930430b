//! [`LoginStore`].

use async_trait::async_trait;
use sqlx::query;

use super::SqliteStore;
use super::creation::Creation;
use super::ending::{Ending, append, hex, json};
use super::rows::{Columns, bind_family, login, login_columns, signed};
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
        let creation = Creation { login, session, replaces, limit, log_until, now };
        let (created, last) = creation.run(&mut self.write().await?).await?;
        self.announce(last);
        Ok(created)
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
        let mine = query("SELECT id FROM auth_login WHERE id = ?2 AND subject = ?3 AND ends_at > ?1")
            .bind(now.millis())
            .bind(id.as_bytes().as_slice())
            .bind(subject.as_str());
        Ok(!self.end_selected(mine, Ending { reason, log_until }).await?.is_empty())
    }

    async fn end_logins(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<LoginId>, StoreError> {
        let others = query(
            "SELECT id FROM auth_login WHERE subject = ?2 AND ends_at > ?1 AND id IS NOT ?3 ORDER BY created_at, id",
        )
        .bind(now.millis())
        .bind(subject.as_str())
        .bind(keep.as_ref().map(|id| id.as_bytes().as_slice()));
        self.end_selected(others, Ending { reason, log_until }).await
    }

    async fn rotate(&self, rotation: &Rotation, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        let update = query(concat!(
            "UPDATE auth_login SET generation = generation + 1, branch = 0, previous_branch = branch, current = ?6, \
                 previous = current, nonce = ?7, rotated_at = ?1, confirmed = 0, \
                 last_seen_at = max(last_seen_at, ?1), idle_expires_at = min(?8, expires_at) \
             WHERE id = ?2 AND generation = ?3 AND branch = ?4 AND current = ?5 AND rotated_at <= ?9 \
                 AND ends_at > ?1 AND generation < 4294967295 \
             RETURNING ",
            login_columns!()
        ))
        .bind(now.millis())
        .bind(rotation.login.as_bytes().as_slice())
        .bind(rotation.position.generation)
        .bind(rotation.position.branch)
        .bind(rotation.presented.as_bytes().as_slice())
        .bind(rotation.successor.as_bytes().as_slice())
        .bind(rotation.nonce.as_slice())
        .bind(rotation.idle_expires_at.millis())
        .bind(now.before(rotation.grace).millis());
        let row = self.write().await?.row(update).await?;
        row.map(|row| login(&mut Columns::of(&row))).transpose()
    }

    async fn swap_family(
        &self,
        id: LoginId,
        expected: &Family,
        new: &Family,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = query(
            "UPDATE auth_login SET generation = ?1, branch = ?2, previous_branch = ?3, current = ?4, previous = ?5, \
                 nonce = ?6, rotated_at = ?7, confirmed = ?8 \
             WHERE id = ?9 AND ends_at > ?10 AND generation = ?11 AND branch = ?12 AND nonce = ?13 AND confirmed = ?14",
        );
        let update = bind_family(update, Some(new))
            .bind(id.as_bytes().as_slice())
            .bind(now.millis())
            .bind(expected.position.generation)
            .bind(expected.position.branch)
            .bind(expected.nonce.as_slice())
            .bind(expected.confirmed);
        Ok(self.write().await?.run(update).await?.rows_affected() > 0)
    }

    async fn confirm(&self, confirmations: &[Confirmation], now: Timestamp) -> Result<(), StoreError> {
        if confirmations.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = confirmations
            .iter()
            .map(|one| (hex(&one.login), one.position.generation, one.position.branch))
            .collect();
        let update = query(
            "UPDATE auth_login SET confirmed = 1 \
             FROM (SELECT unhex(value ->> 0) AS login, value ->> 1 AS generation, value ->> 2 AS branch \
                   FROM json_each(?2)) AS used \
             WHERE auth_login.id = used.login AND auth_login.generation = used.generation \
                 AND auth_login.branch = used.branch AND confirmed = 0 AND ends_at > ?1",
        );
        self.write().await?.run(update.bind(now.millis()).bind(json(&list)?)).await.map(drop)
    }

    async fn touch(&self, touches: &[Touch], now: Timestamp) -> Result<(), StoreError> {
        if touches.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = touches
            .iter()
            .map(|touch| (hex(&touch.login), touch.seen_at.millis(), touch.idle_expires_at.millis()))
            .collect();
        // Grouped, because of several source rows for one row an UPDATE takes any one.
        let update = query(
            "UPDATE auth_login SET last_seen_at = max(last_seen_at, used.seen_at), \
                 idle_expires_at = max(auth_login.idle_expires_at, min(used.idle_expires_at, expires_at)) \
             FROM (SELECT unhex(value ->> 0) AS login, max(value ->> 1) AS seen_at, \
                       max(value ->> 2) AS idle_expires_at \
                   FROM json_each(?2) GROUP BY 1) AS used \
             WHERE auth_login.id = used.login AND ends_at > ?1",
        );
        self.write().await?.run(update.bind(now.millis()).bind(json(&list)?)).await.map(drop)
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
