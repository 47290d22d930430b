//! A store in the memory of the process: for tests, demonstrations, and applications whose logins may end with them.

mod logins;
mod revocations;
mod sessions;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::store::StoreError;
use state::State;

/// Logins, sessions and the revocation log in memory. Cheap to clone; clones share everything.
///
/// It keeps the whole contract but one sentence: nothing survives the process. It grows until
/// [`purge`](crate::store::LoginStore::purge) is called.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    last: watch::Sender<u64>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does something with everything; no call waits while it holds the lock.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let mut state = self
            .shared
            .state
            .lock()
            .map_err(|_| StoreError::new("a panic left the store in an unknown state"))?;
        let before = state.last();
        let done = act(&mut state);
        let last = state.last();
        drop(state);
        if last > before {
            self.shared.last.send_if_modified(|known| {
                let higher = last > *known;
                *known = last.max(*known);
                higher
            });
        }
        Ok(done)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
