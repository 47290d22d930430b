//! A restore that is declared: everybody signs in again.

use auth_core::audit::AuditEvent;
use auth_core::clock::Clock as _;
use auth_core::login::{LoginError, Tokens};
use auth_core::store::Ticket;
use auth_core::store::memory::Incarnation;
use auth_core::web::LoginAttempt;
use auth_tests::shop::{assert_ended, assert_refused, assert_works, refresh_of};
use auth_tests::{DAY, HOUR, NOW, Node, SECOND, World, anna, in_time, on_both_stores, subject, whole};

use crate::lost_log::support::{fragile, quiet_node};

on_both_stores!(declaring_a_restore_ends_everything_while_nodes_run);

/// What is from before the restore.
struct Old {
    tokens: Tokens,
    cookie: String,
    /// Of a sign-in that has begun.
    ticket: Ticket,
}

impl Old {
    async fn on(node: &Node) -> Self {
        Self {
            tokens: node.login(anna()).await,
            cookie: node.sign_in("bert", "").await,
            ticket: in_time(node.auth.begin(&subject("anna"))).await.unwrap(),
        }
    }

    async fn assert_over(&self, node: &Node) {
        assert_ended(node, &self.tokens).await;
        node.get_by_cookie("/me", &self.cookie).await.assert_invalid_session();
        for name in ["anna", "bert"] {
            assert!(node.logins_of(name).await.is_empty());
        }
        let result =
            in_time(node.auth.login_tokens_with(&self.ticket, LoginAttempt::unknown(), anna())).await;
        assert!(matches!(result, Err(LoginError::Changed)), "{result:?}");
    }
}

/// A new sign-in on this node is valid on all nodes. Returns its tokens.
async fn assert_signing_in_works(node: &Node, all: [&Node; 3]) -> Tokens {
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    for node in all {
        assert_works(node, &tokens).await;
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
    node.refresh(&refresh_of(&tokens)).await.unwrap();
    tokens
}

async fn declaring_a_restore_ends_everything_while_nodes_run(world: World) {
    for until in [None, Some(NOW.after(HOUR))] {
        let [here, there] = [world.node().await, world.node().await];
        let old = Old::on(&here).await;
        for node in [&here, &there] {
            assert_works(node, &old.tokens).await;
            node.get_by_cookie("/me", &old.cookie).await.assert_text("bert, by session");
        }
        world.clock.advance(SECOND);
        in_time(here.auth.declare_restored(until)).await.unwrap();
        here.get("/me", old.tokens.access_token()).await.assert_invalid_token();
        there.catch_up().await;
        let fresh = world.node().await;
        let all = [&here, &there, &fresh];
        for node in all {
            old.assert_over(node).await;
        }
        for node in all {
            let tokens = assert_signing_in_works(node, all).await;
            // Ending goes on working above the floor.
            assert!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap() >= 2);
            node.get("/me", tokens.access_token()).await.assert_invalid_token();
        }
        in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
        world.clock.advance(DAY);
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restore_that_was_declared_everybody_signs_in_again() {
    whole(async {
        let (world, store) = fragile();
        let (here, there) = (world.node().await, quiet_node(&world).await);
        let old = Old::on(&here).await;
        let copy = store.snapshot();
        here.end(&refresh_of(&old.tokens)).await;
        world.clock.advance(SECOND);
        store.restore(&copy, Incarnation::New);
        in_time(here.auth.declare_restored(None)).await.unwrap();
        there.catch_up().await;
        let fresh = world.node().await;
        let all = [&here, &there, &fresh];
        for node in all {
            old.assert_over(node).await;
        }
        assert_signing_in_works(&there, all).await;
    })
    .await;
}

/// The floor is written back like everything else.
#[tokio::test(start_paused = true)]
async fn a_declared_restore_that_was_lost_still_holds() {
    whole(async {
        let (world, store) = fragile();
        let (here, there) = (quiet_node(&world).await, quiet_node(&world).await);
        let old = Old::on(&here).await;
        let copy = store.snapshot();
        world.clock.advance(SECOND);
        in_time(here.auth.declare_restored(Some(world.clock.now()))).await.unwrap();
        there.catch_up().await;
        store.restore(&copy, Incarnation::New);
        there.catch_up().await;
        let late = world.node().await;
        old.assert_over(&late).await;
        let again = late.login(anna()).await;
        for node in [&here, &there, &late] {
            node.catch_up().await;
            assert_works(node, &again).await;
        }
    })
    .await;
}

/// Nobody else knows of it, and the log goes on where it was.
#[tokio::test(start_paused = true)]
async fn a_declared_restore_that_was_acknowledged_and_never_came_is_written_back() {
    let (world, memory) = fragile();
    let here = quiet_node(&world).await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    let tokens = here.login(anna()).await;
    here.catch_up().await;
    let copy = memory.snapshot();
    world.clock.advance(SECOND);
    in_time(here.auth.declare_restored(None)).await.unwrap();
    memory.restore(&copy, Incarnation::Same);
    here.events.clear();
    here.catch_up().await;
    assert_eq!(here.events.take(), [AuditEvent::WritesLost { lost: 1, written_back: 1 }]);
    let late = world.node().await;
    late.get("/me", tokens.access_token()).await.assert_invalid_token();
    assert_refused(&late.refresh(&refresh_of(&tokens)).await);
}
