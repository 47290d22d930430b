//! A memory store, plain or wrapped, with a clock to move.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use auth_core::clock::{Clock, Timestamp};
use auth_core::id::{Subject, TokenId};
use auth_core::store::memory::{Incarnation, MemorySnapshot, MemoryStore};
use auth_core::store::{
    LogEntry, Logged, LoginStore as _, Mark, Partition, Realm, RevocationStore as _, Revoked, Store, Timed,
};
use auth_core::testing::ManualClock;
use auth_core::testing::contract::{Restorable, World};
use auth_tests::store::{Altered, Documents, Families, Log, Logins, Relay, Sessions};
use auth_tests::watch_this_test;

use crate::broken::Answer;

const SIXTEEN: NonZeroU32 = NonZeroU32::new(16).unwrap();

/// Says that it has sixteen partitions.
#[derive(Debug)]
struct Sixteen(MemoryStore);

impl Altered for Sixteen {
    fn behind(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

impl Logins for Sixteen {
    fn partitions(&self) -> NonZeroU32 {
        SIXTEEN
    }
}

impl Families for Sixteen {}

impl Sessions for Sixteen {}

/// The store behind this knows one partition, and entries of tokens say theirs.
#[async_trait]
impl Log for Sixteen {
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Answer<Logged> {
        // The record's, as far as the suite can tell it from the live logins'.
        let Timed { value: live, now } = self.0.list(realm, subject, None, NonZeroU32::MAX).await?;
        let retention = live.iter().map(|login| login.row.retention).fold(retention, Duration::max);
        let revoked = Revoked::Token(Partition::of(subject, SIXTEEN), token);
        let logged = Logged { mark: Mark::random().unwrap(), expires_at: now.after(retention) };
        let entry = LogEntry { mark: logged.mark, revoked, expires_at: logged.expires_at };
        Ok(self.0.write_back(realm, &[entry]).await?.map(|()| logged))
    }
}

impl Documents for Sixteen {}

pub(crate) struct Memory {
    clock: ManualClock,
    pub(crate) memory: MemoryStore,
    store: Arc<dyn Store>,
    incarnation: Incarnation,
    copy: Mutex<Option<MemorySnapshot>>,
}

impl Memory {
    /// With what `wrap` makes of the store.
    pub(crate) fn wrapped(wrap: impl FnOnce(MemoryStore, ManualClock) -> Arc<dyn Store>) -> Self {
        watch_this_test();
        let clock = ManualClock::new(Timestamp::from_millis(1_800_000_000_123));
        let memory = MemoryStore::with_clock(clock.clone());
        let store = wrap(memory.clone(), clock.clone());
        Self { clock, memory, store, incarnation: Incarnation::Same, copy: Mutex::default() }
    }

    pub(crate) fn plain() -> Self {
        Self::wrapped(|memory, _| Arc::new(memory))
    }

    pub(crate) fn sixteen() -> Self {
        Self::wrapped(|memory, _| Arc::new(Relay(Sixteen(memory))))
    }

    /// A restored store is another incarnation.
    pub(crate) fn new_incarnation() -> Self {
        Self { incarnation: Incarnation::New, ..Self::plain() }
    }
}

impl World for Memory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    fn step_back(&self, by: Duration) {
        self.clock.set(self.clock.now().before(by));
    }
}

#[async_trait]
impl Restorable for Memory {
    async fn copy(&self) {
        *self.copy.lock().unwrap() = Some(self.memory.snapshot());
    }

    async fn restore(&self) {
        self.memory.restore(self.copy.lock().unwrap().as_ref().unwrap(), self.incarnation);
    }

    async fn empty(&self) {
        self.memory.empty();
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of a server runs")]
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The system's clock, and how far it was moved, in milliseconds.
#[derive(Clone, Debug, Default)]
struct Offset(Arc<AtomicI64>);

#[expect(clippy::disallowed_methods, reason = "the clock of a server runs")]
impl Clock for Offset {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Timestamp::UNIX_EPOCH.after(now);
        Timestamp::from_millis(now.millis() + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        START.elapsed()
    }
}

/// A memory store whose clock runs, as a server's does.
pub(crate) struct Running {
    offset: Offset,
    memory: MemoryStore,
}

impl Running {
    pub(crate) fn new() -> Self {
        watch_this_test();
        let offset = Offset::default();
        Self { memory: MemoryStore::with_clock(offset.clone()), offset }
    }
}

impl World for Running {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.memory.clone())
    }

    fn advance(&self, by: Duration) {
        self.offset.0.fetch_add(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    fn step_back(&self, by: Duration) {
        self.offset.0.fetch_sub(by.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }
}
