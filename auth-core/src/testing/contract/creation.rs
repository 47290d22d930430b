//! Rules about creating logins.

use std::sync::Arc;

use super::World;
use super::fixture::{IDLE, LIFETIME, RETENTION, Scene, anna, at_once, seconds, secret};
use crate::requirement::Scheme;
use crate::store::{Created, Family, LiveLogin, LoginRow, NewLogin, NewSession, Timed};

/// A login is stored with all its values and the store's times.
pub async fn a_login_is_stored_as_it_was_made(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let epoch = scene.end_all(None).await.epoch;
    for number in [1, 2] {
        let login = if number == 1 { scene.annas(1) } else { scene.annas_session(2) };
        let ticket = scene.ticket(&anna()).await;
        let Timed { value, now } = scene.create(&ticket, &login, None, None).await;
        let expected = LoginRow {
            id: login.id,
            subject: anna(),
            kind: if number == 1 { Scheme::Jwt } else { Scheme::Session },
            created_at: now,
            last_seen_at: now,
            authenticated_at: now,
            expires_at: now.after(LIFETIME),
            idle_expires_at: now.after(IDLE),
            user_agent: login.user_agent.clone(),
            address: login.address.clone(),
            claims: login.claims.clone(),
            begun_under: epoch,
            epoch,
            claims_loaded_at: now,
            retention: RETENTION,
            family: (number == 1).then(|| Family::first(secret(1))),
            extra: login.extra.clone(),
        };
        assert_eq!(value, Created::Made { login: expected.clone(), replaced: None, evicted: vec![] });
        // Rows are not compared by `Debug`, which does not show all fields.
        let found = scene.login(login.id).await.expect("the login is live");
        assert!(found.outdated_below <= epoch);
        assert!(found == LiveLogin { row: expected, subject_epoch: epoch, ..found.clone() }, "{found:?}");
        assert!(!found.is_outdated());
        scene.advance(seconds(5));
    }
}

/// `idle_expires_at` is at most `expires_at`.
pub async fn a_login_is_never_idle_longer_than_it_lasts(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in_as(&NewLogin { idle: LIFETIME * 2, ..scene.annas(1) }, None).await;
    assert_eq!(row.idle_expires_at, row.expires_at);
}

/// A login with the id of a live login is refused, and that login does not change.
pub async fn the_id_of_a_live_login_is_taken(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let before = scene.sign_in(1).await;
    scene.advance(seconds(5));
    let ticket = scene.ticket(&anna()).await;
    let login = NewLogin { claims: b"{}".to_vec(), ..scene.annas(1) };
    assert_eq!(scene.create(&ticket, &login, None, None).await.value, Created::IdTaken);
    let other = scene.neighbour();
    let ticket = scene.ticket(&other).await;
    let login = NewLogin { subject: other, ..login };
    assert_eq!(scene.create(&ticket, &login, None, None).await.value, Created::IdTaken);
    assert!(scene.row(scene.id(1)).await == before);
}

/// Of many concurrent logins with the same id, exactly one is created.
pub async fn one_of_many_logins_with_one_id_is_made(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    let done = at_once(&scene, |scene, number| {
        let ticket = ticket.clone();
        async move {
            let login = NewLogin { secret: Some(secret(number)), ..scene.annas(1) };
            scene.store.create(&scene.realm, &ticket, &login, None, None).await
        }
    })
    .await;
    let made: Vec<_> =
        done.into_iter().map(|done| done.value).filter(|one| *one != Created::IdTaken).collect();
    let [Created::Made { login, .. }] = &made[..] else { panic!("one is made: {made:?}") };
    assert!(scene.row(login.id).await == *login);
}

/// A session that is created with a login carries it, with the given values.
pub async fn a_login_comes_with_its_session(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    let new = NewSession { lifetime: seconds(600), ..scene.new_session(1) };
    let done = scene.create(&ticket, &scene.annas_session(1), Some(&new), None).await;
    let Created::Made { login, .. } = done.value else { panic!("{:?}", done.value) };
    let (session, carried) = scene.session(&scene.key(1)).await.expect("the session is live");
    assert_eq!((session.key, session.login, session.version), (new.key, Some(login.id), 1));
    assert_eq!(session.data, new.data);
    assert_eq!(session.expires_at, done.now.after(seconds(600)));
    assert!(carried.is_some_and(|carried| carried.row == login));
}

/// If the hash of the session is taken, the login is not created.
pub async fn a_taken_session_hash_refuses_the_login(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in_session(1).await;
    let ticket = scene.ticket(&anna()).await;
    let done = scene.create(&ticket, &scene.annas_session(2), Some(&scene.new_session(1)), None).await;
    assert_eq!(done.value, Created::IdTaken);
    assert!(!scene.is_live(scene.id(2)).await);
    let (session, _) = scene.session(&scene.key(1)).await.expect("the session is live");
    assert_eq!(session.login, Some(scene.id(1)));
}
