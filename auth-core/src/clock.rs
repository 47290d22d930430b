//! Injected time. Nothing else in this crate reads a clock.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
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

    /// That many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// That many seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// This much earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp(self.seconds()).map_err(|_| fmt::Error)?;
        f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A source of time. Tests inject one that they move by hand.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time of day. May be wrong, step, and go backwards: nothing here assumes that it does not.
    fn now(&self) -> Timestamp;

    /// The time since some instant before the first call, by a clock that only goes forward. It may stand still while the
    /// machine is suspended.
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
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::UNIX_EPOCH)
            .map_or(Timestamp::UNIX_EPOCH, |since| Timestamp::UNIX_EPOCH.after(since))
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<std::time::Instant> = LazyLock::new(instant);

        // The first call is the start, and may be another thread's.
        instant().saturating_duration_since(*START)
    }
}

fn instant() -> std::time::Instant {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    std::time::Instant::now()
}

/// The time of a node: its monotonic clock, and how far the store's clock is from that, as the last reply told. What the
/// node's own time of day says does not matter; until the first reply there is nothing else.
#[derive(Debug)]
pub(crate) struct NodeClock {
    clock: Arc<dyn Clock>,
    /// Milliseconds from the monotonic clock to the store's; `UNKNOWN` until the first reply.
    offset: AtomicI64,
    /// The last large step of the store's clock that nobody asked for yet, in milliseconds; zero for none.
    step: AtomicI64,
}

/// By how much the store's clock may step without anything being forgotten.
pub(crate) const TOLERATED_STEP: Duration = Duration::from_secs(10 * 60);

const UNKNOWN: i64 = i64::MIN;

impl NodeClock {
    pub(crate) const fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, offset: AtomicI64::new(UNKNOWN), step: AtomicI64::new(0) }
    }

    /// The store's time now, as far as is known.
    pub(crate) fn now(&self) -> Timestamp {
        match self.offset.load(Ordering::Relaxed) {
            UNKNOWN => self.clock.now(),
            offset => Timestamp(millis(self.clock.monotonic()).saturating_add(offset)),
        }
    }

    /// What the store's last replies made of the time; another value means that the time was corrected meanwhile.
    pub(crate) fn correction(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The time of day, right or wrong: only to see how much of it passed.
    pub(crate) fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// A reply of the store came to a question that was sent at `sent`, by the monotonic clock, and said that this is its
    /// time: it was, at some instant in between. What was known stays as far as it agrees: a reply that was long under way
    /// sets no clock back.
    pub(crate) fn heard(&self, sent: Duration, store: Timestamp) {
        let least = store.0.saturating_sub(millis(self.clock.monotonic())).max(UNKNOWN + 1);
        let most = store.0.saturating_sub(millis(sent)).max(UNKNOWN + 1);
        let known = |offset: i64| offset.max(least).min(most);
        // Never an error: there always is an answer. The first reply is taken for as old as it can be.
        let before =
            self.offset.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |offset| Some(known(offset)));
        if let Ok(before) = before
            && before != UNKNOWN
        {
            let step = known(before).saturating_sub(before);
            if Duration::from_millis(step.unsigned_abs()) > TOLERATED_STEP {
                self.step.store(step, Ordering::Relaxed);
            }
        }
    }

    /// By how many milliseconds the store's clock stepped since this was last asked, if that was more than is tolerated.
    pub(crate) fn take_step(&self) -> Option<i64> {
        Some(self.step.swap(0, Ordering::Relaxed)).filter(|step| *step != 0)
    }
}
