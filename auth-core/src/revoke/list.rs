//! The exact set of what was revoked, in memory.
//!
//! An entry lives until the last credential that it concerns has expired, so the list is bounded by the life of the
//! credentials, not by history. Looking a login up costs one hash and one probe; while nothing at all is revoked it
//! costs one load.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{LogEntry, Revoked, SessionHash};

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

/// Identifiers of one kind.
#[derive(Debug)]
struct Shards {
    shards: Vec<RwLock<Ids>>,
    /// So that looking into an empty kind costs a load and no lock.
    count: AtomicU64,
}

/// What was revoked, as far as this node has heard.
#[derive(Debug)]
pub struct RevocationList {
    logins: Shards,
    /// By the first half of their hashes.
    sessions: Shards,
    tokens: Shards,
    subjects: RwLock<HashMap<Subject, (u64, Expiry), RandomState>>,
    keys: RwLock<HashMap<KeyId, Expiry, RandomState>>,
    /// How many entries there are in `subjects` and in `keys`, as for the shards.
    counts: [AtomicU64; 2],
    /// Goes up with each entry, after it is there.
    version: AtomicU64,
    hasher: RandomState,
}

/// The identifiers that one credential can be revoked by.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialIds<'a> {
    /// The login it belongs to.
    pub login: Option<LoginId>,
    /// The subject, and the epoch that the credential carries.
    pub subject: Option<(&'a Subject, u64)>,
    /// The session id itself.
    pub session: Option<SessionHash>,
    /// The token itself.
    pub token: Option<TokenId>,
    /// The key that signed it.
    pub key: Option<&'a KeyId>,
}

/// The version of the list at which a credential was last found good; never, at first.
#[derive(Debug)]
pub struct LastCleared(AtomicU64);

impl Default for LastCleared {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

/// Proof that a credential was looked up and is not revoked. Only the list and the store make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRevoked(());

impl NotRevoked {
    /// For this module alone: after nothing was found.
    pub(super) const fn proven() -> Self {
        Self(())
    }
}

/// What is known of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// Nothing against it.
    Good(NotRevoked),
    /// The login, the session, the token or the key is revoked.
    Revoked,
    /// The claims of the subject changed since it was made: a token is refused, a session loads its claims again.
    Outdated,
}

