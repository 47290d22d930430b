//! `cycle_id` of a session without a login: one step, after which the old id is refused and the data is unchanged.

use std::num::NonZeroU32;

use auth_core::store::Cursor;
use auth_tests::shop::realm;
use auth_tests::{Fault, Node, Op, User, World, on_both_stores};
use http::{Method, StatusCode};

on_both_stores!(
    an_anonymous_session_takes_a_new_id_in_one_step,
    an_anonymous_session_keeps_its_data_when_the_new_id_fails,
    an_anonymous_session_that_another_request_changed_keeps_its_id,
);

async fn filled(node: &Node, goods: &str) -> String {
    node.browser(Method::POST, &format!("/cart/{goods}"), "").await.cookie()
}

async fn an_anonymous_session_takes_a_new_id_in_one_step(world: World) {
    let node = world.node().await;
    let old = filled(&node, "apples").await;
    let before = [Op::CreateSession, Op::DeleteSession].map(|op| node.store.calls(op));
    let answer = node.browser(Method::POST, "/new-id", &old).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let new = answer.cookie();
    assert_ne!(new, old);
    node.get_by_cookie("/cart", &new).await.assert_text("apples");
    node.get_by_cookie("/cart", &old).await.assert_text("empty");
    assert_eq!([Op::CreateSession, Op::DeleteSession].map(|op| node.store.calls(op)), before);
    // There is nothing that another node could honour.
    let log = world.store.page(&realm::<User>(), &Cursor::start(), NonZeroU32::MAX).await.unwrap();
    assert_eq!(log.value.entries, []);
}

/// Each of its writes; the browser still has the old cookie.
async fn an_anonymous_session_keeps_its_data_when_the_new_id_fails(world: World) {
    let node = world.node().await;
    let cookie = filled(&node, "apples").await;
    for op in [Op::SaveSession, Op::RenameSession] {
        node.store.next(op, Fault::Before);
        let answer = node.browser(Method::POST, "/new-id", &cookie).await;
        answer.assert_unavailable();
        assert_eq!(answer.set_cookies(), [""; 0]);
        node.get_by_cookie("/cart", &cookie).await.assert_text("apples");
    }
}

async fn an_anonymous_session_that_another_request_changed_keeps_its_id(world: World) {
    let node = world.node().await;
    let cookie = filled(&node, "apples").await;
    let gate = auth_tests::Gate::closed();
    node.store.next(Op::SaveSession, Fault::StopBefore(gate.clone()));
    let slow = {
        let (node, cookie) = (node.clone(), cookie.clone());
        tokio::spawn(async move { node.browser(Method::POST, "/new-id", &cookie).await })
    };
    gate.reached().await;
    node.browser(Method::POST, "/cart/pears", &cookie).await.assert_empty(204);
    gate.open();
    assert_eq!(auth_tests::joined(slow).await.status, StatusCode::CONFLICT);
    node.get_by_cookie("/cart", &cookie).await.assert_text("pears");
}
