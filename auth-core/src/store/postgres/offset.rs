//! A clock for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How far the clock of a [`PostgresStore`](super::PostgresStore) differs from that of its server, for tests. Clones are
/// the same offset. Requires the feature `testing`.
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    pub(super) millis: Arc<AtomicI64>,
}

impl ClockOffset {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(millis(by), Ordering::Relaxed);
    }

    /// Sets the clock back.
    pub fn step_back(&self, by: Duration) {
        self.millis.fetch_sub(millis(by), Ordering::Relaxed);
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
