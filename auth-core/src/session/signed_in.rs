//! Information from the guard for the layer that saves session data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a guard accepted the request because of its session. It is in the request's extensions: the guard sets it,
/// and the layer that saves session data reads it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignedIn(Arc<AtomicBool>);

impl SignedIn {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
