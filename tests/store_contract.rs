//! Every store keeps the contract, on one thread, on many, and when each of its steps is slow.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

#[path = "store_contract/slow.rs"]
mod slow;

use std::cell::RefCell;

use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::{Durability, SqliteStore};
use tempfile::TempDir;

thread_local! {
    /// Deleted when the thread of the test ends.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

async fn slow() -> slow::Slow {
    slow::Slow::default()
}

async fn memory() -> MemoryStore {
    MemoryStore::new()
}

async fn sqlite() -> SqliteStore {
    let folder = TempDir::new().unwrap();
    let store =
        SqliteStore::builder(folder.path().join("auth.db")).synchronous(Durability::Normal).open().await;
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    store.unwrap()
}

mod memory_store {
    auth_core::testing::store_contract!(super::memory);

    mod on_many_threads {
        auth_core::testing::store_contract!(super::super::memory, #[tokio::test(flavor = "multi_thread")]);
    }
}

mod sqlite_store {
    auth_core::testing::store_contract!(super::sqlite);

    mod on_many_threads {
        auth_core::testing::store_contract!(super::super::sqlite, #[tokio::test(flavor = "multi_thread")]);
    }
}

mod slow_store {
    auth_core::testing::store_contract!(super::slow, #[tokio::test(start_paused = true)]);
}
