//! Logins end by themselves: when they were not used for too long, and when they are too old.

use std::time::Duration;

use auth_core::clock::Clock as _;
use auth_core::jwt::{Algorithm, KeyRing};
use auth_core::login::Builder;
use auth_core::store::memory::MemoryStore;
use auth_tests::shop::{assert_refused, refresh_of};
use auth_tests::{
    DAY, Fault, HOUR, LEEWAY, MILLISECOND, MINUTE, NOW, Node, Op, SECOND, TTL, User, World, anna, claims_of,
    in_time, on_both_stores,
};
use serde_json::json;

on_both_stores!(
    a_session_that_is_not_used_ends,
    a_session_that_is_used_ends_when_it_is_too_old,
    a_login_with_tokens_that_is_not_used_ends,
    a_login_with_tokens_that_is_used_ends_when_it_is_too_old,
    calling_with_access_tokens_keeps_a_login_alive,
    no_node_accepts_a_session_after_its_idle_time,
    a_use_that_is_written_late_brings_nothing_back,
    an_access_token_does_not_outlive_its_login,
);

fn short(builder: Builder<User>) -> Builder<User> {
    builder.session_idle(HOUR).session_lifetime(DAY).token_idle(HOUR).token_lifetime(DAY)
}

async fn assert_over(node: &Node, cookie: &str) {
    node.get_by_cookie("/me", cookie).await.assert_invalid_session();
}

async fn a_session_that_is_not_used_ends(world: World) {
    let (here, there) = (world.node_with(short).await, world.node_with(short).await);
    let cookie = here.sign_in("anna", "").await;
    here.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    world.clock.advance(HOUR - MILLISECOND);
    there.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    there.flush().await;
    world.clock.advance(HOUR);
    for node in [&here, &there] {
        assert_over(node, &cookie).await;
        assert!(node.logins_of("anna").await.is_empty());
    }
}

