//! What can be wrong with sessions.

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::store::{
    EndReason, LoginRow, LoginStore as _, SavedSession, SessionHash, SessionRow, SessionStore as _,
};

use auth_tests::store::Sessions;

use super::store::{Answer, Broken, Fault, LONG_AGO, a_moment_before};

#[async_trait]
impl Sessions for Broken {
    async fn create_session(&self, session: &SessionRow, now: Timestamp) -> Answer<bool> {
        if self.has(Fault::OverwritesSessions) {
            self.inner.delete_session(&session.id).await?;
        }
        let created = self.inner.create_session(session, now).await?;
        if let Some(login) = session.login.filter(|_| created) {
            let login = self.inner.load_login(login, now).await?;
            self.sessions.lock().unwrap().insert(session.id, (session.clone(), login));
        }
        Ok(created)
    }

    async fn load_session(
        &self,
        id: &SessionHash,
        now: Timestamp,
    ) -> Answer<Option<(SessionRow, Option<LoginRow>)>> {
        let cached = self.sessions.lock().unwrap().get(id).cloned();
        if self.has(Fault::CachesSessions) && cached.is_some() {
            return Ok(cached);
        }
        if self.has(Fault::LoginExpiryIgnored) {
            let found = self.inner.load_session(id, LONG_AGO).await?;
            return Ok(found.filter(|(session, _)| session.expires_at > now));
        }
        let now = if self.has(Fault::SessionsExpireLate) { a_moment_before(now) } else { now };
        self.inner.load_session(id, now).await
    }

    async fn save_session(
        &self,
        id: &SessionHash,
        data: &[u8],
        expected_version: u64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Answer<SavedSession> {
        let version = self.inner.load_session(id, now).await?.map(|(session, _)| session.version);
        self.dawdle(Fault::SaveNotAtomic).await;
        if self.has(Fault::SavingCreates) && version.is_none() {
            let row = SessionRow { id: *id, login: None, data: data.to_vec(), version: 1, expires_at };
            self.inner.create_session(&row, now).await?;
            return Ok(SavedSession::Saved(1));
        }
        let blindly = self.has(Fault::SavesBlindly)
            || (self.has(Fault::SaveNotAtomic) && version == Some(expected_version));
        let latest = self.inner.load_session(id, now).await?.map(|(session, _)| session.version);
        let expected = latest.filter(|_| blindly).unwrap_or(expected_version);
        self.inner.save_session(id, data, expected, expires_at, now).await
    }

    async fn rename_session(&self, old: &SessionHash, new: &SessionHash, now: Timestamp) -> Answer<bool> {
        if self.has(Fault::RenameOverwrites) {
            self.inner.delete_session(new).await?;
        }
        match self.inner.load_session(old, now).await? {
            Some((session, _)) if self.has(Fault::RenameCopies) => {
                self.inner
                    .create_session(&SessionRow { id: *new, version: session.version + 1, ..session }, now)
                    .await
            }
            _ => self.inner.rename_session(old, new, now).await,
        }
    }

    async fn delete_session(&self, id: &SessionHash) -> Answer<()> {
        if self.has(Fault::DeleteEndsLogins)
            && let Some((_, Some(login))) = self.inner.load_session(id, LONG_AGO).await?
        {
            self.inner
                .end_login(&login.subject, login.id, EndReason::SignedOut, login.expires_at, LONG_AGO)
                .await?;
        }
        self.inner.delete_session(id).await
    }
}
