//! Rules about reporting uses of logins.

use std::sync::Arc;

use super::World;
use super::fixture::{LIFETIME, Scene, seconds};
use crate::store::Touch;

/// A use moves the times forward by the store's clock; a use that is reported late moves nothing back.
pub async fn use_moves_a_login_forward_only(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let before = scene.sign_in(1).await;
    scene.advance(seconds(600));
    let touch = Touch { login: before.id, ago: seconds(60), idle: seconds(4000) };
    let now = scene.store.touch(&scene.realm, &[touch]).await.expect("touch").now;
    let used = scene.row(before.id).await;
    assert_eq!(used.last_seen_at, now.before(seconds(60)));
    assert_eq!(used.idle_expires_at, now.before(seconds(60)).after(seconds(4000)));
    for (ago, idle) in [(300, 100), (500, 3600), (60, 1)] {
        let touch = Touch { login: before.id, ago: seconds(ago), idle: seconds(idle) };
        scene.store.touch(&scene.realm, &[touch]).await.expect("touch");
    }
    let late = scene.row(before.id).await;
    assert!(late.last_seen_at.since(used.last_seen_at) < seconds(30), "only real time passed");
    assert!(late.last_seen_at >= used.last_seen_at);
    assert_eq!(late.idle_expires_at, used.idle_expires_at);
}

/// After a use, `idle_expires_at` is at most `expires_at`.
pub async fn use_never_outlives_the_login(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in(1).await;
    let touch = Touch { login: row.id, ago: seconds(0), idle: LIFETIME * 2 };
    scene.store.touch(&scene.realm, &[touch]).await.expect("touch");
    let after = scene.row(row.id).await;
    assert_eq!((after.expires_at, after.idle_expires_at), (row.expires_at, row.expires_at));
}

/// Uses of ended and unknown logins are ignored, and the others of the batch are applied.
pub async fn a_batch_of_uses_ignores_logins_that_are_not_live(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in 1..=3 {
        scene.sign_in(number).await;
    }
    scene.end_all(Some(scene.id(3))).await;
    scene.advance(seconds(60));
    let touch = |number| Touch { login: scene.id(number), ago: seconds(0), idle: LIFETIME };
    let batch = [touch(1), touch(9), touch(3), touch(2), touch(3)];
    let now = scene.store.touch(&scene.realm, &batch).await.expect("touch").now;
    scene.store.touch(&scene.realm, &[]).await.expect("touch");
    assert_eq!(scene.row(scene.id(3)).await.last_seen_at, now);
    for number in [1, 2, 9] {
        assert!(!scene.is_live(scene.id(number)).await);
    }
}
