//! A request whose client goes away while the store is at work: what is logged happens all the same, and the node that did it
//! knows of it.

use std::future::Future;
use std::num::NonZeroU32;

use auth_core::audit::AuditEvent;
use auth_core::id::TokenId;
use auth_core::store::{EndReason, Limit};
use auth_tests::shop::{key_id, signing_key};
use auth_tests::{
    Directory, Fault, Gate, MINUTE, Node, Op, SECOND, World, anna, claims_of, in_time, on_both_stores,
    subject, within,
};
use http::{Method, StatusCode};

on_both_stores!(
    a_token_is_revoked_all_the_same,
    a_key_is_revoked_all_the_same,
    a_restore_is_declared_all_the_same,
    a_session_gets_its_new_id_all_the_same,
    a_subject_that_is_gone_loses_its_logins_all_the_same,
    claims_that_do_not_hold_end_the_login_all_the_same,
    a_login_of_another_subject_is_replaced_despite_the_cancellation,
    a_cancelled_sign_in_raises_events_for_its_evictions,
    a_cancelled_sign_in_with_tokens_raises_events_for_its_evictions,
    a_sign_in_in_the_same_browser_replaces_the_login_all_the_same,
    a_cancelled_sign_in_ends_the_login_of_the_other_subject,
    a_cancelled_sign_in_moves_the_data_of_a_session_without_a_login,
);

/// Drops a request when it comes to that call of the store, and lets the store go on.
async fn dropped<F>(node: &Node, op: Op, request: impl FnOnce(Node) -> F)
where
    F: Future<Output: Send> + Send + 'static,
{
    dropped_at(node, op, Fault::StopBefore, request).await;
}

async fn dropped_at<F>(node: &Node, op: Op, stop: fn(Gate) -> Fault, request: impl FnOnce(Node) -> F)
where
    F: Future<Output: Send> + Send + 'static,
{
    let gate = Gate::closed();
    node.store.next(op, stop(gate.clone()));
    let client = tokio::spawn(request(node.clone()));
    gate.reached().await;
    client.abort();
    assert!(client.await.is_err_and(|error| error.is_cancelled()));
    gate.open();
}

