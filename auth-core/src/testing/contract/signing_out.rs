//! Rules about ending one login.

use std::sync::Arc;

use super::World;
use super::fixture::{RETENTION, Scene, anna, at_once, bert, seconds};
use crate::store::{EndReason, NewLogin, Revoked};

/// Of many concurrent calls exactly one ends the login and logs that.
pub async fn a_login_ends_once(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    scene.sign_in(2).await;
    let done = at_once(&scene, |scene, _| async move {
        scene.store.end(&scene.realm, &anna(), scene.id(1), EndReason::SignedOut, RETENTION).await
    })
    .await;
    let ended = done.iter().filter(|one| one.value.is_some()).count();
    assert_eq!(ended, 1);
    assert_eq!(scene.log().await.len(), 1);
    assert!(!scene.is_live(scene.id(1)).await);
    assert!(scene.is_live(scene.id(2)).await, "another login ended");
}

/// An end is logged with its reason, for the row's retention or the caller's, whichever is longer.
pub async fn an_end_is_logged_for_the_longer_retention(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let reasons = [
        EndReason::SignedOut,
        EndReason::EndedRemotely,
        EndReason::SubjectEnded,
        EndReason::Evicted,
        EndReason::ClaimsChanged,
        EndReason::Replaced,
        EndReason::Stolen,
    ];
    for (reason, number) in reasons.into_iter().zip(1..) {
        let retention = RETENTION * u32::from(10 - number);
        scene.sign_in_as(&NewLogin { retention, ..scene.annas(number) }, None).await;
        let id = scene.id(number);
        let done = scene.store.end(&scene.realm, &anna(), id, reason, RETENTION * 5).await.expect("end");
        let Some(logged) = done.value else { panic!("it was live") };
        assert_eq!(logged.expires_at, done.now.after(retention.max(RETENTION * 5)));
        let entry = scene.log().await.into_iter().find(|entry| entry.mark == logged.mark);
        let entry = entry.expect("it was logged");
        assert_eq!((entry.revoked, entry.expires_at), (Revoked::Login(id, reason), logged.expires_at));
    }
}

/// A login that is another subject's, expired, ended or unknown does not end, and nothing is logged.
pub async fn only_a_live_login_of_the_subject_ends(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let other = scene.sign_in_as(&scene.new_login(&bert(), 1), None).await;
    scene.sign_in_as(&NewLogin { idle: seconds(5), ..scene.annas(2) }, None).await;
    scene.advance(seconds(5));
    scene.sign_in(3).await;
    scene.end_all(None).await;
    let before = scene.log().await;
    for id in [other.id, scene.id(2), scene.id(3), scene.id(4)] {
        assert_eq!(scene.end(id, EndReason::SignedOut).await, None);
    }
    assert!(scene.is_live(other.id).await);
    assert_eq!(scene.log().await, before);
}

/// The sessions of a login end with it.
pub async fn a_login_ends_with_its_sessions(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in_session(1).await;
    scene.sign_in_session(2).await;
    assert!(scene.end(scene.id(1), EndReason::SignedOut).await.is_some());
    assert!(scene.session(&scene.key(1)).await.is_none());
    assert!(scene.session(&scene.key(2)).await.is_some());
    scene.end_all(None).await;
    assert!(scene.session(&scene.key(2)).await.is_none());
}
