//! Time that a test moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    millis: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { millis: Arc::new(AtomicI64::new(now.millis())) }
    }

    /// Moves it on.
    pub fn advance(&self, duration: Duration) {
        let advance = |millis| Some(Timestamp::from_millis(millis).after(duration).millis());
        // Never an error: `advance` always has an answer.
        let _ = self.millis.fetch_update(Ordering::AcqRel, Ordering::Acquire, advance);
    }

    /// Sets it, backwards too.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.millis(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::Acquire))
    }
}
