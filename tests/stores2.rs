//! Stores keep the contract, and the suite notices those that do not.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that panics says so")]

#[path = "stores2/world.rs"]
mod world;

mod memory_store {
    use crate::world::Memory;

    async fn memory() -> Memory {
        Memory::plain()
    }

    async fn new_incarnation() -> Memory {
        Memory::new_incarnation()
    }

    auth_core::testing::store_contract2!(memory, #[tokio::test(flavor = "multi_thread")], all restored);

    mod on_one_thread {
        auth_core::testing::store_contract2!(super::memory);
    }

    mod as_a_new_incarnation {
        auth_core::testing::store_contract2!(super::new_incarnation, #[tokio::test], restored);
    }
}
