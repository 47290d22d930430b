//! The subjects, logins and times of the rules.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::World;
use crate::clock::Timestamp;
use crate::id::Position;
use crate::id::{LoginId, Subject};
use crate::requirement::Scheme;
use crate::store::{
    Created, Cursor, EndReason, EndedAll, Family, Ids, Limit, LiveLogin, LogEntry, Logged, LoginRow,
    NewLogin, NewSession, Page, Partition, Realm, Rotated, Rotation, SecretHash, SessionKey, SessionRow,
    Standing, Store, StoreError, Ticket, Timed,
};

/// The lifetime of the logins.
pub(super) const LIFETIME: Duration = Duration::from_secs(7200);
/// The idle lifetime of the logins.
pub(super) const IDLE: Duration = Duration::from_secs(3600);
/// How long credentials outlive the logins.
pub(super) const RETENTION: Duration = Duration::from_secs(900);
pub(super) const GRACE: Duration = Duration::from_secs(10);
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
/// The number of concurrent attempts.
pub(super) const MANY: u8 = 32;

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.millis()).expect("a time after 1970")
}

pub(super) fn anna() -> Subject {
    Subject::new("anna \u{2603}'\"").expect("a subject")
}

pub(super) fn bert() -> Subject {
    Subject::new("bert").expect("a subject")
}

pub(super) fn secret(number: u8) -> SecretHash {
    SecretHash::from_bytes([number; 32])
}

pub(super) fn most(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("above zero")
}

/// A store, its clock, and one realm in it.
#[derive(Clone)]
pub(super) struct Scene {
    world: Arc<dyn World>,
    pub(super) store: Arc<dyn Store>,
    pub(super) realm: Realm,
}

impl Scene {
    pub(super) fn of(world: Arc<dyn World>) -> Self {
        let realm = Realm::new("https://shop.example \u{2603}'").expect("a realm");
        Self { store: world.store(), world, realm }
    }

    /// The same store, in another realm.
    pub(super) fn elsewhere(&self) -> Self {
        Self { realm: Realm::new("elsewhere").expect("a realm"), ..self.clone() }
    }

    pub(super) fn advance(&self, by: Duration) {
        self.world.advance(by);
    }

    pub(super) fn step_back(&self, by: Duration) {
        self.world.step_back(by);
    }

    pub(super) async fn now(&self) -> Timestamp {
        self.store.ticket(&self.realm, &bert()).await.expect("ticket").now
    }

    /// Asks repeatedly around an instant, millisecond by millisecond: the result must be `true` until exactly that
    /// instant.
    pub(super) async fn holds_until(&self, at: Timestamp, ask: impl AsyncFn() -> Timed<bool>) {
        let now = self.now().await;
        self.advance(at.since(now).saturating_sub(MILLISECOND * 3));
        loop {
            let answer = ask().await;
            let early = at.since(answer.now);
            assert_eq!(answer.value, answer.now < at, "{early:?} before the instant (zero: after it)");
            if answer.now >= at {
                return;
            }
            self.advance(MILLISECOND);
        }
    }
}

/// Subjects and logins.
impl Scene {
    fn partition(&self, subject: &Subject) -> Partition {
        Partition::of(subject, self.store.partitions())
    }

    /// Another subject in Anna's partition.
    pub(super) fn neighbour(&self) -> Subject {
        (0..)
            .map(|number| Subject::new(&format!("neighbour {number}")).expect("a subject"))
            .find(|subject| self.partition(subject) == self.partition(&anna()))
            .expect("one of many")
    }

    pub(super) fn id_of(&self, subject: &Subject, number: u8) -> LoginId {
        let mut bytes = [number; 16];
        bytes[0] = self.partition(subject).number();
        LoginId::from_bytes(bytes)
    }

    /// The id of one of Anna's logins.
    pub(super) fn id(&self, number: u8) -> LoginId {
        self.id_of(&anna(), number)
    }

    /// The key of a session in Anna's partition.
    pub(super) fn key(&self, number: u8) -> SessionKey {
        SessionKey { partition: self.partition(&anna()), hash: SecretHash::from_bytes([number; 32]) }
    }

    /// A login of the subject with tokens; the number is the first secret.
    pub(super) fn new_login(&self, subject: &Subject, number: u8) -> NewLogin {
        NewLogin {
            id: self.id_of(subject, number),
            subject: subject.clone(),
            kind: Scheme::Jwt,
            lifetime: LIFETIME,
            idle: IDLE,
            retention: RETENTION,
            user_agent: Some("curl/8.17 \u{2603}".into()),
            address: Some("2001:db8::1".into()),
            claims: br#"{"name":"Anna \u2603"}"#.to_vec(),
            secret: Some(secret(number)),
            extra: br#"{"later":[1,"two"]}"#.to_vec(),
            replaces: None,
        }
    }

    /// A login of Anna with tokens.
    pub(super) fn annas(&self, number: u8) -> NewLogin {
        self.new_login(&anna(), number)
    }

    /// A login of Anna with a session.
    pub(super) fn annas_session(&self, number: u8) -> NewLogin {
        let login = self.annas(number);
        NewLogin { kind: Scheme::Session, secret: None, user_agent: None, address: None, ..login }
    }

