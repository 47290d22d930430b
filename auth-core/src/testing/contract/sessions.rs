//! Rules about sessions and their data.

use std::sync::Arc;

use super::World;
use super::fixture::{LIFETIME, MANY, RETENTION, Scene, at_once, seconds};
use crate::store::{NewSession, Renamed, Revoked, SecretHash, SessionKey, SessionRow, Timed};

async fn create(scene: &Scene, session: &NewSession) -> Timed<bool> {
    scene.store.create_session(&scene.realm, session).await.expect("create_session")
}

async fn save(scene: &Scene, key: &SessionKey, data: &[u8], version: u64) -> Timed<bool> {
    scene.store.save_session(&scene.realm, key, data, version, LIFETIME).await.expect("save_session")
}

async fn rename(scene: &Scene, old: &SessionKey, new: &SecretHash) -> Timed<Renamed> {
    scene.store.rename_session(&scene.realm, old, new, RETENTION).await.expect("rename_session")
}

async fn row(scene: &Scene, key: &SessionKey) -> SessionRow {
    scene.session(key).await.expect("the session is live").0
}

/// A session without login is stored with its data unchanged.
pub async fn a_session_without_login_is_stored_as_it_was_made(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(scene.session(&scene.key(1)).await.is_none());
    let new = NewSession { lifetime: seconds(60), ..scene.new_session(1) };
    let Timed { value, now } = create(&scene, &new).await;
    assert!(value);
    let (session, login) = scene.session(&scene.key(1)).await.expect("the session is live");
    let expires_at = now.after(seconds(60));
    assert!(session == SessionRow { key: new.key, login: None, data: new.data, version: 1, expires_at });
    assert_eq!(login, None);
}

/// A session with a taken hash is refused, and the existing session, with or without login, does not change.
pub async fn a_taken_session_hash_is_refused(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(create(&scene, &scene.new_session(1)).await.value);
    scene.sign_in_session(2).await;
    for number in [1, 2] {
        let before = row(&scene, &scene.key(number)).await;
        let new = NewSession { data: b"other".to_vec(), ..scene.new_session(number) };
        assert!(!create(&scene, &new).await.value);
        assert!(row(&scene, &scene.key(number)).await == before);
    }
}

/// A save raises the version by one, and the session then expires after the given lifetime.
pub async fn a_save_raises_the_version(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(create(&scene, &scene.new_session(1)).await.value);
    scene.sign_in_session(2).await;
    for number in [1, 2] {
        let key = scene.key(number);
        for version in 1..=3 {
            scene.advance(seconds(10));
            let before = row(&scene, &key).await;
            let Timed { value, now } = save(&scene, &key, b"\0new", version).await;
            assert!(value);
            let expires_at = now.after(LIFETIME);
            let expected = SessionRow { data: b"\0new".to_vec(), version: version + 1, expires_at, ..before };
            assert!(row(&scene, &key).await == expected);
        }
    }
}

/// A save with another version than the current one is a conflict and changes nothing.
pub async fn saving_over_another_save_is_a_conflict(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(create(&scene, &scene.new_session(1)).await.value);
    assert!(save(&scene, &scene.key(1), b"1", 1).await.value);
    let before = row(&scene, &scene.key(1)).await;
    scene.advance(seconds(1));
    for version in [0, 1, 3] {
        assert!(!save(&scene, &scene.key(1), b"2", version).await.value);
    }
    assert!(row(&scene, &scene.key(1)).await == before);
}

/// Of many concurrent saves of the same version, exactly one succeeds.
pub async fn one_of_many_saves_wins(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(create(&scene, &scene.new_session(1)).await.value);
    let done = at_once(&scene, |scene, number| async move {
        scene.store.save_session(&scene.realm, &scene.key(1), &[number], 1, LIFETIME).await
    })
    .await;
    let done: Vec<_> = done.into_iter().map(|one| one.value).collect();
    assert_eq!(done.len(), usize::from(MANY));
    assert_eq!(done.iter().filter(|is_saved| **is_saved).count(), 1);
    let winner = done.iter().position(|is_saved| *is_saved).expect("one won");
    assert_eq!(usize::from(row(&scene, &scene.key(1)).await.data[0]), winner + 1);
}

