//! Ending logins.

use std::sync::Arc;

use super::fixture::{
    NOW, add, after, anna, annas, at_once, bert, created, end, kept, load, load_session, log, login_id,
    position, rotation, session, session_id, session_login, token_login,
};
use crate::id::LoginId;
use crate::store::{Confirmation, EndReason, LogEntry, LoginRow, Revoked, SavedSession, Store, Touch};

async fn end_login(store: &Arc<dyn Store>, number: u8) -> bool {
    store.end_login(&anna(), login_id(number), EndReason::SignedOut, kept(), NOW).await.expect("end_login")
}

/// Both are gone at once; other logins stay.
pub async fn a_login_ends_with_its_sessions(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    add(&store, &session_login(2), Some(&session(2))).await;
    assert!(end_login(&store, 1).await);
    assert_eq!(load(&store, 1, NOW).await, None);
    assert_eq!(load_session(&store, 1, NOW).await, None);
    assert_eq!(annas(&store, NOW).await, [login_id(2)]);
    assert!(load_session(&store, 2, NOW).await.is_some());
    let entry = LogEntry {
        sequence: 1,
        revoked: Revoked::Login(login_id(1), EndReason::SignedOut),
        expires_at: kept(),
    };
    assert_eq!(log(&store).await, [entry]);
}

/// However many try: one is told that it did it, and the log has one entry.
pub async fn a_login_ends_once(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    let done = at_once(&store, |store, _| async move {
        store.end_login(&anna(), login_id(1), EndReason::Stolen, kept(), NOW).await
    });
    assert_eq!(done.await.iter().filter(|ended| **ended).count(), 1);
    assert!(!end_login(&store, 1).await);
    assert_eq!(log(&store).await.len(), 1);
}

/// It is as if it were not there.
pub async fn another_subjects_login_does_not_end(store: Arc<dyn Store>) {
    add(&store, &LoginRow { subject: bert(), ..session_login(1) }, Some(&session(1))).await;
    assert!(!end_login(&store, 1).await);
    assert!(load(&store, 1, NOW).await.is_some() && load_session(&store, 1, NOW).await.is_some());
    assert_eq!(log(&store).await, []);
}

/// It is over already, and expiry is not logged.
pub async fn an_expired_login_does_not_end(store: Arc<dyn Store>) {
    add(&store, &LoginRow { expires_at: after(10), ..token_login(1) }, None).await;
    add(&store, &LoginRow { idle_expires_at: after(10), ..token_login(2) }, None).await;
    for number in [1, 2] {
        let done = store.end_login(&anna(), login_id(number), EndReason::SignedOut, kept(), after(10)).await;
        assert!(!done.expect("end_login"));
    }
    let ended = store.end_logins(&anna(), None, EndReason::SubjectEnded, kept(), after(10)).await;
    assert_eq!(ended.expect("end_logins"), []);
    assert_eq!(log(&store).await, []);
}

/// The others end oldest first, each with an entry; the one that is kept, and other people's, go on.
pub async fn all_logins_but_one_end(store: Arc<dyn Store>) {
    for number in 1..=4 {
        let login = LoginRow { created_at: after(100 - u64::from(number)), ..session_login(number) };
        add(&store, &login, Some(&session(number))).await;
    }
    add(&store, &LoginRow { subject: bert(), ..token_login(5) }, None).await;
    let ended = store.end_logins(&anna(), Some(login_id(2)), EndReason::EndedRemotely, kept(), NOW).await;
    assert_eq!(ended.expect("end_logins"), [4, 3, 1].map(login_id));
    assert_eq!(annas(&store, NOW).await, [login_id(2)]);
    assert!(load(&store, 5, NOW).await.is_some());
    for number in 1..=4 {
        assert_eq!(load_session(&store, number, NOW).await.is_some(), number == 2);
    }
    let logged: Vec<_> = log(&store).await.into_iter().map(|entry| (entry.sequence, entry.revoked)).collect();
    let entry = |sequence, number| (sequence, Revoked::Login(login_id(number), EndReason::EndedRemotely));
    assert_eq!(logged, [entry(1, 4), entry(2, 3), entry(3, 1)]);

    // A stranger's login is not kept, for it is not there; and all end without one to keep.
    let ended = store.end_logins(&bert(), Some(login_id(2)), EndReason::SubjectEnded, kept(), NOW).await;
    assert_eq!(ended.expect("end_logins"), [login_id(5)]);
    let ended = store.end_logins(&anna(), None, EndReason::SubjectEnded, kept(), NOW).await;
    assert_eq!(ended.expect("end_logins"), [login_id(2)]);
}

