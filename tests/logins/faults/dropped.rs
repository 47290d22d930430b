//! A call of the store that is dropped at any of its await points happened as a whole, or not at all.

use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::Poll;

use auth_core::id::{LoginId, Position};
use auth_core::login::Scheme;
use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{
    Created, Cursor, EndReason, EndedAll, Family, FamilyStore as _, Ids, Limit, LogEntry, Logged, LoginRow,
    LoginStore as _, NewLogin, NewSession, Partition, Realm, RevocationStore as _, Revoked, Rotated,
    Rotation, SecretHash, SessionKey, SessionStore as _, Standing,
};
use auth_core::testing::ManualClock;
use auth_tests::shop::{open, realm};
use auth_tests::{DAY, GRACE, HOUR, NOW, User, subject};
use tempfile::TempDir;

/// More await points than any call has; how many it stops at depends on how fast the threads of SQLite are.
const STOPS: usize = 12;
const TO_THE_END: usize = 1000;

/// Polls the future at most this often, and then drops it.
async fn poll_at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match left {
        0 => Poll::Ready(None),
        _ => {
            left -= 1;
            future.as_mut().poll(context).map(Some)
        }
    })
    .await
}

/// Makes the call again and again, each time with a login of its own, and drops it one await point later each time; after
/// each, the file is opened anew and looked at. The last of them runs to its end.
async fn drop_everywhere(
    call: impl AsyncFn(&SqliteStore, &LoginRow, usize) -> bool,
    check: impl AsyncFn(&SqliteStore, &LoginRow),
) {
    let (folder, clock) = (TempDir::new().unwrap(), ManualClock::new(NOW));
    let path = || folder.path().join("auth.db");
    for (number, polls) in (0..STOPS).chain(0..STOPS).chain([TO_THE_END]).enumerate() {
        let store = open(path(), &clock).await;
        let login = create(&store, id(u8::try_from(number).unwrap())).await;
        let is_done = call(&store, &login, polls).await;
        assert!(is_done || polls < TO_THE_END);
        assert!(!is_done || polls > 0);
        drop(store);
        check(&open(path(), &clock).await, &login).await;
    }
}

fn here() -> Realm {
    realm::<User>()
}

/// One of Anna's logins.
fn id(number: u8) -> LoginId {
    let mut bytes = [number; 16];
    bytes[0] = 0;
    LoginId::from_bytes(bytes)
}

/// The id of a second one, which is no other's first.
fn other(login: &LoginRow) -> LoginId {
    id(!login.id.as_bytes()[1])
}

fn key_of(login: LoginId) -> SessionKey {
    SessionKey { partition: Partition::of_login(login), hash: SecretHash::of(login.as_bytes()) }
}

fn new_login(id: LoginId) -> (NewLogin, NewSession) {
    let login = NewLogin {
        id,
        subject: subject("anna"),
        kind: Scheme::Jwt,
        lifetime: DAY,
        idle: HOUR,
        retention: HOUR,
        user_agent: None,
        address: None,
        claims: b"{}".to_vec(),
        secret: Some(SecretHash::of(id.as_bytes())),
        extra: Vec::new(),
        replaces: None,
    };
    (login, NewSession { key: key_of(id), data: b"{}".to_vec(), lifetime: DAY })
}

async fn create(store: &SqliteStore, id: LoginId) -> LoginRow {
    let (login, session) = new_login(id);
    let ticket = store.ticket(&here(), &login.subject).await.unwrap().value;
    let created = store.create(&here(), &ticket, &login, Some(&session), None).await.unwrap().value;
    let Created::Made { login, .. } = created else { panic!("{created:?}") };
    login
}

async fn load(store: &SqliteStore, login: LoginId) -> Option<LoginRow> {
    store.login(&here(), login).await.unwrap().value.map(|login| login.row)
}

async fn family(store: &SqliteStore, login: LoginId) -> Family {
    load(store, login).await.unwrap().family.unwrap()
}

async fn end(store: &SqliteStore, login: LoginId) -> Option<Logged> {
    store.end(&here(), &subject("anna"), login, EndReason::SignedOut, HOUR).await.unwrap().value
}

async fn end_all(store: &SqliteStore) -> EndedAll {
    store.end_all(&here(), &subject("anna"), None, HOUR).await.unwrap().value
}

/// The whole log.
async fn log(store: &SqliteStore) -> Vec<LogEntry> {
    let page = store.page(&here(), &Cursor::start(), NonZeroU32::new(10_000).unwrap()).await.unwrap().value;
    assert!(!page.has_more);
    page.entries
}

/// Whether the log says that a login, which began under this epoch, ended.
async fn is_logged(store: &SqliteStore, login: LoginId, begun_under: u64) -> bool {
    log(store).await.iter().any(|entry| match &entry.revoked {
        Revoked::Login(ended, _) => *ended == login,
        Revoked::AllEnded { below, .. } => begun_under < *below,
        _ => false,
    })
}

/// Its row, its session, its entry and what is said of it agree. Whether it is there.
async fn is_whole(store: &SqliteStore, login: LoginId, begun_under: u64) -> bool {
    let is_there = load(store, login).await.is_some();
    let session = store.session(&here(), &key_of(login)).await.unwrap().value;
    assert_eq!(session.is_some(), is_there);
    assert_eq!(is_logged(store, login, begun_under).await, !is_there);
    let ids = Ids { login: Some(login), ..Ids::default() };
    let standing = store.standing(&here(), &ids).await.unwrap().value;
    assert_eq!(standing, if is_there { Standing::Good } else { Standing::Gone });
    is_there
}

