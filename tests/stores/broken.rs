//! A store that breaks one promise of the contract.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::{Clock as _, Timestamp};
use auth_core::id::{KeyId, LoginId, Position, Subject, TokenId};
use auth_core::store::memory::MemoryStore;
use auth_core::store::{
    Created, Cursor, Document, DocumentStore as _, EndReason, EndedAll, Family, FamilyStore as _, GraceStart,
    Ids, Limit, ListCursor, LiveLogin, LogEntry, Logged, LoginRow, LoginStore as _, Mark, NewLogin,
    NewSession, Page, Realm, Renamed, RevocationStore as _, Rotated, Rotation, SecretHash, SessionKey,
    SessionRow, Standing, Store, StoreError, Ticket, Timed, Touch,
};
use auth_core::testing::ManualClock;
use auth_tests::store::{Altered, Documents, Families, Log, Logins, Sessions};
use tokio::sync::watch;

use crate::fault::Fault::{self, *};
use crate::{logins, others, sessions};

pub(crate) type Answer<T> = Result<Timed<T>, StoreError>;

#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) memory: MemoryStore,
    pub(crate) clock: ManualClock,
    fault: Fault,
    /// The first realm that was named.
    first: OnceLock<Realm>,
    /// Logins as they were made.
    pub(crate) made: Mutex<BTreeMap<LoginId, (Realm, LoginRow)>>,
    pub(crate) sessions: Mutex<BTreeMap<SessionKey, (Realm, SessionRow)>>,
    pub(crate) subjects: Mutex<BTreeSet<Subject>>,
    pub(crate) touches: Mutex<BTreeMap<LoginId, (Timestamp, Timestamp)>>,
    pub(crate) spared: Mutex<Option<LoginId>>,
    /// The last epoch below which claims are outdated that was written back.
    pub(crate) written: Mutex<Option<u64>>,
    /// Entries that are not shown yet.
    pub(crate) hidden: Mutex<HashSet<Mark>>,
    pub(crate) is_purged: AtomicBool,
    silent: watch::Sender<u64>,
}

impl Broken {
    pub(crate) fn new(memory: MemoryStore, clock: ManualClock, fault: Fault) -> Self {
        Self {
            memory,
            clock,
            fault,
            first: OnceLock::new(),
            made: Mutex::default(),
            sessions: Mutex::default(),
            subjects: Mutex::default(),
            touches: Mutex::default(),
            spared: Mutex::default(),
            written: Mutex::default(),
            hidden: Mutex::default(),
            is_purged: AtomicBool::new(false),
            silent: watch::Sender::new(0),
        }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    pub(crate) fn fault(&self) -> Fault {
        self.fault
    }

    pub(crate) fn was_purged(&self) -> bool {
        self.is_purged.load(Ordering::SeqCst)
    }

    /// The realm that is meant, or the first one whatever is meant.
    pub(crate) fn meant<'a>(&'a self, realm: &'a Realm) -> &'a Realm {
        let first = self.first.get_or_init(|| realm.clone());
        if self.has(OneRealm) { first } else { realm }
    }

    /// Does something at another time.
    pub(crate) async fn at<T>(&self, time: Timestamp, step: impl Future<Output = Answer<T>>) -> Answer<T> {
        let now = self.clock.now();
        self.clock.set(time);
        let answer = step.await;
        self.clock.set(now);
        answer.map(|answer| Timed::new(answer.value, now))
    }

    pub(crate) fn a_moment_ago(&self) -> Timestamp {
        self.clock.now().before(Duration::from_millis(1))
    }

    /// What was made of a login, whether or not it is live; of this realm.
    pub(crate) fn remembered(&self, realm: &Realm, id: LoginId) -> Option<LoginRow> {
        let made = self.made.lock().unwrap();
        made.get(&id).filter(|(of, _)| of == realm).map(|(_, row)| row.clone())
    }

    pub(crate) async fn as_live(&self, realm: &Realm, row: LoginRow) -> Result<LiveLogin, StoreError> {
        let subject_epoch = self.memory.ticket(realm, &row.subject).await?.value.epoch;
        Ok(LiveLogin { row, subject_epoch, outdated_below: 0 })
    }

    pub(crate) fn logged(&self, logged: Logged) -> Logged {
        let mark = if self.has(AnswersOtherMarks) { Mark::random().unwrap() } else { logged.mark };
        Logged { mark, ..logged }
    }

    /// For as long as the caller says, whatever the row or the record says.
    pub(crate) fn for_the_caller(&self, logged: Logged, now: Timestamp, retention: Duration) -> Logged {
        let expires_at = if self.has(CallersRetention) { now.after(retention) } else { logged.expires_at };
        Logged { expires_at, ..logged }
    }

    /// Hides an entry while others go on.
    pub(crate) async fn log_late(&self, mark: Mark) {
        if self.has(LogsLate) {
            self.hidden.lock().unwrap().insert(mark);
            dawdle().await;
            self.hidden.lock().unwrap().remove(&mark);
        }
    }
}

/// Lets others go first.
pub(crate) async fn dawdle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Altered for Broken {
    fn behind(&self) -> Arc<dyn Store> {
        Arc::new(self.memory.clone())
    }
}

#[async_trait]
impl Logins for Broken {
    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Answer<Ticket> {
        logins::ticket(self, self.meant(realm), subject).await
    }

    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Answer<Created> {
        crate::creation::create(self, self.meant(realm), ticket, login, session, limit).await
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Answer<Option<LiveLogin>> {
        logins::login(self, self.meant(realm), id).await
    }

    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Answer<Vec<LiveLogin>> {
        logins::list(self, realm, subject, after, most).await
    }

    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Answer<Option<Logged>> {
        logins::end(self, realm, subject, id, reason, retention).await
    }

    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Answer<EndedAll> {
        logins::end_all(self, self.meant(realm), subject, except, retention).await
    }

    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Answer<(u64, Logged)> {
        if self.has(ChangesEnd) {
            self.memory.end_all(realm, subject, None, retention).await?;
        }
        let answer = self.memory.claims_changed(realm, subject, retention).await?;
        let now = answer.now;
        Ok(answer.map(|(epoch, logged)| (epoch, self.logged(self.for_the_caller(logged, now, retention)))))
    }

    async fn save_claims(&self, realm: &Realm, id: LoginId, claims: &[u8], epoch: u64) -> Answer<bool> {
        if self.has(SavesNothing) {
            return Ok(Timed::new(true, self.clock.now()));
        }
        let stored = self.memory.login(realm, id).await?.value.map(|login| login.row.epoch);
        let raised = stored.filter(|_| self.has(SavesOldClaims)).unwrap_or(epoch).max(epoch);
        let answer = self.memory.save_claims(realm, id, claims, raised).await?;
        Ok(answer.map(|saved| saved || self.has(SavesClaimsOfDead)))
    }

    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Answer<()> {
        let now = self.clock.now();
        let mut most = touches.len();
        for (index, touch) in touches.iter().enumerate().rev() {
            if self.has(StopsAtTheDead) && self.memory.login(realm, touch.login).await?.value.is_none() {
                most = index;
            }
            let seen = now.before(touch.ago);
            self.touches.lock().unwrap().insert(touch.login, (seen, seen.after(touch.idle)));
        }
        self.memory.touch(realm, touches.get(..most).unwrap_or_default()).await
    }

    async fn purge(&self) -> Answer<u64> {
        self.is_purged.store(true, Ordering::SeqCst);
        if self.has(PurgesTooMuch) {
            let later = self.clock.now().after(Duration::from_secs(99_999));
            return self.at(later, self.memory.purge()).await;
        }
        let most = if self.has(PurgesOneBatch) { 1000 } else { u64::MAX };
        Ok(self.memory.purge().await?.map(|count| count.min(most)))
    }
}

#[async_trait]
impl Families for Broken {
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Answer<Rotated> {
        crate::families::rotate(self, realm, rotation).await
    }

    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Answer<Option<LiveLogin>> {
        crate::families::replace(self, realm, id, expected, new, grace, retention).await
    }

