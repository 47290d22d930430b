//! [`SessionStore`].

use async_trait::async_trait;

use super::MemoryStore;
use crate::clock::Timestamp;
use crate::store::{LoginRow, SavedSession, SessionHash, SessionRow, SessionStore, StoreError};

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create_session(&self, session: &SessionRow, now: Timestamp) -> Result<bool, StoreError> {
        self.with(|state| {
            let free = state.session(&session.id, now).is_none();
            if free {
                state.insert_session(SessionRow { login: None, ..session.clone() });
            }
            free
        })
    }

    async fn load_session(
        &self,
        id: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<(SessionRow, Option<LoginRow>)>, StoreError> {
        self.with(|state| {
            let session = state.session(id, now)?;
            let login = session.login.and_then(|login| state.login(login, now));
            Some((session.clone(), login.cloned()))
        })
    }

    async fn save_session(
        &self,
        id: &SessionHash,
        data: &[u8],
        expected_version: u64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<SavedSession, StoreError> {
        self.with(|state| {
            if state.session(id, now).is_none() {
                return SavedSession::Gone;
            }
            match state.session_mut(id).filter(|session| session.version == expected_version) {
                None => SavedSession::Conflict,
                Some(session) => {
                    session.data = data.to_vec();
                    session.version += 1;
                    session.expires_at = expires_at;
                    SavedSession::Saved(session.version)
                }
            }
        })
    }

    async fn rename_session(
        &self,
        old: &SessionHash,
        new: &SessionHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.with(|state| {
            if state.session(old, now).is_none() || state.session(new, now).is_some() {
                return false;
            }
            let Some(session) = state.remove_session(old) else { return false };
            state.insert_session(SessionRow { id: *new, version: session.version + 1, ..session });
            true
        })
    }

    async fn delete_session(&self, id: &SessionHash) -> Result<(), StoreError> {
        self.with(|state| {
            if state.session_mut(id).is_some_and(|session| session.login.is_none()) {
                state.remove_session(id);
            }
        })
    }
}
