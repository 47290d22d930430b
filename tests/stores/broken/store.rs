//! A store that breaks one rule of the contract at a time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::store::memory::MemoryStore;
use auth_core::store::{LoginRow, SessionHash, SessionRow, Store, StoreError, Touch};
use auth_tests::store::{Altered, Op};

pub(crate) type Answer<T> = Result<T, StoreError>;

/// What is wrong with it. `NotAtomic`: it looks first and acts later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    AppearsLate,
    CachesSessions,
    ClockBackRotates,
    ConfirmsAnything,
    CreatesLoginFirst,
    DeleteEndsLogins,
    DropsUserAgent,
    EndNotAtomic,
    EndsAnybodys,
    EndsExpired,
    EndsKeptToo,
    EndsOneByOne,
    EntriesExpireLate,
    EpochIsInclusive,
    EpochNotAtomic,
    EvictsNewest,
    ExpiredCount,
    ExpiredIdsAreTaken,
    ExpiredStillRevoke,
    ExpiresLate,
    ForgetsPrevious,
    ForgetsReasons,
    GraceIsShort,
    IdleUncapped,
    IgnoresBranch,
    IgnoresReplaces,
    LastIsOfPage,
    LastTouchWins,
    LimitNotAtomic,
    ListsOldestFirst,
    LogsLate,
    LoginExpiryIgnored,
    NeverWakes,
    /// Only that it is slow.
    Nothing,
    OverwritesLogins,
    OverwritesSessions,
    PurgesOneBatch,
    PurgesTooMuch,
    ReasonMatters,
    RenameCopies,
    RenameOverwrites,
    RenewsExpired,
    ReplacesAfter,
    ReplacesFirst,
    ReusesNumbers,
    RotationNotAtomic,
    SaveNotAtomic,
    SavesBlindly,
    SavesOldClaims,
    SavingCreates,
    SessionsExpireLate,
    SwapNotAtomic,
    SwapsBlindly,
    WakesOnlyTheWaiting,
}

/// Before everything: nothing has expired then.
pub(crate) const LONG_AGO: Timestamp = Timestamp::from_millis(i64::MIN);

#[derive(Debug)]
pub(crate) struct Broken {
    /// What does it right.
    pub(crate) inner: MemoryStore,
    fault: Fault,
    /// Entries of the log that can not be seen yet.
    pub(crate) hidden: Mutex<HashSet<u64>>,
    /// By how much numbers of the log are too low.
    pub(crate) offset: AtomicU64,
    pub(crate) sessions: Mutex<HashMap<SessionHash, (SessionRow, Option<LoginRow>)>>,
    pub(crate) touches: Mutex<HashMap<LoginId, Touch>>,
    pauses: AtomicU64,
}

impl Broken {
    pub(crate) fn with(fault: Fault) -> Self {
        Self {
            inner: MemoryStore::new(),
            fault,
            hidden: Mutex::default(),
            offset: AtomicU64::new(0),
            sessions: Mutex::default(),
            touches: Mutex::default(),
            pauses: AtomicU64::new(0),
        }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Lets the others go first, if the fault is this one.
    pub(crate) async fn dawdle(&self, fault: Fault) {
        if self.has(fault) {
            dawdle().await;
        }
    }

    /// Between zero and twelve milliseconds, the same in each run, if nothing is wrong but that.
    pub(crate) async fn pause(&self) {
        if self.has(Fault::Nothing) {
            let count = self.pauses.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(count.wrapping_mul(7919) % 13)).await;
        }
    }

    pub(crate) fn hidden(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.hidden.lock().unwrap()
    }

    /// Hides an entry for a while.
    pub(crate) async fn hide(&self, sequence: u64) {
        self.hidden().insert(sequence);
        dawdle().await;
        self.hidden().remove(&sequence);
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset.load(Ordering::SeqCst)
    }

    /// The row as this store gives it out.
    pub(crate) fn shown(&self, mut login: LoginRow) -> LoginRow {
        if self.has(Fault::DropsUserAgent) {
            login.user_agent = None;
        }
        if let Some(touch) = self.touches.lock().unwrap().get(&login.id) {
            (login.last_seen_at, login.idle_expires_at) = (touch.seen_at, touch.idle_expires_at);
        }
        login
    }
}

#[async_trait]
impl Altered for Broken {
    fn behind(&self) -> Arc<dyn Store> {
        Arc::new(self.inner.clone())
    }

    async fn before(&self, _op: Op) -> Result<auth_tests::Fault, StoreError> {
        self.pause().await;
        Ok(auth_tests::Fault::None)
    }

    async fn after(&self, _op: Op, _rest: auth_tests::Fault) -> Result<(), StoreError> {
        self.pause().await;
        Ok(())
    }
}

pub(crate) async fn dawdle() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn a_moment_before(now: Timestamp) -> Timestamp {
    now.before(Duration::from_millis(1))
}
