//! A call of the store that is dropped at any of its await points happened as a whole, or not at all.

use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::Poll;

use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Position};
use auth_core::store::sqlite::SqliteStore;
use auth_core::store::{
    EndReason, Family, Limit, LoginKind, LoginRow, LoginStore as _, OnLimit, RevocationStore as _, Revoked,
    Rotation, SecretHash, SessionHash, SessionRow, SessionStore as _,
};
use auth_tests::shop::open;
use auth_tests::{DAY, GRACE, HOUR, NOW, subject};
use tempfile::TempDir;

/// More await points than any call has; how many it stops at depends on how fast the threads of SQLite are.
const STOPS: usize = 12;
const TO_THE_END: usize = 1000;

/// Polls at most so often, and then drops the future half way.
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
    call: impl AsyncFn(&SqliteStore, LoginId, usize) -> bool,
    check: impl AsyncFn(&SqliteStore, LoginId),
) {
    let folder = TempDir::new().unwrap();
    let path = || folder.path().join("auth.db");
    for (number, polls) in (0..STOPS).chain(0..STOPS).chain([TO_THE_END]).enumerate() {
        let login = LoginId::from_bytes([u8::try_from(number).unwrap(); 16]);
        let store = open(path()).await;
        create(&store, login).await;
        let is_done = call(&store, login, polls).await;
        assert!(is_done || polls < TO_THE_END);
        assert!(!is_done || polls > 0);
        drop(store);
        check(&open(path()).await, login).await;
    }
}

async fn create(store: &SqliteStore, login: LoginId) {
    let session = session_of(login);
    let created = store.create_login(&row(login), Some(&session), None, None, NOW.after(DAY), NOW).await;
    assert!(matches!(created, Ok(auth_core::store::Created::Created { .. })), "{created:?}");
}

async fn load(store: &SqliteStore, login: LoginId) -> Option<LoginRow> {
    store.load_login(login, NOW).await.unwrap()
}

/// Whether the log says that the login ended.
async fn is_logged(store: &SqliteStore, login: LoginId) -> bool {
    store.is_revoked(&[Revoked::Login(login, EndReason::SignedOut)], NOW).await.unwrap()
}

/// Its row, its session and its entry agree.
async fn is_whole(store: &SqliteStore, login: LoginId) -> bool {
    let is_there = load(store, login).await.is_some();
    let session = store.load_session(&session_of(login).id, NOW).await.unwrap();
    assert_eq!(session.is_some(), is_there);
    assert_eq!(is_logged(store, login).await, !is_there);
    is_there
}

#[tokio::test]
async fn an_end_that_is_dropped_is_logged_if_and_only_if_it_happened() {
    drop_everywhere(
        async |store, login, polls| {
            let until = NOW.after(DAY);
            let anna = subject("anna");
            poll_at_most(polls, store.end_login(&anna, login, EndReason::SignedOut, until, NOW))
                .await
                .is_some()
        },
        async |store, login| {
            if is_whole(store, login).await {
                let anna = subject("anna");
                assert!(
                    store.end_login(&anna, login, EndReason::SignedOut, NOW.after(DAY), NOW).await.unwrap()
                );
            }
            assert!(!is_whole(store, login).await);
        },
    )
    .await;
}

#[tokio::test]
async fn an_end_of_all_that_is_dropped_ends_all_or_none() {
    let other = |login: LoginId| LoginId::from_bytes(login.as_bytes().map(|byte| !byte));
    drop_everywhere(
        async |store, login, polls| {
            create(store, other(login)).await;
            let (anna, until) = (subject("anna"), NOW.after(DAY));
            poll_at_most(polls, store.end_logins(&anna, None, EndReason::SubjectEnded, until, NOW))
                .await
                .is_some()
        },
        async |store, login| {
            assert_eq!(is_whole(store, login).await, is_whole(store, other(login)).await);
            let (anna, until) = (subject("anna"), NOW.after(DAY));
            drop(store.end_logins(&anna, None, EndReason::SubjectEnded, until, NOW).await.unwrap());
            assert!(!is_whole(store, login).await && !is_whole(store, other(login)).await);
        },
    )
    .await;
}

