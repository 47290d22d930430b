//! A store that loses what was written after a copy, these writes, and what must hold nevertheless.

use std::sync::Arc;
use std::time::Duration;

use auth_core::audit::AuditEvent;
use auth_core::login::Tokens;
use auth_core::store::Reset;
use auth_core::store::memory::{Incarnation, MemorySnapshot, MemoryStore};
use auth_tests::shop::{assert_ended, assert_refused, assert_works, refresh_of};
use auth_tests::{Node, SECOND, World, anna, bert, in_time, subject, token_id_of};
use http::Method;

/// Makes two tests of each function, one for each way of telling that a store was restored.
macro_rules! on_restores {
    ($($name:ident),* $(,)?) => {
        mod by_marks {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    auth_tests::whole(super::$name(auth_core::store::memory::Incarnation::Same)).await;
                }
            )*
        }

        mod by_incarnation {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    auth_tests::whole(super::$name(auth_core::store::memory::Incarnation::New)).await;
                }
            )*
        }
    };
}

pub(crate) use on_restores;

/// How much time passes around a loss: none, so that everything is within one instant, and some.
pub(crate) const PAUSES: [Duration; 2] = [Duration::ZERO, SECOND];

/// A world in memory that can lose what was written.
pub(crate) fn fragile() -> (World, MemoryStore) {
    let world = World::memory();
    let store = MemoryStore::with_clock(world.clock.clone());
    (world.with_store(Arc::new(store.clone())), store)
}

/// A node that reads the log when it is told to.
pub(crate) async fn quiet_node(world: &World) -> Node {
    let node = world.node().await;
    node.store.drop_wake_ups();
    node
}

/// Loses everything since then, a second later.
pub(crate) fn restore(world: &World, store: &MemoryStore, copy: &MemorySnapshot, incarnation: Incarnation) {
    world.clock.advance(SECOND);
    store.restore(copy, incarnation);
    world.clock.advance(SECOND);
}

/// How a restore of that kind is told.
pub(crate) fn cause(incarnation: Incarnation) -> Reset {
    match incarnation {
        Incarnation::Same => Reset::UnknownMark,
        Incarnation::New => Reset::Incarnation,
    }
}

/// What the node said of a loss, or of a clock that stepped, since it was last asked.
pub(crate) fn alarms(node: &Node) -> Vec<AuditEvent> {
    let mut events = node.events.take();
    events.retain(|event| {
        matches!(
            event,
            AuditEvent::LogReset { .. } | AuditEvent::WritesLost { .. } | AuditEvent::ClockStepped { .. }
        )
    });
    events
}

/// The node said of a loss that the log was reset, once and for that cause, however many entries it gave back.
#[track_caller]
pub(crate) fn assert_one_reset(node: &Node, expected: Reset) {
    let alarms = alarms(node);
    assert!(matches!(alarms[..], [AuditEvent::LogReset { cause, .. }] if cause == expected), "{alarms:?}");
}

/// What was ended or revoked after a copy of the store was made, in every way there is, and what was not.
pub(crate) struct Lost {
    copy: MemorySnapshot,
    pause: Duration,
    /// Ended before the copy.
    before: Tokens,
    ended: Tokens,
    revoked: Tokens,
    signed_out: String,
    berts: Tokens,
    berts_cookie: String,
    /// Begun after the copy.
    late: Tokens,
    kept: Tokens,
    kept_cookie: String,
}

/// How many entries of the log a [`Lost`] is.
pub(crate) const LOST: usize = 4;

impl Lost {
    /// What the first of the nodes does. All of them stand at the same entry of the log before, and nobody has read
    /// further afterwards.
    pub(crate) async fn by(nodes: &[&Node], store: &MemoryStore, pause: Duration) -> Self {
        let node = nodes[0];
        let before = node.login(anna()).await;
        node.end(&refresh_of(&before)).await;
        for node in nodes {
            node.catch_up().await;
        }
        let (ended, revoked, kept) =
            (node.login(anna()).await, node.login(anna()).await, node.login(anna()).await);
        let (signed_out, kept_cookie) = (node.sign_in("anna", "").await, node.sign_in("anna", "").await);
        let (berts, berts_cookie) = (node.login(bert()).await, node.sign_in("bert", "").await);
        let copy = store.snapshot();
        node.clock.advance(pause);
        node.end(&refresh_of(&ended)).await;
        in_time(node.auth.revoke_token(&subject("anna"), token_id_of(revoked.access_token()))).await.unwrap();
        node.browser(Method::POST, "/auth/logout", &signed_out).await.assert_empty(204);
        assert_eq!(in_time(node.auth.end_all_logins(&subject("bert"))).await.unwrap(), 2);
        let late = node.login(anna()).await;
        for node in nodes {
            node.events.clear();
        }
        Self { copy, pause, before, ended, revoked, signed_out, berts, berts_cookie, late, kept, kept_cookie }
    }

    /// Sets the store back to the copy.
    pub(crate) fn lose(&self, world: &World, store: &MemoryStore, incarnation: Incarnation) {
        world.clock.advance(self.pause);
        store.restore(&self.copy, incarnation);
        world.clock.advance(self.pause);
    }

    /// What was ended or revoked is refused on this node, and the rest is accepted, except what the store has lost.
    pub(crate) async fn assert_nothing_came_back(&self, node: &Node) {
        for tokens in [&self.before, &self.ended, &self.berts] {
            assert_ended(node, tokens).await;
        }
        for cookie in [&self.signed_out, &self.berts_cookie] {
            node.get_by_cookie("/me", cookie).await.assert_invalid_session();
        }
        node.get("/me", self.revoked.access_token()).await.assert_invalid_token();
        assert!(node.logins_of("bert").await.is_empty());
        assert_refused(&node.refresh(&refresh_of(&self.late)).await);
        assert_works(node, &self.kept).await;
        node.refresh(&refresh_of(&self.kept)).await.unwrap();
        node.get_by_cookie("/me", &self.kept_cookie).await.assert_text("anna, by session");
    }
}
