//! Sessions.

use std::sync::Arc;

use super::fixture::{
    MANY, NOW, add, after, anna, at_once, kept, load, load_session, log, login_id, session, session_id,
    session_login,
};
use crate::store::{EndReason, SavedSession, SessionRow, Store};

async fn save(store: &Arc<dyn Store>, number: u8, data: &[u8], version: u64) -> SavedSession {
    store.save_session(&session_id(number), data, version, after(90), NOW).await.expect("save_session")
}

/// And it carries no login, even if it says so: only signing in makes one that does.
pub async fn a_session_without_login_is_loaded_as_it_was_created(store: Arc<dyn Store>) {
    assert_eq!(load_session(&store, 1, NOW).await, None);
    add(&store, &session_login(1), None).await;
    let claimed = SessionRow { login: Some(login_id(1)), data: vec![0, 0xff, b'\''], ..session(1) };
    assert!(store.create_session(&claimed, NOW).await.expect("create_session"));
    assert_eq!(load_session(&store, 1, NOW).await, Some((SessionRow { login: None, ..claimed }, None)));
}

/// With the login as it is now, not as it was when the session began.
pub async fn a_session_comes_with_its_login(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    let carried = SessionRow { login: Some(login_id(1)), ..session(1) };
    assert_eq!(load_session(&store, 1, NOW).await, Some((carried, Some(session_login(1)))));
    assert!(store.save_claims(login_id(1), b"new", 4, NOW, NOW).await.expect("save_claims"));
    let (_, login) = load_session(&store, 1, NOW).await.expect("the session is live");
    assert_eq!(login.map(|login| login.claims), Some(b"new".to_vec()));
}

/// The one that has the id stays as it is.
pub async fn a_taken_session_id_is_refused(store: Arc<dyn Store>) {
    assert!(store.create_session(&session(1), NOW).await.expect("create_session"));
    add(&store, &session_login(2), Some(&session(2))).await;
    for number in [1, 2] {
        let other = SessionRow { data: b"other".to_vec(), ..session(number) };
        assert!(!store.create_session(&other, NOW).await.expect("create_session"));
        let (kept, _) = load_session(&store, number, NOW).await.expect("the session is live");
        assert_eq!(kept.data, session(number).data);
    }
    assert!(load_session(&store, 2, NOW).await.is_some_and(|(_, login)| login.is_some()));
}

/// Whoever loaded the session before it was saved does not overwrite that save.
pub async fn saving_over_another_save_is_a_conflict(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    assert!(store.create_session(&session(2), NOW).await.expect("create_session"));
    for (number, login) in [(1, Some(login_id(1))), (2, None)] {
        assert_eq!(save(&store, number, b"first", 1).await, SavedSession::Saved(2));
        assert_eq!(save(&store, number, b"second", 1).await, SavedSession::Conflict);
        assert_eq!(save(&store, number, b"future", 3).await, SavedSession::Conflict);
        let expected = SessionRow {
            id: session_id(number),
            login,
            data: b"first".to_vec(),
            version: 2,
            expires_at: after(90),
        };
        let (stored, _) = load_session(&store, number, NOW).await.expect("the session is live");
        assert_eq!(stored, expected);
    }
}

/// Many that loaded the same version save at once: the others learn that they did not.
pub async fn one_of_many_saves_wins(store: Arc<dyn Store>) {
    assert!(store.create_session(&session(1), NOW).await.expect("create_session"));
    let done = at_once(&store, |store, number| async move {
        store.save_session(&session_id(1), &[number], 1, after(90), NOW).await
    });
    let done = done.await;
    assert_eq!(done.iter().filter(|saved| **saved == SavedSession::Saved(2)).count(), 1);
    assert_eq!(done.iter().filter(|saved| **saved == SavedSession::Conflict).count(), usize::from(MANY) - 1);
    let winner = done.iter().position(|saved| *saved == SavedSession::Saved(2)).expect("one won");
    let (stored, _) = load_session(&store, 1, NOW).await.expect("the session is live");
    assert_eq!(usize::from(stored.data[0]), winner);
}

/// Saving never makes one, neither a new one nor one that was deleted.
pub async fn a_missing_session_is_not_saved(store: Arc<dyn Store>) {
    assert_eq!(save(&store, 1, b"never there", 0).await, SavedSession::Gone);
    assert!(store.create_session(&session(2), NOW).await.expect("create_session"));
    store.delete_session(&session_id(2)).await.expect("delete_session");
    assert_eq!(save(&store, 2, b"deleted", 1).await, SavedSession::Gone);
    for number in [1, 2] {
        assert_eq!(load_session(&store, number, NOW).await, None);
    }
}

/// Whoever has the old id has nothing: not to load, not to save with. The rest is as it was, one version later.
pub async fn a_renamed_session_has_its_new_id_only(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    assert!(store.create_session(&session(2), NOW).await.expect("create_session"));
    for (old, new, login) in [(1, 11, Some(login_id(1))), (2, 12, None)] {
        assert!(store.rename_session(&session_id(old), &session_id(new), NOW).await.expect("rename_session"));
        assert_eq!(load_session(&store, old, NOW).await, None);
        assert_eq!(save(&store, old, b"late", 1).await, SavedSession::Gone);
        assert_eq!(save(&store, new, b"late", 1).await, SavedSession::Conflict);
        let expected = SessionRow { id: session_id(new), login, version: 2, ..session(old) };
        let (stored, carried) = load_session(&store, new, NOW).await.expect("the session is live");
        assert_eq!((stored, carried.map(|login| login.id)), (expected, login));
        assert!(!store.rename_session(&session_id(old), &session_id(13), NOW).await.expect("rename_session"));
    }
    // The renamed session still ends with its login.
    let ended = store.end_login(&anna(), login_id(1), EndReason::SignedOut, kept(), NOW).await;
    assert!(ended.expect("end_login"));
    assert_eq!(load_session(&store, 11, NOW).await, None);
}

/// Both stay as they were.
pub async fn a_session_is_not_renamed_to_a_taken_id(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    assert!(store.create_session(&session(2), NOW).await.expect("create_session"));
    for (old, new) in [(1, 2), (2, 1), (2, 2)] {
        assert!(
            !store.rename_session(&session_id(old), &session_id(new), NOW).await.expect("rename_session")
        );
    }
    assert_eq!(load_session(&store, 2, NOW).await, Some((session(2), None)));
    let carried = SessionRow { login: Some(login_id(1)), ..session(1) };
    assert_eq!(load_session(&store, 1, NOW).await, Some((carried, Some(session_login(1)))));
}

/// A session that carries a login ends only through the login, where it is logged.
pub async fn deleting_a_session_leaves_logins_alone(store: Arc<dyn Store>) {
    add(&store, &session_login(1), Some(&session(1))).await;
    assert!(store.create_session(&session(2), NOW).await.expect("create_session"));
    for number in [1, 2, 3] {
        store.delete_session(&session_id(number)).await.expect("delete_session");
    }
    assert!(load_session(&store, 1, NOW).await.is_some() && load(&store, 1, NOW).await.is_some());
    assert_eq!(load_session(&store, 2, NOW).await, None);
    assert_eq!(log(&store).await, []);
}
