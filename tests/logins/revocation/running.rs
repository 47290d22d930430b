//! A login that ends while a request of it runs: the request continues, but it does not restore the login.

use auth_tests::shop::refresh_of;
use auth_tests::{HOUR, Node, World, anna, joined, on_both_stores};
use http::header::SET_COOKIE;
use http::{Method, StatusCode};

on_both_stores!(
    a_running_request_is_answered_and_the_next_is_refused,
    a_running_request_does_not_bring_the_session_back,
    a_request_that_ran_for_hours_does_not_renew_the_login,
);

async fn a_running_request_is_answered_and_the_next_is_refused(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let running = {
        let (node, access) = (node.clone(), tokens.access_token().to_owned());
        tokio::spawn(async move { node.get("/slow", &access).await })
    };
    node.gate.reached().await;
    node.end(&refresh_of(&tokens)).await;
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    node.gate.open();
    joined(running).await.assert_text("anna, by jwt");
    node.get("/slow", tokens.access_token()).await.assert_invalid_token();
}

/// Starts a request of a session that changes its data, and stops in the middle.
async fn running(node: &Node, cookie: &str) -> tokio::task::JoinHandle<auth_tests::Answer> {
    let (starting, cookie) = (node.clone(), cookie.to_owned());
    let task = tokio::spawn(async move { starting.browser(Method::POST, "/slow-cart/shoes", &cookie).await });
    node.gate.reached().await;
    task
}

async fn a_running_request_does_not_bring_the_session_back(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    let task = running(&node, &cookie).await;
    let reply = node.browser(Method::POST, "/auth/logout", &cookie).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    node.gate.open();
    let reply = joined(task).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(reply.headers.get(SET_COOKIE), None);
    for node in [&node, &world.node().await] {
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        node.get_by_cookie("/cart", &cookie).await.assert_text("empty");
        assert!(node.logins_of("anna").await.is_empty());
    }
}

async fn a_request_that_ran_for_hours_does_not_renew_the_login(world: World) {
    let node = world.node_with(|builder| builder.session_idle(HOUR)).await;
    let cookie = node.sign_in("anna", "").await;
    let task = running(&node, &cookie).await;
    world.clock.advance(HOUR);
    node.gate.open();
    assert_eq!(joined(task).await.status, StatusCode::CONFLICT);
    node.flush().await;
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    assert!(node.logins_of("anna").await.is_empty());
}
