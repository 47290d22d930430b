//! Rules about tickets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::World;
use super::fixture::{MILLISECOND, RETENTION, Scene, anna, bert};
use crate::clock::Timestamp;
use crate::store::{Created, EndReason, Ticket};

/// A ticket contains the subject's epoch, which at first is the floor, and the time at which it was issued.
pub async fn a_ticket_contains_the_subjects_epoch(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let answer = scene.store.ticket(&scene.realm, &anna()).await.expect("ticket");
    assert_eq!(answer.value, Ticket::new(&anna(), scene.floor().await, answer.now));
    let ended = scene.end_all(None).await;
    let answer = scene.store.ticket(&scene.realm, &anna()).await.expect("ticket");
    assert_eq!(answer.value, Ticket::new(&anna(), ended.epoch, answer.now));
    assert_eq!(scene.ticket(&bert()).await.epoch, scene.floor().await, "another subject's epoch rose");
}

/// Ending all logins makes tickets invalid, also of a subject without a record.
pub async fn ending_all_logins_outdates_tickets(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    for number in [1, 3] {
        let ticket = scene.ticket(&anna()).await;
        scene.end_all(None).await;
        let done = scene.create(&ticket, &scene.annas(number), None, None).await.value;
        assert_eq!(done, Created::Outdated);
        assert!(!scene.is_live(scene.id(number)).await);
        scene.sign_in(number + 1).await;
    }
    let ticket = scene.ticket(&anna()).await;
    scene.end_all(Some(scene.id(4))).await;
    let done = scene.create(&ticket, &scene.annas(5), None, None).await.value;
    assert_eq!(done, Created::Outdated, "also where a login was spared");
}

/// A change of claims makes tickets invalid, because the new login's claims were loaded before the change.
pub async fn a_change_of_claims_outdates_tickets(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    scene.claims_changed().await;
    let done = scene.create(&ticket, &scene.annas(1), None, None).await.value;
    assert_eq!(done, Created::Outdated);
    scene.sign_in(2).await;
}

/// Ending one login does not make tickets invalid.
pub async fn ending_one_login_leaves_tickets_valid(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.sign_in(1).await;
    let ticket = scene.ticket(&anna()).await;
    assert!(scene.end(scene.id(1), EndReason::SignedOut).await.is_some());
    let done = scene.create(&ticket, &scene.annas(2), None, None).await.value;
    assert!(matches!(done, Created::Made { .. }), "{done:?}");
}

/// Changes of other subjects do not make a ticket invalid.
pub async fn a_ticket_is_outdated_by_its_own_subject_only(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    scene.store.end_all(&scene.realm, &bert(), None, RETENTION).await.expect("end_all");
    let done = scene.create(&ticket, &scene.annas(1), None, None).await.value;
    assert!(matches!(done, Created::Made { .. }), "{done:?}");
}

/// A ticket is valid until its lifetime has passed, to the millisecond.
pub async fn a_ticket_expires(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    let ticket = scene.ticket(&anna()).await;
    let last = Timestamp::from_millis(ticket.issued_at).after(Ticket::LIFETIME);
    let number = AtomicU8::new(1);
    scene
        .holds_until(last.after(MILLISECOND), async || {
            let login = scene.annas(number.fetch_add(1, Ordering::Relaxed));
            scene.create(&ticket, &login, None, None).await.map(|done| match done {
                Created::Made { .. } => true,
                Created::Outdated => false,
                other => panic!("{other:?}"),
            })
        })
        .await;
}

/// A ticket with a lower or a higher epoch is refused.
pub async fn a_ticket_of_another_epoch_is_refused(world: Arc<dyn World>) {
    let scene = Scene::of(world);
    scene.end_all(None).await;
    let ticket = scene.ticket(&anna()).await;
    for epoch in [ticket.epoch - 1, ticket.epoch + 1] {
        let other = Ticket { epoch, ..ticket.clone() };
        let done = scene.create(&other, &scene.annas(1), None, None).await.value;
        assert_eq!(done, Created::Outdated);
    }
    assert!(!scene.is_live(scene.id(1)).await);
}
