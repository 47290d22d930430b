//! Every store keeps the contract, where calls come from many threads at once. What one thread shows besides is in
//! [`broken`](super::broken), where the rules are also run slowly, and in [`differential`](super::differential) and
//! [`sqlite`](super::sqlite).

use std::cell::RefCell;

use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_tests::watch_this_test;
use tempfile::TempDir;

thread_local! {
    /// Deleted when the thread of the test ends.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

async fn memory() -> MemoryStore {
    watch_this_test();
    MemoryStore::new()
}

async fn sqlite() -> SqliteStore {
    watch_this_test();
    let folder = TempDir::new().unwrap();
    let store =
        SqliteStore::builder(folder.path().join("auth.db")).synchronous(Durability::Normal).open().await;
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    store.unwrap()
}

mod memory_store {
    auth_core::testing::store_contract!(super::memory, #[tokio::test(flavor = "multi_thread")]);
}

mod sqlite_store {
    auth_core::testing::store_contract!(super::sqlite, #[tokio::test(flavor = "multi_thread")]);
}
