//! What an SQLite file does beyond the contract: it stays, it is private, it survives callers that fail or go away,
//! other processes, and strange content.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

#[path = "sqlite2/bulk.rs"]
mod bulk;
#[path = "sqlite2/calls.rs"]
mod calls;
#[path = "sqlite2/content.rs"]
mod content;
#[path = "sqlite2/differential.rs"]
mod differential;
#[path = "sqlite2/editions.rs"]
mod editions;
#[path = "sqlite2/file.rs"]
mod file;
#[path = "sqlite2/processes.rs"]
mod processes;
#[path = "sqlite2/support.rs"]
mod support;
#[path = "sqlite2/world.rs"]
mod world;

mod contract {
    use crate::world::SqliteWorld;

    auth_core::testing::store_contract2!(SqliteWorld::new, #[tokio::test(flavor = "multi_thread")], all restored);
}