    async fn confirm(&self, realm: &Realm, used: &[(LoginId, Position)]) -> Answer<()> {
        let mut used = used.to_vec();
        for (login, position) in used.iter_mut().filter(|_| self.has(ConfirmsAnything)) {
            let login = self.memory.login(realm, *login).await?.value;
            *position = login.and_then(|login| login.row.family).map_or(*position, |one| one.position);
        }
        self.memory.confirm(realm, &used).await
    }
}

#[async_trait]
impl Sessions for Broken {
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Answer<bool> {
        sessions::create(self, realm, session).await
    }

    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Answer<Option<(SessionRow, Option<LiveLogin>)>> {
        sessions::read(self, realm, key).await
    }

    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Answer<bool> {
        sessions::save(self, realm, key, data, expected_version, lifetime).await
    }

    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SecretHash,
        retention: Duration,
    ) -> Answer<Renamed> {
        sessions::rename(self, realm, old, new, retention).await
    }

    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Answer<()> {
        sessions::delete(self, realm, key).await
    }
}

#[async_trait]
impl Log for Broken {
    fn wake_ups(&self) -> watch::Receiver<u64> {
        if self.has(NeverWakes) { self.silent.subscribe() } else { self.memory.wake_ups() }
    }

    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Answer<Logged> {
        let answer = self.memory.revoke_token(realm, subject, token, retention).await?;
        let now = answer.now;
        Ok(answer.map(|logged| self.logged(self.for_the_caller(logged, now, retention))))
    }

    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Answer<Logged> {
        Ok(self.memory.revoke_key(realm, key).await?.map(|logged| self.logged(logged)))
    }

    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32) -> Answer<Page> {
        others::page(self, self.meant(realm), cursor, most).await
    }

    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Answer<Standing> {
        others::standing(self, self.meant(realm), *ids).await
    }

    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Answer<()> {
        others::write_back(self, realm, entries).await
    }

    async fn declare_restored(&self, realm: &Realm, instant: Option<Timestamp>) -> Answer<(u64, Logged)> {
        if self.has(DeclaresNothing) {
            let floor = u64::try_from(self.clock.now().millis()).unwrap();
            let logged = Logged { mark: Mark::random().unwrap(), expires_at: LogEntry::NEVER };
            return Ok(Timed::new((floor, logged), self.clock.now()));
        }
        let answer = self.memory.declare_restored(realm, instant).await?;
        let time = u64::try_from(answer.now.millis()).unwrap();
        Ok(answer.map(|(floor, logged)| {
            (if self.has(FloorIsTheTime) { time } else { floor }, self.logged(logged))
        }))
    }
}

#[async_trait]
impl Documents for Broken {
    async fn document(&self, realm: &Realm, name: &str) -> Answer<Option<Document>> {
        self.memory.document(self.meant(realm), name).await
    }

    async fn save_document(&self, realm: &Realm, name: &str, expected: u64, bytes: &[u8]) -> Answer<bool> {
        others::save_document(self, self.meant(realm), name, expected, bytes).await
    }
}
