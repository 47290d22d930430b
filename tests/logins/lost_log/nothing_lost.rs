//! What looks like a loss and is none: an unusual order, a purge, an entry of a later version.

use std::num::NonZeroU32;
use std::sync::Arc;

use auth_core::clock::Timestamp;
use auth_core::store::{
    Cursor, LogEntry, LoginStore as _, Mark, Page, Realm, Revoked, Store, StoreError, Timed,
};
use auth_tests::shop::{assert_ended, assert_works, login_of, realm, refresh_of};
use auth_tests::store::{Altered, Documents, Families, Log, Logins, Relay, Sessions};
use auth_tests::{
    DAY, Directory, Fault, FaultyStore, Gate, HOUR, MINUTE, NOW, Op, User, World, anna, bert, in_time,
    joined, on_both_stores, subject, token_id_of, whole,
};

use crate::lost_log::support::{alarms, fragile, quiet_node};

on_both_stores!(an_entry_of_an_unknown_kind_makes_nodes_ask_the_store);

#[tokio::test(start_paused = true)]
async fn no_write_is_taken_for_lost_while_nothing_was() {
    whole(async {
        let world = World::memory();
        let nodes = [world.node().await, world.node().await];
        for round in 0..100 {
            let node = &nodes[round % 2];
            let tokens = node.login(anna()).await;
            let token = refresh_of(&tokens);
            let gate = Gate::closed();
            node.store.next(Op::End, Fault::StopAfter(gate.clone()));
            let ending = {
                let node = node.clone();
                tokio::spawn(async move { node.end(&token).await })
            };
            gate.reached().await;
            // Read before it was acknowledged.
            for node in &nodes {
                node.catch_up().await;
            }
            gate.let_one_through();
            joined(ending).await;
            for node in &nodes {
                node.catch_up().await;
                node.get("/me", tokens.access_token()).await.assert_invalid_token();
            }
        }
        for node in &nodes {
            assert_eq!(alarms(node), []);
        }
    })
    .await;
}

/// Others may have followed the entry at which a node stands, and a purge may then have removed it.
#[tokio::test(start_paused = true)]
async fn what_follows_an_entry_that_was_purged_at_the_cursor_is_heard_of() {
    whole(async {
        let world = World::memory();
        let [node, other] = [world.node().await, world.node().await];
        node.end(&refresh_of(&node.login(anna()).await)).await;
        node.catch_up().await;
        node.store.always(Op::Page, Fault::Before);
        world.clock.advance(DAY);
        let ended = other.login(anna()).await;
        other.end(&refresh_of(&ended)).await;
        world.store.purge().await.unwrap();
        node.store.heal(Op::Page);
        node.catch_up().await;
        assert_ended(&node, &ended).await;
        assert_eq!(alarms(&node), []);
        assert_eq!(node.store.calls(Op::WriteBack), 0);
        let log =
            in_time(world.store.page(&realm::<User>(), &Cursor::start(), NonZeroU32::MAX)).await.unwrap();
        let [entry] = &log.value.entries[..] else { panic!("{log:?}") };
        assert!(matches!(entry.revoked, Revoked::Login(id, _) if id == login_of(&refresh_of(&ended))));
    })
    .await;
}

/// Of one user the log has dropped an entry of one kind, and keeps a later one of the other.
#[tokio::test(start_paused = true)]
async fn what_the_log_dropped_of_a_user_is_not_missing_while_it_keeps_something_else() {
    whole(async {
        for is_end_first in [true, false] {
            let (world, users) = (World::memory(), Directory::of([bert()]));
            let [node, other] = [world.node_with_source(&users).await, world.node_with_source(&users).await];
            let log = async |is_end| match is_end {
                true => drop(in_time(other.auth.end_all_logins(&subject("bert"))).await.unwrap()),
                false => other.claims_changed("bert").await,
            };
            log(is_end_first).await;
            node.catch_up().await;
            node.store.always(Op::Page, Fault::Before);
            world.clock.advance(3 * HOUR);
            log(!is_end_first).await;
            world.clock.advance(2 * HOUR);
            world.store.purge().await.unwrap();
            node.store.heal(Op::Page);
            node.catch_up().await;
            assert_eq!((alarms(&node), node.store.calls(Op::WriteBack)), (vec![], 0), "{is_end_first}");
        }
    })
    .await;
}

