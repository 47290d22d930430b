//! What an SQLite file does beyond the contract: it stays, it is private, it survives callers that fail or go away,
//! other processes, and strange content.

mod bulk;
mod calls;
mod content;
mod differential;
mod editions;
mod file;
mod processes;
mod support;
mod world;

mod contract {
    use crate::sqlite::world::SqliteWorld;

    auth_core::testing::store_contract!(SqliteWorld::new, #[tokio::test(flavor = "multi_thread")], all restored);
}
