//! Stores keep the contract, and the contract tests detect those that do not.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that panics says so")]

mod broken;
mod concurrency;
mod creation;
mod families;
mod fault;
mod logins;
mod others;
mod postgres;
mod redis;
mod sessions;
mod sqlite;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use auth_core::testing::contract;
use auth_tests::store::Relay;
use broken::Broken;
use fault::{Fault, faults};
use futures_util::FutureExt as _;
use world::Memory;

fn broken(fault: Fault) -> Memory {
    Memory::wrapped(|memory, clock| Arc::new(Relay(Broken::new(memory, clock, fault))))
}

macro_rules! broken_stores_fail {
    (; $($module:ident::$rule:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $rule() {
                for fault in faults(stringify!($rule)) {
                    let rule = contract::$module::$rule(Arc::new(broken(*fault)));
                    let done = AssertUnwindSafe(rule).catch_unwind().await;
                    assert!(done.is_err(), "the rule does not notice {fault:?}");
                }
            }
        )*
    };
}

mod broken_store {
    use super::*;

    auth_core::store_rules!([broken_stores_fail] all);
    auth_core::store_rules!([broken_stores_fail] restored);
}

/// The wrapper itself breaks nothing.
mod without_fault {
    async fn whole() -> crate::world::Memory {
        crate::broken(crate::fault::Fault::Nothing)
    }

    auth_core::testing::store_contract!(whole, #[tokio::test(start_paused = true)], all restored);
}

mod memory_store {
    use crate::world::Memory;

    async fn memory() -> Memory {
        Memory::plain()
    }

    async fn new_incarnation() -> Memory {
        Memory::new_incarnation()
    }

    auth_core::testing::store_contract!(memory, #[tokio::test(flavor = "multi_thread")], all restored);

    mod on_one_thread {
        auth_core::testing::store_contract!(super::memory);
    }

    mod by_a_running_clock {
        async fn running() -> crate::world::Running {
            crate::world::Running::new()
        }

        auth_core::testing::store_contract!(running, #[tokio::test(flavor = "multi_thread")]);
    }

    /// The people of the suite are not all in the first one.
    mod in_sixteen_partitions {
        async fn sixteen() -> crate::world::Memory {
            crate::world::Memory::sixteen()
        }

        auth_core::testing::store_contract!(sixteen, #[tokio::test], all restored);
    }

    mod as_a_new_incarnation {
        auth_core::testing::store_contract!(super::new_incarnation, #[tokio::test], restored);
    }
}
