//! A clock that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    millis: Arc<AtomicI64>,
    /// The error of the time of day in milliseconds.
    wrong: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { millis: Arc::new(AtomicI64::new(now.millis())), wrong: Arc::default() }
    }

    /// Moves the clock forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        let advance = |millis| Some(Timestamp::from_millis(millis).after(duration).millis());
        // Never an error: `advance` always returns `Some`.
        let _ = self.millis.fetch_update(Ordering::AcqRel, Ordering::Acquire, advance);
    }

    /// Sets only the time of day, which is wrong from now on. The monotonic clock is not affected.
    pub fn set_wall(&self, wall: Timestamp) {
        let true_time = self.millis.load(Ordering::Acquire);
        self.wrong.store(wall.millis().saturating_sub(true_time), Ordering::Release);
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.millis(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(
            self.millis.load(Ordering::Acquire).saturating_add(self.wrong.load(Ordering::Acquire)),
        )
    }

    /// Follows [`advance`](ManualClock::advance) and [`set`](ManualClock::set), also back, but not
    /// [`set_wall`](ManualClock::set_wall).
    fn monotonic(&self) -> Duration {
        Timestamp::from_millis(self.millis.load(Ordering::Acquire)).since(Timestamp::from_millis(0))
    }
}
