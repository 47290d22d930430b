//! Implements [`SessionStore`].

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::entries::append;
use super::rows::{Columns, bytes, capped, hash_of, live_columns, live_login, session};
use super::step::{Step, live};
use crate::id::LoginId;
use crate::store::{
    LiveLogin, NewSession, Realm, Renamed, Revoked, SecretHash, SessionKey, SessionRow, SessionStore,
    StoreError, Timed,
};

/// The condition that a row of `auth_session` is a live session of the realm.
macro_rules! session_is_live {
    () => {
        concat!(
            "auth_session.realm = (SELECT id FROM auth_realm WHERE name = $2) AND auth_session.session_ends > $1 \
             AND (auth_session.login IS NULL \
                 OR EXISTS (SELECT 1 FROM auth_live WHERE auth_live.id = auth_session.login AND ",
            live!(),
            "))"
        )
    };
}
pub(super) use session_is_live;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Result<Timed<bool>, StoreError> {
        let mut step = self.write_in(realm).await?;
        let is_made = insert_session(&mut step, realm, session, None).await?;
        step.commit(is_made).await
    }

    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Result<Timed<Option<(SessionRow, Option<LiveLogin>)>>, StoreError> {
        let mut step = self.read().await?;
        // Two statements, because for a LEFT JOIN SQLite would read every live login of the realm.
        let select = concat!(
            "BEGIN; \
             SELECT hash, login, data, version, session_ends FROM auth_session WHERE hash = $3 AND ",
            session_is_live!(),
            "; SELECT ",
            live_columns!(),
            " FROM auth_live WHERE id = (SELECT login FROM auth_session WHERE hash = $3 AND ",
            session_is_live!(),
            ") AND ",
            live!(),
            "; COMMIT"
        );
        let rows = step.snapshot(step.statement(realm, select).bind(hash_of(key))).await?;
        Ok(step.answer(session_with_login(&rows)?))
    }

    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Result<Timed<bool>, StoreError> {
        let mut step = self.write().await?;
        let save = concat!(
            "UPDATE auth_session SET data = $4, version = version + 1, session_ends = $6 \
             WHERE hash = $3 AND version = $5 AND ",
            session_is_live!(),
        );
        let save = step
            .statement(realm, save)
            .bind(hash_of(key))
            .bind(data.to_vec())
            .bind(capped(expected_version))
            .bind(step.now.after(lifetime).millis());
        let is_saved = step.run(save).await?.rows_affected() > 0;
        step.commit(is_saved).await
    }

    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SecretHash,
        retention: Duration,
    ) -> Result<Timed<Renamed>, StoreError> {
        let mut step = self.write().await?;
        let rename = concat!(
            "UPDATE auth_session SET hash = $4, version = version + 1 \
             WHERE hash = $3 AND NOT EXISTS (SELECT 1 FROM auth_session AS other \
                 WHERE other.realm = auth_session.realm AND other.hash = $4) AND ",
            session_is_live!(),
            " RETURNING (SELECT retention FROM auth_login WHERE id = auth_session.login)"
        );
        let rename = step.statement(realm, rename).bind(hash_of(old)).bind(new.as_bytes().to_vec());
        let Some(row) = step.row(rename).await? else {
            return step.commit(Renamed::Refused).await;
        };
        let Some(of_login) = Columns::of(&row).optional::<i64>()? else {
            return step.commit(Renamed::Renamed(None)).await;
        };
        let of_login = Duration::from_millis(of_login.try_into().map_err(StoreError::new)?);
        let expires_at = step.now.after(of_login.max(retention));
        let logged = append(&mut step, realm, &Revoked::Session(*old), expires_at).await?;
        step.commit(Renamed::Renamed(Some(logged))).await
    }

    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Result<Timed<()>, StoreError> {
        let mut step = self.write().await?;
        let delete = "DELETE FROM auth_session WHERE hash = $3 AND login IS NULL \
                          AND realm = (SELECT id FROM auth_realm WHERE name = $2)";
        step.run(step.statement(realm, delete).bind(hash_of(key))).await?;
        step.commit(()).await
    }
}

/// The session in the first row, if there is one, and its login in the second.
fn session_with_login(rows: &[SqliteRow]) -> Result<Option<(SessionRow, Option<LiveLogin>)>, StoreError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let session = session(&mut Columns::of(first))?;
    let login = rows.get(1).map(|row| live_login(&mut Columns::of(row))).transpose()?;
    match (session.login, &login) {
        (Some(_), None) => Err(StoreError::new("a live session carries a login that is not live")),
        _ => Ok(Some((session, login))),
    }
}

/// Adds a session to an existing realm. Returns `false` if the hash is taken.
pub(super) async fn insert_session(
    step: &mut Step<'_>,
    realm: &Realm,
    session: &NewSession,
    login: Option<LoginId>,
) -> Result<bool, StoreError> {
    let insert = "INSERT INTO auth_session (realm, hash, login, data, version, session_ends) \
                  SELECT id, $3, $4, $5, 1, $6 FROM auth_realm WHERE name = $2 \
                  ON CONFLICT (realm, hash) DO NOTHING";
    let insert = step
        .statement(realm, insert)
        .bind(hash_of(&session.key))
        .bind(login.map(bytes))
        .bind(session.data.clone())
        .bind(step.now.after(session.lifetime).millis());
    Ok(step.run(insert).await?.rows_affected() > 0)
}
