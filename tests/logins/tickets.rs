//! A sign-in that takes a while: what changes meanwhile keeps it from coming about.

use std::num::NonZeroU32;

use auth_core::audit::AuditEvent;
use auth_core::login::{Ended, LoginError, Ticket};
use auth_core::store::{OnLimit, Ticket as Stored};
use auth_core::web::{Device, LoginAttempt};
use auth_tests::shop::{login_of, refresh_of};
use auth_tests::{MILLISECOND, Node, World, anna, bert, in_time, on_both_stores, subject};
use axum::extract::FromRequestParts as _;
use http::Request;
use http::header::COOKIE;

on_both_stores!(
    a_ticket_is_good_while_a_second_factor_is_asked_for,
    a_ticket_is_of_one_subject,
    a_sign_in_is_outdated_by_whatever_changes_meanwhile,
    the_others_end_with_the_sign_ins_under_way_and_the_caller_goes_on,
    what_does_not_concern_the_subject_outdates_nothing,
);

async fn begin(node: &Node, name: &str) -> Ticket {
    in_time(node.auth.begin(&subject(name))).await.unwrap()
}

/// Signs Anna in with tokens.
async fn with_tokens(node: &Node, ticket: &Ticket) -> Result<(), LoginError> {
    in_time(node.auth.login_tokens_with(ticket, Device::unknown(), anna())).await.map(drop)
}

/// Signs Anna in with a session, in a browser that has this cookie.
async fn with_session(node: &Node, ticket: &Ticket, cookie: &str) -> Result<(), LoginError> {
    let request = Request::post("/login").header("sec-fetch-site", "same-origin").header(COOKIE, cookie);
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let attempt = LoginAttempt::from_request_parts(&mut parts, &()).await.unwrap();
    in_time(node.auth.login_session_with(ticket, attempt, anna())).await.map(drop)
}

fn is_start(event: &AuditEvent) -> bool {
    matches!(event, AuditEvent::LoginStarted { .. })
}

async fn a_ticket_is_good_while_a_second_factor_is_asked_for(world: World) {
    let node = world.node().await;
    let ticket = begin(&node, "anna").await;
    let kept = serde_json::to_string(&ticket).unwrap();
    world.clock.advance(Stored::LIFETIME);
    // Another node, after the ticket was kept as text.
    let (node, ticket) = (world.node().await, serde_json::from_str(&kept).unwrap());
    with_tokens(&node, &ticket).await.unwrap();
    with_session(&node, &ticket, "").await.unwrap();
    assert_eq!(node.logins_of("anna").await.len(), 2);
    world.clock.advance(MILLISECOND);
    assert!(matches!(with_tokens(&node, &ticket).await, Err(LoginError::Changed)));
    assert!(matches!(with_session(&node, &ticket, "").await, Err(LoginError::Changed)));
    assert_eq!(node.logins_of("anna").await.len(), 2);
}

async fn a_ticket_is_of_one_subject(world: World) {
    let node = world.node().await;
    let ticket = begin(&node, "bert").await;
    assert!(matches!(with_tokens(&node, &ticket).await, Err(LoginError::OtherSubject)));
    assert!(matches!(with_session(&node, &ticket, "").await, Err(LoginError::OtherSubject)));
    assert!(node.logins_of("anna").await.is_empty() && node.logins_of("bert").await.is_empty());
}

/// Nothing is made, evicted or replaced by what does not come about.
async fn a_sign_in_is_outdated_by_whatever_changes_meanwhile(world: World) {
    let most = NonZeroU32::new(1).unwrap();
    let node = world.node_with(|builder| builder.max_logins(most, OnLimit::EndOldest)).await;
    for ends_all in [true, false] {
        let ticket = begin(&node, "anna").await;
        if ends_all {
            in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
        } else {
            node.claims_changed("anna").await;
        }
        let cookie = node.sign_in("anna", "").await;
        let logins = node.logins_of("anna").await;
        node.events.clear();
        for _ in 0..2 {
            assert!(matches!(with_tokens(&node, &ticket).await, Err(LoginError::Changed)));
            assert!(matches!(with_session(&node, &ticket, &cookie).await, Err(LoginError::Changed)));
        }
        assert_eq!(node.events.take(), []);
        assert_eq!(node.logins_of("anna").await, logins);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
}

async fn the_others_end_with_the_sign_ins_under_way_and_the_caller_goes_on(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let (mine, other, session) =
        (here.login(anna()).await, here.login(anna()).await, here.sign_in("anna", "").await);
    let ticket = begin(&there, "anna").await;
    let reply = here.bearer(http::Method::DELETE, "/auth/logins", mine.access_token()).await;
    reply.assert_empty(204);
    there.events.clear();
    assert!(matches!(with_tokens(&there, &ticket).await, Err(LoginError::Changed)));
    assert_eq!(there.events.count(is_start), 0);
    there.catch_up().await;
    let mut mine = mine;
    for node in [&here, &there, &world.node().await] {
        assert_eq!(node.logins_of("anna").await, [login_of(&refresh_of(&mine))]);
        node.get("/me", mine.access_token()).await.assert_text("anna, by jwt");
        node.get("/me", other.access_token()).await.assert_invalid_token();
        node.get_by_cookie("/me", &session).await.assert_invalid_session();
        mine = node.refresh(&refresh_of(&mine)).await.unwrap();
        node.get("/me", mine.access_token()).await.assert_text("anna, by jwt");
    }
}

async fn what_does_not_concern_the_subject_outdates_nothing(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    drop(node.login(bert()).await);
    let ticket = begin(&node, "anna").await;
    in_time(node.auth.end_all_logins(&subject("bert"))).await.unwrap();
    node.claims_changed("bert").await;
    let ended = in_time(node.auth.end_login(&subject("anna"), login_of(&refresh_of(&tokens)))).await.unwrap();
    assert_eq!(ended, Ended::Ended);
    with_tokens(&node, &ticket).await.unwrap();
    assert_eq!(node.logins_of("anna").await.len(), 1);
}
