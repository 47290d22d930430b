//! Implements [`SessionStore`].

use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::arguments::Arguments;
use super::reply::unhex;
use super::run::known;
use crate::id::LoginId;
use crate::store::{
    LiveLogin, Logged, Mark, NewSession, Realm, Renamed, SecretHash, SessionKey, SessionRow, SessionStore,
    StoreError, Timed,
};

#[async_trait]
impl SessionStore for RedisStore {
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Result<Timed<bool>, StoreError> {
        let partition = known(session.key.partition)
            .ok_or_else(|| StoreError::new("the session is in a partition that this store does not have"))?;
        let arguments =
            Arguments::new().session(&session.key.hash).bytes(&session.data).duration(session.lifetime);
        self.run(&self.shared.scripts.create_session, realm, partition, &arguments).await?.is_done()
    }

    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Result<Timed<Option<(SessionRow, Option<LiveLogin>)>>, StoreError> {
        let Some(partition) = known(key.partition) else {
            return Ok(Timed::new(None, self.only_time(realm).await?));
        };
        let arguments = Arguments::new().session(&key.hash);
        let reply = self.run(&self.shared.scripts.session, realm, partition, &arguments).await?;
        let found = match &*reply.text(1)? {
            "session" => Some((reply.session(2, key)?, None)),
            "login" => {
                // Epoch and threshold, the id, and the login.
                let id = LoginId::from_bytes(unhex(&reply.text(5)?)?);
                Some((reply.session(2, key)?, Some(reply.live_login_at([3, 4, 6], id)?)))
            }
            _ => None,
        };
        reply.timed(found)
    }

    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Result<Timed<bool>, StoreError> {
        let Some(partition) = known(key.partition) else {
            return Ok(Timed::new(false, self.only_time(realm).await?));
        };
        let arguments =
            Arguments::new().session(&key.hash).bytes(data).epoch(expected_version).duration(lifetime);
        let reply = self.run(&self.shared.scripts.save_session, realm, partition, &arguments).await?;
        reply.timed(reply.text(1)? == "saved")
    }

    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SecretHash,
        retention: Duration,
    ) -> Result<Timed<Renamed>, StoreError> {
        let Some(partition) = known(old.partition) else {
            return Ok(Timed::new(Renamed::Refused, self.only_time(realm).await?));
        };
        let mark = Mark::random()?;
        let arguments = Arguments::new().session(&old.hash).session(new).duration(retention).mark(mark);
        let reply = self.run(&self.shared.scripts.rename_session, realm, partition, &arguments).await?;
        let renamed = match &*reply.text(1)? {
            "renamed" => Renamed::Renamed(None),
            "logged" => Renamed::Renamed(Some(Logged { mark, expires_at: reply.time(2)? })),
            _ => Renamed::Refused,
        };
        reply.timed(renamed)
    }

    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Result<Timed<()>, StoreError> {
        let Some(partition) = known(key.partition) else {
            return self.time_or(realm, None).await;
        };
        let arguments = Arguments::new().session(&key.hash);
        self.run(&self.shared.scripts.delete_session, realm, partition, &arguments).await?.timed(())
    }
}
