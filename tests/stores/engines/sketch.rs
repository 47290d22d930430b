//! A store of which only a part is there: what is hard to keep on a server that is shared by many nodes.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{KeyId, LoginId, Position, Subject, TokenId};
use auth_core::store::{
    Created, Cursor, Document, DocumentStore, EndReason, EndedAll, Family, FamilyStore, GraceStart, Ids,
    Limit, ListCursor, LiveLogin, LogEntry, Logged, LoginStore, Mark, NewLogin, NewSession, Page, Realm,
    Renamed, RevocationStore, Rotated, Rotation, SavedSession, SecretHash, SessionKey, SessionRow,
    SessionStore, Standing, Store, StoreError, Ticket, Timed, Touch,
};
use auth_core::testing::contract::World;
use tokio::sync::watch;

pub(crate) type Answer<T> = Result<Timed<T>, StoreError>;

/// How far the tests moved a store's clock, in milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offset(Arc<AtomicI64>);

impl Offset {
    pub(crate) fn millis(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The calls that a sketch has.
#[async_trait]
pub(crate) trait Engine: fmt::Debug + Send + Sync + 'static {
    const PARTITIONS: NonZeroU32;

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Answer<Ticket>;

    async fn login(&self, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>>;

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
        mark: Mark,
    ) -> Answer<Created>;

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
        mark: Mark,
    ) -> Answer<EndedAll>;

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
        mark: Mark,
    ) -> Answer<(u64, Logged)>;

    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Answer<Rotated>;

    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page>;

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Answer<Standing>;
}

/// A store that has the calls of its engine and refuses the others.
#[derive(Debug)]
pub(crate) struct Sketch<E> {
    pub(crate) engine: E,
    wake_ups: watch::Sender<u64>,
}

impl<E> Sketch<E> {
    pub(crate) fn new(engine: E) -> Self {
        Self { engine, wake_ups: watch::Sender::new(0) }
    }

    fn wake(&self) {
        self.wake_ups.send_modify(|count| *count = count.wrapping_add(1));
    }
}

fn not_here<T>() -> Answer<T> {
    Err(StoreError::new("not in this sketch"))
}

fn mark() -> Result<Mark, StoreError> {
    Mark::random().map_err(StoreError::new)
}