#[tokio::test]
async fn an_end_that_is_dropped_is_logged_if_and_only_if_it_happened() {
    drop_everywhere(
        async |store, login, polls| poll_at_most(polls, end(store, login.id)).await.is_some(),
        async |store, login| {
            if is_whole(store, login.id, login.begun_under).await {
                let ended = end(store, login.id).await;
                assert!(ended.is_some(), "{ended:?}");
            }
            assert!(!is_whole(store, login.id, login.begun_under).await);
            assert_eq!(end(store, login.id).await, None);
        },
    )
    .await;
}

#[tokio::test]
async fn an_end_of_all_that_is_dropped_ends_all_or_none() {
    drop_everywhere(
        async |store, login, polls| {
            create(store, other(login)).await;
            poll_at_most(polls, end_all(store)).await.is_some()
        },
        async |store, login| {
            let (both, begun_under) = ([login.id, other(login)], login.begun_under);
            let is_there = is_whole(store, both[0], begun_under).await;
            assert_eq!(is_whole(store, both[1], begun_under).await, is_there);
            assert_eq!(end_all(store).await.count, if is_there { 2 } else { 0 });
            for id in both {
                assert!(!is_whole(store, id, begun_under).await);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_rotation_that_is_dropped_happened_or_can_be_done_again() {
    let rotation = |login: &LoginRow| Rotation {
        login: login.id,
        presented: Position { generation: 0, branch: 0 },
        secret: SecretHash::of(login.id.as_bytes()),
        successor: SecretHash::of(b"next"),
        nonce: [1; 16],
        grace: GRACE,
        idle: HOUR,
        retention: HOUR,
    };
    drop_everywhere(
        async |store, login, polls| {
            poll_at_most(polls, store.rotate(&here(), &rotation(login))).await.is_some()
        },
        async |store, login| {
            let before = family(store, login.id).await;
            let again = store.rotate(&here(), &rotation(login)).await.unwrap().value;
            match before.position.generation {
                0 => assert!(matches!(again, Rotated::Rotated(_)), "{again:?}"),
                _ => assert!(matches!(again, Rotated::Unchanged(_)), "{again:?}"),
            }
            let family = family(store, login.id).await;
            assert_eq!((family.position.generation, family.current), (1, SecretHash::of(b"next")));
            assert_eq!(family.previous, Some(SecretHash::of(login.id.as_bytes())));
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_that_is_dropped_evicts_only_if_it_is_there() {
    let limit = Limit::EvictOldest(NonZeroU32::MIN);
    drop_everywhere(
        async |store, login, polls| {
            let (new, session) = new_login(other(login));
            let ticket = store.ticket(&here(), &new.subject).await.unwrap().value;
            let realm = here();
            let create = store.create(&realm, &ticket, &new, Some(&session), Some(limit));
            poll_at_most(polls, create).await.is_some()
        },
        async |store, login| {
            let new = other(login);
            let is_there = load(store, new).await.is_some();
            assert_ne!(is_whole(store, login.id, login.begun_under).await, is_there);
            let session = store.session(&here(), &key_of(new)).await.unwrap().value;
            assert_eq!(session.is_some(), is_there);
            assert_eq!(end_all(store).await.count, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn an_epoch_that_is_dropped_is_logged_if_and_only_if_it_was_raised() {
    drop_everywhere(
        async |store, _, polls| {
            let (realm, anna) = (here(), subject("anna"));
            poll_at_most(polls, store.claims_changed(&realm, &anna, HOUR)).await.is_some()
        },
        async |store, login| {
            let (anna, before) = (subject("anna"), login.begun_under);
            let epoch = store.ticket(&here(), &anna).await.unwrap().value.epoch;
            let logged = log(store).await.into_iter().filter_map(|entry| match entry.revoked {
                Revoked::ClaimsChanged { below, .. } if below > before => Some(below),
                _ => None,
            });
            let raised = (epoch > before).then_some(epoch);
            assert_eq!(logged.collect::<Vec<_>>(), Vec::from_iter(raised));
            let standing = async |epoch| {
                let ids = Ids { subject: Some((&anna, epoch)), ..Ids::default() };
                store.standing(&here(), &ids).await.unwrap().value
            };
            assert_eq!(standing(epoch).await, Standing::Good);
            assert_eq!(standing(before).await == Standing::Outdated, epoch > before);
            assert!(load(store, login.id).await.is_some());
        },
    )
    .await;
}

#[tokio::test]
async fn after_many_calls_that_were_dropped_the_store_still_writes() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("auth.db"), &ManualClock::new(NOW)).await;
    let mut logins = Vec::new();
    for polls in 0..60 {
        let login = create(&store, id(polls)).await;
        let _half_way = poll_at_most(usize::from(polls % 12), end(&store, login.id)).await;
        logins.push(login);
    }
    let live = store.list(&here(), &subject("anna"), None, NonZeroU32::new(100).unwrap()).await.unwrap();
    let live = u64::try_from(live.value.len()).unwrap();
    assert_eq!(end_all(&store).await.count, live);
    for login in logins {
        assert!(!is_whole(&store, login.id, login.begun_under).await);
    }
}
