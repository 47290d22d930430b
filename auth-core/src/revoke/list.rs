//! The revocation list: the exact set of what was revoked, in memory.
//!
//! An entry is kept until the last credential that it concerns has expired, so the size of the list is bounded by the
//! lifetime of the credentials, and not by history. A look-up costs one hash and one probe, and one atomic load while
//! nothing is revoked.

use std::hash::{BuildHasher as _, Hash};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{
    EndReason, Ids as CredentialIds, LogEntry, Mark, Partition, Revoked, SessionKey, StoreError,
};

/// The number of shards: enough that writers rarely block readers; a power of two.
const SHARDS: usize = 64;

type Ids<K> = HashMap<K, Expiry, RandomState>;

/// Seconds since the Unix epoch, rounded up: an entry may be kept a second longer, never shorter. Sufficient until
/// the year 2106.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Expiry(u32);

impl Expiry {
    /// Of what never was.
    const PASSED: Self = Self(0);

    /// Includes the margin for which entries are applied after their expiry.
    fn of(expires_at: Timestamp) -> Self {
        let seconds = expires_at.after(LogEntry::MARGIN).millis().saturating_add(999).div_euclid(1000);
        Self(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
    }

    const fn has_passed(self, now: Timestamp) -> bool {
        now.seconds() >= self.0 as i64
    }

    /// When the entry expires, without the margin.
    fn expires_at(self) -> Timestamp {
        match self.0 {
            u32::MAX => LogEntry::NEVER,
            seconds => Timestamp::from_seconds(i64::from(seconds)).before(LogEntry::MARGIN),
        }
    }
}

/// The thresholds of a subject.
#[derive(Clone, Debug)]
struct SubjectEntry {
    /// Logins that began below this epoch have ended, except the spared one.
    ended_below: u64,
    spared: Option<LoginId>,
    /// When the last entry about ended logins expires. The two are kept apart, because the store's log drops each of
    /// them at its own time, and what it dropped then is not missing from it.
    ended_until: Expiry,
    /// Claims from below this epoch are outdated.
    outdated_below: u64,
    /// When the last entry about changed claims expires.
    outdated_until: Expiry,
}

impl SubjectEntry {
    /// Without a threshold.
    const NONE: Self = Self {
        ended_below: 0,
        spared: None,
        ended_until: Expiry::PASSED,
        outdated_below: 0,
        outdated_until: Expiry::PASSED,
    };