/// After a rename the old hash is invalid, and logged if the session carries a login. Data and login stay.
pub async fn a_renamed_session_has_its_new_hash_only(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(create(&scene, &scene.new_session(1)).await.value);
    scene.sign_in_session(2).await;
    for number in [1, 2] {
        let (old, new) = (scene.key(number), scene.key(number + 10));
        let before = row(&scene, &old).await;
        let Timed { value, now } = rename(&scene, &old, &new.hash).await;
        let Renamed::Renamed(logged) = value else { panic!("it is live") };
        assert!(scene.session(&old).await.is_none(), "the old hash is alive");
        assert!(!save(&scene, &old, b"", before.version).await.value);
        let (session, login) = scene.session(&new).await.expect("the session is live");
        assert!(session == SessionRow { key: new, version: before.version + 1, ..before });
        assert_eq!(login.map(|login| login.row.id), session.login);
        match (session.login, logged) {
            (None, None) => assert_eq!(scene.log().await, []),
            (Some(_), Some(logged)) => {
                assert_eq!(logged.expires_at, now.after(RETENTION));
                let entry = scene.log().await.into_iter().find(|entry| entry.mark == logged.mark);
                let entry = entry.expect("the old hash was logged");
                assert_eq!((entry.revoked, entry.expires_at), (Revoked::Session(old), logged.expires_at));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A rename is logged for the login's retention, because another node may have cached the session, or the caller's,
/// whichever is longer.
pub async fn a_rename_is_logged_for_the_longer_retention(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in_session(1).await;
    let cases = [(1, 3, RETENTION / 2, RETENTION), (3, 4, RETENTION * 2, RETENTION * 2)];
    for (old, new, retention, expected) in cases {
        let (old, new) = (scene.key(old), scene.key(new).hash);
        let done = scene.store.rename_session(&scene.realm, &old, &new, retention).await;
        let done = done.expect("rename_session");
        let Renamed::Renamed(Some(logged)) = done.value else { panic!("{done:?}") };
        assert_eq!(logged.expires_at, done.now.after(expected));
        let entry = scene.log().await.into_iter().find(|entry| entry.mark == logged.mark);
        assert_eq!(entry.expect("it was logged").expires_at, logged.expires_at);
    }
}

/// If the new hash is taken, or there is no such session, nothing changes and nothing is logged.
pub async fn a_session_that_cannot_be_renamed_is_left_alone(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in [1, 2] {
        assert!(create(&scene, &scene.new_session(number)).await.value);
    }
    let short = NewSession { lifetime: seconds(5), ..scene.new_session(3) };
    assert!(create(&scene, &short).await.value);
    scene.advance(seconds(5));
    let before = [row(&scene, &scene.key(1)).await, row(&scene, &scene.key(2)).await];
    for (old, new) in [(1, 2), (3, 4), (9, 4)] {
        assert_eq!(rename(&scene, &scene.key(old), &scene.key(new).hash).await.value, Renamed::Refused);
    }
    assert!([row(&scene, &scene.key(1)).await, row(&scene, &scene.key(2)).await] == before);
    assert!(scene.session(&scene.key(4)).await.is_none());
    assert_eq!(scene.log().await, []);
}

/// Of many concurrent renames of the same session, exactly one succeeds.
pub async fn one_of_many_renames_wins(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    assert!(create(&scene, &scene.new_session(100)).await.value);
    let done = at_once(&scene, |scene, number| async move {
        let (old, new) = (scene.key(100), scene.key(number).hash);
        scene.store.rename_session(&scene.realm, &old, &new, RETENTION).await
    })
    .await;
    assert_eq!(done.iter().filter(|one| one.value != Renamed::Refused).count(), 1);
    let mut live = 0;
    for number in 1..=MANY {
        live += u32::from(scene.session(&scene.key(number)).await.is_some());
    }
    assert_eq!(live, 1);
}

/// Only sessions without login are deleted; a session with a login ends with the login.
pub async fn only_a_session_without_login_is_deleted(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in [1, 2] {
        assert!(create(&scene, &scene.new_session(number)).await.value);
    }
    scene.sign_in_session(3).await;
    for number in [1, 3, 9] {
        scene.store.delete_session(&scene.realm, &scene.key(number)).await.expect("delete_session");
    }
    assert!(scene.session(&scene.key(1)).await.is_none());
    assert!(scene.session(&scene.key(2)).await.is_some());
    assert!(scene.session(&scene.key(3)).await.is_some());
    assert!(scene.is_live(scene.id(3)).await);
}

/// A session, with or without login, ends at its expiry, to the millisecond.
pub async fn a_session_is_refused_from_the_instant_it_expires(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in [1, 2] {
        let new = NewSession { lifetime: seconds(60), ..scene.new_session(number) };
        if number == 1 {
            assert!(create(&scene, &new).await.value);
        } else {
            scene.sign_in_as(&scene.annas_session(2), Some(&new)).await;
        }
        let expires_at = row(&scene, &new.key).await.expires_at;
        scene
            .holds_until(expires_at, async || {
                let answer = scene.store.session(&scene.realm, &new.key).await.expect("session");
                answer.map(|session| session.is_some())
            })
            .await;
        assert!(!save(&scene, &new.key, b"", 1).await.value);
        assert!(scene.session(&new.key).await.is_none(), "a save renewed it");
    }
    assert!(scene.is_live(scene.id(2)).await, "the login goes on");
}

/// No call makes a session live again that has ended.
pub async fn nothing_brings_a_session_back(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in [1, 2] {
        assert!(create(&scene, &scene.new_session(number)).await.value);
    }
    scene.store.delete_session(&scene.realm, &scene.key(1)).await.expect("delete_session");
    assert_eq!(rename(&scene, &scene.key(2), &scene.key(3).hash).await.value, Renamed::Renamed(None));
    for number in [1, 2, 9] {
        let key = scene.key(number);
        for version in [0, 1, 2] {
            assert!(!save(&scene, &key, b"late", version).await.value);
        }
        assert_eq!(rename(&scene, &key, &scene.key(20 + number).hash).await.value, Renamed::Refused);
        for other in [number, 20 + number] {
            assert!(scene.session(&scene.key(other)).await.is_none(), "{other} came back");
        }
    }
}
