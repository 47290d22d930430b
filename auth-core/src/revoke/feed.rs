//! Reading the log of the store into the list, and the answer for a credential when the list is too old.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use super::acknowledged::Acknowledged;
use super::list::{Cleared, LastCleared, NotRevoked, RevocationList};
use crate::clock::{NodeClock, Timestamp};
use crate::store::{
    Cursor, Ids, LogEntry, Logged, Realm, Reset, RevocationStore, Revoked, Standing, StoreError,
};

/// The number of entries of each partition in one page.
const PAGE: NonZeroU32 = match NonZeroU32::new(10_000) {
    Some(page) => page,
    None => NonZeroU32::MIN,
};

/// The number of entries that are written back in one call.
const WRITTEN_BACK_AT_ONCE: usize = 1000;

/// The list, and the position in the log up to which it is complete.
pub(crate) struct Feed {
    list: RevocationList,
    store: Arc<dyn RevocationStore>,
    realm: Realm,
    clock: Arc<NodeClock>,
    progress: Mutex<Progress>,
    acknowledged: Acknowledged,
    asked_at: Age,
    wake_ups: StdMutex<watch::Receiver<u64>>,
}

/// The position of a node in the log, and the losses that were noticed and not repaired yet: if reading or writing
/// back fails or is dropped, the next attempt repairs them.
#[derive(Default)]
struct Progress {
    cursor: Cursor,
    reset: Option<Reset>,
    lost: usize,
}

/// When the last complete page was requested, by both clocks of this node; `i64::MIN` until there was one.
struct Age {
    monotonic: AtomicU64,
    wall: AtomicI64,
}

/// What was noticed while reading the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CatchUp {
    /// Why the log was read from its start, if it was; `None` if only a purged entry was the reason and nothing is
    /// missing.
    pub reset: Option<Reset>,
    /// The number of acknowledged entries that the store had lost.
    pub lost: usize,
    /// The number of entries that were written back.
    pub written_back: usize,
}

impl Feed {
    /// A feed that has not read the log yet.
    pub(crate) fn new(store: Arc<dyn RevocationStore>, realm: Realm, clock: Arc<NodeClock>) -> Self {
        let wake_ups = StdMutex::new(store.wake_ups());
        let asked_at = Age { monotonic: AtomicU64::new(0), wall: AtomicI64::new(i64::MIN) };
        Self {
            list: RevocationList::new(),
            store,
            realm,
            clock,
            progress: Mutex::default(),
            acknowledged: Acknowledged::default(),
            asked_at,
            wake_ups,
        }
    }

    /// The list.
    pub(crate) const fn list(&self) -> &RevocationList {
        &self.list
    }

