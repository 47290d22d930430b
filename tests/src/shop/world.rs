//! A world with one store, one clock and one set of keys, in which nodes run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use auth_core::id::KeyId;
use auth_core::jwt::{Algorithm, KeyRing, SigningKey};
use auth_core::login::Builder;
use auth_core::store::Store;
use auth_core::store::memory::MemoryStore;
use auth_core::store::sqlite::{Durability, SqliteStore};
use auth_core::testing::ManualClock;
use tempfile::TempDir;

use super::{Node, names};
use crate::forge::peppers;
use crate::{Directory, FaultyStore, GRACE, LEEWAY, NOW, Recorder, STALENESS, User, watch_this_test, within};

/// One store, one clock, one set of keys.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub clock: ManualClock,
    /// The store behind every node.
    pub store: Arc<dyn Store>,
    /// The keys of every node.
    pub keys: KeyRing,
    folder: Option<TempDir>,
}

impl World {
    /// A world in memory.
    pub fn memory() -> Self {
        let clock = ManualClock::new(NOW);
        Self::new(Arc::new(MemoryStore::with_clock(clock.clone())), clock, None)
    }

    /// A world in a file of its own.
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::new(NOW);
        let store = open(folder.path().join("auth.db"), &clock).await;
        Self::new(Arc::new(store), clock, Some(folder))
    }

    /// A world on the file in a folder that the caller deletes.
    pub async fn in_folder(folder: &Path) -> Self {
        let clock = ManualClock::new(NOW);
        Self::new(Arc::new(open(folder.join("auth.db"), &clock).await), clock, None)
    }

    fn new(store: Arc<dyn Store>, clock: ManualClock, folder: Option<TempDir>) -> Self {
        watch_this_test();
        let keys = KeyRing::new(signing_key(0)).unwrap();
        Self { clock, store, keys, folder }
    }

    /// Whether the store is a file.
    pub const fn is_in_file(&self) -> bool {
        self.folder.is_some()
    }

    /// The file of the store.
    pub fn path(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("auth.db")
    }

    /// The same world with another store.
    pub fn with_store(self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self }
    }

    /// A node.
    pub async fn node(&self) -> Node {
        self.node_with(|builder| builder).await
    }

    /// A node that is configured further.
    pub async fn node_with(&self, configure: impl FnOnce(Builder<User>) -> Builder<User>) -> Node {
        self.node_over(FaultyStore::over(self.store.clone()), configure).await
    }

    /// A node that takes claims from there.
    pub async fn node_with_source(&self, source: &Directory) -> Node {
        self.node_with(|builder| builder.claims_source(source.clone())).await
    }

    /// As [`node_with`](Self::node_with), in front of that store.
    pub async fn node_over(
        &self,
        store: FaultyStore,
        configure: impl FnOnce(Builder<User>) -> Builder<User>,
    ) -> Node {
        let events = Recorder::default();
        let observer = events.clone();
        let builder = |builder: Builder<User>| {
            let builder = builder
                .keys(self.keys.clone())
                .peppers(peppers())
                .observer(move |event| observer.hear(event));
            configure(builder.grace(GRACE).leeway(LEEWAY).staleness(STALENESS))
        };
        Node::build(store, &self.clock, events, builder, names::router).await
    }
}

/// The key with that number; 0 is the one that signs.
pub fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_secret(&[0x4b + number; 32], Algorithm::HS256).unwrap().with_id(key_id(number))
}

/// What it is called.
pub fn key_id(number: u8) -> KeyId {
    KeyId::new(&format!("key-{number}")).unwrap()
}

/// The SQLite file at that path, by that clock, with patience for other tests on the same machine.
pub async fn open(path: PathBuf, clock: &ManualClock) -> SqliteStore {
    watch_this_test();
    let builder = SqliteStore::builder(path).synchronous(Durability::Normal).clock(clock.clone());
    within("a file", builder.busy_timeout(Duration::from_secs(60)).open()).await.unwrap()
}