#[tokio::test]
async fn a_rotation_that_is_dropped_happened_or_can_be_done_again() {
    let rotation = |login: LoginId, now: Timestamp| Rotation {
        login,
        position: Position { generation: 0, branch: 0 },
        presented: SecretHash::of(login.as_bytes()),
        successor: SecretHash::of(b"next"),
        nonce: [1; 16],
        grace: GRACE,
        idle_expires_at: now.after(HOUR),
    };
    drop_everywhere(
        async |store, login, polls| {
            let rotation = rotation(login, NOW);
            poll_at_most(polls, store.rotate(&rotation, NOW)).await.is_some()
        },
        async |store, login| {
            let before = load(store, login).await.unwrap().family.unwrap();
            let again = store.rotate(&rotation(login, NOW), NOW).await.unwrap();
            assert_eq!(again.is_some(), before.position.generation == 0);
            let family = load(store, login).await.unwrap().family.unwrap();
            assert_eq!((family.position.generation, family.current), (1, SecretHash::of(b"next")));
            assert_eq!(family.previous, Some(SecretHash::of(login.as_bytes())));
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_that_is_dropped_evicts_and_replaces_only_if_it_is_there() {
    let new = |login: LoginId| LoginId::from_bytes(login.as_bytes().map(|byte| !byte));
    let limit = Limit { most: NonZeroU32::new(1).unwrap(), exceeded: OnLimit::EndOldest };
    drop_everywhere(
        async |store, login, polls| {
            let (row, session) = (row(new(login)), session_of(new(login)));
            let until = NOW.after(DAY);
            let create = store.create_login(&row, Some(&session), None, Some(limit), until, NOW);
            poll_at_most(polls, create).await.is_some()
        },
        async |store, login| {
            assert_ne!(is_whole(store, login).await, load(store, new(login)).await.is_some());
            let session = store.load_session(&session_of(new(login)).id, NOW).await.unwrap();
            assert_eq!(session.is_some(), load(store, new(login)).await.is_some());
            let (anna, until) = (subject("anna"), NOW.after(DAY));
            drop(store.end_logins(&anna, None, EndReason::SubjectEnded, until, NOW).await.unwrap());
        },
    )
    .await;
}

#[tokio::test]
async fn an_epoch_that_is_dropped_is_logged_if_and_only_if_it_was_raised() {
    drop_everywhere(
        async |store, _, polls| {
            let anna = subject("anna");
            poll_at_most(polls, store.raise_epoch(&anna, NOW.after(DAY), NOW)).await.is_some()
        },
        async |store, login| {
            let epoch = store.epoch(&subject("anna")).await.unwrap();
            let below = |epoch| [Revoked::SubjectBelow(subject("anna"), epoch)];
            assert!(!store.is_revoked(&below(epoch), NOW).await.unwrap());
            assert_eq!(epoch > 0, store.is_revoked(&below(epoch.saturating_sub(1)), NOW).await.unwrap());
            assert!(load(store, login).await.is_some());
        },
    )
    .await;
}

#[tokio::test]
async fn after_many_calls_that_were_dropped_the_store_still_writes() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path().join("auth.db")).await;
    for polls in 0..60 {
        let login = LoginId::from_bytes([polls; 16]);
        create(&store, login).await;
        let (anna, until) = (subject("anna"), NOW.after(DAY));
        let end = store.end_login(&anna, login, EndReason::SignedOut, until, NOW);
        drop(poll_at_most(usize::from(polls % 12), end).await);
    }
    let (anna, until) = (subject("anna"), NOW.after(DAY));
    drop(store.end_logins(&anna, None, EndReason::SubjectEnded, until, NOW).await.unwrap());
    for number in 0..60 {
        assert!(!is_whole(&store, LoginId::from_bytes([number; 16])).await);
    }
}

fn session_of(login: LoginId) -> SessionRow {
    let id = SessionHash::of(login.as_bytes());
    SessionRow { id, login: Some(login), data: b"{}".to_vec(), version: 1, expires_at: NOW.after(DAY) }
}

fn row(id: LoginId) -> LoginRow {
    LoginRow {
        id,
        subject: subject("anna"),
        kind: LoginKind::Token,
        created_at: NOW,
        last_seen_at: NOW,
        authenticated_at: NOW,
        expires_at: NOW.after(DAY),
        idle_expires_at: NOW.after(HOUR),
        user_agent: None,
        address: None,
        claims: b"{}".to_vec(),
        epoch: 0,
        claims_loaded_at: NOW,
        family: Some(Family {
            position: Position { generation: 0, branch: 0 },
            previous_branch: None,
            current: SecretHash::of(id.as_bytes()),
            previous: None,
            nonce: [0; 16],
            rotated_at: Timestamp::UNIX_EPOCH,
            confirmed: true,
        }),
    }
}
