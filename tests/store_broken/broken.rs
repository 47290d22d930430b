//! A store that breaks one rule of the contract at a time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::store::memory::MemoryStore;
use auth_core::store::{LoginRow, SessionHash, SessionRow, StoreError, Touch};

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
    pub(crate) inner: MemoryStore,
    fault: Fault,
    /// Entries of the log that can not be seen yet.
    pub(crate) hidden: Mutex<HashSet<u64>>,
    /// By how much numbers of the log are too low.
    pub(crate) offset: AtomicU64,
    pub(crate) sessions: Mutex<HashMap<SessionHash, (SessionRow, Option<LoginRow>)>>,
    pub(crate) touches: Mutex<HashMap<LoginId, Touch>>,
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

pub(crate) async fn dawdle() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn a_moment_before(now: Timestamp) -> Timestamp {
    now.before(std::time::Duration::from_millis(1))
}
