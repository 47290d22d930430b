//! A memory store, plain or wrapped, with a clock to move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::{Clock as _, Timestamp};
use auth_core::store2::Store;
use auth_core::store2::memory::{Incarnation, MemorySnapshot, MemoryStore};
use auth_core::testing::ManualClock;
use auth_core::testing::contract2::{Restorable, World};

pub(crate) struct Memory {
    clock: ManualClock,
    pub(crate) memory: MemoryStore,
    store: Arc<dyn Store>,
    incarnation: Incarnation,
    copy: Mutex<Option<MemorySnapshot>>,
}

impl Memory {
    /// With what `wrap` makes of the store.
    pub(crate) fn wrapped(wrap: impl FnOnce(MemoryStore, ManualClock) -> Arc<dyn Store>) -> Self {
        let clock = ManualClock::new(Timestamp::from_millis(1_800_000_000_123));
        let memory = MemoryStore::with_clock(clock.clone());
        let store = wrap(memory.clone(), clock.clone());
        Self { clock, memory, store, incarnation: Incarnation::Same, copy: Mutex::default() }
    }

    pub(crate) fn plain() -> Self {
        Self::wrapped(|memory, _| Arc::new(memory))
    }

    /// A restored store is another incarnation.
    pub(crate) fn new_incarnation() -> Self {
        Self { incarnation: Incarnation::New, ..Self::plain() }
    }
}

impl World for Memory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn step_back(&self, by: Duration) {
        self.clock.set(self.clock.now().before(by));
    }
}

#[async_trait]
impl Restorable for Memory {
    async fn copy(&self) {
        *self.copy.lock().unwrap() = Some(self.memory.snapshot());
    }

    async fn restore(&self) {
        self.memory.restore(self.copy.lock().unwrap().as_ref().unwrap(), self.incarnation);
    }

    async fn empty(&self) {
        self.memory.empty();
    }
}
