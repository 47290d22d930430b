//! One limit for a bounded number of keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use quick_cache::unsync::Cache;

use super::TooManyGuesses;

/// The maximum number of keys; the oldest are forgotten. Clients choose the keys, but each new one costs them an attempt.
const MOST_KEYS: usize = 1 << 16;

/// A limit for each key. An attempt that was counted can be taken back.
pub(super) struct Limiter<C: Clock> {
    limiter: RateLimiter<u64, Counts, C, StateInformationMiddleware>,
    counts: Counts,
    each: Duration,
}

impl<C: Clock + Clone> Limiter<C> {
    pub(super) fn new(quota: Quota, clock: &C) -> Self {
        let counts = Counts(Arc::new(Mutex::new(Cache::new(MOST_KEYS))));
        Self {
            limiter: RateLimiter::new(quota, counts.clone(), clock.clone()),
            counts,
            each: quota.replenish_interval(),
        }
    }
}

impl<C: Clock> Limiter<C> {
    /// Counts one attempt. Returns how many are left.
    pub(super) fn count(&self, key: u64) -> Result<u32, TooManyGuesses> {
        match self.limiter.check_key(&key) {
            Ok(after) => Ok(after.remaining_burst_capacity()),
            Err(not_until) => {
                Err(TooManyGuesses { retry_after: not_until.wait_time_from(self.limiter.clock().now()) })
            }
        }
    }

    /// Takes back one counted attempt.
    pub(super) fn uncount(&self, key: u64) {
        let each = u64::try_from(self.each.as_nanos()).unwrap_or(u64::MAX);
        if let Some(mut full_again) = self.counts.lock().get_mut(&key) {
            *full_again = Nanos::new(full_again.as_u64().saturating_sub(each));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.counts.lock().len()
    }
}

/// When each key has its full burst again, as the time since the limiter was created.
#[derive(Clone)]
struct Counts(Arc<Mutex<Cache<u64, Nanos>>>);

impl Counts {
    fn lock(&self) -> MutexGuard<'_, Cache<u64, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Counts {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut counts = self.lock();
        let (outcome, full_again) = measure(counts.get(key).copied())?;
        counts.insert(*key, full_again);
        Ok(outcome)
    }
}
