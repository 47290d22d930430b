//! The store fails before or after the commit: 503, and the same token again brings the client on.

use std::num::NonZeroU32;

use auth_core::store::{Cursor, EndReason, Family};
use auth_tests::shop::{assert_refused, assert_try_again, login_of, realm, refresh_of};
use auth_tests::{
    Directory, Fault, Forged, GRACE, HOUR, Node, Op, SECOND, User, World, anna, joined, on_both_stores,
};
use http::StatusCode;

on_both_stores!(
    a_rotation_that_failed_before_the_commit_happens_at_the_retry,
    a_rotation_whose_answer_was_lost_is_handed_out_at_the_retry,
    a_rotation_whose_answer_was_lost_is_replaced_hours_later,
    a_replacement_whose_answer_was_lost_is_handed_out_at_the_retry,
    a_late_answer_that_can_not_be_looked_at_again_is_handed_out_at_the_retry,
    every_step_of_a_refresh_may_fail,
    a_theft_that_can_not_be_written_gains_nothing,
    a_theft_whose_answer_was_lost_ends_the_login,
);

async fn a_rotation_that_failed_before_the_commit_happens_at_the_retry(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let row = node.row(&first).await;
    node.store.next(Op::Rotate, Fault::Before);
    node.post_refresh(&first).await.assert_unavailable();
    assert_eq!(node.row(&first).await, row);
    world.clock.advance(HOUR);
    let reply = node.post_refresh(&first).await;
    assert_eq!(reply.status, StatusCode::OK);
    node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
    let next = Forged::from(&reply.member("refresh_token"));
    assert_eq!((next.generation(), next.branch()), (1, 0));
}

async fn a_rotation_whose_answer_was_lost_is_handed_out_at_the_retry(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    node.store.next(Op::Rotate, Fault::After);
    node.post_refresh(&first).await.assert_unavailable();
    let committed = node.row(&first).await;
    assert_eq!(node.family(&first).await.position.generation, 1);
    let reply = node.post_refresh(&first).await;
    let next = Forged::from(&reply.member("refresh_token"));
    assert_eq!(next.hash(), node.family(&first).await.current);
    assert_eq!(node.row(&first).await, committed);
    node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
}

async fn a_rotation_whose_answer_was_lost_is_replaced_hours_later(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    node.store.next(Op::Rotate, Fault::After);
    node.post_refresh(&first).await.assert_unavailable();
    world.clock.advance(5 * HOUR);
    let reply = node.post_refresh(&first).await;
    let next = Forged::from(&reply.member("refresh_token"));
    assert_eq!((next.generation(), next.branch()), (1, 1));
    node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
}

async fn a_replacement_whose_answer_was_lost_is_handed_out_at_the_retry(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    drop(node.refresh(&first).await.unwrap());
    world.clock.advance(GRACE);
    node.store.next(Op::ReplaceFamily, Fault::Before);
    node.post_refresh(&first).await.assert_unavailable();
    assert_eq!(node.family(&first).await.position.branch, 0);
    node.store.next(Op::ReplaceFamily, Fault::After);
    node.post_refresh(&first).await.assert_unavailable();
    assert_eq!(node.family(&first).await.position.branch, 1);
    let reply = node.post_refresh(&first).await;
    assert_eq!(Forged::from(&reply.member("refresh_token")).hash(), node.family(&first).await.current);
    assert_eq!(node.family(&first).await.position.branch, 1);
}

/// What took long is looked at again before it is handed out, and its grace begins anew.
async fn a_late_answer_that_can_not_be_looked_at_again_is_handed_out_at_the_retry(world: World) {
    for op in [Op::Login, Op::ReplaceFamily] {
        for fault in [Fault::Before, Fault::After] {
            let node = world.node().await;
            let first = refresh_of(&node.login(anna()).await);
            let (gate, slow) = node.refreshing_up_to(Op::Rotate, Fault::StopAfter, &first).await;
            let family = node.family(&first).await;
            world.clock.advance(2 * SECOND);
            node.store.next(op, fault.clone());
            gate.open();
            assert_try_again(&joined(slow).await);
            assert_eq!(node.store.calls(op), 1, "{op:?} {fault:?}");

            let again = node.refresh(&first).await.unwrap();
            assert_eq!(Forged::from(&refresh_of(&again)).hash(), family.current);
            let renewed = Family { rotated_at: family.rotated_at.after(2 * SECOND), ..family };
            assert_eq!(node.family(&first).await, renewed, "{op:?} {fault:?}");
            node.get("/me", again.access_token()).await.assert_text("anna, by jwt");
        }
    }
}

/// With a claims source a refresh saves what changed, after the rotation is committed.
async fn every_step_of_a_refresh_may_fail(world: World) {
    for wait in [SECOND, HOUR] {
        for (op, fault) in [
            (Op::Rotate, Fault::Before),
            (Op::Rotate, Fault::After),
            (Op::SaveClaims, Fault::Before),
            (Op::SaveClaims, Fault::After),
        ] {
            let directory = Directory::of([anna()]);
            let node = world.node_with_source(&directory).await;
            let first = refresh_of(&node.login(anna()).await);
            node.claims_changed("anna").await;
            node.store.next(op, fault.clone());
            node.post_refresh(&first).await.assert_unavailable();
            directory.set_down(true);
            node.post_refresh(&first).await.assert_unavailable();
            directory.set_down(false);
            world.clock.advance(wait);
            let reply = node.post_refresh(&first).await;
            assert_eq!(reply.status, StatusCode::OK, "{op:?} {fault:?}");
            node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
            let next = reply.member("refresh_token");
            assert_eq!(node.family(&first).await.current, Forged::from(&next).hash());
            world.clock.advance(GRACE);
            assert!(node.refresh(&next).await.is_ok());
            assert_eq!(node.events.thefts(), 0);
        }
    }
}

/// The first token of a login whose owner has gone on, and the owner's access token.
async fn stolen(node: &Node) -> (String, String) {
    let first = refresh_of(&node.login(anna()).await);
    let owners = node.refresh(&first).await.unwrap();
    node.get("/me", owners.access_token()).await.assert_text("anna, by jwt");
    node.clock.advance(GRACE);
    (first, owners.access_token().to_owned())
}

async fn a_theft_that_can_not_be_written_gains_nothing(world: World) {
    let node = world.node().await;
    let (first, access) = stolen(&node).await;
    node.store.next(Op::End, Fault::Before);
    node.events.clear();
    assert_try_again(&node.refresh(&first).await);
    assert_eq!(node.family(&first).await.position.generation, 1);
    assert_eq!(node.events.take(), []);
    node.get("/me", &access).await.assert_text("anna, by jwt");
    assert_refused(&node.refresh(&first).await);
    node.get("/me", &access).await.assert_invalid_token();
}

async fn a_theft_whose_answer_was_lost_ends_the_login(world: World) {
    let node = world.node().await;
    let (first, access) = stolen(&node).await;
    node.store.next(Op::End, Fault::After);
    assert_try_again(&node.refresh(&first).await);
    assert_eq!(node.row(&first).await, None);
    assert_refused(&node.refresh(&first).await);
    node.catch_up().await;
    node.get("/me", &access).await.assert_invalid_token();
    let page = node.behind().page(&realm::<User>(), &Cursor::start(), NonZeroU32::MAX).await.unwrap().value;
    let revoked = auth_core::store::Revoked::Login(login_of(&first), EndReason::Stolen);
    assert_eq!(page.entries.into_iter().map(|entry| entry.revoked).collect::<Vec<_>>(), [revoked]);
}