/// Asks until the answer is 401.
async fn refused(ask: impl AsyncFn() -> StatusCode) {
    within("the refusal", async {
        while ask().await != StatusCode::UNAUTHORIZED {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn a_token_is_revoked_all_the_same(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let id: TokenId = claims_of(tokens.access_token())["jti"].as_str().unwrap().parse().unwrap();
    dropped(&node, Op::RevokeToken, async move |node: Node| {
        node.auth.revoke_token(&subject("anna"), id).await
    })
    .await;
    refused(async || node.get("/me", tokens.access_token()).await.status).await;
}

async fn a_key_is_revoked_all_the_same(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    world.keys.sign_with(signing_key(1)).unwrap();
    dropped(&node, Op::RevokeKey, async move |node: Node| node.auth.revoke_key(&key_id(0)).await).await;
    refused(async || node.get("/me", tokens.access_token()).await.status).await;
}

async fn a_restore_is_declared_all_the_same(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    world.clock.advance(SECOND);
    dropped(&node, Op::DeclareRestored, async move |node: Node| node.auth.declare_restored(None).await).await;
    refused(async || node.get("/me", tokens.access_token()).await.status).await;
}

async fn a_session_gets_its_new_id_all_the_same(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    let old = cookie.clone();
    dropped(&node, Op::RenameSession, async move |node: Node| {
        node.browser(Method::POST, "/new-id", &old).await
    })
    .await;
    refused(async || node.get_by_cookie("/me", &cookie).await.status).await;
}

async fn a_subject_that_is_gone_loses_its_logins_all_the_same(world: World) {
    let source = Directory::of([anna()]);
    let node = world.node_with(|builder| builder.claims_source(source.clone())).await;
    let cookie = node.sign_in("anna", "").await;
    source.remove("anna");
    world.clock.advance(10 * MINUTE);
    dropped(&node, Op::EndAll, async move |node: Node| node.get_by_cookie("/me", &cookie).await).await;
    no_user_is_signed_in(&node).await;
}

async fn claims_that_do_not_hold_end_the_login_all_the_same(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    world.clock.advance(SECOND);
    // By a node that could load new ones.
    let source = Directory::of([anna()]);
    world.node_with(|builder| builder.claims_source(source)).await.claims_changed("anna").await;
    node.catch_up().await;
    dropped(&node, Op::End, async move |node: Node| node.get_by_cookie("/me", &cookie).await).await;
    no_user_is_signed_in(&node).await;
}

async fn a_login_of_another_subject_is_replaced_despite_the_cancellation(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    dropped(&node, Op::End, async move |node: Node| node.sign_in("bert", &cookie).await).await;
    no_user_is_signed_in(&node).await;
}

/// Anna has no login left.
async fn no_user_is_signed_in(node: &Node) {
    within("the end of the login", async {
        while !node.logins_of("anna").await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Where a sign-in can be dropped at the call that makes its login.
const STOPS: [fn(Gate) -> Fault; 2] = [Fault::StopBefore, Fault::StopAfter];

/// Waits until as many events are like this.
async fn said(node: &Node, times: usize, is_like: impl Fn(&AuditEvent) -> bool) {
    within("an event", async {
        while node.events.count(&is_like) < times {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn is_end(event: &AuditEvent, because: EndReason) -> bool {
    matches!(event, AuditEvent::LoginEnded { reason, .. } if *reason == because)
}

/// The login is there, and this node knows which others are not: it does not learn it from the log.
async fn evicts<F>(world: World, sign_in: impl Fn(Node) -> F)
where
    F: Future<Output: Send> + Send + 'static,
{
    let one = NonZeroU32::MIN;
    let node = world.node_with(|builder| builder.max_logins(Limit::EvictOldest(one))).await;
    node.store.always(Op::Page, Fault::Before);
    for (times, stop) in STOPS.into_iter().enumerate() {
        let before = node.login(anna()).await;
        node.events.clear();
        node.get("/me", before.access_token()).await.assert_text("anna, by jwt");
        dropped_at(&node, Op::Create, stop, &sign_in).await;
        said(&node, 1, |event| matches!(event, AuditEvent::LoginStarted { .. })).await;
        assert_eq!(node.events.count(|event| is_end(event, EndReason::Evicted)), 1, "{times}");
        node.get("/me", before.access_token()).await.assert_invalid_token();
        assert_eq!(node.store.calls(Op::Standing), 0);
        assert_eq!(node.logins_of("anna").await.len(), 1);
    }
}

async fn a_cancelled_sign_in_raises_events_for_its_evictions(world: World) {
    evicts(world, async |node: Node| node.sign_in("anna", "").await).await;
}

async fn a_cancelled_sign_in_with_tokens_raises_events_for_its_evictions(world: World) {
    evicts(world, async |node: Node| node.login(anna()).await).await;
}

async fn a_sign_in_in_the_same_browser_replaces_the_login_all_the_same(world: World) {
    let node = world.node().await;
    node.store.always(Op::Page, Fault::Before);
    for stop in STOPS {
        let cookie = node.sign_in("anna", "").await;
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.events.clear();
        let old = cookie.clone();
        dropped_at(&node, Op::Create, stop, async move |node: Node| node.sign_in("anna", &old).await).await;
        said(&node, 1, |event| is_end(event, EndReason::Replaced)).await;
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 1);
    }
}

async fn a_cancelled_sign_in_ends_the_login_of_the_other_subject(world: World) {
    let node = world.node().await;
    for stop in STOPS {
        let cookie = node.sign_in("anna", "").await;
        node.events.clear();
        dropped_at(&node, Op::Create, stop, async move |node: Node| node.sign_in("bert", &cookie).await)
            .await;
        no_user_is_signed_in(&node).await;
        said(&node, 1, |event| is_end(event, EndReason::Replaced)).await;
    }
    assert_eq!(node.logins_of("bert").await.len(), 2);
}

async fn a_cancelled_sign_in_moves_the_data_of_a_session_without_a_login(world: World) {
    let node = world.node().await;
    for (times, stop) in STOPS.into_iter().enumerate() {
        let cookie = node.browser(Method::POST, "/cart/apples", "").await.cookie();
        node.get_by_cookie("/cart", &cookie).await.assert_text("apples");
        let old = cookie.clone();
        dropped_at(&node, Op::Create, stop, async move |node: Node| node.sign_in("anna", &old).await).await;
        within("the end of the old session", async {
            while node.get_by_cookie("/cart", &cookie).await.body != "empty" {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(node.logins_of("anna").await.len(), times + 1);
    }
}