    pub(super) fn new_session(&self, number: u8) -> NewSession {
        NewSession { key: self.key(number), data: br#"{"cart":[1]}"#.to_vec(), lifetime: LIFETIME }
    }

    pub(super) async fn ticket(&self, subject: &Subject) -> Ticket {
        self.store.ticket(&self.realm, subject).await.expect("ticket").value
    }

    pub(super) async fn create(
        &self,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Timed<Created> {
        self.store.create(&self.realm, ticket, login, session, limit).await.expect("create")
    }

    /// Creates the login, which must succeed without evicting another.
    pub(super) async fn sign_in_as(&self, login: &NewLogin, session: Option<&NewSession>) -> LoginRow {
        let ticket = self.ticket(&login.subject).await;
        match self.create(&ticket, login, session, None).await.value {
            Created::Made { login, replaced: None, evicted } if evicted.is_empty() => login,
            other => panic!("the login was not made: {other:?}"),
        }
    }

    /// Signs Anna in with tokens.
    pub(super) async fn sign_in(&self, number: u8) -> LoginRow {
        self.sign_in_as(&self.annas(number), None).await
    }

    /// Signs Anna in with a session.
    pub(super) async fn sign_in_session(&self, number: u8) -> LoginRow {
        self.sign_in_as(&self.annas_session(number), Some(&self.new_session(number))).await
    }

    pub(super) async fn login(&self, id: LoginId) -> Option<LiveLogin> {
        self.store.login(&self.realm, id).await.expect("login").value
    }

    pub(super) async fn is_live(&self, id: LoginId) -> bool {
        self.login(id).await.is_some()
    }

    /// The row of a login, which must be live.
    pub(super) async fn row(&self, id: LoginId) -> LoginRow {
        self.login(id).await.expect("the login is live").row
    }

    pub(super) async fn end(&self, id: LoginId, reason: EndReason) -> Option<Logged> {
        self.store.end(&self.realm, &anna(), id, reason, RETENTION).await.expect("end").value
    }

    /// Ends all logins of Anna.
    pub(super) async fn end_all(&self, except: Option<LoginId>) -> EndedAll {
        self.store.end_all(&self.realm, &anna(), except, RETENTION).await.expect("end_all").value
    }

    /// Records that Anna's claims changed. Returns the new epoch.
    pub(super) async fn claims_changed(&self) -> u64 {
        self.store.claims_changed(&self.realm, &anna(), RETENTION).await.expect("claims_changed").value.0
    }

    /// The ids of Anna's live logins, newest first.
    pub(super) async fn listed(&self) -> Vec<LoginId> {
        let page = self.store.list(&self.realm, &anna(), None, most(1000)).await.expect("list");
        page.value.iter().map(|login| login.row.id).collect()
    }

    pub(super) async fn session(&self, key: &SessionKey) -> Option<(SessionRow, Option<LiveLogin>)> {
        self.store.session(&self.realm, key).await.expect("session").value
    }

    pub(super) async fn standing(&self, ids: Ids<'_>) -> Standing {
        self.store.standing(&self.realm, &ids).await.expect("standing").value
    }
}

/// Rotations.
impl Scene {
    /// The first rotation of one of Anna's logins, from the secret `number` to the secret `number + 100`.
    pub(super) fn rotation(&self, number: u8) -> Rotation {
        Rotation {
            login: self.id(number),
            presented: Position { generation: 0, branch: 0 },
            secret: secret(number),
            successor: secret(number + 100),
            nonce: [number; 16],
            grace: GRACE,
            idle: IDLE,
            retention: RETENTION,
        }
    }

    pub(super) async fn rotate(&self, rotation: &Rotation) -> Timed<Rotated> {
        self.store.rotate(&self.realm, rotation).await.expect("rotate")
    }

    /// Signs Anna in and rotates once. Returns the family afterwards.
    pub(super) async fn rotated(&self, number: u8) -> Family {
        self.sign_in(number).await;
        match self.rotate(&self.rotation(number)).await.value {
            Rotated::Rotated(login) => login.row.family.expect("a family"),
            other => panic!("the first rotation did not happen: {other:?}"),
        }
    }
}

/// The log.
impl Scene {
    pub(super) async fn page(&self, cursor: &Cursor, number: u32) -> Page {
        self.store.page(&self.realm, cursor, most(number)).await.expect("page").value
    }

    /// All entries after the cursor, and the cursor at the end.
    pub(super) async fn entries_after(&self, cursor: &Cursor) -> (Vec<LogEntry>, Cursor) {
        let (mut entries, mut cursor) = (Vec::new(), cursor.clone());
        loop {
            let page = self.page(&cursor, 100).await;
            entries.extend(page.entries);
            cursor = page.next;
            if !page.has_more {
                return (entries, cursor);
            }
        }
    }

    /// The whole log.
    pub(super) async fn log(&self) -> Vec<LogEntry> {
        self.entries_after(&Cursor::start()).await.0
    }

    pub(super) async fn cursor(&self) -> Cursor {
        self.entries_after(&Cursor::start()).await.1
    }

    pub(super) async fn floor(&self) -> u64 {
        self.page(&Cursor::start(), 1).await.floor
    }

    pub(super) async fn purge(&self) -> u64 {
        self.store.purge().await.expect("purge").value
    }
}

/// Does the same many times concurrently, numbered from one, and returns the results.
pub(super) async fn at_once<T, F>(scene: &Scene, act: impl Fn(Scene, u8) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let tasks: Vec<_> = (1..=MANY).map(|number| tokio::spawn(act(scene.clone(), number))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.expect("a task").expect("the store"));
    }
    done
}