impl Default for RevocationList {
    fn default() -> Self {
        Self {
            logins: Shards::default(),
            sessions: Shards::default(),
            tokens: Shards::default(),
            subjects: RwLock::default(),
            keys: RwLock::default(),
            counts: [const { AtomicU64::new(0) }; 2],
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
            Revoked::Login(login, _) => self.logins.insert(login.as_bytes(), expiry, &self.hasher),
            Revoked::Session(session) => self.sessions.insert(half(session), expiry, &self.hasher),
            Revoked::Token(token) => self.tokens.insert(token.as_bytes(), expiry, &self.hasher),
            Revoked::SubjectBelow(subject, epoch) => {
                let mut subjects = write(&self.subjects);
                let entry = subjects.entry_ref(subject).or_insert_with(|| {
                    self.subject_count().fetch_add(1, Ordering::Release);
                    (*epoch, expiry)
                });
                *entry = (entry.0.max(*epoch), entry.1.max(expiry));
            }
            Revoked::Key(key) => {
                let mut keys = write(&self.keys);
                let entry = keys.entry_ref(key).or_insert_with(|| {
                    self.key_count().fetch_add(1, Ordering::Release);
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
    pub fn standing(&self, credential: &CredentialIds<'_>) -> Standing {
        let is_in = |shards: &Shards, id: Option<&[u8; 16]>| {
            id.is_some_and(|id| !shards.is_empty() && shards.contains(id, &self.hasher))
        };
        if is_in(&self.logins, credential.login.as_ref().map(LoginId::as_bytes))
            || is_in(&self.tokens, credential.token.as_ref().map(TokenId::as_bytes))
            || is_in(&self.sessions, credential.session.as_ref().map(half))
        {
            return Standing::Revoked;
        }
        if self.key_count().load(Ordering::Acquire) != 0
            && credential.key.is_some_and(|key| read(&self.keys).contains_key(key))
        {
            return Standing::Revoked;
        }
        if self.subject_count().load(Ordering::Acquire) != 0
            && let Some((subject, epoch)) = credential.subject
            && read(&self.subjects).get(subject).is_some_and(|(lowest, _)| epoch < *lowest)
        {
            return Standing::Outdated;
        }
        Standing::Good(NotRevoked::proven())
    }

    /// As [`standing`](Self::standing) for a credential that is asked about again and again: `cleared` remembers the
    /// version of the list at which it was last found good, and nothing is looked up until an entry comes.
    pub fn standing_since(&self, credential: &CredentialIds<'_>, cleared: &LastCleared) -> Standing {
        let version = self.version.load(Ordering::Acquire);
        if cleared.0.load(Ordering::Relaxed) == version {
            return Standing::Good(NotRevoked::proven());
        }
        let standing = self.standing(credential);
        if let Standing::Good(_) = standing {
            cleared.0.store(version, Ordering::Relaxed);
        }
        standing
    }

    /// Drops the entries whose last credential has expired. Returns how many went.
    pub fn purge(&self, now: Timestamp) -> u64 {
        let ids = [&self.logins, &self.sessions, &self.tokens];
        let mut gone: u64 = ids.into_iter().map(|shards| shards.purge(now)).sum();
        let mut subjects = write(&self.subjects);
        let before = subjects.len();
        subjects.retain(|_, (_, expiry)| !expiry.has_passed(now));
        gone += dropped(self.subject_count(), before - subjects.len());
        let mut keys = write(&self.keys);
        let before = keys.len();
        keys.retain(|_, expiry| !expiry.has_passed(now));
        gone + dropped(self.key_count(), before - keys.len())
    }

    /// How many entries there are.
    pub fn len(&self) -> u64 {
        let ids = [&self.logins, &self.sessions, &self.tokens].map(|shards| &shards.count);
        ids.into_iter().chain(&self.counts).map(|count| count.load(Ordering::Acquire)).sum()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn subject_count(&self) -> &AtomicU64 {
        let [subjects, _] = &self.counts;
        subjects
    }

    fn key_count(&self) -> &AtomicU64 {
        let [_, keys] = &self.counts;
        keys
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), count: AtomicU64::new(0) }
    }
}

impl Shards {
    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    fn insert(&self, id: &[u8; 16], expiry: Expiry, hasher: &RandomState) {
        let Some(shard) = self.shard(id, hasher) else { return };
        let mut ids = write(shard);
        let entry = ids.entry(*id).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Release);
            expiry
        });
        *entry = (*entry).max(expiry);
    }

    fn contains(&self, id: &[u8; 16], hasher: &RandomState) -> bool {
        self.shard(id, hasher).is_some_and(|shard| read(shard).contains_key(id))
    }

    fn purge(&self, now: Timestamp) -> u64 {
        let mut gone = 0;
        for shard in &self.shards {
            let mut ids = write(shard);
            let before = ids.len();
            ids.retain(|_, expiry| !expiry.has_passed(now));
            gone += dropped(&self.count, before - ids.len());
        }
        gone
    }

    /// By a keyed hash: nobody can choose identifiers that crowd one shard.
    fn shard(&self, id: &[u8; 16], hasher: &RandomState) -> Option<&RwLock<Ids>> {
        self.shards.get(hasher.hash_one(id) as usize % SHARDS)
    }
}

fn dropped(count: &AtomicU64, entries: usize) -> u64 {
    let entries = entries as u64;
    count.fetch_sub(entries, Ordering::Release);
    entries
}

/// What a session is found by here: 128 bits of its hash.
fn half(session: &SessionHash) -> &[u8; 16] {
    session.as_bytes().first_chunk().unwrap_or(&[0; 16])
}

/// A panic while a lock was held leaves a map that is whole: every change is one call of the map.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
