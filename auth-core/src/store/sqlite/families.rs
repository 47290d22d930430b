//! Implements [`FamilyStore`].

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::connections::Statement;
use super::rows::{Columns, bind_family, bytes, json, live_columns, live_login, login_columns, millis};
use super::step::{Step, got_lock_soon, live};
use crate::clock::Timestamp;
use crate::id::{LoginId, Position};
use crate::store::hex::hex;
use crate::store::{Family, FamilyStore, GraceStart, LiveLogin, Realm, Rotated, Rotation, StoreError, Timed};

/// The `UPDATE` of a rotation, with the parameters of [`bind_rotation`].
macro_rules! rotate {
    () => {
        concat!(
            "UPDATE auth_login SET generation = generation + 1, branch = 0, previous_branch = branch, current = $7, \
                 previous = current, nonce = $8, rotated_at = $1, confirmed = 0, shared = iif(counted, shared, 0), \
                 counted = 0, last_seen_at = $1, idle_expires_at = min($9, expires_at), \
                 retention = max(retention, $10) \
             WHERE id = (SELECT id FROM auth_live WHERE id = $3 AND ",
            live!(),
            ") AND generation = $4 AND branch = $5 AND current = $6 AND rotated_at <= $11 AND generation < 4294967295"
        )
    };
}

/// A value from the record of the subject of `auth_login`, and its realm.
macro_rules! of_subject {
    ($value:literal) => {
        concat!(
            "(SELECT ",
            $value,
            " FROM auth_realm AS realm, auth_subject AS record WHERE realm.id = auth_login.realm \
                  AND (record.realm, record.subject) = (auth_login.realm, auth_login.subject))"
        )
    };
}

/// If the update before changed a row, the subject of login `$3` has at least this retention. `changes()` stays as it is
/// after a SELECT.
macro_rules! raise_retention {
    ($parameter:literal) => {
        concat!(
            "UPDATE auth_subject SET retention = ",
            $parameter,
            " WHERE changes() > 0 AND retention < ",
            $parameter,
            " AND (realm, subject) = (SELECT realm, subject FROM auth_login WHERE id = $3)"
        )
    };
}

#[async_trait]
impl FamilyStore for SqliteStore {
    /// A successful rotation is usually one statement. If that statement changes nothing, a whole transaction finds
    /// the reason, or does the rotation.
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError> {
        let mut step = self.write_alone().await?;
        let alone = concat!(
            rotate!(),
            " AND ",
            of_subject!("record.retention >= $10"),
            " AND ",
            got_lock_soon!("$12"),
            " RETURNING ",
            login_columns!(),
            ", ",
            of_subject!("max(record.epoch, realm.floor)"),
            ", ",
            of_subject!("max(record.outdated_below, realm.floor)")
        );
        let alone = bind_rotation(step.statement(realm, alone), rotation, step.now).bind(Step::asked_at());
        if let Some(row) = step.run_alone(alone).await? {
            return Ok(step.answer(Rotated::Rotated(live_login(&mut Columns::of(&row))?)));
        }
        let step = self.lock(step).await?;
        // `changes()` refers to the UPDATE throughout, because a SELECT does not change it.
        let whole = concat!(
            rotate!(),
            "; SELECT changes() > 0, ",
            live_columns!(),
            " FROM auth_live WHERE id = $3 AND realm_name = $2 AND (changes() > 0 OR over_at > $1); ",
            raise_retention!("$10"),
            "; COMMIT"
        );
        let whole = bind_rotation(step.statement(realm, whole), rotation, step.now);
        let found = step.finish(whole).await?;
        let rotated = found.value.map(|row| rotated(&row)).transpose()?;
        Ok(Timed::new(rotated.unwrap_or(Rotated::NotLive), found.now))
    }

    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        let step = self.write().await?;
        let replace = concat!(
            "UPDATE auth_login SET generation = $4, branch = $5, previous_branch = $6, current = $7, previous = $8, \
                 nonce = $9, rotated_at = iif($24, $1, rotated_at), confirmed = $11, shared = $12, counted = $13, \
                 retention = max(retention, $25) \
             WHERE id = (SELECT id FROM auth_live WHERE id = $3 AND ",
            live!(),
            ") AND generation = $14 AND branch = $15 AND previous_branch IS $16 AND current = $17 \
                 AND previous IS $18 AND nonce = $19 AND rotated_at = $20 AND confirmed = $21 AND shared = $22 \
                 AND counted = $23; \
             SELECT ",
            live_columns!(),
            " FROM auth_live WHERE id = $3 AND changes() > 0; ",
            raise_retention!("$25"),
            "; COMMIT"
        );
        let replace = step.statement(realm, replace).bind(bytes(id));
        let replace = bind_family(bind_family(replace, Some(new)), Some(expected))
            .bind(grace == GraceStart::Now)
            .bind(millis(retention));
        let found = step.finish(replace).await?;
        let replaced = found.value.map(|row| live_login(&mut Columns::of(&row))).transpose()?;
        Ok(Timed::new(replaced, found.now))
    }

    async fn confirm(&self, realm: &Realm, used: &[(LoginId, Position)]) -> Result<Timed<()>, StoreError> {
        let list: Vec<_> = used
            .iter()
            .map(|(login, position)| (hex(login.as_bytes()), position.generation, position.branch))
            .collect();
        let mut step = self.write().await?;
        let update = concat!(
            "UPDATE auth_login SET confirmed = 1 \
             FROM (SELECT unhex(value ->> 0) AS login, value ->> 1 AS generation, value ->> 2 AS branch \
                   FROM json_each($3)) AS used \
             WHERE auth_login.id = used.login AND auth_login.generation = used.generation \
                 AND auth_login.branch = used.branch AND confirmed = 0 \
                 AND EXISTS (SELECT 1 FROM auth_live WHERE auth_live.id = auth_login.id AND ",
            live!(),
            ")"
        );
        step.run(step.statement(realm, update).bind(json(&list)?)).await?;
        step.commit(()).await
    }
}

fn bind_rotation<'q>(statement: Statement<'q>, rotation: &Rotation, now: Timestamp) -> Statement<'q> {
    statement
        .bind(bytes(rotation.login))
        .bind(rotation.presented.generation)
        .bind(rotation.presented.branch)
        .bind(rotation.secret.as_bytes().to_vec())
        .bind(rotation.successor.as_bytes().to_vec())
        .bind(rotation.nonce.to_vec())
        .bind(now.after(rotation.idle).millis())
        .bind(millis(rotation.retention))
        .bind(now.before(rotation.grace).millis())
}

fn rotated(row: &SqliteRow) -> Result<Rotated, StoreError> {
    let mut columns = Columns::of(row);
    let is_rotated = columns.take()?;
    let login = live_login(&mut columns)?;
    Ok(if is_rotated { Rotated::Rotated(login) } else { Rotated::Unchanged(login) })
}