/// In front of a store whose log has an entry of a later version.
#[derive(Clone, Debug)]
struct Later {
    behind: Arc<dyn Store>,
    expires_at: Timestamp,
}

impl Altered for Later {
    fn behind(&self) -> Arc<dyn Store> {
        self.behind.clone()
    }
}

impl Logins for Later {}
impl Families for Later {}
impl Sessions for Later {}
impl Documents for Later {}

#[async_trait::async_trait]
impl Log for Later {
    async fn page(
        &self,
        realm: &Realm,
        cursor: &Cursor,
        most: NonZeroU32,
    ) -> Result<Timed<Page>, StoreError> {
        let mut page = self.behind.page(realm, cursor, most).await?;
        let entry = LogEntry {
            mark: Mark::from_bytes([7; 16]),
            revoked: Revoked::Unknown,
            expires_at: self.expires_at,
        };
        page.value.entries.push(entry);
        Ok(page)
    }
}

async fn an_entry_of_an_unknown_kind_makes_nodes_ask_the_store(world: World) {
    let expires_at = NOW.after(HOUR);
    let later: Arc<dyn Store> = Arc::new(Relay(Later { behind: world.store.clone(), expires_at }));
    let node = world.node_over(FaultyStore::over(later), |builder| builder).await;
    let other = world.node().await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    for expected in 1..4 {
        assert_works(&node, &tokens).await;
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        assert_eq!(node.store.calls(Op::Standing), 2 * expected);
    }
    // What it does not know is asked for; what it knows is not.
    node.store.always(Op::Page, Fault::Before);
    other.end(&refresh_of(&tokens)).await;
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    node.store.always(Op::Standing, Fault::Before);
    node.get_by_cookie("/me", &cookie).await.assert_unavailable();
    node.get_by_cookie("/lax", &cookie).await.assert_unavailable();
    node.store.heal(Op::Standing);
    node.store.heal(Op::Page);
    // Until it has expired for every node.
    world.clock.advance(HOUR + 10 * MINUTE);
    node.catch_up().await;
    let asked = node.store.calls(Op::Standing);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    assert_eq!(node.store.calls(Op::Standing), asked);
    // It is not an entry that was lost, nor one that could be given back.
    assert_eq!(alarms(&node), []);
    assert_eq!(node.store.calls(Op::WriteBack), 0);
}

/// A node that did not read until the entry that it read last had expired and was purged.
#[tokio::test(start_paused = true)]
async fn an_entry_that_was_purged_is_no_alarm() {
    let (world, memory) = fragile();
    let (here, there) = (quiet_node(&world).await, quiet_node(&world).await);
    let kept = here.login(anna()).await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    for node in [&here, &there] {
        node.catch_up().await;
        node.events.clear();
    }
    world.clock.advance(DAY);
    let again = here.login(anna()).await;
    here.end(&refresh_of(&again)).await;
    in_time(memory.purge()).await.unwrap();
    for node in [&here, &there] {
        node.catch_up().await;
        assert_eq!(alarms(node), []);
        node.get("/me", again.access_token()).await.assert_invalid_token();
        assert!(node.refresh(&refresh_of(&kept)).await.is_ok());
    }
    assert_eq!([&here, &there].map(|node| node.store.calls(Op::WriteBack)), [0, 0]);
}

/// They were acknowledged, and expired before the log could be read again.
#[tokio::test(start_paused = true)]
async fn an_entry_that_expired_unread_is_not_taken_for_a_lost_one() {
    let (world, memory) = fragile();
    let here = quiet_node(&world).await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    here.catch_up().await;
    here.end(&refresh_of(&here.login(anna()).await)).await;
    let tokens = here.login(anna()).await;
    in_time(here.auth.revoke_token(&subject("anna"), token_id_of(tokens.access_token()))).await.unwrap();
    in_time(here.auth.end_all_logins(&subject("bert"))).await.unwrap();
    here.events.clear();
    world.clock.advance(DAY);
    in_time(memory.purge()).await.unwrap();
    here.catch_up().await;
    here.catch_up().await;
    assert_eq!(here.events.take(), []);
    assert_eq!(here.store.calls(Op::WriteBack), 0);
}
