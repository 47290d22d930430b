//! Snapshots, for tests of what happens when an old copy is restored.

use std::collections::HashMap;
use std::fmt;
use std::sync::{MutexGuard, PoisonError};

use super::MemoryStore;
use super::state::{RealmState, State};
use crate::store::Realm;

/// The content of a [`MemoryStore`] at one time. Requires the feature `testing`.
#[derive(Clone)]
pub struct MemorySnapshot {
    realms: HashMap<Realm, RealmState>,
}

impl fmt::Debug for MemorySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySnapshot").finish_non_exhaustive()
    }
}

/// Whether readers of the log can distinguish the restored store from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incarnation {
    /// Only by missing marks: the incarnation stays the same.
    Same,
    /// At once: the incarnation changes.
    New,
}

/// Simulated data loss. Requires the feature `testing`.
impl MemoryStore {
    /// A copy of the whole content.
    pub fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot { realms: self.state().realms.clone() }
    }

    /// Replaces the whole content by a copy, like the restore of a backup or a failover that loses writes.
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
