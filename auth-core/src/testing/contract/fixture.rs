//! The people, logins and times that the rules speak of.

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{LoginId, Position, Subject};
use crate::store::{
    Created, Family, Limit, LogEntry, LoginKind, LoginRow, OnLimit, Rotation, SecretHash, SessionHash,
    SessionRow, Store, StoreError,
};

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How many try the same thing at once.
pub(super) const MANY: u8 = 64;

pub(super) fn after(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// When a login of the fixture ends at the latest; its idle time ends at half of it.
pub(super) fn end() -> Timestamp {
    after(7200)
}

/// How long entries are kept.
pub(super) fn kept() -> Timestamp {
    after(86_400)
}

pub(super) fn anna() -> Subject {
    Subject::new("anna").expect("a subject")
}

pub(super) fn bert() -> Subject {
    Subject::new("bert").expect("a subject")
}

pub(super) fn login_id(number: u8) -> LoginId {
    LoginId::from_bytes([number; 16])
}

pub(super) fn session_id(number: u8) -> SessionHash {
    SessionHash::from_bytes([number; 32])
}

pub(super) fn secret(number: u8) -> SecretHash {
    SecretHash::from_bytes([number; 32])
}

/// A login of Anna's, carried by tokens.
pub(super) fn token_login(number: u8) -> LoginRow {
    LoginRow {
        id: login_id(number),
        subject: anna(),
        kind: LoginKind::Token,
        created_at: NOW,
        last_seen_at: after(1),
        authenticated_at: after(2),
        expires_at: end(),
        idle_expires_at: after(3600),
        user_agent: Some("curl/8.17 \u{2603}".into()),
        address: Some("2001:db8::1".into()),
        claims: br#"{"name":"Anna"}"#.to_vec(),
        epoch: 3,
        claims_loaded_at: after(3),
        family: Some(Family {
            position: position(7, 2),
            previous_branch: Some(1),
            current: secret(1),
            previous: Some(secret(2)),
            nonce: [3; 16],
            rotated_at: NOW,
            confirmed: true,
        }),
    }
}

/// A login of Anna's, carried by a session.
pub(super) fn session_login(number: u8) -> LoginRow {
    LoginRow {
        kind: LoginKind::Session,
        user_agent: None,
        address: None,
        family: None,
        ..token_login(number)
    }
}

pub(super) fn session(number: u8) -> SessionRow {
    SessionRow { id: session_id(number), login: None, data: b"{}".to_vec(), version: 1, expires_at: end() }
}

/// What rotates a login of [`token_login`] to secret 9, from the end of the grace on.
pub(super) const fn position(generation: u32, branch: u16) -> Position {
    Position { generation, branch }
}

pub(super) fn rotation(number: u8) -> Rotation {
    Rotation {
        login: login_id(number),
        position: position(7, 2),
        presented: secret(1),
        successor: secret(9),
        nonce: [8; 16],
        grace: GRACE,
        idle_expires_at: after(4000),
    }
}

pub(super) fn limit(most: u32, exceeded: OnLimit) -> Option<Limit> {
    Some(Limit { most: NonZeroU32::new(most).expect("a limit is above zero"), exceeded })
}

pub(super) fn created(evicted: &[u8]) -> Created {
    Created::Created { evicted: evicted.iter().copied().map(login_id).collect() }
}

/// Adds a login without limit.
pub(super) async fn add(store: &Arc<dyn Store>, login: &LoginRow, session: Option<&SessionRow>) {
    let done = store.create_login(login, session, None, None, kept(), NOW).await;
    assert_eq!(done.expect("create_login"), created(&[]));
}

pub(super) async fn load(store: &Arc<dyn Store>, number: u8, now: Timestamp) -> Option<LoginRow> {
    store.load_login(login_id(number), now).await.expect("load_login")
}

/// The ids of Anna's live logins, newest first.
pub(super) async fn annas(store: &Arc<dyn Store>, now: Timestamp) -> Vec<LoginId> {
    store.list_logins(&anna(), now).await.expect("list_logins").iter().map(|login| login.id).collect()
}

pub(super) async fn load_session(
    store: &Arc<dyn Store>,
    number: u8,
    now: Timestamp,
) -> Option<(SessionRow, Option<LoginRow>)> {
    store.load_session(&session_id(number), now).await.expect("load_session")
}

/// The whole log.
pub(super) async fn log(store: &Arc<dyn Store>) -> Vec<LogEntry> {
    store.entries(0, u32::MAX, NOW).await.expect("entries").entries
}

/// Does the same thing many times at once, numbered from zero, and returns what came of it.
pub(super) async fn at_once<T, F>(store: &Arc<dyn Store>, act: impl Fn(Arc<dyn Store>, u8) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..MANY).map(|number| tokio::spawn(act(Arc::clone(store), number))).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.expect("a task").expect("the store"));
    }
    done
}
