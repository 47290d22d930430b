//! How a node keeps up with the log, and what it says when it could not.

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

/// How many entries are read at once from each partition.
const PAGE: NonZeroU32 = match NonZeroU32::new(10_000) {
    Some(page) => page,
    None => NonZeroU32::MIN,
};

/// How many entries are written back at once.
const WRITTEN_BACK_AT_ONCE: usize = 1000;

/// The list, and how far along the log it is.
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

/// How far along the log a node is, and what reading it brought that was not made good yet: a reading that fails or is
/// dropped half way, or a write back that does, leaves it to the next one.
#[derive(Default)]
struct Progress {
    cursor: Cursor,
    reset: Option<Reset>,
    lost: usize,
}

/// When the last complete page was asked for, by both clocks of this node; `i64::MIN` until there was one.
struct Age {
    monotonic: AtomicU64,
    wall: AtomicI64,
}

/// What reading the log brought besides its entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CatchUp {
    /// Why the log was read from its start, if it was; none where an entry was purged and nothing is missing.
    pub reset: Option<Reset>,
    /// How many acknowledged entries the store had lost.
    pub lost: usize,
    /// How many entries were written back.
    pub written_back: usize,
}

impl Feed {
    /// A feed that has heard nothing yet.
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

    /// A write that will be logged begins. What it answers is told to the returned value.
    pub(crate) fn begin_write(&self) -> LogWrite<'_> {
        LogWrite { feed: self, number: self.acknowledged.begin() }
    }

    /// Reads the log to its end. What the store has lost is written back: entries that it acknowledged and does not have,
    /// and, where the log had to be read from its start, whatever this node knows and the log lacks.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: then the list grows older. What was read stays.
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

    /// Reads from the cursor to the end, into the list and, where one is given, a second one. Returns the latest time of the
    /// store that it heard.
    async fn read(
        &self,
        progress: &mut Progress,
        also: Option<&RevocationList>,
    ) -> Result<Timestamp, StoreError> {
        let mut latest = Timestamp::UNIX_EPOCH;
        loop {
            let sent = self.clock.monotonic();
            let page = self.store.page(&self.realm, &progress.cursor, PAGE).await?;
            self.clock.heard(sent, page.now);
            latest = latest.max(page.now);
            let page = page.value;
            self.acknowledged.read(&page.entries);
            self.list.raise_floor(page.floor);
            self.list.apply(&page.entries);
            if let Some(also) = also {
                also.raise_floor(page.floor);
                also.apply(&page.entries);
            }
            // Another reason says more than an entry that was purged.
            progress.reset =
                progress.reset.filter(|reset| *reset != Reset::Purged).or(page.reset).or(progress.reset);
            progress.cursor = page.next;
            if !page.has_more {
                return Ok(latest);
            }
        }
    }

    /// Writes back what this node knows and the log lacks. Returns how many entries.
    async fn write_back(&self) -> Result<usize, StoreError> {
        let there = RevocationList::new();
        self.read(&mut Progress::default(), Some(&there)).await?;
        // The list rounds up to whole seconds: the log may have left out what is over here in less than one.
        let served = self.clock.now().after(Duration::from_secs(1));
        let missing = self.list.missing_from(&there, served)?;
        for entries in missing.chunks(WRITTEN_BACK_AT_ONCE) {
            let sent = self.clock.monotonic();
            let written = self.store.write_back(&self.realm, entries).await?;
            self.clock.heard(sent, written.now);
        }
        Ok(missing.len())
    }

    /// What holds of a credential, with a list that is complete and no older than `bound`: where it is not, the store is
    /// asked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store is needed and does not answer. Never "not revoked" for want of knowing.
    pub(crate) async fn check(
        &self,
        credential: &Ids<'_>,
        last: &LastCleared,
        bound: Duration,
    ) -> Result<Cleared, StoreError> {
        // Asked in this order: a list that is current from here on has what is looked up next.
        let is_current = self.is_current(bound);
        match self.list.check_since(credential, last) {
            Cleared::Good(_) if !is_current || !self.list.is_complete_at(|| self.clock.now()) => {
                let sent = self.clock.monotonic();
                let standing = self.store.standing(&self.realm, credential).await?;
                self.clock.heard(sent, standing.now);
                Ok(match standing.value {
                    Standing::Good => Cleared::Good(NotRevoked::proven()),
                    Standing::Outdated => Cleared::Outdated,
                    Standing::Gone => Cleared::Gone,
                })
            }
            known => Ok(known),
        }
    }

    /// Whether the list is no older than `bound`, by the clock of this node that says more: the monotonic one may have
    /// stood still, the time of day may have been set.
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

    /// Sleeps until the log may have grown since this was last called.
    pub(crate) async fn changed(&self) {
        let mut wake_ups = self.wake_ups.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // An error: nobody will wake us again. The caller polls.
        if wake_ups.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.wake_ups.lock().unwrap_or_else(PoisonError::into_inner) = wake_ups;
    }
}

/// A write that is logged and is under way.
#[must_use]
pub(crate) struct LogWrite<'a> {
    feed: &'a Feed,
    number: u64,
}

impl LogWrite<'_> {
    /// The store has done it and logged this: it is known here at once, and expected in the log.
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
