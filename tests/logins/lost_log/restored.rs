//! An older copy of the store takes its place while nodes run.

use auth_core::audit::AuditEvent;
use auth_core::jwt::KeyRing;
use auth_core::store::memory::Incarnation;
use auth_core::{Authenticator, login::Builder};
use auth_tests::shop::{assert_ended, assert_works, key_id, refresh_of, signing_key};
use auth_tests::{Directory, Fault, MINUTE, Op, SECOND, User, anna, bert, in_time};
use http::Method;

use crate::lost_log::support::{
    LOST, Lost, PAUSES, alarms, assert_one_reset, cause, fragile, on_restores, quiet_node, restore,
};

on_restores!(
    what_was_ended_stays_ended_after_an_older_copy_was_restored,
    a_store_that_grew_back_past_the_cursor_is_not_taken_for_the_old_one,
    what_was_changed_stays_changed_after_an_older_copy_was_restored,
    a_login_that_was_spared_is_spared_after_an_older_copy_was_restored,
);

async fn what_was_ended_stays_ended_after_an_older_copy_was_restored(incarnation: Incarnation) {
    for pause in PAUSES {
        let (world, store) = fragile();
        let [here, there] = [quiet_node(&world).await, quiet_node(&world).await];
        let lost = Lost::by(&[&here, &there], &store, pause).await;
        for node in [&here, &there] {
            node.catch_up().await;
            assert_eq!(node.events.take(), []);
        }
        lost.lose(&world, &store, incarnation);
        let reset = |written_back| AuditEvent::LogReset { cause: cause(incarnation), written_back };
        there.catch_up().await;
        assert_eq!(there.events.take(), [reset(LOST)]);
        lost.assert_nothing_came_back(&world.node().await).await;
        // The other one finds it done.
        here.catch_up().await;
        assert_eq!(here.events.take(), [reset(0)]);

        let third = world.node().await;
        for node in [&here, &there, &third] {
            lost.assert_nothing_came_back(node).await;
        }
        for node in [&here, &there, &third] {
            node.login(bert()).await;
            assert_works(node, &node.login(anna()).await).await;
        }
        // Nobody says it again.
        for node in [&here, &there] {
            node.catch_up().await;
            assert_eq!(alarms(node), []);
        }
    }
}

async fn what_was_changed_stays_changed_after_an_older_copy_was_restored(incarnation: Incarnation) {
    let (world, store) = fragile();
    let source = Directory::of([anna(), bert()]);
    let [here, there] = [world.node_with_source(&source).await, world.node_with_source(&source).await];
    let old = here.login(anna()).await;
    here.end(&refresh_of(&here.login(bert()).await)).await;
    let copy = store.snapshot();
    world.clock.advance(SECOND);
    here.claims_changed("anna").await;
    in_time(here.auth.revoke_key(&key_id(9))).await.unwrap();
    here.catch_up().await;
    there.catch_up().await;
    restore(&world, &store, &copy, incarnation);
    here.catch_up().await;
    there.catch_up().await;
    let third = world.node_with_source(&source).await;
    for node in [&here, &there, &third] {
        node.get("/me", old.access_token()).await.assert_invalid_token();
        world.clock.advance(MINUTE);
        node.catch_up().await;
        let again = node.login(anna()).await;
        assert_works(node, &again).await;
    }
    let next = third.refresh(&refresh_of(&old)).await.unwrap();
    for node in [&here, &there, &third] {
        assert_works(node, &next).await;
    }
    // The key too: no node starts that would sign with it.
    let ring = KeyRing::new(signing_key(9)).unwrap();
    let builder: Builder<User> = Authenticator::builder().keys(ring).clock(world.clock.clone());
    let built = builder.shared_store(world.store.clone()).build().await;
    assert!(built.is_err());
}

async fn a_login_that_was_spared_is_spared_after_an_older_copy_was_restored(incarnation: Incarnation) {
    let (world, store) = fragile();
    let [here, there] = [world.node().await, world.node().await];
    let [own, other] = [here.login(anna()).await, here.login(anna()).await];
    let cookie = here.sign_in("anna", "").await;
    here.end(&refresh_of(&here.login(bert()).await)).await;
    let copy = store.snapshot();
    world.clock.advance(SECOND);
    here.bearer(Method::DELETE, "/auth/logins", own.access_token()).await.assert_empty(204);
    here.catch_up().await;
    there.catch_up().await;
    restore(&world, &store, &copy, incarnation);
    here.catch_up().await;
    there.catch_up().await;
    let third = world.node().await;
    for node in [&here, &there, &third] {
        assert_ended(node, &other).await;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_works(node, &own).await;
        let next = node.refresh(&refresh_of(&own)).await.unwrap();
        assert_works(node, &next).await;
    }
}

async fn a_store_that_grew_back_past_the_cursor_is_not_taken_for_the_old_one(incarnation: Incarnation) {
    let (world, store) = fragile();
    let [here, there] = [world.node().await, world.node().await];
    let [ended, victim] = [here.login(anna()).await, here.login(anna()).await];
    let copy = store.snapshot();
    here.end(&refresh_of(&ended)).await;
    for node in [&here, &there] {
        node.catch_up().await;
        node.events.clear();
        node.store.always(Op::Page, Fault::Before);
    }
    restore(&world, &store, &copy, incarnation);
    // A node that knows nothing of it ends others, until the log is longer than it was.
    let third = world.node().await;
    third.end(&refresh_of(&victim)).await;
    for _ in 0..5 {
        third.end(&refresh_of(&third.login(bert()).await)).await;
    }
    assert_works(&third, &third.refresh(&refresh_of(&ended)).await.unwrap()).await;
    let next = third.login(anna()).await;
    for node in [&here, &there] {
        node.store.heal(Op::Page);
        node.catch_up().await;
        assert_one_reset(node, cause(incarnation));
    }
    third.catch_up().await;
    for node in [&here, &there, &third] {
        assert_ended(node, &victim).await;
        assert_ended(node, &ended).await;
        assert_works(node, &next).await;
    }
}
