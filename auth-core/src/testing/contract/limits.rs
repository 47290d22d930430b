//! At most so many logins a subject.

use std::sync::Arc;

use super::fixture::{
    MANY, NOW, add, after, annas, at_once, bert, created, kept, limit, load, load_session, log, login_id,
    session, session_login, token_login,
};
use crate::id::LoginId;
use crate::store::{Created, EndReason, LoginRow, OnLimit, Revoked, Store};

/// Of many that arrive at once, exactly as many get in as there is room for.
pub async fn concurrent_logins_keep_a_limit_that_refuses(store: Arc<dyn Store>) {
    let done = at_once(&store, |store, number| async move {
        store.create_login(&token_login(number), None, None, limit(3, OnLimit::RefuseNew), kept(), NOW).await
    });
    let done = done.await;
    let refused = done.iter().filter(|one| **one == Created::LimitReached).count();
    assert_eq!(refused, usize::from(MANY) - 3);
    assert_eq!(done.iter().filter(|one| **one == created(&[])).count(), 3);
    assert_eq!(annas(&store, NOW).await.len(), 3);
    assert_eq!(log(&store).await, []);
}

/// Of many that arrive at once all get in, and all but as many as there is room for end: each once, each logged once.
pub async fn concurrent_logins_keep_a_limit_that_ends_the_oldest(store: Arc<dyn Store>) {
    let done = at_once(&store, |store, number| async move {
        let login = token_login(number);
        store
            .create_login(&login, Some(&session(number)), None, limit(3, OnLimit::EndOldest), kept(), NOW)
            .await
    });
    let mut evicted: Vec<LoginId> = Vec::new();
    for one in done.await {
        match one {
            Created::Created { evicted: some } => evicted.extend(some),
            other => panic!("a login was not created: {other:?}"),
        }
    }
    let left = annas(&store, NOW).await;
    assert_eq!(left.len(), 3);
    let mut logged: Vec<_> = log(&store).await.into_iter().map(|entry| entry.revoked).collect();
    logged.sort_by_key(|revoked| format!("{revoked:?}"));
    let mut expected: Vec<_> = evicted.iter().map(|id| Revoked::Login(*id, EndReason::Evicted)).collect();
    expected.sort_by_key(|revoked| format!("{revoked:?}"));
    assert_eq!(logged, expected);
    assert_eq!(evicted.len(), usize::from(MANY) - 3);
    for number in 0..MANY {
        assert_eq!(load_session(&store, number, NOW).await.is_some(), left.contains(&login_id(number)));
    }
}

/// As many as need be when the limit was lowered, with their sessions; the newest stay.
pub async fn the_oldest_logins_are_evicted(store: Arc<dyn Store>) {
    for (number, age) in [(1, 10), (2, 40), (4, 30), (3, 30), (5, 20)] {
        let login = LoginRow { created_at: after(100 - age), ..session_login(number) };
        add(&store, &login, Some(&session(number))).await;
    }
    let new = LoginRow { created_at: after(100), ..session_login(6) };
    let done = store.create_login(&new, None, None, limit(3, OnLimit::EndOldest), kept(), NOW).await;
    assert_eq!(done.expect("create_login"), created(&[2, 3, 4]));
    assert_eq!(annas(&store, NOW).await, [6, 1, 5].map(login_id));
    assert_eq!(load_session(&store, 2, NOW).await, None);
    assert!(load_session(&store, 5, NOW).await.is_some());
    let logged: Vec<_> =
        log(&store).await.into_iter().map(|entry| (entry.revoked, entry.expires_at)).collect();
    let expected = [2, 3, 4].map(|number| (Revoked::Login(login_id(number), EndReason::Evicted), kept()));
    assert_eq!(logged, expected);

    // A clock that went back makes the new login the oldest: it is not the one that ends.
    let new = LoginRow { created_at: NOW, ..session_login(7) };
    let done = store.create_login(&new, None, None, limit(3, OnLimit::EndOldest), kept(), NOW).await;
    assert_eq!(done.expect("create_login"), created(&[5]));
    assert!(load(&store, 7, NOW).await.is_some());
}

/// Not what has expired, and not what is somebody else's.
pub async fn only_live_logins_of_the_subject_count(store: Arc<dyn Store>) {
    add(&store, &LoginRow { expires_at: after(10), ..token_login(1) }, None).await;
    add(&store, &LoginRow { idle_expires_at: after(10), ..token_login(2) }, None).await;
    add(&store, &LoginRow { subject: bert(), ..token_login(3) }, None).await;
    for (number, exceeded) in [(4, OnLimit::RefuseNew), (5, OnLimit::EndOldest)] {
        let new = token_login(number);
        let done = store.create_login(&new, None, None, limit(2, exceeded), kept(), after(10)).await;
        assert_eq!(done.expect("create_login"), created(&[]));
    }
    let done = store
        .create_login(&token_login(6), None, None, limit(2, OnLimit::RefuseNew), kept(), after(10))
        .await;
    assert_eq!(done.expect("create_login"), Created::LimitReached);
    assert_eq!(log(&store).await, []);
}

/// The browser that signs in again takes the place of its own login, not of another device's.
pub async fn a_replaced_login_does_not_count(store: Arc<dyn Store>) {
    add(&store, &token_login(1), None).await;
    add(&store, &token_login(2), None).await;
    for (number, replaces, exceeded) in [(3, 2, OnLimit::RefuseNew), (4, 3, OnLimit::EndOldest)] {
        let (new, replaces) = (token_login(number), Some(login_id(replaces)));
        let done = store.create_login(&new, None, replaces, limit(2, exceeded), kept(), NOW).await;
        assert_eq!(done.expect("create_login"), created(&[]));
    }
    assert_eq!(annas(&store, NOW).await, [4, 1].map(login_id));
}