    fn has_passed(&self, now: Timestamp) -> bool {
        self.ended_until.has_passed(now) && self.outdated_until.has_passed(now)
    }
}

/// Identifiers of one kind.
#[derive(Debug)]
struct Shards<K> {
    shards: Vec<RwLock<Ids<K>>>,
    /// The number of entries, so that a look-up while there are none costs a load and no lock.
    count: AtomicU64,
}

/// What was revoked, as far as this node knows.
#[derive(Debug)]
pub struct RevocationList {
    logins: Shards<[u8; 16]>,
    sessions: Shards<SessionKey>,
    tokens: RwLock<HashMap<TokenId, (Partition, Expiry), RandomState>>,
    subjects: RwLock<HashMap<Subject, SubjectEntry, RandomState>>,
    keys: RwLock<HashMap<KeyId, Expiry, RandomState>>,
    /// The number of entries in `subjects`, `keys` and `tokens`, for the same reason.
    counts: [AtomicU64; 3],
    /// Everything whose epoch is below this is revoked.
    floor: AtomicU64,
    /// Until when the list is incomplete because of entries that this version does not know; milliseconds since the
    /// Unix epoch.
    incomplete_until: AtomicI64,
    /// Rises with each entry, after the entry was added.
    version: AtomicU64,
    hasher: RandomState,
}

/// The version of the list at which a credential was last found not to be revoked; initially no version.
#[derive(Debug)]
pub struct LastCleared(AtomicU64);

impl Default for LastCleared {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

/// Proof that a credential was looked up and is not revoked. It is made only after a look-up in the list or the
/// store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRevoked(());

impl NotRevoked {
    /// For this module only, after a look-up found nothing.
    pub(super) const fn proven() -> Self {
        Self(())
    }
}

/// The state of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Cleared {
    /// It is not revoked.
    Good(NotRevoked),
    /// Its login, session, token or key, or all logins of its subject, were ended or revoked.
    Gone,
    /// The claims of the subject changed after it was issued: a token is refused, a session loads its claims again.
    Outdated,
}

impl Default for RevocationList {
    fn default() -> Self {
        Self {
            logins: Shards::default(),
            sessions: Shards::default(),
            tokens: RwLock::default(),
            subjects: RwLock::default(),
            keys: RwLock::default(),
            counts: [const { AtomicU64::new(0) }; 3],
            floor: AtomicU64::new(0),
            incomplete_until: AtomicI64::new(i64::MIN),
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

    /// Applies an entry. Entries may be applied repeatedly and in any order: the latest expiry and the highest epochs
    /// stay.
    pub fn insert(&self, revoked: &Revoked, expires_at: Timestamp) {
        let expiry = Expiry::of(expires_at);
        match revoked {
            Revoked::Login(login, _) => self.logins.insert(login.as_bytes(), expiry, &self.hasher),
            Revoked::Session(session) => self.sessions.insert(session, expiry, &self.hasher),
            Revoked::Token(partition, token) => {
                let mut tokens = write(&self.tokens);
                let entry = tokens.entry(*token).or_insert_with(|| {
                    self.token_count().fetch_add(1, Ordering::Release);
                    (*partition, expiry)
                });
                entry.1 = entry.1.max(expiry);
            }
            Revoked::AllEnded { subject, below, spared } => self.with_subject(subject, |entry| {
                if *below > entry.ended_below {
                    (entry.ended_below, entry.spared) = (*below, *spared);
                }
                entry.ended_until = entry.ended_until.max(expiry);
            }),
            Revoked::ClaimsChanged { subject, below } => self.with_subject(subject, |entry| {
                entry.outdated_below = entry.outdated_below.max(*below);
                entry.outdated_until = entry.outdated_until.max(expiry);
            }),
            Revoked::Key(key) => {
                let mut keys = write(&self.keys);
                let entry = keys.entry_ref(key).or_insert_with(|| {
                    self.key_count().fetch_add(1, Ordering::Release);
                    expiry
                });
                *entry = (*entry).max(expiry);
            }
            Revoked::Floor(floor) => self.raise_floor(*floor),
            Revoked::Unknown => {
                let until = expires_at.after(LogEntry::MARGIN).millis();
                self.incomplete_until.fetch_max(until, Ordering::Release);
            }
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Raises the floor: everything whose epoch is below it is revoked. A lower floor has no effect.
    pub fn raise_floor(&self, floor: u64) {
        if self.floor.fetch_max(floor, Ordering::AcqRel) < floor {
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Whether this version knows the kinds of all entries.
    pub fn is_complete(&self, now: Timestamp) -> bool {
        self.is_complete_at(|| now)
    }

    /// The same as [`is_complete`](Self::is_complete), but reads the clock only if there was an unknown entry.
    pub(super) fn is_complete_at(&self, now: impl FnOnce() -> Timestamp) -> bool {
        let until = self.incomplete_until.load(Ordering::Acquire);
        until == i64::MIN || now().millis() >= until
    }

    /// Applies entries of the log.
    pub fn apply(&self, entries: &[LogEntry]) {
        entries.iter().for_each(|entry| self.insert(&entry.revoked, entry.expires_at));
    }

    /// The state of a credential.
    pub fn check(&self, credential: &CredentialIds<'_>) -> Cleared {
        let login = credential.login.as_ref().map(LoginId::as_bytes);
        if self.logins.has(login, &self.hasher)
            || self.sessions.has(credential.session.as_ref(), &self.hasher)
        {
            return Cleared::Gone;
        }
        if self.token_count().load(Ordering::Acquire) != 0
            && credential.token.is_some_and(|token| read(&self.tokens).contains_key(&token))
        {
            return Cleared::Gone;
        }
        if self.key_count().load(Ordering::Acquire) != 0
            && credential.key.is_some_and(|key| read(&self.keys).contains_key(key))
        {
            return Cleared::Gone;
        }
        match credential.subject {
            Some((subject, epoch)) => self.check_subject(credential, subject, epoch),
            None => Cleared::Good(NotRevoked::proven()),
        }
    }

    fn check_subject(&self, credential: &CredentialIds<'_>, subject: &Subject, epoch: u64) -> Cleared {
        // If the epoch under which the login began is unknown, the epoch of its claims, which is not lower, is used.
        let begun = credential.begun_under.unwrap_or(epoch);
        if begun < self.floor.load(Ordering::Acquire) {
            return Cleared::Gone;
        }
        if self.subject_count().load(Ordering::Acquire) != 0
            && let Some(entry) = read(&self.subjects).get(subject)
        {
            let is_spared = entry.spared.is_some() && entry.spared == credential.login;
            if begun < entry.ended_below && !is_spared {
                return Cleared::Gone;
            }
            if epoch < entry.outdated_below {
                return Cleared::Outdated;
            }
        }
        Cleared::Good(NotRevoked::proven())
    }

    /// The same as [`check`](Self::check), for a credential that is checked repeatedly: `last` remembers the version
    /// of the list at which it was last found not to be revoked, and nothing is looked up until an entry is added.
    pub fn check_since(&self, credential: &CredentialIds<'_>, last: &LastCleared) -> Cleared {
        let version = self.version.load(Ordering::Acquire);
        if last.0.load(Ordering::Relaxed) == version {
            return Cleared::Good(NotRevoked::proven());
        }
        let cleared = self.check(credential);
        if let Cleared::Good(_) = cleared {
            last.0.store(version, Ordering::Relaxed);
        }
        cleared
    }

    /// Entries for all that is known here and not in `other`, with marks of their own; what has expired is left out.
    pub(super) fn missing_from(&self, other: &Self, now: Timestamp) -> Result<Vec<LogEntry>, StoreError> {
        let mut missing = Vec::new();
        self.logins.for_each_missing_from(&other.logins, &other.hasher, |id, expiry| {
            let login = LoginId::from_bytes(*id);
            missing.push((Revoked::Login(login, EndReason::EndedRemotely), expiry));
        });
        self.sessions.for_each_missing_from(&other.sessions, &other.hasher, |key, expiry| {
            missing.push((Revoked::Session(*key), expiry));
        });
        for (token, (partition, expiry)) in &*read(&self.tokens) {
            if !read(&other.tokens).contains_key(token) {
                missing.push((Revoked::Token(*partition, *token), *expiry));
            }
        }
        for (subject, entry) in &*read(&self.subjects) {
            let there = read(&other.subjects);
            let there = there.get(subject).map_or((0, 0), |entry| (entry.ended_below, entry.outdated_below));
            let (subject, below) = (subject.clone(), entry.ended_below);
            if below > there.0 {
                let ended = Revoked::AllEnded { subject: subject.clone(), below, spared: entry.spared };
                missing.push((ended, entry.ended_until));
            }
            if entry.outdated_below > there.1 {
                let changed = Revoked::ClaimsChanged { subject, below: entry.outdated_below };
                missing.push((changed, entry.outdated_until));
            }
        }
        for (key, expiry) in &*read(&self.keys) {
            if !read(&other.keys).contains_key(key) {
                missing.push((Revoked::Key(key.clone()), *expiry));
            }
        }
        let floor = self.floor.load(Ordering::Acquire);
        if floor > other.floor.load(Ordering::Acquire) {
            missing.push((Revoked::Floor(floor), Expiry::of(LogEntry::NEVER)));
        }
        let live = missing.into_iter().filter(|(_, expiry)| !expiry.has_passed(now));
        live.map(|(revoked, expiry)| {
            Ok(LogEntry { mark: Mark::random()?, revoked, expires_at: expiry.expires_at() })
        })
        .collect()
    }

    /// Drops expired entries. Returns their number.
    pub fn purge(&self, now: Timestamp) -> u64 {
        let mut gone = self.logins.purge(now) + self.sessions.purge(now);
        let mut tokens = write(&self.tokens);
        let before = tokens.len();
        tokens.retain(|_, (_, expiry)| !expiry.has_passed(now));
        gone += dropped(self.token_count(), before - tokens.len());
        let mut subjects = write(&self.subjects);
        let before = subjects.len();
        subjects.retain(|_, entry| !entry.has_passed(now));
        gone += dropped(self.subject_count(), before - subjects.len());
        let mut keys = write(&self.keys);
        let before = keys.len();
        keys.retain(|_, expiry| !expiry.has_passed(now));
        gone + dropped(self.key_count(), before - keys.len())
    }

    /// The number of entries, without the floor.
    pub fn len(&self) -> u64 {
        let ids = [&self.logins.count, &self.sessions.count];
        ids.into_iter().chain(&self.counts).map(|count| count.load(Ordering::Acquire)).sum()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with_subject(&self, subject: &Subject, change: impl FnOnce(&mut SubjectEntry)) {
        let mut subjects = write(&self.subjects);
        let entry = subjects.entry_ref(subject).or_insert_with(|| {
            self.subject_count().fetch_add(1, Ordering::Release);
            SubjectEntry::NONE
        });
        change(entry);
    }

    fn subject_count(&self) -> &AtomicU64 {
        let [subjects, _, _] = &self.counts;
        subjects
    }

    fn key_count(&self) -> &AtomicU64 {
        let [_, keys, _] = &self.counts;
        keys
    }

    fn token_count(&self) -> &AtomicU64 {
        let [_, _, tokens] = &self.counts;
        tokens
    }
}

impl<K> Default for Shards<K> {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| RwLock::default()).collect(), count: AtomicU64::new(0) }
    }
}

impl<K: Copy + Eq + Hash> Shards<K> {
    fn insert(&self, id: &K, expiry: Expiry, hasher: &RandomState) {
        let Some(shard) = self.shard(id, hasher) else { return };
        let mut ids = write(shard);
        let entry = ids.entry(*id).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Release);
            expiry
        });
        *entry = (*entry).max(expiry);
    }

    fn has(&self, id: Option<&K>, hasher: &RandomState) -> bool {
        id.is_some_and(|id| {
            self.count.load(Ordering::Acquire) != 0
                && self.shard(id, hasher).is_some_and(|shard| read(shard).contains_key(id))
        })
    }

    fn for_each_missing_from(&self, other: &Self, hasher: &RandomState, mut each: impl FnMut(&K, Expiry)) {
        for shard in &self.shards {
            for (id, expiry) in &*read(shard) {
                if !other.has(Some(id), hasher) {
                    each(id, *expiry);
                }
            }
        }
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

    /// The shard of an identifier, by a keyed hash, so that nobody can choose identifiers that fill one shard.
    fn shard(&self, id: &K, hasher: &RandomState) -> Option<&RwLock<Ids<K>>> {
        self.shards.get(hasher.hash_one(id) as usize % SHARDS)
    }
}

fn dropped(count: &AtomicU64, entries: usize) -> u64 {
    let entries = entries as u64;
    count.fetch_sub(entries, Ordering::Release);
    entries
}

/// A panic while the lock is held leaves a valid map, because every change is one call of the map.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
