//! What is over by time alone.

use std::sync::Arc;
use std::time::Duration;

use super::fixture::{
    NOW, add, after, annas, kept, load, load_session, log, login_id, position, rotation, session, session_id,
    session_login, token_login,
};
use crate::clock::Timestamp;
use crate::store::{Confirmation, LoginRow, SavedSession, SessionRow, Store, Touch};

fn just_before(time: Timestamp) -> Timestamp {
    time.before(Duration::from_millis(1))
}

/// From the instant of either expiry on, and not a millisecond earlier.
pub async fn a_login_is_gone_when_it_expires(store: Arc<dyn Store>) {
    add(&store, &LoginRow { expires_at: after(10), idle_expires_at: after(20), ..token_login(1) }, None)
        .await;
    add(&store, &LoginRow { expires_at: after(20), idle_expires_at: after(10), ..token_login(2) }, None)
        .await;
    assert_eq!(annas(&store, just_before(after(10))).await, [2, 1].map(login_id));
    for number in [1, 2] {
        assert!(load(&store, number, just_before(after(10))).await.is_some());
        assert_eq!(load(&store, number, after(10)).await, None);
        assert_eq!(load(&store, number, after(15)).await, None);
    }
    assert_eq!(annas(&store, after(10)).await, []);
    assert_eq!(log(&store).await, []);
}

/// Whatever arrives too late finds nothing, also when nothing was purged yet.
pub async fn nothing_renews_an_expired_login(store: Arc<dyn Store>) {
    let absolute = LoginRow { expires_at: after(30), ..token_login(1) };
    let idle = LoginRow { idle_expires_at: after(30), ..token_login(2) };
    for (number, login) in [(1, &absolute), (2, &idle)] {
        add(&store, login, Some(&session(number))).await;
        let (late, id) = (after(30), login.id);
        let family = login.family.clone().expect("a token has one");
        let touch = Touch { login: id, seen_at: late, idle_expires_at: after(90) };
        store.touch(&[touch], late).await.expect("touch");
        let confirmation = Confirmation { login: id, position: position(7, 2) };
        store.confirm(&[confirmation], late).await.expect("confirm");
        assert!(!store.save_claims(id, b"{}", 9, late, late).await.expect("save_claims"));
        assert_eq!(store.rotate(&rotation(number), late).await.expect("rotate"), None);
        let mut new = family.clone();
        new.position.branch += 1;
        assert!(!store.swap_family(id, &family, &new, late).await.expect("swap_family"));
        let saved = store.save_session(&session_id(number), b"{}", 1, after(90), late).await;
        assert_eq!(saved.expect("save_session"), SavedSession::Gone);
        let renamed = store.rename_session(&session_id(number), &session_id(9), late).await;
        assert!(!renamed.expect("rename_session"));

        assert_eq!(load(&store, number, late).await, None);
        // What it was can be seen from before its expiry: it was not touched.
        assert_eq!(load(&store, number, NOW).await.as_ref(), Some(login));
    }
}

/// From the instant of its expiry on; its id is free then.
pub async fn a_session_is_gone_when_it_expires(store: Arc<dyn Store>) {
    let row = SessionRow { expires_at: after(10), ..session(1) };
    assert!(store.create_session(&row, NOW).await.expect("create_session"));
    add(&store, &session_login(2), Some(&SessionRow { expires_at: after(10), ..session(2) })).await;
    assert_eq!(load_session(&store, 1, just_before(after(10))).await, Some((row, None)));
    assert!(load_session(&store, 2, just_before(after(10))).await.is_some());
    for number in [1, 2] {
        assert_eq!(load_session(&store, number, after(10)).await, None);
        let saved = store.save_session(&session_id(number), b"{}", 1, after(90), after(10)).await;
        assert_eq!(saved.expect("save_session"), SavedSession::Gone);
        let renamed = store.rename_session(&session_id(number), &session_id(9), after(10)).await;
        assert!(!renamed.expect("rename_session"));
        assert!(
            !store.create_session(&session(number), just_before(after(10))).await.expect("create_session")
        );
        assert!(store.create_session(&session(number), after(10)).await.expect("create_session"));
        assert_eq!(load_session(&store, number, after(10)).await, Some((session(number), None)));
    }
}

/// However long the session itself would last.
pub async fn a_session_is_gone_when_its_login_expires(store: Arc<dyn Store>) {
    add(&store, &LoginRow { expires_at: after(10), ..session_login(1) }, Some(&session(1))).await;
    add(&store, &LoginRow { idle_expires_at: after(10), ..session_login(2) }, Some(&session(2))).await;
    for number in [1, 2] {
        assert!(load_session(&store, number, just_before(after(10))).await.is_some());
        assert_eq!(load_session(&store, number, after(10)).await, None);
        let saved = store.save_session(&session_id(number), b"{}", 1, kept(), after(10)).await;
        assert_eq!(saved.expect("save_session"), SavedSession::Gone);
    }
}
