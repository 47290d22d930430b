//! A failover to a replica that had not heard of the last writes: the store is the same, and they are not there.

use auth_core::audit::AuditEvent;
use auth_core::store::Reset;
use auth_core::store::memory::Incarnation;
use auth_core::store::{Ids, RevocationStore as _, Standing};
use auth_tests::shop::{assert_ended, assert_works, key_id, realm, refresh_of, signing_key};
use auth_tests::{DAY, User, anna, in_time, whole};

use crate::lost_log::support::{LOST, Lost, PAUSES, alarms, fragile, quiet_node};

#[tokio::test(start_paused = true)]
async fn acknowledged_writes_that_a_failover_lost_are_noticed_and_written_back() {
    whole(async {
        for pause in PAUSES {
            let (world, store) = fragile();
            let [here, there] = [quiet_node(&world).await, quiet_node(&world).await];
            let another = here.login(anna()).await;
            let lost = Lost::by(&[&here, &there], &store, pause).await;
            there.end(&refresh_of(&another)).await;
            there.events.clear();
            lost.lose(&world, &store, Incarnation::Same);
            // Each gives back its own.
            for (node, count) in [(&here, LOST), (&there, 1)] {
                node.catch_up().await;
                let lost = AuditEvent::WritesLost { lost: count, written_back: count };
                assert_eq!(node.events.take(), [lost]);
            }
            here.catch_up().await;
            let fresh = world.node().await;
            for node in [&here, &there, &fresh] {
                lost.assert_nothing_came_back(node).await;
                assert_ended(node, &another).await;
                assert_works(node, &node.login(anna()).await).await;
            }
            for node in [&here, &there] {
                node.catch_up().await;
                assert_eq!(alarms(node), []);
            }
        }
    })
    .await;
}

/// The key is not trusted by a node that starts afterwards either.
#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_written_back() {
    whole(async {
        let (world, store) = fragile();
        let here = quiet_node(&world).await;
        let tokens = here.login(anna()).await;
        world.keys.sign_with(signing_key(1)).unwrap();
        let copy = store.snapshot();
        in_time(here.auth.revoke_key(&key_id(0))).await.unwrap();
        store.restore(&copy, Incarnation::Same);
        here.catch_up().await;
        world.node().await.get("/me", tokens.access_token()).await.assert_invalid_token();
    })
    .await;
}

/// The entry that the cursor names had expired, but entries that never expire are missing too.
#[tokio::test(start_paused = true)]
async fn what_was_lost_together_with_an_expired_entry_is_written_back() {
    let (world, memory) = fragile();
    let here = quiet_node(&world).await;
    let copy = memory.snapshot();
    world.keys.sign_with(signing_key(1)).unwrap();
    in_time(here.auth.revoke_key(&key_id(0))).await.unwrap();
    here.end(&refresh_of(&here.login(anna()).await)).await;
    here.catch_up().await;
    world.clock.advance(DAY);
    memory.restore(&copy, Incarnation::Same);
    here.events.clear();
    here.catch_up().await;
    let cause = Reset::Purged;
    assert_eq!(here.events.take(), [AuditEvent::LogReset { cause, written_back: 1 }]);
    let ids = Ids { key: Some(&key_id(0)), ..Ids::default() };
    let standing = memory.standing(&realm::<User>(), &ids).await.unwrap();
    assert_eq!(standing.value, Standing::Gone);
}