#[async_trait]
impl<E: Engine> LoginStore for Sketch<E> {
    fn partitions(&self) -> NonZeroU32 {
        E::PARTITIONS
    }

    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Answer<Ticket> {
        self.engine.ticket(realm, subject).await
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Answer<Created> {
        let created = self.engine.create(realm, ticket, login, session, limit, mark()?).await?;
        if let Created::Made { replaced, evicted, .. } = &created.value
            && (replaced.is_some() || !evicted.is_empty())
        {
            self.wake();
        }
        Ok(created)
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>> {
        self.engine.login(realm, id).await
    }

    async fn list(
        &self,
        _: &Realm,
        _: &Subject,
        _: Option<&ListCursor>,
        _: NonZeroU32,
    ) -> Answer<Vec<LiveLogin>> {
        not_here()
    }

    async fn end(
        &self,
        _: &Realm,
        _: &Subject,
        _: LoginId,
        _: EndReason,
        _: Duration,
    ) -> Answer<Option<Logged>> {
        not_here()
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Answer<EndedAll> {
        let ended = self.engine.end_all(realm, subject, except, retention, mark()?).await?;
        self.wake();
        Ok(ended)
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Answer<(u64, Logged)> {
        let changed = self.engine.claims_changed(realm, subject, retention, mark()?).await?;
        self.wake();
        Ok(changed)
    }

    async fn save_claims(&self, _: &Realm, _: LoginId, _: &[u8], _: u64) -> Answer<bool> {
        not_here()
    }

    async fn touch(&self, _: &Realm, _: &[Touch]) -> Answer<()> {
        not_here()
    }

    async fn purge(&self) -> Answer<u64> {
        not_here()
    }
}

#[async_trait]
impl<E: Engine> FamilyStore for Sketch<E> {
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Answer<Rotated> {
        self.engine.rotate(realm, rotation).await
    }

    async fn replace_family(
        &self,
        _: &Realm,
        _: LoginId,
        _: &Family,
        _: &Family,
        _: GraceStart,
        _: Duration,
    ) -> Answer<Option<LiveLogin>> {
        not_here()
    }

    async fn confirm(&self, _: &Realm, _: &[(LoginId, Position)]) -> Answer<()> {
        not_here()
    }
}

#[async_trait]
impl<E: Engine> SessionStore for Sketch<E> {
    async fn create_session(&self, _: &Realm, _: &NewSession) -> Answer<bool> {
        not_here()
    }

    async fn session(&self, _: &Realm, _: &SessionKey) -> Answer<Option<(SessionRow, Option<LiveLogin>)>> {
        not_here()
    }

    async fn save_session(
        &self,
        _: &Realm,
        _: &SessionKey,
        _: &[u8],
        _: u64,
        _: Duration,
    ) -> Answer<SavedSession> {
        not_here()
    }

    async fn rename_session(
        &self,
        _: &Realm,
        _: &SessionKey,
        _: &SecretHash,
        _: Duration,
    ) -> Answer<Renamed> {
        not_here()
    }

    async fn delete_session(&self, _: &Realm, _: &SessionKey) -> Answer<()> {
        not_here()
    }
}

#[async_trait]
impl<E: Engine> RevocationStore for Sketch<E> {
    async fn revoke_token(&self, _: &Realm, _: &Subject, _: TokenId, _: Duration) -> Answer<Logged> {
        not_here()
    }

    async fn revoke_key(&self, _: &Realm, _: &KeyId) -> Answer<Logged> {
        not_here()
    }

    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page> {
        self.engine.page(realm, cursor, most).await
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Answer<Standing> {
        self.engine.standing(realm, ids).await
    }

    async fn write_back(&self, _: &Realm, _: &[LogEntry]) -> Answer<()> {
        not_here()
    }

    async fn declare_restored(&self, _: &Realm, _: Option<Timestamp>) -> Answer<(u64, Logged)> {
        not_here()
    }

    fn wake_ups(&self) -> watch::Receiver<u64> {
        self.wake_ups.subscribe()
    }
}

#[async_trait]
impl<E: Engine> DocumentStore for Sketch<E> {
    async fn document(&self, _: &Realm, _: &str) -> Answer<Option<Document>> {
        not_here()
    }

    async fn save_document(&self, _: &Realm, _: &str, _: u64, _: &[u8]) -> Answer<bool> {
        not_here()
    }
}

/// A sketch, and the offset of its clock.
pub(crate) struct Shifted<E> {
    pub(crate) store: Arc<Sketch<E>>,
    pub(crate) offset: Offset,
}

impl<E: Engine> World for Shifted<E> {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<Sketch<E>>::clone(&self.store)
    }

    fn advance(&self, by: Duration) {
        self.offset.0.fetch_add(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    fn step_back(&self, by: Duration) {
        self.offset.0.fetch_sub(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}

/// A number as both engines can keep it: below 2^53.
pub(crate) fn number(number: u64) -> i64 {
    const MOST: u64 = 1 << 53;
    i64::try_from(number.min(MOST)).unwrap_or(i64::MAX)
}

/// Milliseconds, at most 2^52, so that a time and a duration together are exact.
pub(crate) fn millis(duration: Duration) -> i64 {
    number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1 << 52))
}

pub(crate) fn epoch(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(StoreError::new)
}

/// How an engine names the reason of an ending.
pub(crate) fn reason(text: &str) -> Option<EndReason> {
    Some(match text {
        "signed_out" => EndReason::SignedOut,
        "ended_remotely" => EndReason::EndedRemotely,
        "subject_ended" => EndReason::SubjectEnded,
        "evicted" => EndReason::Evicted,
        "claims_changed" => EndReason::ClaimsChanged,
        "replaced" => EndReason::Replaced,
        "stolen" => EndReason::Stolen,
        _ => return None,
    })
}