    /// Notes that a write begins that will be logged. The caller passes its result to the returned value.
    pub(crate) fn begin_write(&self) -> LogWrite<'_> {
        LogWrite { feed: self, number: self.acknowledged.begin() }
    }

    /// Reads the log to its end. If the store lost acknowledged entries, or the log had to be read from its start,
    /// all entries that this node knows and the log lacks are written back.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the age of the list then grows. The entries that were read stay.
    pub(crate) async fn catch_up(&self) -> Result<CatchUp, StoreError> {
        let mut progress = self.progress.lock().await;
        let due = self.acknowledged.due();
        let (monotonic, wall) = (self.clock.monotonic(), self.clock.wall());
        let read_at = self.read(&mut progress, None).await?;
        progress.lost = progress.lost.saturating_add(self.acknowledged.take_lost(&due, read_at));
        let mut done = CatchUp { reset: progress.reset, lost: progress.lost, written_back: 0 };
        if done.reset.is_some() || done.lost > 0 {
            done.written_back = self.write_back().await?;
            (progress.reset, progress.lost) = (None, 0);
        }
        if done.reset == Some(Reset::Purged) && done.written_back == 0 {
            done.reset = None;
        }
        self.asked_at.monotonic.store(millis(monotonic), Ordering::Release);
        self.asked_at.wall.store(wall.millis(), Ordering::Release);
        Ok(done)
    }

    /// Reads from the cursor to the end, into the list and, if given, a second one. Returns the latest time of the
    /// store in the replies.
    async fn read(
        &self,
        progress: &mut Progress,
        also: Option<&RevocationList>,
    ) -> Result<Timestamp, StoreError> {
        let mut latest = Timestamp::UNIX_EPOCH;
        loop {
            let sent = self.clock.sending();
            let page = self.store.page(&self.realm, &progress.cursor, PAGE).await?;
            self.clock.heard(&sent, page.now);
            latest = latest.max(page.now);
            let page = page.value;
            self.acknowledged.read(&page.entries);
            self.list.raise_floor(page.floor);
            self.list.apply(&page.entries);
            if let Some(also) = also {
                also.raise_floor(page.floor);
                also.apply(&page.entries);
            }
            // Other reasons take precedence over a purged entry, which is harmless.
            progress.reset =
                progress.reset.filter(|reset| *reset != Reset::Purged).or(page.reset).or(progress.reset);
            progress.cursor = page.next;
            if !page.has_more {
                return Ok(latest);
            }
        }
    }

    /// Writes back the entries that this node knows and the log lacks. Returns their number.
    async fn write_back(&self) -> Result<usize, StoreError> {
        let there = RevocationList::new();
        self.read(&mut Progress::default(), Some(&there)).await?;
        // The list rounds up to whole seconds, so the log may have dropped entries that expire here within a second.
        let served = self.clock.now().after(Duration::from_secs(1));
        let missing = self.list.missing_from(&there, served)?;
        for entries in missing.chunks(WRITTEN_BACK_AT_ONCE) {
            let sent = self.clock.sending();
            let written = self.store.write_back(&self.realm, entries).await?;
            self.clock.heard(&sent, written.now);
        }
        Ok(missing.len())
    }

    /// The state of a credential according to the list; if the list is incomplete or older than `bound`, according to
    /// the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store must be asked and fails. A credential is never taken to be valid because of
    /// missing information.
    pub(crate) async fn check(
        &self,
        credential: &Ids<'_>,
        last: &LastCleared,
        bound: Duration,
    ) -> Result<Cleared, StoreError> {
        // The order matters: a list that is current at this point contains all that the next look-up needs.
        let is_current = self.is_current(bound);
        match self.list.check_since(credential, last) {
            Cleared::Good(_) if !is_current || !self.list.is_complete_at(|| self.clock.now()) => {
                let sent = self.clock.sending();
                let standing = self.store.standing(&self.realm, credential).await?;
                self.clock.heard(&sent, standing.now);
                Ok(match standing.value {
                    Standing::Good => Cleared::Good(NotRevoked::proven()),
                    Standing::Outdated => Cleared::Outdated,
                    Standing::Gone => Cleared::Gone,
                })
            }
            known => Ok(known),
        }
    }

    /// Whether the list is no older than `bound`, by both clocks of this node: the monotonic clock may have stood
    /// still, and the time of day may have been set back.
    pub(crate) fn is_current(&self, bound: Duration) -> bool {
        let wall = self.asked_at.wall.load(Ordering::Acquire);
        if wall == i64::MIN {
            return false;
        }
        let asked = Duration::from_millis(self.asked_at.monotonic.load(Ordering::Acquire));
        let by_monotonic = self.clock.monotonic().checked_sub(asked);
        let by_wall = self.clock.wall().since(Timestamp::from_millis(wall));
        by_monotonic.is_some_and(|age| age.max(by_wall) <= bound)
    }

    /// Waits until the log may have grown since the last call.
    pub(crate) async fn changed(&self) {
        let mut wake_ups = self.wake_ups.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // After an error there are no more wake-ups, and the caller polls.
        if wake_ups.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.wake_ups.lock().unwrap_or_else(PoisonError::into_inner) = wake_ups;
    }
}

/// A write in progress that will be logged.
#[must_use]
pub(crate) struct LogWrite<'a> {
    feed: &'a Feed,
    number: u64,
}

impl LogWrite<'_> {
    /// Notes that the store has logged the write. The entry is applied to the list at once, and expected in the log.
    pub(crate) fn logged(&self, revoked: Revoked, logged: Logged) {
        self.feed.acknowledged.expect(logged);
        let Logged { mark, expires_at } = logged;
        self.feed.list.apply(&[LogEntry { mark, revoked, expires_at }]);
    }
}

impl Drop for LogWrite<'_> {
    fn drop(&mut self) {
        self.feed.acknowledged.end(self.number);
    }
}

impl fmt::Debug for LogWrite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogWrite")
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("entries", &self.list.len()).finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
