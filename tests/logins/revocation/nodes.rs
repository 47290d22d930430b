//! Two nodes over one store.

use std::sync::Arc;
use std::time::Duration;

use auth_core::store::memory::MemoryStore;
use auth_core::testing::ManualClock;
use auth_tests::shop::{assert_refused, refresh_of};
use auth_tests::{
    DAY, LEEWAY, MILLISECOND, MINUTE, NOW, Node, SECOND, TTL, World, anna, bert, claims_of, in_time,
    on_both_stores, subject,
};
use http::{Method, StatusCode};

/// The longest life of an access token that the claims type allows.
const MAX_TTL: Duration = Duration::from_secs(4 * 60 * 60);

on_both_stores!(
    what_ends_on_one_node_is_refused_on_the_other,
    what_was_revoked_before_the_token_arrives_is_refused_at_first_sight,
    ending_all_logins_ends_each_of_them_everywhere,
    an_end_is_known_everywhere_to_the_last_moment_of_its_tokens,
    an_end_by_a_node_with_a_shorter_ttl_covers_the_longer_tokens_of_others,
    an_end_is_known_to_a_node_that_starts_at_the_last_moment,
    a_node_whose_time_of_day_is_wrong_goes_by_the_time_of_the_store,
);

async fn two_nodes(world: &World) -> [Node; 2] {
    [world.node().await, world.node().await]
}

