//! [`SessionStore`].

use async_trait::async_trait;
use sqlx::query;

use super::SqliteStore;
use super::connections::Lease;
use super::rows::{Columns, login, login_columns, session, session_columns, signed};
use crate::clock::Timestamp;
use crate::id::LoginId;
use crate::store::{LoginRow, SavedSession, SessionHash, SessionRow, SessionStore, StoreError};

/// The condition that a session is live at the time `?1`.
macro_rules! session_is_live {
    () => {
        "auth_session.expires_at > ?1 AND (auth_session.login IS NULL OR EXISTS \
             (SELECT 1 FROM auth_login WHERE auth_login.id = auth_session.login AND ends_at > ?1))"
    };
}
pub(super) use session_is_live;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_session(&self, session: &SessionRow, now: Timestamp) -> Result<bool, StoreError> {
        insert_session(&mut self.write().await?, session, None, now).await
    }

    async fn load_session(
        &self,
        id: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<(SessionRow, Option<LoginRow>)>, StoreError> {
        let select = query(concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            login_columns!(),
            " FROM auth_session LEFT JOIN auth_login ON auth_login.id = auth_session.login \
             WHERE auth_session.id = ?2 AND auth_session.expires_at > ?1 \
                 AND (auth_session.login IS NULL OR auth_login.ends_at > ?1)"
        ))
        .bind(now.millis())
        .bind(id.as_bytes().as_slice());
        let Some(row) = self.read().await?.row(select).await? else { return Ok(None) };
        let mut columns = Columns::of(&row);
        let session = session(&mut columns)?;
        let login = session.login.map(|_| login(&mut columns)).transpose()?;
        Ok(Some((session, login)))
    }

    async fn save_session(
        &self,
        id: &SessionHash,
        data: &[u8],
        expected_version: u64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<SavedSession, StoreError> {
        let update = query(concat!(
            "UPDATE auth_session SET data = ?3, version = version + 1, expires_at = ?5 \
             WHERE id = ?2 AND version = ?4 AND ",
            session_is_live!(),
            " RETURNING version"
        ))
        .bind(now.millis())
        .bind(id.as_bytes().as_slice())
        .bind(data)
        .bind(signed(expected_version)?)
        .bind(expires_at.millis());
        let mut lease = self.write().await?;
        if let Some(row) = lease.row(update).await? {
            return Columns::of(&row).unsigned().map(SavedSession::Saved);
        }
        // A statement of its own is enough: an id that is gone never comes back.
        let live = query(concat!("SELECT 1 FROM auth_session WHERE id = ?2 AND ", session_is_live!()))
            .bind(now.millis())
            .bind(id.as_bytes().as_slice());
        Ok(if lease.row(live).await?.is_some() { SavedSession::Conflict } else { SavedSession::Gone })
    }

    async fn rename_session(
        &self,
        old: &SessionHash,
        new: &SessionHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let clear =
            query(concat!("DELETE FROM auth_session WHERE id = ?2 AND NOT (", session_is_live!(), ")"))
                .bind(now.millis())
                .bind(new.as_bytes().as_slice());
        let rename = query(concat!(
            "UPDATE auth_session SET id = ?3, version = version + 1 \
             WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM auth_session WHERE id = ?3) AND ",
            session_is_live!()
        ))
        .bind(now.millis())
        .bind(old.as_bytes().as_slice())
        .bind(new.as_bytes().as_slice());
        let mut lease = self.write().await?;
        lease.begin().await?;
        lease.run(clear).await?;
        let renamed = lease.run(rename).await?.rows_affected() > 0;
        lease.commit().await?;
        Ok(renamed)
    }

    async fn delete_session(&self, id: &SessionHash) -> Result<(), StoreError> {
        let delete =
            query("DELETE FROM auth_session WHERE id = ?1 AND login IS NULL").bind(id.as_bytes().as_slice());
        self.write().await?.run(delete).await.map(drop)
    }
}

/// Adds a session in place of an expired one of the same id, if need be. `false`: a live one has the id.
pub(super) async fn insert_session(
    lease: &mut Lease<'_>,
    session: &SessionRow,
    login: Option<LoginId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let insert = query(concat!(
        "INSERT INTO auth_session (id, login, data, version, expires_at) VALUES (?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (id) DO UPDATE SET login = excluded.login, data = excluded.data, version = excluded.version, \
             expires_at = excluded.expires_at \
         WHERE NOT (",
        session_is_live!(),
        ")"
    ))
    .bind(now.millis())
    .bind(session.id.as_bytes().as_slice())
    .bind(login.as_ref().map(|login| login.as_bytes().as_slice()))
    .bind(session.data.as_slice())
    .bind(signed(session.version)?)
    .bind(session.expires_at.millis());
    Ok(lease.run(insert).await?.rows_affected() > 0)
}
