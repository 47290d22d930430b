//! What an observer hears: each event with all it says, as JSON, and never a credential.

use std::num::NonZeroU32;

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::clock::Clock as _;
use auth_core::id::LoginId;
use auth_core::jwt::VerifyError;
use auth_core::login::Scheme;
use auth_core::store::Reset;
use auth_core::store::{EndReason, Limit};
use auth_tests::shop::{assert_refused, login_of, realm, refresh_of};
use auth_tests::{
    Call, Directory, Forged, GRACE, HOUR, LEEWAY, MINUTE, NOW, Node, SECOND, TTL, UNKNOWN_SESSION, User,
    World, anna, bert, in_time, on_both_stores, subject, token_id_of,
};
use http::Method;
use serde_json::json;

on_both_stores!(
    logins_begin_and_end,
    a_limit_evicts_or_refuses,
    claims_change,
    tokens_are_rotated_and_replayed,
    a_theft_says_how_old_the_token_was_and_when_it_was_rotated,
    a_theft_of_a_login_that_was_never_rotated_says_how_old_the_login_is,
    a_store_that_lost_a_commit_is_behind,
    refusals_say_why,
    no_event_contains_a_credential,
);

fn ended(login: LoginId, reason: EndReason) -> AuditEvent {
    AuditEvent::LoginEnded { login, subject: subject("anna"), reason }
}

fn all_ended(count: u64, spared: Option<LoginId>, reason: EndReason) -> AuditEvent {
    AuditEvent::LoginsEnded { subject: subject("anna"), count, spared, reason }
}

fn refused(reason: RefusalReason) -> [AuditEvent; 1] {
    [AuditEvent::Refused { reason }]
}

async fn newest(node: &Node) -> LoginId {
    *node.logins_of("anna").await.first().unwrap()
}

async fn logins_begin_and_end(world: World) {
    let node = world.node().await;
    let begun = |login, kind| AuditEvent::LoginStarted { login, subject: subject("anna"), kind };
    let tokens = node.login(anna()).await;
    let one = login_of(&refresh_of(&tokens));
    assert_eq!(node.events.take(), [begun(one, Scheme::Jwt)]);
    world.clock.advance(SECOND);
    let cookie = node.sign_in("anna", "").await;
    let two = newest(&node).await;
    assert_eq!(node.events.take(), [begun(two, Scheme::Session)]);
    world.clock.advance(SECOND);
    let cookie = node.sign_in("anna", &cookie).await;
    let three = newest(&node).await;
    assert_eq!(node.events.take(), [ended(two, EndReason::Replaced), begun(three, Scheme::Session)]);

    node.browser(Method::POST, "/auth/logout", &cookie).await;
    assert_eq!(node.events.take(), [ended(three, EndReason::SignedOut)]);
    node.bearer(Method::DELETE, &format!("/auth/logins/{one}"), tokens.access_token()).await;
    assert_eq!(node.events.take(), [ended(one, EndReason::EndedRemotely)]);

    let mut logins = Vec::new();
    for _ in 0..3 {
        world.clock.advance(SECOND);
        logins.push(node.login(anna()).await);
    }
    let ids: Vec<_> = logins.iter().map(|tokens| login_of(&refresh_of(tokens))).collect();
    node.events.clear();
    node.bearer(Method::DELETE, "/auth/logins", logins.last().unwrap().access_token()).await;
    // One event, however many they are; it says so too when there was none.
    assert_eq!(node.events.take(), [all_ended(2, Some(ids[2]), EndReason::EndedRemotely)]);
    for count in [1, 0] {
        in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
        assert_eq!(node.events.take(), [all_ended(count, None, EndReason::SubjectEnded)]);
    }
}

async fn a_limit_evicts_or_refuses(world: World) {
    let most = NonZeroU32::new(1).unwrap();
    let evicting = world.node_with(|builder| builder.max_logins(Limit::EvictOldest(most))).await;
    let one = login_of(&refresh_of(&evicting.login(anna()).await));
    evicting.events.clear();
    let two = login_of(&refresh_of(&evicting.login(anna()).await));
    let begun = AuditEvent::LoginStarted { login: two, subject: subject("anna"), kind: Scheme::Jwt };
    assert_eq!(evicting.events.take(), [ended(one, EndReason::Evicted), begun]);
    let refusing = world.node_with(|builder| builder.max_logins(Limit::Refuse(most))).await;
    refusing.browser(Method::POST, "/login/anna", "").await;
    assert_eq!(refusing.events.take(), [AuditEvent::LimitReached { subject: subject("anna") }]);
}

async fn claims_change(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with(|builder| builder.claims_source(directory)).await;
    drop(node.login(anna()).await);
    node.events.clear();
    let begun_under = node.behind().ticket(&realm::<User>(), &subject("anna")).await.unwrap().value.epoch;
    let changed = |nth| AuditEvent::ClaimsChanged { subject: subject("anna"), epoch: begun_under + nth };
    for nth in 1..3 {
        node.claims_changed("anna").await;
        assert_eq!(node.events.take(), [changed(nth)]);
    }
    let without = world.node().await;
    without.claims_changed("anna").await;
    let ended = all_ended(1, None, EndReason::ClaimsChanged);
    assert_eq!(without.events.take(), [changed(3), ended]);
}

