//! The session data of one request: implements tower-sessions' store trait, but saves in another way.
//!
//! tower-sessions saves by inserting or replacing, so a request in progress during a sign-out would restore the
//! session, and of two requests that change a session the later one would silently undo the earlier one. Here the version
//! that was loaded is remembered, and data is saved only if the session still has this version.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{Error, Result};

use super::realm_store::RealmStore;
use super::revoker::Revoker;
use crate::clock::Timestamp;
use crate::session::{SessionId, SignedIn};
use crate::store::{NewSession, Partition, SessionKey, SessionRow, StoreError};

/// The store and the settings of sessions.
#[derive(Clone, Debug)]
pub(crate) struct SessionContext {
    pub(crate) store: RealmStore,
    pub(crate) revoker: Arc<Revoker>,
    /// How long a session lasts, even if it is used.
    pub(crate) lifetime: Duration,
}

impl SessionContext {
    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    fn partitions(&self) -> u32 {
        self.store.store().partitions().get()
    }
}

/// The data of the session of one request, or of a new session.
pub(crate) struct RequestSession {
    context: SessionContext,
    /// The key of the session, or of the new one.
    partition: Partition,
    signed_in: SignedIn,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The version that this request loaded or wrote.
    version: u64,
    /// The handler asked for the data.
    was_asked: bool,
    /// The handler deleted the session, or gives it a new id: the next call tells which. Nothing was written yet.
    removed: Option<Removed>,
}

struct Removed {
    /// The session without data.
    empty: Record,
    has_login: bool,
}

impl RequestSession {
    pub(crate) fn new(context: SessionContext, carried: Option<&SessionId>, signed_in: SignedIn) -> Self {
        // The partition in a cookie is not trusted: the store may not have it.
        let is_there = |partition: &Partition| u32::from(partition.number()) < context.partitions();
        let partition = carried.map(SessionId::partition).filter(is_there).unwrap_or(Partition::REALM);
        Self { context, partition, signed_in, seen: Mutex::default() }
    }

    /// The session of that id.
    pub(crate) fn id(&self, id: Id) -> SessionId {
        SessionId::from_tower(id, self.partition)
    }

    fn key(&self, id: Id) -> SessionKey {
        self.id(id).key()
    }

    fn lifetime(&self, record: &Record) -> Duration {
        expiry(record).since(self.context.now())
    }

    /// Whether the answer depends on the session.
    pub(crate) fn was_asked(&self) -> bool {
        self.with_seen(|seen| seen.was_asked)
    }

    /// Whether the session is still to be emptied, or to get its new id.
    pub(crate) fn is_removed(&self) -> bool {
        self.with_seen(|seen| seen.removed.is_some())
    }

    /// Whether a deleted session has no login: it can be removed.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.with_seen(|seen| seen.removed.as_ref().is_some_and(|removed| !removed.has_login))
    }

    /// Empties the session that the handler deleted; a session without a login is removed.
    pub(crate) async fn empty(&self) -> Result<()> {
        match self.with_seen(|seen| seen.removed.take()) {
            Some(Removed { empty, has_login: true }) => self.write(&empty).await,
            Some(Removed { empty, has_login: false }) => {
                let key = self.key(empty.id);
                let deleted = self.context.store.ask(|store, realm| store.delete_session(realm, &key)).await;
                deleted.map(|_| ()).map_err(backend)
            }
            None => Ok(()),
        }
    }

    /// Gives a session its new id, as the last write: if an earlier one fails, the client still has a working session with its
    /// data.
    async fn rename(&self, old: Id, record: &mut Record) -> Result<()> {
        self.write(&Record { id: old, ..record.clone() }).await?;
        let id = SessionId::random(self.partition).map_err(|error| Error::Backend(error.to_string()))?;
        let (old, new) = (self.key(old), id.key().hash);
        if !self.context.revoker.rename_session(old, new).await.map_err(backend)? {
            return Err(Error::Backend(ENDED.to_owned()));
        }
        record.id = id.to_tower();
        self.with_seen(|seen| {
            seen.version += 1;
            seen.removed = None;
        });
        Ok(())
    }

    fn with_seen<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The session, and whether it has a login.
    async fn find(&self, key: &SessionKey) -> Result<Option<(SessionRow, bool)>> {
        let found =
            self.context.store.ask(|store, realm| store.session(realm, key)).await.map_err(backend)?;
        Ok(found.value.map(|(row, login)| (row, login.is_some())))
    }

    /// Replaces the data of the version that this request knows.
    async fn write(&self, record: &Record) -> Result<()> {
        let (data, version) = (encode(record)?, self.with_seen(|seen| seen.version));
        let (key, lifetime) = (self.key(record.id), self.lifetime(record));
        let store = &self.context.store;
        let saved = store.ask(|store, realm| store.save_session(realm, &key, &data, version, lifetime)).await;
        if !saved.map_err(backend)?.value {
            return Err(Error::Backend(CHANGED.to_owned()));
        }
        self.with_seen(|seen| seen.version = version.saturating_add(1));
        Ok(())
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSession").finish_non_exhaustive()
    }
}

