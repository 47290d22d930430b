//! The token in the body.

use std::sync::Arc;

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_tests::shop::refresh_of;
use auth_tests::{
    Answer, Call, DAY, Fault, Forged, GRACE, HOUR, LEEWAY, NOW, Node, Op, TTL, World, anna, claims_of,
    joined, on_both_stores,
};
use axum::body::{Body, Bytes};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde_json::json;
use tokio::sync::Barrier;

on_both_stores!(
    a_refresh_answers_as_the_rfc_requires,
    the_retry_of_a_program_gets_the_same_refresh_token,
    an_expired_access_token_is_replaced,
    theft_is_answered_like_any_other_refusal,
    a_store_that_is_down_is_no_refusal,
    no_presentation_reaches_a_store_that_is_asked_in_vain,
    an_access_token_is_no_refresh_token,
    a_refresh_token_is_no_access_token,
    an_expired_login_is_refused,
);

async fn a_refresh_answers_as_the_rfc_requires(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    world.clock.advance(HOUR);
    let reply = node.post_refresh(&first).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(&CONTENT_TYPE), Some("application/json"));
    assert_eq!(reply.header(&CACHE_CONTROL), Some("no-store"));
    assert!(reply.set_cookies().is_empty());
    let (access, refresh) = (reply.member("access_token"), reply.member("refresh_token"));
    let expected = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": refresh,
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(claims_of(&access)["exp"], json!(NOW.after(HOUR + TTL).seconds()));
    assert_eq!(Forged::from(&refresh).generation(), 1);
    node.get("/me", &access).await.assert_text("anna, by jwt");
}

async fn the_retry_of_a_program_gets_the_same_refresh_token(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let replies = [node.post_refresh(&first).await, node.post_refresh(&first).await];
    let [one, two] = replies.map(|reply| reply.member("refresh_token"));
    assert_eq!(one, two);
    world.clock.advance(GRACE);
    assert_ne!(node.post_refresh(&first).await.member("refresh_token"), one);
}

async fn an_expired_access_token_is_replaced(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    world.clock.advance(TTL + LEEWAY);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    // A client may send what it has; a refresh does not need it.
    let call = Call::refresh(&refresh_of(&tokens)).bearer(tokens.access_token());
    let reply = node.send(call).await;
    node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
}

async fn theft_is_answered_like_any_other_refusal(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    world.clock.advance(GRACE);
    let theft = node.post_refresh(&refresh_of(&first)).await;
    theft.assert_invalid_grant();
    node.get("/me", next.access_token()).await.assert_invalid_token();
    for refused in
        [refresh_of(&next), Forged::first([1; 16], 1).tagged(), "junk".to_owned(), refresh_of(&first)]
    {
        let reply = node.post_refresh(&refused).await;
        assert_eq!((reply.status, &reply.body), (theft.status, &theft.body));
        assert_eq!(reply.headers, theft.headers);
    }
}

async fn a_store_that_is_down_is_no_refusal(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    node.store.set_down(true);
    for _ in 0..3 {
        node.post_refresh(&first).await.assert_unavailable();
        world.clock.advance(HOUR);
    }
    node.store.set_down(false);
    assert_eq!(Forged::from(&node.post_refresh(&first).await.member("refresh_token")).generation(), 1);
    assert_eq!(node.events.count(|event| matches!(event, AuditEvent::Refused { .. })), 0);
}

async fn no_presentation_reaches_a_store_that_is_asked_in_vain(world: World) {
    let node = world.node().await;
    let token = Forged::from(&refresh_of(&node.login(anna()).await));
    node.store.set_down(true);
    let calls = node.store.calls(Op::Rotate) + node.store.calls(Op::Login);
    for byte in 0..token.size() {
        let changed = token.clone().flipped(byte, 0x10);
        let answer = node.post_refresh(&changed.untagged()).await;
        // A pepper that is not known here may be known on another node.
        if changed.pepper() == token.pepper() {
            answer.assert_invalid_grant();
        } else {
            answer.assert_unavailable();
        }
    }
    assert_eq!(node.store.calls(Op::Rotate) + node.store.calls(Op::Login), calls);
}