async fn tokens_are_rotated_and_replayed(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let login = login_of(&first);
    node.events.clear();
    let (rotated, replayed) = (
        |generation| AuditEvent::Rotated { login, generation },
        |generation| AuditEvent::Replayed { login, generation },
    );
    let second = refresh_of(&node.refresh(&first).await.unwrap());
    node.refresh(&first).await.unwrap();
    node.refresh(&second).await.unwrap();
    world.clock.advance(GRACE);
    let third = refresh_of(&node.refresh(&second).await.unwrap());
    world.clock.advance(HOUR);
    let replaced = refresh_of(&node.refresh(&second).await.unwrap());
    assert_ne!(third, replaced);
    assert_eq!(node.events.take(), [rotated(1), replayed(1), replayed(1), rotated(2), replayed(2)]);
}

async fn a_theft_says_how_old_the_token_was_and_when_it_was_rotated(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let mut token = first.clone();
    for _ in 0..3 {
        world.clock.advance(HOUR);
        token = refresh_of(&node.refresh(&token).await.unwrap());
    }
    node.events.clear();
    world.clock.advance(90 * MINUTE);
    assert_refused(&node.refresh(&first).await);
    let (login, subject) = (login_of(&first), subject("anna"));
    let theft = AuditEvent::Theft { login, subject, generations: 3, age: 90 * MINUTE };
    let events = node.events.take();
    assert_eq!(events, [ended(login, EndReason::Stolen), theft]);
    let json: Vec<_> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let expected = [
        json!({ "event": "login_ended", "login": login, "subject": "anna", "reason": "stolen" }),
        json!({ "event": "theft", "login": login, "subject": "anna", "generations": 3, "age": 5400 }),
    ];
    assert_eq!(json, expected);
}

/// Only the policy `pair` takes a first token for stolen.
async fn a_theft_of_a_login_that_was_never_rotated_says_how_old_the_login_is(world: World) {
    let node = world.node_with(|builder| builder.require_access_token_to_refresh()).await;
    let first = refresh_of(&node.login(anna()).await);
    node.events.clear();
    world.clock.advance(HOUR);
    assert_refused(&node.refresh(&first).await);
    let (login, subject) = (login_of(&first), subject("anna"));
    let theft = AuditEvent::Theft { login, subject, generations: 0, age: HOUR };
    assert_eq!(node.events.take(), [ended(login, EndReason::Stolen), theft]);
}

async fn a_store_that_lost_a_commit_is_behind(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    node.events.clear();
    assert_refused(&node.refresh(&Forged::from(&first).with_generation(4).tagged()).await);
    assert_eq!(node.events.take(), [AuditEvent::StoreBehind { login: login_of(&first) }]);
}

async fn refusals_say_why(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with(|builder| builder.claims_source(directory)).await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    let access = tokens.access_token();
    let check = async |path: &str, method: Method, token: &str, reason| {
        node.events.clear();
        node.bearer(method, path, token).await;
        assert_eq!(node.events.take(), refused(reason));
    };
    check("/me", Method::GET, "a.b.c", RefusalReason::Token(VerifyError::Malformed)).await;
    in_time(node.auth.revoke_token(&subject("anna"), token_id_of(access))).await.unwrap();
    check("/me", Method::GET, access, RefusalReason::Revoked).await;
    let next = node.refresh(&refresh_of(&tokens)).await.unwrap();
    node.claims_changed("anna").await;
    check("/me", Method::GET, next.access_token(), RefusalReason::Outdated).await;
    world.clock.advance(TTL + LEEWAY);
    check("/me", Method::GET, access, RefusalReason::Token(VerifyError::Expired)).await;
    world.clock.set(NOW.before(MINUTE));
    check("/me", Method::GET, access, RefusalReason::Token(VerifyError::NotYetValid)).await;
    world.clock.set(NOW);

    node.events.clear();
    node.get_by_cookie("/me", UNKNOWN_SESSION).await.assert_invalid_session();
    assert_eq!(node.events.take(), refused(RefusalReason::Session));
    for path in ["/write", "/login/anna"] {
        let call = Call::post(path).header("sec-fetch-site", "cross-site").cookie(&cookie);
        node.send(call).await.assert_cross_site();
        assert_eq!(node.events.take(), refused(RefusalReason::CrossSite));
    }
    assert_refused(&node.refresh("junk").await);
    assert_eq!(node.events.take(), refused(RefusalReason::RefreshToken));
}

