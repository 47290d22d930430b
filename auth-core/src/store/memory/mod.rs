//! A store in the memory of the process: for tests, demonstrations, and applications whose logins may end with them.

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
use crate::store::{Mark, Realm, StoreError, Timed};
use state::{RealmState, State};

#[cfg(feature = "testing")]
pub use snapshot::{Incarnation, MemorySnapshot};

/// Everything in the memory of the process. Cheap to clone; clones share everything.
///
/// It keeps the whole contract but one sentence: nothing survives the process. It grows until
/// [`purge`](crate::store::LoginStore::purge) is called.
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
    /// An empty one, by the system's clock.
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty one, by that clock.
    pub fn with_clock(clock: impl Clock) -> Self {
        let shared =
            Shared { clock: Box::new(clock), state: Mutex::default(), wake_ups: watch::Sender::default() };
        Self { shared: Arc::new(shared) }
    }

    /// One step, of everything: nothing else happens while it runs.
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

    /// One step, of one realm.
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
    StoreError::new("a panic left the store in an unknown state")
}

/// Drawn before anything is changed: a step that fails does nothing.
fn new_mark() -> Result<Mark, StoreError> {
    Mark::random()
}