async fn what_ends_on_one_node_is_refused_on_the_other(world: World) {
    let [here, there] = two_nodes(&world).await;
    let (tokens, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    for node in [&here, &there] {
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    let reply = there.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    let reply = there.browser(Method::POST, "/auth/logout", &cookie).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    here.catch_up().await;
    for node in [&there, &here] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_refused(&node.refresh(&refresh_of(&tokens)).await);
    }
}

async fn what_was_revoked_before_the_token_arrives_is_refused_at_first_sight(world: World) {
    let [here, there] = two_nodes(&world).await;
    let (tokens, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
    in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap();
    there.catch_up().await;
    there.get("/me", tokens.access_token()).await.assert_invalid_token();
    there.get_by_cookie("/me", &cookie).await.assert_invalid_session();
}

async fn ending_all_logins_ends_each_of_them_everywhere(world: World) {
    let [here, there] = two_nodes(&world).await;
    let mut annas = Vec::new();
    for number in 0..10 {
        annas.push([&here, &there][number % 2].login(anna()).await);
    }
    let other = there.login(bert()).await;
    for tokens in &annas {
        there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
    assert_eq!(in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap(), 10);
    there.catch_up().await;
    for node in [&here, &there] {
        for tokens in &annas {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
            assert_refused(&node.refresh(&refresh_of(tokens)).await);
        }
        node.get("/me", other.access_token()).await.assert_text("bert, by jwt");
    }
    // A login afterwards is a new one.
    let again = here.login(anna()).await;
    there.get("/me", again.access_token()).await.assert_text("anna, by jwt");
}

/// Lets the nodes do what they do by themselves: read the log and delete what has expired.
async fn purge(world: &World, nodes: &[&Node]) {
    world.store.purge().await.unwrap();
    for node in nodes {
        node.catch_up().await;
    }
}

/// An ended login's token and another one, issued at this moment with the longest possible life.
async fn longest(world: &World) -> ([Node; 2], [String; 2]) {
    let long = async || world.node_with(|builder| builder.access_ttl(MAX_TTL)).await;
    let nodes = [long().await, long().await];
    let (ended, other) = (nodes[0].login(anna()).await, nodes[0].login(anna()).await);
    let exp = claims_of(ended.access_token())["exp"].as_i64().unwrap();
    assert_eq!(exp, NOW.after(MAX_TTL).seconds());
    nodes[0].end(&refresh_of(&ended)).await;
    (nodes, [ended.access_token().to_owned(), other.access_token().to_owned()])
}

async fn an_end_is_known_everywhere_to_the_last_moment_of_its_tokens(world: World) {
    let ([here, there], [ended, other]) = longest(&world).await;
    world.clock.advance(MAX_TTL + LEEWAY - MILLISECOND);
    purge(&world, &[&here, &there]).await;
    for node in [&here, &there] {
        node.get("/me", &other).await.assert_text("anna, by jwt");
        node.get("/me", &ended).await.assert_invalid_token();
    }
    world.clock.advance(MILLISECOND);
    for node in [&here, &there] {
        node.get("/me", &other).await.assert_invalid_token();
        node.get("/me", &ended).await.assert_invalid_token();
    }
}

async fn an_end_is_known_to_a_node_that_starts_at_the_last_moment(world: World) {
    let (_, [ended, other]) = longest(&world).await;
    world.clock.advance(MAX_TTL + LEEWAY - MILLISECOND);
    purge(&world, &[]).await;
    let late = world.node().await;
    late.get("/me", &other).await.assert_text("anna, by jwt");
    late.get("/me", &ended).await.assert_invalid_token();
}

/// The `ttl` was shortened, or another service of the issuer has a longer one.
async fn an_end_by_a_node_with_a_shorter_ttl_covers_the_longer_tokens_of_others(world: World) {
    let long = world.node_with(|builder| builder.access_ttl(MAX_TTL)).await;
    let short = world.node_with(|builder| builder.access_ttl(SECOND)).await;
    let tokens = long.login(anna()).await;
    short.end(&refresh_of(&tokens)).await;
    world.clock.advance(MAX_TTL + LEEWAY - MILLISECOND);
    purge(&world, &[&long, &short]).await;
    for node in [&long, &short, &world.node().await] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
    }
}

async fn a_node_whose_time_of_day_is_wrong_goes_by_the_time_of_the_store(world: World) {
    let right = world.node().await;
    for wrong in [NOW.before(DAY), NOW.after(DAY)] {
        let clock = ManualClock::new(wrong);
        let node = world.node_with(|builder| builder.clock(clock.clone())).await;
        let (ours, theirs) = (node.login(anna()).await, right.login(anna()).await);
        for claim in ["iat", "exp", "auth_time", "epoch"] {
            let [ours, theirs] = [&ours, &theirs].map(|tokens| claims_of(tokens.access_token()));
            assert_eq!(ours[claim], theirs[claim], "{claim}");
        }
        let pass = |time| {
            world.clock.advance(time);
            clock.advance(time);
        };
        pass(TTL + LEEWAY - MILLISECOND);
        for tokens in [&ours, &theirs] {
            node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        }
        pass(MILLISECOND);
        for tokens in [&ours, &theirs] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        let again = node.refresh(&refresh_of(&theirs)).await.unwrap();
        right.get("/me", again.access_token()).await.assert_text("anna, by jwt");
    }
}

#[tokio::test(start_paused = true)]
async fn the_purge_of_a_node_keeps_what_still_counts() {
    let world = World::memory();
    let ([here, there], [ended, other]) = longest(&world).await;
    world.clock.advance(MAX_TTL + LEEWAY - MILLISECOND);
    // Two rounds of the loop that deletes.
    tokio::time::sleep(2 * MINUTE + SECOND).await;
    for node in [&here, &there] {
        node.get("/me", &other).await.assert_text("anna, by jwt");
        node.get("/me", &ended).await.assert_invalid_token();
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_emptied_brings_nothing_back() {
    let world = World::memory();
    let [here, there] = two_nodes(&world).await;
    let (ended, other) = (here.login(anna()).await, here.login(anna()).await);
    for _ in 0..5 {
        let short = here.login(bert()).await;
        here.end(&refresh_of(&short)).await;
    }
    here.end(&refresh_of(&ended)).await;
    there.catch_up().await;
    world.clock.advance(SECOND);
    let empty: Arc<MemoryStore> = Arc::new(MemoryStore::with_clock(world.clock.clone()));
    here.store.swap(empty.clone());
    there.store.swap(empty);
    for node in [&here, &there] {
        node.catch_up().await;
        // Everything from before the first use of the store is refused, also logins that were not ended.
        for tokens in [&ended, &other] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
            assert_refused(&node.refresh(&refresh_of(tokens)).await);
        }
    }
    // What is logged from then on is heard of.
    let (next, kept) = (here.login(anna()).await, here.login(anna()).await);
    here.end(&refresh_of(&next)).await;
    there.catch_up().await;
    for node in [&here, &there] {
        for tokens in [&next, &ended, &other] {
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        node.get("/me", kept.access_token()).await.assert_text("anna, by jwt");
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_has_expired_is_refused_on_every_node() {
    let world = World::memory();
    let lifetime = TTL + MINUTE;
    let node =
        async || world.node_with(|builder| builder.session_lifetime(lifetime).session_idle(lifetime)).await;
    let [here, there] = [node().await, node().await];
    let cookie = here.sign_in("anna", "").await;
    world.clock.advance(lifetime - MILLISECOND);
    for node in [&here, &there] {
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    world.clock.advance(MILLISECOND);
    for node in [&here, &there] {
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    }
}
