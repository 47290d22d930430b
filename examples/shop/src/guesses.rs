//! How often somebody may guess at a password.
//!
//! Three counts, of guesses that were wrong: of an address at a user, of an address at anybody, and of anybody at a user. The
//! last one does not keep out an address that has not guessed wrong lately: a user whose password others guess at still gets
//! in, from wherever they do not sit.

mod counts;

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use governor::clock::{Clock, DefaultClock};

use self::counts::Limiter;
use crate::address::Address;

const fn at_once(guesses: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(guesses - 1)
}

/// An address at a user: ten at once, then one each minute.
const AT_USER_FROM_ADDRESS: Quota = Quota::per_minute(at_once(1)).allow_burst(at_once(10));

/// An address at anybody: a hundred at once, as there may be many people behind it, then ten each minute.
const FROM_ADDRESS: Quota = Quota::per_minute(at_once(10)).allow_burst(at_once(100));

/// Anybody at a user: a hundred at once, then one each minute.
const AT_USER: Quota = Quota::per_minute(at_once(1)).allow_burst(at_once(100));

/// The counts of this process, in memory of a fixed size. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guesses<C: Clock = DefaultClock>(Arc<Limits<C>>);

struct Limits<C: Clock> {
    at_user_from_address: Limiter<C>,
    from_address: Limiter<C>,
    at_user: Limiter<C>,
    /// Keyed with a secret of this process, so that nobody can choose names that share a count.
    hasher: RandomState,
}

/// A guess was not looked at, right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyGuesses {
    /// How long until the next one may be made.
    retry_after: Duration,
}

impl TooManyGuesses {
    /// The time to wait, in whole seconds: no sooner than it is.
    pub(crate) fn seconds(self) -> u64 {
        self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)
    }
}

/// A guess that may be made. It counts as a wrong one, until it is [taken back](Self::take_back).
#[must_use]
pub(crate) struct Guess<C: Clock = DefaultClock> {
    guesses: Guesses<C>,
    user: u64,
    address: u64,
    pair: u64,
    counts_for_user: bool,
}

impl Guesses {
    /// Nobody has guessed yet.
    pub(crate) fn new() -> Self {
        Self::by(&DefaultClock::default())
    }
}

impl<C: Clock + Clone> Guesses<C> {
    fn by(clock: &C) -> Self {
        Self(Arc::new(Limits {
            at_user_from_address: Limiter::new(AT_USER_FROM_ADDRESS, clock),
            from_address: Limiter::new(FROM_ADDRESS, clock),
            at_user: Limiter::new(AT_USER, clock),
            hasher: RandomState::new(),
        }))
    }

    /// Whether somebody at that address may guess at the password of a user, who need not exist.
    ///
    /// # Errors
    ///
    /// [`TooManyGuesses`]. The refused guess itself is not counted.
    pub(crate) fn admit(&self, user: &str, address: Address) -> Result<Guess<C>, TooManyGuesses> {
        let limits = &*self.0;
        let mut guess = Guess {
            guesses: self.clone(),
            user: limits.key(user),
            address: limits.key(address),
            pair: limits.key((user, address)),
            counts_for_user: false,
        };
        limits.from_address.count(guess.address)?;
        let left = limits.at_user_from_address.count(guess.pair).inspect_err(|_| {
            limits.from_address.uncount(guess.address);
        })?;
        match limits.at_user.count(guess.user) {
            Ok(_) => guess.counts_for_user = true,
            Err(_) if left + 1 == AT_USER_FROM_ADDRESS.burst_size().get() => {}
            Err(too_many) => {
                guess.take_back();
                return Err(too_many);
            }
        }
        Ok(guess)
    }
}

impl<C: Clock> Guess<C> {
    /// It was right, or could not be looked at.
    pub(crate) fn take_back(self) {
        let limits = &*self.guesses.0;
        limits.from_address.uncount(self.address);
        limits.at_user_from_address.uncount(self.pair);
        if self.counts_for_user {
            limits.at_user.uncount(self.user);
        }
    }
}

impl<C: Clock> Limits<C> {
    fn key(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }
}

impl<C: Clock> fmt::Debug for Guesses<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guesses").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