#[test]
fn each_event_has_its_json() {
    let login = LoginId::from_bytes([0; 16]);
    let (id, anna) = ("AAAAAAAAAAAAAAAAAAAAAA", subject("anna"));
    let refused = |reason| AuditEvent::Refused { reason };
    let all = [
        (
            AuditEvent::ClaimsChanged { subject: anna.clone(), epoch: 7 },
            json!({ "event": "claims_changed", "subject": "anna", "epoch": 7 }),
        ),
        (AuditEvent::StoreBehind { login }, json!({ "event": "store_behind", "login": id })),
        (
            AuditEvent::LogReset { cause: Reset::UnknownMark, written_back: 2 },
            json!({ "event": "log_reset", "cause": "unknown_mark", "written_back": 2 }),
        ),
        (
            AuditEvent::WritesLost { lost: 1, written_back: 2 },
            json!({ "event": "writes_lost", "lost": 1, "written_back": 2 }),
        ),
        (
            AuditEvent::Shared { login, streak: 2, age: MINUTE },
            json!({ "event": "shared", "login": id, "streak": 2, "age": 60 }),
        ),
        (
            all_ended(3, None, EndReason::SubjectEnded),
            json!({ "event": "logins_ended", "subject": "anna", "count": 3, "reason": "subject_ended" }),
        ),
        (
            all_ended(3, Some(login), EndReason::EndedRemotely),
            json!({
                "event": "logins_ended",
                "subject": "anna",
                "count": 3,
                "spared": id,
                "reason": "ended_remotely",
            }),
        ),
        (
            AuditEvent::LimitReached { subject: anna.clone() },
            json!({ "event": "limit_reached", "subject": "anna" }),
        ),
        (
            AuditEvent::LoginStarted { login, subject: anna.clone(), kind: Scheme::Session },
            json!({ "event": "login_started", "login": id, "subject": "anna", "kind": "session" }),
        ),
        (
            AuditEvent::LoginEnded { login, subject: anna, reason: EndReason::EndedRemotely },
            json!({ "event": "login_ended", "login": id, "subject": "anna", "reason": "ended_remotely" }),
        ),
        (
            AuditEvent::Rotated { login, generation: 2 },
            json!({ "event": "rotated", "login": id, "generation": 2 }),
        ),
        (
            AuditEvent::Replayed { login, generation: 2 },
            json!({ "event": "replayed", "login": id, "generation": 2 }),
        ),
        (refused(RefusalReason::CrossSite), json!({ "event": "refused", "reason": "cross_site" })),
        (refused(RefusalReason::Revoked), json!({ "event": "refused", "reason": "revoked" })),
        (refused(RefusalReason::Outdated), json!({ "event": "refused", "reason": "outdated" })),
        (refused(RefusalReason::RefreshToken), json!({ "event": "refused", "reason": "refresh_token" })),
        (refused(RefusalReason::Session), json!({ "event": "refused", "reason": "session" })),
        (refused(RefusalReason::StoredClaims), json!({ "event": "refused", "reason": "stored_claims" })),
        (
            refused(RefusalReason::Token(VerifyError::Expired)),
            json!({ "event": "refused", "reason": "the token has expired" }),
        ),
    ];
    for (event, expected) in all {
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
    }
}

/// Everything that gives somebody access, in all its parts.
fn credentials_in(texts: &[String]) -> Vec<String> {
    let mut parts = Vec::new();
    for text in texts {
        let value = text.split_once('=').map_or(text.as_str(), |(_, value)| value);
        parts.push(value.to_owned());
        parts.extend(value.split('.').map(str::to_owned));
        // The secret of a refresh token, without what names its login.
        parts.extend(value.strip_prefix("ar1_").and_then(|body| body.get(36..72)).map(str::to_owned));
    }
    parts.retain(|part| part.len() > 15);
    parts
}

async fn no_event_contains_a_credential(world: World) {
    let node = world.node_with(|builder| builder.refresh_cookie()).await;
    let mut texts = Vec::new();
    let mut tokens = node.login(anna()).await;
    for _ in 0..3 {
        texts.extend([tokens.access_token().to_owned(), refresh_of(&tokens)]);
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        world.clock.advance(GRACE);
        tokens = node.refresh(&refresh_of(&tokens)).await.unwrap();
    }
    let browser = node.browser(Method::POST, "/browser/anna", "").await;
    texts.extend([browser.cookie(), browser.member("access_token")]);
    let session = node.sign_in("bert", "").await;
    texts.extend([session.clone(), node.sign_in("bert", &session).await]);
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
    let stolen = texts.get(1).unwrap().clone();
    assert_refused(&node.refresh(&stolen).await);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    node.get("/me", &refresh_of(&tokens)).await.assert_invalid_token();
    assert_refused(&node.refresh(texts.first().unwrap()).await);
    assert_refused(&node.refresh(&Forged::from(&stolen).with_generation(9).tagged()).await);
    let _ = in_time(node.auth.end_all_logins(&subject(&bert().name))).await.unwrap();

    let events = node.events.take();
    assert!(events.iter().any(|event| matches!(event, AuditEvent::Theft { .. })));
    assert!(events.len() > 12 && world.clock.now() > NOW);
    for event in &events {
        for text in [serde_json::to_string(event).unwrap(), format!("{event:?}")] {
            for credential in credentials_in(&texts) {
                assert!(!text.contains(&credential), "{text}");
            }
        }
    }
}
