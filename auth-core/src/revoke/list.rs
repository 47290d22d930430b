//! The exact set of what was revoked, in memory.
//!
//! An entry lives until the last credential that it concerns has expired, so the list is bounded by the life of the
//! credentials, not by history. Looking a login up costs one hash and one probe; while nothing at all is revoked it
//! costs one load.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{LogEntry, Revoked};

/// Enough that writers do not stop readers; a power of two.
const SHARDS: usize = 64;

type Ids = HashMap<[u8; 16], Expiry, RandomState>;

/// Seconds since the epoch, rounded up: an entry may live a second longer, never shorter. Good until the year 2106.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Expiry(u32);

impl Expiry {
    fn of(expires_at: Timestamp) -> Self {
        let seconds = expires_at.millis().saturating_add(999).div_euclid(1000);
        Self(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
    }

    const fn has_passed(self, now: Timestamp) -> bool {
        now.seconds() >= self.0 as i64
    }
}

/// What was revoked, as far as this node has heard.
#[derive(Debug)]
pub struct RevocationList {
    ids: Vec<RwLock<Ids>>,
    subjects: RwLock<HashMap<Subject, (u64, Expiry), RandomState>>,
    keys: RwLock<HashMap<KeyId, Expiry, RandomState>>,
    /// How many entries there are of each kind, so that an empty kind costs a load and no lock.
    counts: [AtomicU64; 3],
    /// Goes up with each entry, after it is there.
    version: AtomicU64,
    hasher: RandomState,
}

/// The identifiers that one credential can be revoked by.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    /// The login it belongs to.
    pub login: Option<LoginId>,
    /// The subject, and the epoch that the credential carries.
    pub subject: Option<(&'a Subject, u64)>,
    /// The token itself.
    pub token: Option<TokenId>,
    /// The key that signed it.
    pub key: Option<&'a KeyId>,
}

/// The version of the list at which a credential was last found good; never, at first.
#[derive(Debug)]
pub struct GoodAt(AtomicU64);

impl Default for GoodAt {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

/// What the list says of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// Nothing is known against it.
    Good,
    /// The login, the token or the key is revoked.
    Revoked,
    /// The claims of the subject changed since it was made: a token is refused, a session loads its claims again.
    Outdated,
}

const IDS: usize = 0;
const SUBJECTS: usize = 1;
const KEYS: usize = 2;

impl Default for RevocationList {
    fn default() -> Self {
        Self {
            ids: (0..SHARDS).map(|_| RwLock::default()).collect(),
            subjects: RwLock::default(),
            keys: RwLock::default(),
            counts: [const { AtomicU64::new(0) }; 3],
            version: AtomicU64::new(0),
            hasher: RandomState::default(),
        }
    }
}

impl RevocationList {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies an entry. Entries may come twice and in any order: the latest expiry and the highest epoch stay.
    pub fn insert(&self, revoked: &Revoked, expires_at: Timestamp) {
        let expiry = Expiry::of(expires_at);
        match revoked {
            Revoked::Login(login, _) => self.insert_id(login.as_bytes(), expiry),
            Revoked::Token(token) => self.insert_id(token.as_bytes(), expiry),
            Revoked::SubjectBelow(subject, epoch) => {
                let mut subjects = write(&self.subjects);
                let entry = subjects.entry_ref(subject).or_insert_with(|| {
                    self.count(SUBJECTS).fetch_add(1, Ordering::Release);
                    (*epoch, expiry)
                });
                *entry = (entry.0.max(*epoch), entry.1.max(expiry));
            }
            Revoked::Key(key) => {
                let mut keys = write(&self.keys);
                let entry = keys.entry_ref(key).or_insert_with(|| {
                    self.count(KEYS).fetch_add(1, Ordering::Release);
                    expiry
                });
                *entry = (*entry).max(expiry);
            }
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Applies entries of the log.
    pub fn apply(&self, entries: &[LogEntry]) {
        entries.iter().for_each(|entry| self.insert(&entry.revoked, entry.expires_at));
    }

    /// What is known of a credential.
    pub fn standing(&self, credential: &Subjects<'_>) -> Standing {
        if self.count(IDS).load(Ordering::Acquire) != 0 {
            let login = credential.login.is_some_and(|login| self.has_id(login.as_bytes()));
            if login || credential.token.is_some_and(|token| self.has_id(token.as_bytes())) {
                return Standing::Revoked;
            }
        }
        if self.count(KEYS).load(Ordering::Acquire) != 0
            && credential.key.is_some_and(|key| read(&self.keys).contains_key(key))
        {
            return Standing::Revoked;
        }
        if self.count(SUBJECTS).load(Ordering::Acquire) != 0
            && let Some((subject, epoch)) = credential.subject
            && read(&self.subjects).get(subject).is_some_and(|(lowest, _)| epoch < *lowest)
        {
            return Standing::Outdated;
        }
        Standing::Good
    }

    /// As [`standing`](Self::standing) for a credential that is asked about again and again: `good_at` remembers the
    /// version of the list at which it was last found good, and nothing is looked up until an entry comes.
    pub fn standing_since(&self, credential: &Subjects<'_>, good_at: &GoodAt) -> Standing {
        let version = self.version.load(Ordering::Acquire);
        if good_at.0.load(Ordering::Relaxed) == version {
            return Standing::Good;
        }
        let standing = self.standing(credential);
        if standing == Standing::Good {
            good_at.0.store(version, Ordering::Relaxed);
        }
        standing
    }

    /// Drops the entries whose last credential has expired. Returns how many went.
    pub fn purge(&self, now: Timestamp) -> u64 {
        let mut gone = 0;
        for shard in &self.ids {
            let mut ids = write(shard);
            let before = ids.len();
            ids.retain(|_, expiry| !expiry.has_passed(now));
            gone += self.dropped(IDS, before - ids.len());
        }
        let mut subjects = write(&self.subjects);
        let before = subjects.len();
        subjects.retain(|_, (_, expiry)| !expiry.has_passed(now));
        gone += self.dropped(SUBJECTS, before - subjects.len());
        let mut keys = write(&self.keys);
        let before = keys.len();
        keys.retain(|_, expiry| !expiry.has_passed(now));
        gone + self.dropped(KEYS, before - keys.len())
    }

    /// How many entries there are.
    pub fn len(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Acquire)).sum()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert_id(&self, id: &[u8; 16], expiry: Expiry) {
        let Some(shard) = self.shard(id) else { return };
        let mut ids = write(shard);
        let entry = ids.entry(*id).or_insert_with(|| {
            self.count(IDS).fetch_add(1, Ordering::Release);
            expiry
        });
        *entry = (*entry).max(expiry);
    }

    fn has_id(&self, id: &[u8; 16]) -> bool {
        self.shard(id).is_some_and(|shard| read(shard).contains_key(id))
    }

    /// By a keyed hash: nobody can choose identifiers that crowd one shard.
    fn shard(&self, id: &[u8; 16]) -> Option<&RwLock<Ids>> {
        use std::hash::BuildHasher as _;

        self.ids.get(self.hasher.hash_one(id) as usize % SHARDS)
    }

    fn dropped(&self, kind: usize, count: usize) -> u64 {
        let count = count as u64;
        self.count(kind).fetch_sub(count, Ordering::Release);
        count
    }

    fn count(&self, kind: usize) -> &AtomicU64 {
        let [ids, subjects, keys] = &self.counts;
        match kind {
            IDS => ids,
            SUBJECTS => subjects,
            _ => keys,
        }
    }
}

/// A panic while a lock was held leaves a map that is whole: every change is one call of the map.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
