//! What the tests of logins, rotation and revocation share: people, time, tokens made by hand, a store that fails on
//! command, and nodes that serve a small application over one store.

/// Makes a test of each function for a world in memory, where time stands still, and one for a world in a file.
macro_rules! on_both_stores {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    super::$name(crate::rotation_support::World::memory()).await;
                }
            )*
        }

        mod in_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(crate::rotation_support::World::sqlite().await).await;
                }
            )*
        }
    };
}
pub(crate) use on_both_stores;

mod app;
mod directory;
mod faults;
mod faulty_store;
mod forge;
mod gate;
pub(crate) mod model;
mod node;
mod people;
mod recorder;
mod reply;

pub(crate) use directory::Directory;
pub(crate) use faults::{Fault, Op};
pub(crate) use faulty_store::FaultyStore;
pub(crate) use forge::{Forged, PEPPER, pepper, peppers};
pub(crate) use gate::{Gate, soon};
pub(crate) use node::{
    Node, World, assert_refused, assert_try_again, from_page, key_id, login_of, open, refresh_of,
    refresh_request, signing_key,
};
pub(crate) use people::{Permission, Role, User, anna, bert, subject};
pub(crate) use reply::{Reply, claims_of};

use std::time::Duration;

use auth_core::clock::Timestamp;

/// When every test begins.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// The grace of every node.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// How long access tokens live.
pub(crate) const TTL: Duration = Duration::from_secs(15 * 60);
/// How far clocks may be apart.
pub(crate) const LEEWAY: Duration = Duration::from_secs(5);
/// How old the revocation list may be.
pub(crate) const STALENESS: Duration = Duration::from_secs(5);

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