#[async_trait]
impl tower_sessions_core::SessionStore for RequestSession {
    /// Creates a session or, after `cycle_id` of an existing one, gives that one its new id.
    async fn create(&self, record: &mut Record) -> Result<()> {
        if let Some(old) = self.with_seen(|seen| seen.removed.as_ref().map(|removed| removed.empty.id)) {
            return self.rename(old, record).await;
        }
        // The session that authenticated the request has ended since: its data is not saved in a new session.
        if self.signed_in.get() {
            return Err(Error::Backend(ENDED.to_owned()));
        }
        for _ in 0..4 {
            let id = SessionId::random(self.partition).map_err(|error| Error::Backend(error.to_string()))?;
            record.id = id.to_tower();
            let session =
                NewSession { key: id.key(), data: encode(record)?, lifetime: self.lifetime(record) };
            let made = self.context.store.ask(|store, realm| store.create_session(realm, &session)).await;
            if made.map_err(backend)?.value {
                self.with_seen(|seen| seen.version = 1);
                return Ok(());
            }
        }
        Err(Error::Backend("no free session id".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.write(record).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.with_seen(|seen| seen.was_asked = true);
        let Some((row, _)) = self.find(&self.key(*id)).await? else { return Ok(None) };
        self.with_seen(|seen| seen.version = row.version);
        let data = serde_json::from_slice(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: expiry_date(&row)? }))
    }

    /// After the request, a session without a login is deleted, and one with a login loses only its data: to sign out, use
    /// [`logout`](crate::Authenticator::logout), which ends the login.
    async fn delete(&self, id: &Id) -> Result<()> {
        let Some((row, has_login)) = self.find(&self.key(*id)).await? else { return Ok(()) };
        let empty = Record { id: *id, data: HashMap::new(), expiry_date: expiry_date(&row)? };
        self.with_seen(|seen| {
            if seen.version != 0 && seen.version != row.version {
                return Err(Error::Backend(CHANGED.to_owned()));
            }
            (seen.version, seen.removed) = (row.version, Some(Removed { empty, has_login }));
            Ok(())
        })
    }
}

const CHANGED: &str = "another request changed or ended the session";
const ENDED: &str = "the session has ended";

/// Whether a session could not be saved because of another request, and not because the store failed.
pub(crate) fn is_conflict(error: &tower_sessions_core::session::Error) -> bool {
    matches!(error, tower_sessions_core::session::Error::Store(Error::Backend(text)) if text == CHANGED || text == ENDED)
}

fn encode(record: &Record) -> Result<Vec<u8>> {
    serde_json::to_vec(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn expiry_date(row: &SessionRow) -> Result<time::OffsetDateTime> {
    time::OffsetDateTime::from_unix_timestamp(row.expires_at.seconds())
        .map_err(|error| Error::Decode(error.to_string()))
}

fn expiry(record: &Record) -> Timestamp {
    Timestamp::from_seconds(record.expiry_date.unix_timestamp())
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn backend(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}
