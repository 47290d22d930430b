//! Rules about time: the store's clock is the only one.

use std::sync::Arc;

use super::World;
use super::fixture::{IDLE, LIFETIME, RETENTION, Scene, anna, bert, millis, most, seconds};
use crate::store::{Created, Cursor, NewLogin, Ticket, Timed};

/// The times in the results of all calls follow the store's clock.
pub async fn answers_carry_the_time_of_the_store(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (store, realm) = (&scene.store, &scene.realm);
    let mut last = scene.now().await;
    let ticket = scene.ticket(&anna()).await;
    for call in 0..6 {
        scene.advance(seconds(30));
        let now = match call {
            0 => scene.create(&ticket, &scene.annas(1), None, None).await.now,
            1 => store.login(realm, scene.id(1)).await.expect("login").now,
            2 => scene.rotate(&scene.rotation(1)).await.now,
            3 => store.page(realm, &Cursor::start(), most(1)).await.expect("page").now,
            4 => store.end_all(realm, &anna(), None, RETENTION).await.expect("end_all").now,
            _ => store.ticket(realm, &anna()).await.expect("ticket").now,
        };
        assert!(now.since(last) >= seconds(30), "call {call} did not see the clock move");
        last = now;
    }
    scene.step_back(seconds(3600));
    assert!(scene.now().await < last, "the clock was set back");
}

/// A login ends at `expires_at`, whether or not it was purged.
pub async fn a_login_is_refused_from_the_instant_it_expires(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in_as(&NewLogin { lifetime: seconds(60), ..scene.annas(1) }, None).await;
    scene
        .holds_until(row.expires_at, async || {
            let answer = scene.store.login(&scene.realm, row.id).await.expect("login");
            answer.map(|login| login.is_some())
        })
        .await;
}

/// A login ends at `idle_expires_at`, unless it is used before.
pub async fn a_login_is_refused_from_the_instant_it_was_idle_too_long(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let row = scene.sign_in_as(&NewLogin { idle: seconds(60), ..scene.annas(1) }, None).await;
    assert!(row.idle_expires_at < row.expires_at);
    scene
        .holds_until(row.idle_expires_at, async || {
            let answer = scene.store.login(&scene.realm, row.id).await.expect("login");
            answer.map(|login| login.is_some())
        })
        .await;
}

/// If the clock steps back, no login ends, and new logins are possible.
pub async fn a_clock_that_steps_back_ends_nothing(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.advance(LIFETIME);
    let before = scene.sign_in(1).await;
    let ticket = scene.ticket(&anna()).await;
    scene.step_back(LIFETIME * 2);
    assert!(scene.is_live(before.id).await);
    let done = scene.create(&ticket, &scene.annas(2), None, None).await.value;
    assert!(matches!(done, Created::Made { .. }), "a ticket from the future is good: {done:?}");
    scene.sign_in_as(&scene.new_login(&bert(), 3), None).await;
    assert!(scene.is_live(before.id).await);
    scene.advance(IDLE);
    assert!(scene.is_live(before.id).await);
}

/// Each epoch is greater than the last, and not less than the store's time, whatever the clock does.
pub async fn epochs_rise_whatever_the_clock_does(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let (store, realm) = (&scene.store, &scene.realm);
    let mut last = scene.ticket(&anna()).await.epoch;
    for round in 0..6 {
        let Timed { value: epoch, now } = if round % 2 == 0 {
            store.end_all(realm, &anna(), None, RETENTION).await.expect("end_all").map(|ended| ended.epoch)
        } else {
            store.claims_changed(realm, &anna(), RETENTION).await.expect("claims_changed").map(|(one, _)| one)
        };
        let least = millis(now).max(last + 1);
        assert!(epoch > last, "the epoch did not rise");
        assert_eq!(epoch, least, "the epoch is the time, or one more than the last");
        let Ticket { epoch: next, .. } = scene.ticket(&anna()).await;
        assert_eq!(next, epoch, "the next ticket has another epoch");
        last = epoch;
        match round {
            1 => scene.step_back(seconds(600)),
            3 => scene.advance(seconds(1200)),
            _ => {}
        }
    }
}
