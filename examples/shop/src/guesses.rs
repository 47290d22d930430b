//! Limits for wrong passwords.
//!
//! Wrong passwords are counted for each address and user, for each address, and for each user. The third limit does not
//! apply to an address without a recent wrong password of this user: while others guess a user's password, the user can
//! still sign in from another address.

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

/// For an address and a user: ten at once, then one each minute.
const AT_USER_FROM_ADDRESS: Quota = Quota::per_minute(at_once(1)).allow_burst(at_once(10));

/// For an address: a hundred at once, because many people may share it, then ten each minute.
const FROM_ADDRESS: Quota = Quota::per_minute(at_once(10)).allow_burst(at_once(100));

/// For a user: a hundred at once, then one each minute.
const AT_USER: Quota = Quota::per_minute(at_once(1)).allow_burst(at_once(100));

/// The counts of this process, in memory of a fixed size. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guesses<C: Clock = DefaultClock>(Arc<Limits<C>>);

struct Limits<C: Clock> {
    at_user_from_address: Limiter<C>,
    from_address: Limiter<C>,
    at_user: Limiter<C>,
    /// A hash keyed with a secret of this process, so that a client cannot choose names that share a count.
    hasher: RandomState,
}

/// The password was not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyGuesses {
    /// How long until the next attempt is accepted.
    retry_after: Duration,
}

impl TooManyGuesses {
    /// The time to wait, in whole seconds, rounded up.
    pub(crate) fn seconds(self) -> u64 {
        self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)
    }
}

/// An accepted attempt. It counts as a wrong password until it is [taken back](Self::take_back).
#[must_use]
pub(crate) struct Guess<C: Clock = DefaultClock> {
    guesses: Guesses<C>,
    user: u64,
    address: u64,
    pair: u64,
    counts_for_user: bool,
}

impl Guesses {
    /// Without any count.
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

    /// Whether a password of the user from this address may be checked. The user need not exist.
    ///
    /// # Errors
    ///
    /// [`TooManyGuesses`]. The refused attempt itself is not counted.
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
    /// The password was right, or could not be checked.
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
