//! When a login was last seen: written now and then, and never on the way of a request.

use std::num::NonZeroU32;

use auth_core::clock::{Clock as _, Timestamp};
use auth_core::store::LoginRow;
use auth_tests::shop::{realm, refresh_of};
use auth_tests::{
    Call, Fault, GRACE, Gate, MINUTE, NOW, Node, Op, SECOND, User, World, anna, in_time, on_both_stores,
    subject,
};

on_both_stores!(
    a_session_is_written_once_a_minute_at_the_most,
    a_login_with_tokens_is_written_once_a_minute_at_the_most,
    a_flush_writes_what_is_queued,
    what_is_queued_is_listed,
    a_use_that_can_not_be_written_is_written_later,
    a_use_of_a_login_that_ended_meanwhile_brings_nothing_back,
    a_request_that_is_refused_is_no_use,
);

/// Anna's live logins as they are stored.
async fn rows(node: &Node) -> Vec<LoginRow> {
    let most = NonZeroU32::new(100).unwrap();
    let page = node.behind().list(&realm::<User>(), &subject("anna"), None, most).await.unwrap();
    page.value.into_iter().map(|login| login.row).collect()
}

async fn last_seen(node: &Node) -> Timestamp {
    rows(node).await.iter().map(|login| login.last_seen_at).max().unwrap()
}

async fn a_session_is_written_once_a_minute_at_the_most(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    for second in 1..=300_u32 {
        world.clock.advance(SECOND);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.flush().await;
        assert!(node.clock.now().since(last_seen(&node).await) < MINUTE);
        assert!(node.store.calls(Op::Touch) <= usize::try_from(second / 60).unwrap(), "after {second} s");
    }
    assert_eq!(node.store.calls(Op::Touch), 5);
}

/// A sign-in and a refresh write the time themselves, and each brings an access token of its own.
async fn a_login_with_tokens_is_written_once_a_minute_at_the_most(world: World) {
    let node = world.node().await;
    let mut tokens = node.login(anna()).await;
    let mut written = vec![NOW];
    for second in 1..=300 {
        world.clock.advance(SECOND);
        if second % 45 == 0 {
            let again = node.refresh(&refresh_of(&tokens)).await.unwrap();
            tokens = node.refresh(&refresh_of(&tokens)).await.unwrap();
            node.get("/me", again.access_token()).await.assert_text("anna, by jwt");
            written.push(world.clock.now());
        }
        let touches = node.store.calls(Op::Touch);
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        node.flush().await;
        if node.store.calls(Op::Touch) > touches {
            let last = *written.last().unwrap();
            assert!(
                world.clock.now().since(last) >= MINUTE,
                "written again after {:?}",
                world.clock.now().since(last)
            );
            written.push(world.clock.now());
        }
        assert!(node.clock.now().since(last_seen(&node).await) < MINUTE);
    }
}

async fn a_flush_writes_what_is_queued(world: World) {
    let node = world.node().await;
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    world.clock.advance(2 * MINUTE);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.flush().await;
    let logins = rows(&node).await;
    assert_eq!(logins.len(), 2);
    assert!(logins.iter().all(|login| login.last_seen_at == NOW.after(2 * MINUTE)));
    assert_eq!(node.store.calls(Op::Touch), 1);
    node.flush().await;
    assert_eq!(node.store.calls(Op::Touch), 1);
}

async fn what_is_queued_is_listed(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    node.store.always(Op::Touch, Fault::Before);
    world.clock.advance(2 * MINUTE);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    let (logins, _) = in_time(node.auth.logins(&subject("anna"), None)).await.unwrap();
    assert_eq!(logins.first().unwrap().last_seen_at(), NOW.after(2 * MINUTE));
    assert_eq!(last_seen(&node).await, NOW);
}

async fn a_use_that_can_not_be_written_is_written_later(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    for fault in [Fault::Before, Fault::After] {
        node.store.next(Op::Touch, fault);
        world.clock.advance(2 * MINUTE);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        assert!(in_time(node.auth.flush()).await.is_err());
        node.flush().await;
        assert_eq!(last_seen(&node).await, world.clock.now());
    }
}

async fn a_use_of_a_login_that_ended_meanwhile_brings_nothing_back(world: World) {
    let node = world.node().await;
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    let next = node.refresh(&refresh_of(&tokens)).await.unwrap();
    world.clock.advance(2 * MINUTE);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 2);
    node.flush().await;
    assert!(node.logins_of("anna").await.is_empty());
    assert_eq!(node.row(&refresh_of(&tokens)).await, None);
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    world.node().await.get("/me", next.access_token()).await.assert_invalid_token();
}

async fn a_request_that_is_refused_is_no_use(world: World) {
    let node = world.node().await;
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    let next = node.refresh(&refresh_of(&tokens)).await.unwrap();
    world.clock.advance(2 * MINUTE);
    node.get_by_cookie("/admin", &cookie).await.assert_insufficient();
    node.get("/admin", next.access_token()).await.assert_insufficient();
    let call = Call::post("/write").header("sec-fetch-site", "cross-site").cookie(&cookie);
    node.send(call).await.assert_cross_site();
    node.flush().await;
    assert_eq!((node.store.calls(Op::Touch), node.store.calls(Op::Confirm)), (0, 0));
    assert_eq!(last_seen(&node).await, NOW);
    // Nor is it the proof that the successor reached its owner.
    assert!(!node.family(&refresh_of(&tokens)).await.confirmed);
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    node.flush().await;
    assert!(node.family(&refresh_of(&tokens)).await.confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_use_is_written_within_a_second_without_being_asked() {
    let world = World::memory();
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    world.clock.advance(2 * MINUTE);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    assert_eq!(last_seen(&node).await, NOW);
    tokio::time::sleep(SECOND).await;
    assert_eq!(last_seen(&node).await, NOW.after(2 * MINUTE));
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_a_use_to_be_written() {
    let world = World::memory();
    let node = world.node().await;
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    let gate = Gate::closed();
    node.store.always(Op::Touch, Fault::StopBefore(gate.clone()));
    world.clock.advance(2 * MINUTE);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    gate.reached().await;
    for _ in 0..3 {
        world.clock.advance(2 * MINUTE);
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        assert_eq!(in_time(node.auth.logins(&subject("anna"), None)).await.unwrap().0.len(), 2);
    }
    gate.open();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(last_seen(&node).await, world.clock.now());
    assert_eq!(node.row(&refresh_of(&tokens)).await.unwrap().last_seen_at, world.clock.now());
    world.clock.advance(GRACE);
    assert!(node.refresh(&refresh_of(&tokens)).await.is_ok());
}
