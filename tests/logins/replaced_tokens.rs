//! Signing in again in a browser that has its refresh token in a cookie.

use std::num::NonZeroU32;

use auth_core::audit::AuditEvent;
use auth_core::login::Builder;
use auth_core::store::{EndReason, OnLimit};
use auth_tests::{GRACE, Node, User, World, on_both_stores, refresh_cookie_of};
use http::{Method, StatusCode};

on_both_stores!(
    a_browser_that_signs_in_for_tokens_or_a_session_leaves_no_earlier_login_of_either_kind,
    a_browser_that_changes_its_user_leaves_no_tokens_of_the_one_before,
    a_refresh_cookie_whose_successor_was_lost_ends_its_login_too,
    a_refresh_cookie_that_is_older_or_bad_ends_nothing,
    a_browser_with_tokens_is_not_limited_by_its_own_login,
    a_cart_without_a_login_outlives_a_sign_in_for_tokens,
);

/// A node that keeps refresh tokens of browsers in a cookie.
async fn node_for_browsers(world: &World) -> Node {
    world.node_with(|builder| builder.refresh_cookie()).await
}

/// The cookie of a browser that signs in for tokens; it has these cookies already.
async fn sign_in_for_tokens(node: &Node, name: &str, cookies: &str) -> String {
    node.browser(Method::POST, &format!("/browser/{name}"), cookies).await.cookie()
}

async fn refreshed(node: &Node, cookie: &str) -> String {
    node.browser(Method::POST, "/auth/refresh", cookie).await.cookie()
}

async fn assert_no_refresh(node: &Node, cookie: &str) {
    node.browser(Method::POST, "/auth/refresh", cookie).await.assert_invalid_grant();
}

async fn a_browser_that_signs_in_for_tokens_or_a_session_leaves_no_earlier_login_of_either_kind(
    world: World,
) {
    let node = node_for_browsers(&world).await;
    let session = node.sign_in("anna", "").await;
    node.get_by_cookie("/me", &session).await.assert_text("anna, by session");

    let tokens = sign_in_for_tokens(&node, "anna", &session).await;
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
    assert_eq!(node.logins_of("anna").await.len(), 1);

    let again = sign_in_for_tokens(&node, "anna", &format!("{session}; {tokens}")).await;
    assert_no_refresh(&node, &tokens).await;
    assert_eq!(node.logins_of("anna").await.len(), 1);

    node.events.clear();
    let second = node.sign_in("anna", &again).await;
    assert_no_refresh(&node, &again).await;
    node.get_by_cookie("/me", &second).await.assert_text("anna, by session");
    assert_eq!(node.logins_of("anna").await.len(), 1);
    let ends = node.events.take();
    let is_replaced =
        |event: &AuditEvent| matches!(event, AuditEvent::LoginEnded { reason: EndReason::Replaced, .. });
    assert_eq!(ends.iter().filter(|event| is_replaced(event)).count(), 1, "{ends:?}");

    // Both at once, as an application may give them out.
    let both = format!("{second}; {}", sign_in_for_tokens(&node, "anna", "").await);
    assert_eq!(node.logins_of("anna").await.len(), 2);
    let third = node.sign_in("anna", &both).await;
    assert_eq!(node.logins_of("anna").await.len(), 1);
    node.get_by_cookie("/me", &third).await.assert_text("anna, by session");
}

async fn a_browser_that_changes_its_user_leaves_no_tokens_of_the_one_before(world: World) {
    let node = node_for_browsers(&world).await;
    let session = node.sign_in("anna", "").await;
    let tokens = sign_in_for_tokens(&node, "anna", "").await;
    let berts = sign_in_for_tokens(&node, "bert", &format!("{session}; {tokens}")).await;
    assert_eq!((node.logins_of("anna").await.len(), node.logins_of("bert").await.len()), (0, 1));
    assert_no_refresh(&node, &tokens).await;
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
    refreshed(&node, &berts).await;
}

async fn a_refresh_cookie_whose_successor_was_lost_ends_its_login_too(world: World) {
    let node = node_for_browsers(&world).await;
    let first = sign_in_for_tokens(&node, "anna", "").await;
    let lost = refreshed(&node, &first).await;
    world.clock.advance(GRACE);
    let again = sign_in_for_tokens(&node, "anna", &first).await;
    assert_no_refresh(&node, &lost).await;
    refreshed(&node, &again).await;
    assert_eq!((node.logins_of("anna").await.len(), node.events.thefts()), (1, 0));
}

async fn a_refresh_cookie_that_is_older_or_bad_ends_nothing(world: World) {
    let node = node_for_browsers(&world).await;
    let oldest = sign_in_for_tokens(&node, "anna", "").await;
    let mut newest = oldest.clone();
    for _ in 0..2 {
        newest = refreshed(&node, &newest).await;
        world.clock.advance(GRACE);
    }
    let last = if newest.ends_with('A') { 'B' } else { 'A' };
    let forged = format!("{}{last}", &newest[..newest.len() - 1]);
    let twice = format!("{newest}; {newest}");
    let theirs = newest.replace(&refresh_cookie_of(""), "__Host-refresh=");
    for cookies in [&oldest, &forged, &twice, &theirs, &refresh_cookie_of("junk")] {
        sign_in_for_tokens(&node, "bert", cookies).await;
        node.sign_in("bert", cookies).await;
    }
    let plain = world.node().await;
    plain.sign_in("bert", &newest).await;
    newest = refreshed(&node, &newest).await;
    assert_eq!((node.logins_of("anna").await.len(), node.events.thefts()), (1, 0));
    sign_in_for_tokens(&node, "bert", &newest).await;
    assert_eq!(node.logins_of("anna").await.len(), 0, "the right one");
}

async fn a_browser_with_tokens_is_not_limited_by_its_own_login(world: World) {
    let most = NonZeroU32::new(1).unwrap();
    let limited = |builder: Builder<User>| builder.refresh_cookie().max_logins(most, OnLimit::RefuseNew);
    let node = world.node_with(limited).await;
    let mut cookie = sign_in_for_tokens(&node, "anna", "").await;
    for _ in 0..3 {
        cookie = sign_in_for_tokens(&node, "anna", &cookie).await;
    }
    let another = node.browser(Method::POST, "/browser/anna", "").await;
    assert_eq!(another.status, StatusCode::CONFLICT);
    refreshed(&node, &cookie).await;
}

async fn a_cart_without_a_login_outlives_a_sign_in_for_tokens(world: World) {
    let node = node_for_browsers(&world).await;
    let anonymous = node.browser(Method::POST, "/cart/shoes", "").await.cookie();
    sign_in_for_tokens(&node, "anna", &anonymous).await;
    node.get_by_cookie("/cart", &anonymous).await.assert_text("shoes");
}
