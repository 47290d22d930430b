//! Changes of a login's refresh family, and of what its use moves on.

use sqlx::query;

use super::SqliteStore;
use super::ending::{hex, json};
use super::rows::{Columns, bind_family, login, login_columns};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{Confirmation, Family, LoginRow, Rotation, StoreError, Touch};

impl SqliteStore {
    pub(super) async fn rotate_family(
        &self,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Option<LoginRow>, StoreError> {
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
        .bind(rotation.generation)
        .bind(rotation.branch)
        .bind(rotation.presented.as_bytes().as_slice())
        .bind(rotation.successor.as_bytes().as_slice())
        .bind(rotation.nonce.as_slice())
        .bind(rotation.idle_expires_at.millis())
        .bind(now.before(rotation.grace).millis());
        let row = self.write().await?.row(update).await?;
        row.map(|row| login(&mut Columns::of(&row))).transpose()
    }

    pub(super) async fn replace_family(
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
            .bind(expected.generation)
            .bind(expected.branch)
            .bind(expected.nonce.as_slice())
            .bind(expected.confirmed);
        Ok(self.write().await?.run(update).await?.rows_affected() > 0)
    }

    pub(super) async fn confirm_all(
        &self,
        confirmations: &[Confirmation],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if confirmations.is_empty() {
            return Ok(());
        }
        let list: Vec<_> =
            confirmations.iter().map(|one| (hex(&one.login), one.generation, one.branch)).collect();
        let update = query(
            "UPDATE auth_login SET confirmed = 1 \
             FROM (SELECT unhex(value ->> 0) AS login, value ->> 1 AS generation, value ->> 2 AS branch \
                   FROM json_each(?2)) AS used \
             WHERE auth_login.id = used.login AND auth_login.generation = used.generation \
                 AND auth_login.branch = used.branch AND confirmed = 0 AND ends_at > ?1",
        );
        self.write().await?.run(update.bind(now.millis()).bind(json(&list)?)).await.map(drop)
    }

    pub(super) async fn touch_all(&self, touches: &[Touch], now: Timestamp) -> Result<(), StoreError> {
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
}
