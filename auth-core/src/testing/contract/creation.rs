//! Creating logins.

use std::sync::Arc;

use super::fixture::{
    NOW, add, after, anna, annas, bert, created, end, kept, limit, load, load_session, log, login_id,
    position, session, session_id, session_login, token_login,
};
use crate::store::{Created, EndReason, LoginRow, OnLimit, Revoked, SessionRow, Store};

/// Every field comes back, and those that are empty come back empty.
pub async fn a_login_is_loaded_as_it_was_created(store: Arc<dyn Store>) {
    assert_eq!(load(&store, 1, NOW).await, None);
    let mut first = token_login(3);
    let family = first.family.as_mut().expect("a token has one");
    (family.position, family.confirmed) = (position(u32::MAX, u16::MAX), false);
    (family.previous_branch, family.previous) = (None, None);
    for login in [token_login(1), session_login(2), first] {
        add(&store, &login, None).await;
        assert_eq!(store.load_login(login.id, NOW).await.expect("load_login"), Some(login));
    }
}

/// The login that has the id stays as it is.
pub async fn a_taken_login_id_is_refused(store: Arc<dyn Store>) {
    add(&store, &token_login(1), Some(&session(1))).await;
    add(&store, &token_login(2), None).await;
    let other = LoginRow { subject: bert(), ..session_login(1) };
    let limit = limit(1, OnLimit::RefuseNew);
    let done = store.create_login(&other, Some(&session(2)), Some(login_id(2)), limit, kept(), NOW).await;
    assert_eq!(done.expect("create_login"), Created::IdTaken);
    // Not even by itself: it would be revoked from the start.
    let done = store.create_login(&token_login(1), None, Some(login_id(1)), None, kept(), NOW).await;
    assert_eq!(done.expect("create_login"), Created::IdTaken);

    assert_eq!(load(&store, 1, NOW).await, Some(token_login(1)));
    assert!(load(&store, 2, NOW).await.is_some() && load_session(&store, 1, NOW).await.is_some());
    assert_eq!(load_session(&store, 2, NOW).await, None);
    assert_eq!(log(&store).await, []);
}

/// The session that has the id stays as it is, and the login is not there without its own.
pub async fn a_taken_session_id_refuses_the_login(store: Arc<dyn Store>) {
    assert!(store.create_session(&session(1), NOW).await.expect("create_session"));
    let chosen = SessionRow { data: b"{\"of\":\"the login\"}".to_vec(), ..session(1) };
    let done = store.create_login(&session_login(1), Some(&chosen), None, None, kept(), NOW).await;
    assert_eq!(done.expect("create_login"), Created::IdTaken);
    assert_eq!(load(&store, 1, NOW).await, None);
    assert_eq!(load_session(&store, 1, NOW).await, Some((session(1), None)));
}

/// Its sessions are not there for the next one.
pub async fn the_id_of_an_expired_login_is_free(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    let next = LoginRow { subject: bert(), created_at: end(), expires_at: after(9000), ..session_login(1) };
    let next = LoginRow { idle_expires_at: after(9000), ..next };
    let done = store.create_login(&next, None, None, None, kept(), end()).await;
    assert_eq!(done.expect("create_login"), created(&[]));
    assert_eq!(load(&store, 1, end()).await, Some(next));
    assert_eq!(load_session(&store, 1, NOW).await, None);
    assert!(annas(&store, NOW).await.is_empty());
    assert_eq!(log(&store).await, []);
}

/// Of equal age, the larger id comes first; nobody else's are among them.
pub async fn logins_are_listed_newest_first(store: Arc<dyn Store>) {
    for (number, age) in [(3, 5), (1, 5), (4, 0), (2, 9)] {
        add(&store, &LoginRow { created_at: after(100 - age), ..token_login(number) }, None).await;
    }
    add(&store, &LoginRow { subject: bert(), ..token_login(5) }, None).await;
    assert_eq!(annas(&store, NOW).await, [4, 3, 1, 2].map(login_id));
    let whole = store.list_logins(&bert(), NOW).await.expect("list_logins");
    assert_eq!(whole, [LoginRow { subject: bert(), ..token_login(5) }]);
}

/// Whoever's it was; its session goes, and the log says why. One that is not live is not mentioned.
pub async fn a_replaced_login_ends_with_the_new_one(store: Arc<dyn Store>) {
    add(&store, &LoginRow { subject: bert(), ..session_login(1) }, Some(&session(1))).await;
    add(&store, &LoginRow { expires_at: after(10), ..session_login(2) }, None).await;
    for (number, replaces) in [(3, 1), (4, 1), (5, 2), (6, 99)] {
        let replaces = Some(login_id(replaces));
        let row = session(number);
        let done =
            store.create_login(&session_login(number), Some(&row), replaces, None, kept(), after(10)).await;
        assert_eq!(done.expect("create_login"), created(&[]));
    }
    assert_eq!(load(&store, 1, NOW).await, None);
    assert_eq!(load_session(&store, 1, NOW).await, None);
    let carried = SessionRow { login: Some(login_id(3)), ..session(3) };
    assert_eq!(load_session(&store, 3, NOW).await, Some((carried, Some(session_login(3)))));
    let log = log(&store).await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].revoked, Revoked::Login(login_id(1), EndReason::Replaced));
    assert_eq!(log[0].expires_at, kept());
}

/// The limit refuses the new login: the old one goes on.
pub async fn a_refused_login_replaces_nothing(store: Arc<dyn Store>) {
    add(&store, &LoginRow { subject: bert(), ..session_login(1) }, Some(&session(1))).await;
    add(&store, &token_login(2), None).await;
    let limit = limit(1, OnLimit::RefuseNew);
    let done =
        store.create_login(&token_login(3), Some(&session(3)), Some(login_id(1)), limit, kept(), NOW).await;
    assert_eq!(done.expect("create_login"), Created::LimitReached);
    assert!(load(&store, 1, NOW).await.is_some() && load_session(&store, 1, NOW).await.is_some());
    assert_eq!(load(&store, 3, NOW).await, None);
    assert_eq!(store.load_session(&session_id(3), NOW).await.expect("load_session"), None);
    assert_eq!(store.list_logins(&anna(), NOW).await.expect("list_logins").len(), 1);
    assert_eq!(log(&store).await, []);
}
