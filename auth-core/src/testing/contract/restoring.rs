//! Rules about declaring a restore.

use std::sync::Arc;

use super::World;
use super::fixture::{Scene, anna, at_once, bert, millis, seconds};
use crate::clock::Timestamp;
use crate::store::{Created, Ids, LogEntry, Revoked, Standing, Timed};

async fn declare(scene: &Scene, instant: Option<Timestamp>) -> Timed<u64> {
    let done = scene.store.declare_restored(&scene.realm, instant).await;
    done.expect("declare_restored").map(|(floor, _)| floor)
}

/// All logins, including spared ones, sessions and tickets end. New logins are possible at once.
pub async fn everybody_signs_in_again(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let spared = scene.sign_in(1).await;
    scene.end_all(Some(spared.id)).await;
    scene.sign_in_session(2).await;
    let other = scene.sign_in_as(&scene.new_login(&bert(), 3), None).await;
    let tickets = [scene.ticket(&anna()).await, scene.ticket(&bert()).await];
    let floor = declare(&scene, None).await.value;
    assert_eq!(scene.floor().await, floor);
    for id in [spared.id, scene.id(2), other.id] {
        assert!(!scene.is_live(id).await);
    }
    assert!(scene.session(&scene.key(2)).await.is_none());
    for (ticket, login) in tickets.iter().zip([scene.annas(4), scene.new_login(&bert(), 4)]) {
        assert_eq!(scene.create(ticket, &login, None, None).await.value, Created::Outdated);
    }
    let subject = anna();
    let ids = |epoch| Ids { subject: Some((&subject, epoch)), ..Ids::default() };
    assert_eq!(scene.standing(ids(floor - 1)).await, Standing::Gone);
    assert_eq!(scene.standing(ids(floor)).await, Standing::Good);
    for login in [scene.annas(5), scene.new_login(&bert(), 6)] {
        let row = scene.sign_in_as(&login, None).await;
        assert!(row.begun_under >= floor);
        assert!(scene.login(row.id).await.is_some_and(|login| !login.is_outdated()));
    }
    let entry = scene.log().await.into_iter().find(|entry| entry.revoked == Revoked::Floor(floor));
    assert_eq!(entry.map(|entry| entry.expires_at), Some(LogEntry::NEVER));
}

/// The floor is the largest of the store's time, the highest stored epoch + 1, and the given instant.
pub async fn the_floor_is_the_largest_of_three(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let first = scene.floor().await;
    scene.advance(seconds(50));
    let Timed { value, now } = declare(&scene, None).await;
    assert_eq!(value, millis(now), "the time");
    assert!(value > first);
    let past = declare(&scene, Some(now.before(seconds(40)))).await;
    assert!(past.value > value && past.value >= millis(past.now), "the floor fell, or stood still");
    let future = past.now.after(seconds(5000));
    assert_eq!(declare(&scene, Some(future)).await.value, millis(future), "the instant");
    let epoch = scene.end_all(None).await.epoch;
    assert!(epoch > millis(future), "an epoch is above the floor");
    assert_eq!(declare(&scene, None).await.value, epoch + 1, "the highest epoch");
    let row = scene.sign_in(1).await;
    assert_eq!(row.begun_under, epoch + 1);
    assert_eq!(declare(&scene, None).await.value, epoch + 2, "the floor is an epoch");
    assert!(!scene.is_live(row.id).await);
}

/// Concurrent sign-ins are created under the new floor, or are not live.
pub async fn a_restore_is_declared_while_in_use(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let declaring = tokio::spawn({
        let scene = scene.clone();
        async move {
            tokio::task::yield_now().await;
            declare(&scene, None).await.value
        }
    });
    let done = at_once(&scene, |scene, number| async move {
        let ticket = scene.ticket(&anna()).await;
        for _ in 0..number % 4 {
            tokio::task::yield_now().await;
        }
        scene.store.create(&scene.realm, &ticket, &scene.annas(number), None, None).await
    })
    .await;
    let floor = declaring.await.expect("a task");
    for one in done {
        match one.value {
            Created::Made { login, .. } => {
                assert_eq!(scene.is_live(login.id).await, login.begun_under >= floor);
            }
            Created::Outdated => {}
            other => panic!("{other:?}"),
        }
    }
}