/// Nobody sees some of them ended and the others not.
pub async fn all_logins_end_in_one_step(store: Arc<dyn Store>) {
    for number in 0..16 {
        add(&store, &token_login(number), None).await;
    }
    let ending = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.end_logins(&anna(), Some(login_id(0)), EndReason::SubjectEnded, kept(), NOW).await }
    });
    loop {
        let done = ending.is_finished();
        let (live, logged) = (annas(&store, NOW).await.len(), log(&store).await.len());
        assert!(live == 16 || live == 1, "{live} logins of 16 are left");
        assert!(live == 16 || logged == 15, "{logged} of 15 ends are logged");
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(ending.await.expect("a task").expect("end_logins").len(), 15);
    assert_eq!(annas(&store, NOW).await, [login_id(0)]);
}

/// Whoever sees that the login or its session is gone sees the entry, and the reverse.
pub async fn an_end_and_its_entry_are_seen_together(store: Arc<dyn Store>) {
    for number in 0..8 {
        add(&store, &session_login(number), Some(&session(number))).await;
    }
    let ending = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 0..8 {
                assert!(end_login(&store, number).await);
            }
        }
    });
    loop {
        let done = ending.is_finished();
        for number in 0..8 {
            let before = is_logged(&store, login_id(number)).await;
            let login = load(&store, number, NOW).await.is_some();
            let session = load_session(&store, number, NOW).await.is_some();
            let after = is_logged(&store, login_id(number)).await;
            assert!(!before || !(login || session), "its end is logged, and it is there");
            assert!(after || (login && session), "it is gone, and its end is not logged");
        }
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    ending.await.expect("a task");
}

async fn is_logged(store: &Arc<dyn Store>, id: LoginId) -> bool {
    log(store).await.iter().any(|entry| matches!(entry.revoked, Revoked::Login(logged, _) if logged == id))
}

/// A request that was on its way when the login ended finds nothing to write to.
pub async fn nothing_brings_an_ended_login_back(store: Arc<dyn Store>) {
    add(&store, &token_login(1), Some(&session(1))).await;
    let family = token_login(1).family.expect("a token has one");
    assert!(end_login(&store, 1).await);

    let saved = store.save_session(&session_id(1), b"{}", 1, end(), NOW).await;
    assert_eq!(saved.expect("save_session"), SavedSession::Gone);
    assert!(!store.rename_session(&session_id(1), &session_id(2), NOW).await.expect("rename_session"));
    let touch = Touch { login: login_id(1), seen_at: after(20), idle_expires_at: end() };
    store.touch(&[touch], NOW).await.expect("touch");
    let confirmation = Confirmation { login: login_id(1), position: position(7, 2) };
    store.confirm(&[confirmation], NOW).await.expect("confirm");
    assert!(!store.save_claims(login_id(1), b"{}", 9, NOW, NOW).await.expect("save_claims"));
    assert_eq!(store.rotate(&rotation(1), after(20)).await.expect("rotate"), None);
    assert!(!store.swap_family(login_id(1), &family, &family, NOW).await.expect("swap_family"));

    assert_eq!(load(&store, 1, NOW).await, None);
    assert_eq!(annas(&store, NOW).await, []);
    for number in [1, 2] {
        assert_eq!(load_session(&store, number, NOW).await, None);
    }
    // Only signing in again does, and it brings nothing of the old one along.
    let done = store.create_login(&session_login(1), None, None, None, kept(), NOW).await;
    assert_eq!(done.expect("create_login"), created(&[]));
    assert_eq!(load_session(&store, 1, NOW).await, None);
}
