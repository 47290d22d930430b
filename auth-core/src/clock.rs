//! Injected time. Nothing else in this crate reads a clock.
//!
//! By default the clock of the system is used. Tests inject a clock of their own: `testing::ManualClock`,
//! or
//! any [`Clock`].
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_core::clock::{Clock, Timestamp};
//!
//! /// A clock that has stopped.
//! #[derive(Debug)]
//! struct Stopped(Timestamp);
//!
//! impl Clock for Stopped {
//!     fn now(&self) -> Timestamp {
//!         self.0
//!     }
//!
//!     fn monotonic(&self) -> Duration {
//!         Duration::ZERO
//!     }
//! }
//!
//! let clock = Stopped(Timestamp::from_seconds(1_800_000_000));
//! assert_eq!(clock.now().to_string(), "2027-01-15T08:00:00Z");
//! assert_eq!(clock.now().after(Duration::from_secs(90)).since(clock.now()), Duration::from_secs(90));
//! ```

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// The time `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The time `seconds` seconds after the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The time `duration` later, to the millisecond.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(unsigned_millis(duration)))
    }

    /// The time `duration` earlier, to the millisecond.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(unsigned_millis(duration)))
    }

    /// The time that passed since `earlier`; zero when `earlier` is later than this time.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.max(earlier).0.abs_diff(earlier.0))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn unsigned_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The first and the last second that RFC 3339 can write: 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const WRITABLE: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// Writes the time as RFC 3339 in UTC, to the second. A time before the year 0, or after the year 9999, is written as the
/// first or the last second that the format can write.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds().clamp(*WRITABLE.start(), *WRITABLE.end());
        // Never an error, because every second of the range can be written.
        let time = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

/// As text, as [`Display`](fmt::Display) writes it.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A source of time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day. It may be wrong, step, and go backwards: nothing in this crate assumes otherwise.
    fn now(&self) -> Timestamp;

    /// The time since some fixed instant, by a clock that never goes backwards. It may stand still while the machine
    /// is suspended.
    fn monotonic(&self) -> Duration;
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::UNIX_EPOCH)
            .map_or(Timestamp::UNIX_EPOCH, |since| Timestamp::UNIX_EPOCH.after(since))
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<std::time::Instant> = LazyLock::new(instant);

        // Another thread may have made the first call, which sets the start.
        instant().saturating_duration_since(*START)
    }
}

fn instant() -> std::time::Instant {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    std::time::Instant::now()
}

/// The time of a node: its monotonic clock plus the offset to the store's clock, taken from the replies. The node's own
/// time of day is used only until the first reply.
///
/// Replies may arrive in another order than the store read its clock in, and its clock may step in between. The order in
/// which the requests were sent decides: the reply to an earlier request than the latest one that was answered says
/// nothing about the time. If the store handled the two in the other order, the next reply corrects the time.
#[derive(Debug)]
pub(crate) struct NodeClock {
    clock: Arc<dyn Clock>,
    /// The offset from the monotonic clock to the store's, in milliseconds; `UNKNOWN` until the first reply.
    offset: AtomicI64,
    /// The last large step of the store's clock that was not reported yet, in milliseconds; zero for none.
    step: AtomicI64,
    /// The number of requests that were sent.
    sent: AtomicU64,
    /// The number of the latest request that was answered; zero for none. Locked while the offset changes.
    answered: Mutex<u64>,
}

/// The moment at which a request was sent to the store.
#[derive(Debug)]
pub(crate) struct Sent {
    /// By the monotonic clock.
    pub(crate) at: Duration,
    /// Counted from one: the monotonic clock may show the same time for two requests.
    number: u64,
}

/// The largest step of the store's clock that cannot make a revocation expire too early.
pub(crate) const TOLERATED_STEP: Duration = Duration::from_secs(10 * 60);

const UNKNOWN: i64 = i64::MIN;

impl NodeClock {
    pub(crate) const fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            offset: AtomicI64::new(UNKNOWN),
            step: AtomicI64::new(0),
            sent: AtomicU64::new(0),
            answered: Mutex::new(0),
        }
    }

    /// The store's time now, as far as it is known.
    pub(crate) fn now(&self) -> Timestamp {
        match self.offset.load(Ordering::Relaxed) {
            UNKNOWN => self.clock.now(),
            offset => Timestamp(millis(self.clock.monotonic()).saturating_add(offset)),
        }
    }

    /// The current correction of the time. A different value later means that the time was corrected in between.
    pub(crate) fn correction(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The node's time of day, which may be wrong: only for measuring how much time passed.
    pub(crate) fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes that a request is about to be sent to the store. The caller passes the result to [`heard`](Self::heard)
    /// with the reply.
    pub(crate) fn sending(&self) -> Sent {
        let number = self.sent.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        Sent { at: self.clock.monotonic(), number }
    }

    /// Takes over the store's time from a reply, unless a later request was answered before. The store read its clock at
    /// some instant between the request and the reply. The known offset changes only as far as it contradicts that, so a
    /// slow reply does not set the clock back.
    pub(crate) fn heard(&self, sent: &Sent, store: Timestamp) {
        let least = store.0.saturating_sub(millis(self.clock.monotonic())).max(UNKNOWN + 1);
        let most = store.0.saturating_sub(millis(sent.at)).max(UNKNOWN + 1);
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.number < *answered {
            return;
        }
        *answered = sent.number;
        let before = self.offset.load(Ordering::Relaxed);
        // The first reply is taken to be as old as it can be.
        let after = before.max(least).min(most);
        self.offset.store(after, Ordering::Relaxed);
        let step = after.saturating_sub(before);
        if before != UNKNOWN && Duration::from_millis(step.unsigned_abs()) > TOLERATED_STEP {
            self.step.store(step, Ordering::Relaxed);
        }
    }

    /// The step of the store's clock in milliseconds since the last call, if it was larger than is tolerated.
    pub(crate) fn take_step(&self) -> Option<i64> {
        Some(self.step.swap(0, Ordering::Relaxed)).filter(|step| *step != 0)
    }
}
