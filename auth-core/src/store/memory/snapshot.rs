//! Older copies, to test what happens when one is restored.

use std::collections::HashMap;
use std::fmt;
use std::sync::{MutexGuard, PoisonError};

use super::MemoryStore;
use super::state::{RealmState, State};
use crate::store::Realm;

/// Everything that was in a [`MemoryStore`] at one time. With the feature `testing`.
#[derive(Clone)]
pub struct MemorySnapshot {
    realms: HashMap<Realm, RealmState>,
}

impl fmt::Debug for MemorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySnapshot").finish_non_exhaustive()
    }
}

/// Whether readers of the log can tell the restored store from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incarnation {
    /// Only by the marks that are missing.
    Same,
    /// At once.
    New,
}

/// Losing what was written. With the feature `testing`.
impl MemoryStore {
    /// A copy of everything.
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot { realms: self.state().realms.clone() }
    }

    /// Puts a copy in the place of everything, as restoring a backup or a lossy failover does.
    pub fn restore(&self, snapshot: &MemorySnapshot, incarnation: Incarnation) {
        let mut state = self.state();
        state.realms.clone_from(&snapshot.realms);
        if incarnation == Incarnation::New {
            state.incarnation = None;
        }
    }

    /// Deletes everything.
    pub fn empty(&self) {
        self.state().realms.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
