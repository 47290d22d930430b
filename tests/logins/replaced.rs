//! Signing in again in the same browser, and sign-ins that fail.

use std::num::NonZeroU32;

use auth_core::audit::AuditEvent;
use auth_core::store::{EndReason, Limit};
use auth_tests::shop::refresh_of;
use auth_tests::{Directory, Fault, Node, Op, UNKNOWN_SESSION, World, anna, bert, on_both_stores, subject};
use http::{Method, StatusCode};

on_both_stores!(
    signing_in_again_replaces_the_login_of_the_browser,
    another_user_in_the_same_browser_replaces_the_login_and_its_data,
    signing_in_keeps_what_the_browser_had_in_its_cart,
    an_id_that_was_not_issued_is_not_adopted,
    a_refused_sign_in_leaves_everything_as_it_was,
    a_sign_in_that_fails_leaves_everything_as_it_was,
);

async fn fill_cart(node: &Node, item: &str, cookies: &str) -> String {
    let reply = node.browser(Method::POST, &format!("/cart/{item}"), cookies).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    if cookies.is_empty() { reply.cookie() } else { cookies.to_owned() }
}

async fn signing_in_again_replaces_the_login_of_the_browser(world: World) {
    let (node, other) = (world.node().await, world.node().await);
    let first = node.sign_in("anna", "").await;
    let old = node.logins_of("anna").await;
    for node in [&node, &other] {
        node.get_by_cookie("/me", &first).await.assert_text("anna, by session");
    }
    let elsewhere = node.login(anna()).await;
    node.events.clear();
    let second = node.sign_in("anna", &first).await;
    assert_ne!(first, second);
    let ended = AuditEvent::LoginEnded {
        login: *old.first().unwrap(),
        subject: subject("anna"),
        reason: EndReason::Replaced,
    };
    assert_eq!(node.events.take().first(), Some(&ended));
    other.catch_up().await;
    for node in [&node, &other] {
        node.get_by_cookie("/me", &first).await.assert_invalid_session();
        node.get_by_cookie("/me", &second).await.assert_text("anna, by session");
        node.get("/me", elsewhere.access_token()).await.assert_text("anna, by jwt");
    }
    assert_eq!(node.logins_of("anna").await.len(), 2);
}

async fn another_user_in_the_same_browser_replaces_the_login_and_its_data(world: World) {
    let node = world.node().await;
    let annas = node.sign_in("anna", "").await;
    fill_cart(&node, "shoes", &annas).await;
    let berts = node.sign_in("bert", &annas).await;
    node.get_by_cookie("/me", &annas).await.assert_invalid_session();
    node.get_by_cookie("/me", &berts).await.assert_text("bert, by session");
    node.get_by_cookie("/cart", &berts).await.assert_text("empty");
    assert!(node.logins_of("anna").await.is_empty());
}

async fn signing_in_keeps_what_the_browser_had_in_its_cart(world: World) {
    let node = world.node().await;
    let anonymous = fill_cart(&node, "shoes", "").await;
    assert_eq!(node.get_by_cookie("/me", &anonymous).await.status, StatusCode::UNAUTHORIZED);
    let first = node.sign_in("anna", &anonymous).await;
    assert_ne!(first, anonymous);
    node.get_by_cookie("/cart", &first).await.assert_text("shoes");
    // The id from before the sign-in, which another site may have set, is refused.
    node.get_by_cookie("/cart", &anonymous).await.assert_text("empty");
    node.get_by_cookie("/me", &anonymous).await.assert_invalid_session();
    let second = node.sign_in("anna", &first).await;
    node.get_by_cookie("/cart", &second).await.assert_text("shoes");
}

async fn an_id_that_was_not_issued_is_not_adopted(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", UNKNOWN_SESSION).await;
    assert_ne!(cookie, UNKNOWN_SESSION);
    node.get_by_cookie("/me", UNKNOWN_SESSION).await.assert_invalid_session();
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
}

/// What a browser has: a cart without a login, or a login.
async fn browsers(node: &Node) -> [String; 2] {
    let signed_in = node.sign_in("anna", "").await;
    [fill_cart(node, "shoes", "").await, fill_cart(node, "hat", &signed_in).await]
}

async fn assert_as_before(node: &Node, [anonymous, signed_in]: &[String; 2]) {
    node.get_by_cookie("/cart", anonymous).await.assert_text("shoes");
    node.get_by_cookie("/cart", signed_in).await.assert_text("hat");
    node.get_by_cookie("/me", signed_in).await.assert_text("anna, by session");
}

async fn a_refused_sign_in_leaves_everything_as_it_was(world: World) {
    let directory = Directory::of([anna(), bert()]);
    let most = NonZeroU32::new(1).unwrap();
    let node = world
        .node_with(|builder| builder.claims_source(directory.clone()).max_logins(Limit::Refuse(most)))
        .await;
    let browsers = browsers(&node).await;
    drop(node.login(bert()).await);
    for cookie in &browsers {
        let reply = node.browser(Method::POST, "/login/bert", cookie).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert!(reply.set_cookies().is_empty());
        let reply = node.browser(Method::POST, "/login/carl", cookie).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert!(reply.set_cookies().is_empty());
    }
    directory.set_down(true);
    for cookie in &browsers {
        node.browser(Method::POST, "/login/anna", cookie).await.assert_unavailable();
    }
    directory.set_down(false);
    assert_as_before(&node, &browsers).await;
    assert_eq!((node.logins_of("anna").await.len(), node.logins_of("bert").await.len()), (1, 1));
}

async fn a_sign_in_that_fails_leaves_everything_as_it_was(world: World) {
    let node = world.node().await;
    let browsers = browsers(&node).await;
    let logins = node.logins_of("anna").await;
    for cookie in &browsers {
        for op in [Op::Ticket, Op::Session, Op::Create] {
            node.store.next(op, Fault::Before);
            node.browser(Method::POST, "/login/anna", cookie).await.assert_unavailable();
        }
    }
    assert_as_before(&node, &browsers).await;
    assert_eq!(node.logins_of("anna").await, logins);
}

/// The store fails after the login was made: either the user is signed in, or there is no login.
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_fails_late_leaves_no_login_without_an_owner() {
    let world = World::memory();
    let node = world.node().await;
    let anonymous = fill_cart(&node, "shoes", "").await;
    let calls = node.store.calls(Op::Ticket);
    let cookie = node.sign_in("bert", "").await;
    let epochs = node.store.calls(Op::Ticket) - calls;
    node.get_by_cookie("/me", &cookie).await.assert_text("bert, by session");

    node.store.next(Op::DeleteSession, Fault::Before);
    let reply = node.browser(Method::POST, "/login/anna", &anonymous).await;
    let signed_in = usize::from(reply.status == StatusCode::NO_CONTENT);
    assert_eq!(node.logins_of("anna").await.len(), signed_in, "{}", reply.status);

    // Each reading of the epoch fails in turn.
    for nth in 1..=epochs {
        node.store.skip(Op::Ticket, nth - 1);
        node.store.next(Op::Ticket, Fault::Before);
        let reply = node.browser(Method::POST, "/login/carl", "").await;
        reply.assert_unavailable();
        assert!(node.logins_of("carl").await.is_empty(), "reading {nth} of {epochs}");
    }
    assert!(node.refresh(&refresh_of(&node.login(anna()).await)).await.is_ok());
}