async fn a_session_that_is_used_ends_when_it_is_too_old(world: World) {
    let node = world.node_with(short).await;
    let cookie = node.sign_in("anna", "").await;
    for _ in 0..47 {
        world.clock.advance(HOUR / 2);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.flush().await;
    }
    world.clock.advance(HOUR / 2 - MILLISECOND);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    node.flush().await;
    world.clock.advance(MILLISECOND);
    assert_over(&node, &cookie).await;
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_login_with_tokens_that_is_not_used_ends(world: World) {
    let node = world.node_with(short).await;
    let first = refresh_of(&node.login(anna()).await);
    world.clock.advance(HOUR - MILLISECOND);
    let next = refresh_of(&node.refresh(&first).await.unwrap());
    world.clock.advance(HOUR);
    assert_refused(&node.refresh(&next).await);
    assert!(node.logins_of("anna").await.is_empty());
}

async fn a_login_with_tokens_that_is_used_ends_when_it_is_too_old(world: World) {
    let node = world.node_with(short).await;
    let mut token = refresh_of(&node.login(anna()).await);
    for _ in 0..47 {
        world.clock.advance(HOUR / 2);
        token = refresh_of(&node.refresh(&token).await.unwrap());
    }
    world.clock.advance(HOUR / 2);
    assert_refused(&node.refresh(&token).await);
}

async fn calling_with_access_tokens_keeps_a_login_alive(world: World) {
    let node = world.node_with(|builder| short(builder).access_ttl(HOUR - 10 * SECOND)).await;
    let tokens = node.login(anna()).await;
    world.clock.advance(HOUR / 2);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.flush().await;
    world.clock.advance(HOUR - MILLISECOND);
    assert!(node.refresh(&refresh_of(&tokens)).await.is_ok());
}

/// The cache of one node does not know that nobody used the session on any node, or that somebody did on another.
async fn no_node_accepts_a_session_after_its_idle_time(world: World) {
    let (here, there) = (world.node_with(short).await, world.node_with(short).await);
    let cookie = here.sign_in("anna", "").await;
    for node in [&here, &there] {
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    for _ in 0..3 {
        world.clock.advance(40 * MINUTE);
        there.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        there.flush().await;
    }
    here.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    world.clock.advance(HOUR);
    assert_over(&here, &cookie).await;
    assert_over(&there, &cookie).await;
}

async fn a_use_that_is_written_late_brings_nothing_back(world: World) {
    let node = world.node_with(short).await;
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    node.store.always(Op::Touch, Fault::Before);
    world.clock.advance(10 * MINUTE);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    assert!(in_time(node.auth.flush()).await.is_err());
    world.clock.advance(50 * MINUTE);
    node.store.heal(Op::Touch);
    node.flush().await;
    assert!(node.logins_of("anna").await.is_empty());
    assert_refused(&node.refresh(&refresh_of(&tokens)).await);
    world.store.purge().await.unwrap();
    world.node_with(short).await.get_by_cookie("/me", &cookie).await.assert_invalid_session();
}

async fn an_access_token_does_not_outlive_its_login(world: World) {
    let node = world.node_with(|builder| short(builder).leeway(Duration::ZERO)).await;
    let mut tokens = node.login(anna()).await;
    assert_eq!(tokens.expires_in(), TTL.as_secs());
    for _ in 0..24 {
        world.clock.advance(HOUR - MINUTE / 4);
        tokens = node.refresh(&refresh_of(&tokens)).await.unwrap();
    }
    assert_eq!(world.clock.now(), NOW.after(DAY - 6 * MINUTE));
    assert_eq!(tokens.expires_in(), 6 * 60);
    assert_eq!(claims_of(tokens.access_token())["exp"], json!(NOW.after(DAY).seconds()));
    world.clock.advance(6 * MINUTE - MILLISECOND);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    world.clock.advance(MILLISECOND);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_deleted_in_the_background() {
    let world = World::memory();
    let node = world.node_with(short).await;
    drop((node.login(anna()).await, node.sign_in("anna", "").await));
    let kept = node.login(anna()).await;
    world.clock.advance(HOUR / 2);
    node.refresh(&refresh_of(&kept)).await.unwrap();
    world.clock.advance(HOUR / 2);
    tokio::time::sleep(MINUTE + SECOND).await;
    // The two are gone already.
    assert_eq!(world.store.purge().await.unwrap().value, 0);
    assert_eq!(node.logins_of("anna").await.len(), 1);
    assert!(node.refresh(&refresh_of(&kept)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_purge_that_fails_is_tried_again() {
    let world = World::memory();
    let node = world.node_with(short).await;
    tokio::time::sleep(SECOND).await;
    drop(node.login(anna()).await);
    world.clock.advance(HOUR);
    node.store.next(Op::Purge, Fault::Before);
    tokio::time::sleep(MINUTE).await;
    assert!(node.logins_of("anna").await.is_empty());
    tokio::time::sleep(MINUTE).await;
    assert_eq!(world.store.purge().await.unwrap().value, 0);
}

#[tokio::test(start_paused = true)]
async fn an_access_token_of_the_last_second_is_still_good_for_the_leeway() {
    let world = World::memory();
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    world.clock.advance(TTL + LEEWAY - MILLISECOND);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    world.clock.advance(MILLISECOND);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
}

#[tokio::test]
async fn an_idle_time_above_the_lifetime_is_an_error() {
    let built = async |with: fn(Builder<User>) -> Builder<User>| {
        let builder = auth_core::Authenticator::<User>::builder()
            .keys(KeyRing::generate(Algorithm::EdDSA).unwrap())
            .store(MemoryStore::new());
        with(builder).build().await.err().map(|error| error.to_string())
    };
    let session = built(|builder| builder.session_lifetime(DAY).session_idle(DAY + SECOND)).await;
    assert_eq!(
        session.as_deref(),
        Some("session_idle: longer than `session_lifetime`; lower it, or raise the lifetime")
    );
    let token = built(|builder| builder.token_lifetime(DAY).token_idle(DAY + SECOND)).await;
    assert_eq!(
        token.as_deref(),
        Some("token_idle: longer than `token_lifetime`; lower it, or raise the lifetime")
    );
    let equal =
        built(|builder| builder.session_lifetime(DAY).session_idle(DAY).token_lifetime(DAY).token_idle(DAY));
    assert_eq!(equal.await, None);
}