async fn an_access_token_is_no_refresh_token(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.events.clear();
    node.post_refresh(tokens.access_token()).await.assert_invalid_grant();
    assert_eq!(node.events.take(), [AuditEvent::Refused { reason: RefusalReason::RefreshToken }]);
    let reply = node.bearer(Method::POST, "/auth/refresh", tokens.access_token()).await;
    reply.assert_missing_grant();
    assert!(node.refresh(&refresh_of(&tokens)).await.is_ok());
}

async fn a_refresh_token_is_no_access_token(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.get("/me", &refresh_of(&tokens)).await.assert_invalid_token();
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    assert!(node.refresh(&refresh_of(&tokens)).await.is_ok());
}

async fn an_expired_login_is_refused(world: World) {
    let node = world.node_with(|builder| builder.token_idle(DAY).token_lifetime(3 * DAY)).await;
    let idle = refresh_of(&node.login(anna()).await);
    let mut used = refresh_of(&node.login(anna()).await);
    world.clock.advance(DAY / 2);
    for _ in 0..5 {
        used = node.post_refresh(&used).await.member("refresh_token");
        world.clock.advance(DAY / 2);
    }
    node.post_refresh(&idle).await.assert_invalid_grant();
    node.post_refresh(&used).await.assert_invalid_grant();
    assert_eq!(node.events.thefts(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_for_a_refresh_is_malformed() {
    let node = World::memory().node().await;
    let token = refresh_of(&node.login(anna()).await);
    let bodies = [
        String::new(),
        "{}".to_owned(),
        "null".to_owned(),
        " ".to_owned(),
        format!(r#""{token}""#),
        format!(r#"["{token}"]"#),
        format!(r#"[{{"refresh_token":"{token}"}}]"#),
        format!("refresh_token={token}"),
        format!(r#"{{"refresh_token":"{token}""#),
        format!(r#"{{"refresh_token":["{token}"]}}"#),
        format!(r#"{{"refresh_token":{{"refresh_token":"{token}"}}}}"#),
        r#"{"refresh_token":null}"#.to_owned(),
        r#"{"refresh_token":1}"#.to_owned(),
        format!(r#"{{"Refresh_Token":"{token}"}}"#),
        format!(r#"{{"refresh_token":"{token}","refresh_token":"{token}"}}"#),
        format!(r#"{{"refresh_token":"{token}"}} "{token}""#),
        format!("\u{feff}{{\"refresh_token\":\"{token}\"}}"),
    ];
    for body in bodies {
        let call = Call::post("/auth/refresh").header(CONTENT_TYPE, "application/json");
        node.send(call.body(Body::from(body))).await.assert_missing_grant();
    }
    let reply = node.send(Call::refresh(&token).bearer("a.b.c").bearer("a.b.c")).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(node.family(&token).await.position.generation, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_only_if_its_type_is_json() {
    let node = World::memory().node().await;
    let token = refresh_of(&node.login(anna()).await);
    let body = json!({ "refresh_token": token }).to_string();
    let call = || Call::post("/auth/refresh").body(Body::from(body.clone()));
    node.send(call()).await.assert_unsupported_type();
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json, text/plain",
        "application",
        "json",
        "text/json",
        "application/problem+json",
        "application/json\u{e9}",
        ";application/json",
    ] {
        node.send(call().header(CONTENT_TYPE, kind)).await.assert_unsupported_type();
    }
    let twice = call().header(CONTENT_TYPE, "application/json").header(CONTENT_TYPE, "application/json");
    node.send(twice).await.assert_unsupported_type();
    assert_eq!(node.family(&token).await.position.generation, 0);
    // Each gets the same successor, within the grace.
    for kind in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"utf-8\"",
        "application/json ; x=y",
    ] {
        let reply = node.send(call().header(CONTENT_TYPE, kind)).await;
        assert_eq!(reply.status, StatusCode::OK, "{kind}");
    }
    assert_eq!(node.family(&token).await.position.generation, 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_far_larger_than_a_token_is_not_read() {
    let node = World::memory().node().await;
    node.post_refresh(&"A".repeat(1_000_000)).await.assert_too_large();
    node.post_refresh(&"A".repeat(10_000)).await.assert_invalid_grant();
    // Whatever it says that it is.
    for kind in ["text/plain", "application/json"] {
        let call = Call::post("/auth/refresh").header(CONTENT_TYPE, kind);
        node.send(call.body(Body::from("A".repeat(16 * 1024 + 1)))).await.assert_too_large();
    }
}

/// Nothing is refused in a way that helps a cookie of the same request: a body decides.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_read_does_not_leave_the_token_to_the_cookie() {
    let node = World::memory().node_with(|builder| builder.refresh_cookie()).await;
    let cookie = node.browser(Method::POST, "/browser/anna", "").await.cookie();
    let with_body = |kind: &str, body: String| {
        let call = Call::from_page(Method::POST, "/auth/refresh", &cookie);
        node.send(call.header(CONTENT_TYPE, kind).body(Body::from(body)))
    };
    with_body("text/plain", "{}".to_owned()).await.assert_unsupported_type();
    with_body("application/json", "{}".to_owned()).await.assert_missing_grant();
    with_body("application/json", "[]".to_owned()).await.assert_missing_grant();
    with_body("application/json", "A".repeat(100_000)).await.assert_too_large();
    // Without a body there is nothing to say of it.
    for kind in ["text/plain", "application/json"] {
        assert_eq!(with_body(kind, String::new()).await.status, StatusCode::OK, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_a_problem() {
    let node = World::memory().node().await;
    let start = Ok(Bytes::from_static(b"{\"refresh_token\":\""));
    let pieces = [start, Err(std::io::Error::other("the client went away"))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let call = Call::post("/auth/refresh").header(CONTENT_TYPE, "application/json").body(body);
    node.send(call).await.assert_problem(400, "The body is incomplete", &[]);
}

#[tokio::test(start_paused = true)]
async fn only_a_post_refreshes() {
    let node = World::memory().node().await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let reply = node.bearer(method, "/auth/refresh", "a.b.c").await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_with_one_token_get_the_same_refresh_token() {
    for world in [World::memory(), World::sqlite().await] {
        let nodes = [world.node().await, world.node().await];
        let first = refresh_of(&nodes[0].login(anna()).await);
        let barrier = Arc::new(Barrier::new(1000));
        let requests: Vec<_> = (0..1000).map(|number| start(&nodes[number % 2], &first, &barrier)).collect();
        let mut access_tokens = std::collections::HashSet::new();
        let mut refresh_tokens = std::collections::HashSet::new();
        for request in requests {
            let reply = joined(request).await;
            assert_eq!(reply.status, StatusCode::OK);
            access_tokens.insert(reply.member("access_token"));
            refresh_tokens.insert(reply.member("refresh_token"));
        }
        assert_eq!((refresh_tokens.len(), access_tokens.len()), (1, 1000));
        assert_eq!(nodes[0].family(&first).await.position.generation, 1);
        for access in access_tokens {
            nodes[0].get("/me", &access).await.assert_text("anna, by jwt");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_with_a_store_that_fails_now_and_then_agree_in_the_end() {
    let world = World::memory();
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    for fault in [Fault::Before, Fault::After] {
        (0..10).for_each(|_| node.store.next(Op::Rotate, fault.clone()));
    }
    let barrier = Arc::new(Barrier::new(100));
    let requests: Vec<_> = (0..100).map(|_| start(&node, &first, &barrier)).collect();
    let mut tokens = std::collections::HashSet::new();
    let mut unavailable = 0;
    for request in requests {
        let reply = joined(request).await;
        if reply.status == StatusCode::OK {
            tokens.insert(reply.member("refresh_token"));
        } else {
            reply.assert_unavailable();
            unavailable += 1;
        }
    }
    assert_eq!((tokens.len(), unavailable), (1, 20));
    assert!(tokens.contains(&node.post_refresh(&first).await.member("refresh_token")));
}

fn start(node: &Node, token: &str, barrier: &Arc<Barrier>) -> tokio::task::JoinHandle<Answer> {
    let (node, token, barrier) = (node.clone(), token.to_owned(), barrier.clone());
    tokio::spawn(async move {
        barrier.wait().await;
        node.post_refresh(&token).await
    })
}
