//! A request whose client goes away while the store is at work: what is logged happens all the same, and the node that did it
//! knows of it.

use std::future::Future;

use auth_core::id::TokenId;
use auth_tests::shop::{key_id, signing_key};
use auth_tests::{
    Directory, Fault, Gate, MINUTE, Node, Op, SECOND, World, anna, claims_of, on_both_stores, subject, within,
};
use http::{Method, StatusCode};

on_both_stores!(
    a_token_is_revoked_all_the_same,
    a_key_is_revoked_all_the_same,
    a_restore_is_declared_all_the_same,
    a_session_gets_its_new_id_all_the_same,
    a_subject_that_is_gone_loses_its_logins_all_the_same,
    claims_that_do_not_hold_end_the_login_all_the_same,
    a_login_of_somebody_else_is_replaced_all_the_same,
);

/// Drops a request when it comes to that call of the store, and lets the store go on.
async fn dropped<F>(node: &Node, op: Op, request: impl FnOnce(Node) -> F)
where
    F: Future<Output: Send> + Send + 'static,
{
    let gate = Gate::closed();
    node.store.next(op, Fault::StopBefore(gate.clone()));
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
    nobody_is_signed_in(&node).await;
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
    nobody_is_signed_in(&node).await;
}

async fn a_login_of_somebody_else_is_replaced_all_the_same(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    dropped(&node, Op::End, async move |node: Node| node.sign_in("bert", &cookie).await).await;
    nobody_is_signed_in(&node).await;
}

/// Anna has no login left.
async fn nobody_is_signed_in(node: &Node) {
    within("the end of the login", async {
        while !node.logins_of("anna").await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
