//! Implements [`SessionStore`].

use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::logins::carrying;
use crate::store::{
    LiveLogin, Mark, NewSession, Realm, Renamed, Revoked, SecretHash, SessionKey, SessionRow, SessionStore,
    StoreError, Timed,
};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Result<Timed<bool>, StoreError> {
        self.in_realm(realm, |state, now| {
            let is_free = state.sessions.get(&session.key.hash).is_none();
            if is_free {
                state.sessions.insert(carrying(session, None, now));
            }
            Ok(is_free)
        })
    }

    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Result<Timed<Option<(SessionRow, Option<LiveLogin>)>>, StoreError> {
        self.in_realm(realm, |state, now| {
            let session = state.session(key, now);
            Ok(session.map(|session| {
                (session.clone(), session.login.and_then(|login| state.live_login(login, now)))
            }))
        })
    }

    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Result<Timed<bool>, StoreError> {
        self.in_realm(realm, |state, now| {
            if state.session(key, now).is_none() {
                return Ok(false);
            }
            let session = state.sessions.get_mut(&key.hash);
            let Some(session) = session.filter(|session| session.version == expected_version) else {
                return Ok(false);
            };
            session.data = data.to_vec();
            session.version = session.version.saturating_add(1);
            session.expires_at = now.after(lifetime);
            Ok(true)
        })
    }

    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SecretHash,
        retention: Duration,
    ) -> Result<Timed<Renamed>, StoreError> {
        let mark = Mark::random()?;
        self.in_realm(realm, |state, now| {
            if state.session(old, now).is_none() || state.sessions.get(new).is_some() {
                return Ok(Renamed::Refused);
            }
            let Some(session) = state.sessions.remove(&old.hash) else { return Ok(Renamed::Refused) };
            let login = session.login.and_then(|login| state.logins.get(login));
            let retention = login.map(|login| login.retention.max(retention));
            let key = SessionKey { hash: *new, ..*old };
            let version = session.version.saturating_add(1);
            state.sessions.insert(SessionRow { key, version, ..session });
            let logged =
                retention.map(|retention| state.append(mark, Revoked::Session(*old), now.after(retention)));
            Ok(Renamed::Renamed(logged))
        })
    }

    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Result<Timed<()>, StoreError> {
        self.in_realm(realm, |state, _| {
            let session = state.sessions.get(&key.hash);
            if session.is_some_and(|session| session.key == *key && session.login.is_none()) {
                state.sessions.remove(&key.hash);
            }
            Ok(())
        })
    }
}
