//! A store in the memory of the process: for tests, demonstrations, and applications whose logins may be lost at a
//! restart.

mod documents;
mod families;
mod log;
mod logins;
mod purge;
mod revocations;
mod sessions;
#[cfg(feature = "testing")]
mod snapshot;
mod state;
mod tables;
mod write_back;

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::store::{Realm, StoreError, Timed};
use state::{RealmState, State};

#[cfg(feature = "testing")]
pub use snapshot::{Incarnation, MemorySnapshot};

/// A store in the memory of the process. Cheap to clone; clones share the data.
///
/// It keeps the whole contract of [`store`](crate::store) except that nothing survives the process. It grows until
/// [`purge`](crate::store::LoginStore::purge) is called; an [`Authenticator`](crate::Authenticator) calls it
/// regularly.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Clock>,
    state: Mutex<State>,
    wake_ups: watch::Sender<u64>,
}

impl MemoryStore {
    /// An empty store with the system's clock.
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty store with this clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        let shared =
            Shared { clock: Box::new(clock), state: Mutex::default(), wake_ups: watch::Sender::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Runs one step on the data of all realms, exclusively. What can fail, such as drawing a mark, comes before the step or
    /// before its first change: a step that fails does nothing.
    fn step<T>(
        &self,
        act: impl FnOnce(&mut State, Timestamp) -> Result<T, StoreError>,
    ) -> Result<Timed<T>, StoreError> {
        let mut state = self.shared.state.lock().map_err(|_| poisoned())?;
        let now = self.shared.clock.now();
        let before = state.logged();
        let done = act(&mut state, now);
        let has_logged = state.logged() > before;
        drop(state);
        if has_logged {
            self.shared.wake_ups.send_modify(|count| *count = count.wrapping_add(1));
        }
        done.map(|value| Timed::new(value, now))
    }

    /// Runs one step on the data of one realm, exclusively.
    fn in_realm<T>(
        &self,
        realm: &Realm,
        act: impl FnOnce(&mut RealmState, Timestamp) -> Result<T, StoreError>,
    ) -> Result<Timed<T>, StoreError> {
        self.step(|state, now| act(state.realm(realm, now), now))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

fn poisoned() -> StoreError {
    StoreError::new("a panic left the memory store in an unknown state")
}
