//! Storage of logins, sessions, the revocation log and small documents, and the contract that every store keeps.
//!
//! An application chooses a store and passes it to the builder:
//! [`MemoryStore`](memory::MemoryStore) for tests and demonstrations, `sqlite::SqliteStore` (feature `sqlite`), which is
//! durable and for one machine, or, for any number of nodes, `postgres::PostgresStore` (feature `postgres`) or
//! `redis::RedisStore` (feature `redis`).
//!
//! ```
//! use auth_core::jwt::{Algorithm, KeyRing};
//! use auth_core::store::memory::MemoryStore;
//! use auth_core::{Authenticator, Claims};
//!
//! #[derive(Claims)]
//! #[claims(issuer = "https://shop.example", audience = "shop")]
//! struct ShopUser {
//!     #[claim(subject)]
//!     name: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), auth_core::ConfigError> {
//! let auth = Authenticator::<ShopUser>::builder()
//!     .keys(KeyRing::generate(Algorithm::ES256)?)
//!     .store(MemoryStore::new())
//!     .build()
//!     .await?;
//! # let _ = auth;
//! # Ok(())
//! # }
//! ```
//!
//! The rest of this page is for authors of stores. [`Store`] consists of five traits, because five parts of the crate
//! use it and none of them needs the others. One type implements all of them, because ending a login changes rows,
//! sessions and the log in one step. `testing::contract` (feature `testing`) tests a store against the contract below.
//!
//! # How to implement the traits
//!
//! The methods are `async fn`s. An authenticator shares a store as `Arc<dyn Store>`, for which Rust does not accept
//! `async fn`s in a trait; therefore the traits, and implementations of them, have the attribute `#[async_trait]` of the
//! crate async-trait. This documentation shows what it makes of a method: lifetimes, and
//! `Pin<Box<dyn Future<Output = …>>>` in place of the result. Write methods as here:
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::{Mutex, PoisonError};
//!
//! use async_trait::async_trait;
//! use auth_core::clock::Timestamp;
//! use auth_core::store::{Document, DocumentStore, Realm, StoreError, Timed};
//!
//! #[derive(Debug, Default)]
//! struct Shelf {
//!     documents: Mutex<HashMap<(Realm, String), Document>>,
//! }
//!
//! impl Shelf {
//!     fn now(&self) -> Timestamp {
//!         // The time of the server.
//!         # Timestamp::UNIX_EPOCH
//!     }
//! }
//!
//! #[async_trait]
//! impl DocumentStore for Shelf {
//!     async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError> {
//!         let documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
//!         let found = documents.get(&(realm.clone(), name.to_owned())).cloned();
//!         Ok(Timed::new(found, self.now()))
//!     }
//!
//!     async fn save_document(
//!         &self,
//!         realm: &Realm,
//!         name: &str,
//!         expected: u64,
//!         bytes: &[u8],
//!     ) -> Result<Timed<bool>, StoreError> {
//!         if bytes.len() > 64 * 1024 {
//!             return Err(StoreError::new("the document is too long"));
//!         }
//!         let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
//!         let key = (realm.clone(), name.to_owned());
//!         let version = documents.get(&key).map_or(0, |document| document.version);
//!         if version == expected {
//!             documents.insert(key, Document { version: version + 1, bytes: bytes.to_vec() });
//!         }
//!         Ok(Timed::new(version == expected, self.now()))
//!     }
//! }
//! # let _ = Shelf::default();
//! ```
//!
//! # Terms
//!
//! - **Realm**: the namespace of everything below. What is in one realm does not exist for another. Two
//!   authenticators with the same realm are two nodes of one service.
//! - **Partition**: the part of the store that contains everything of a subject: its record, logins, sessions and log
//!   entries. A store has a fixed number of partitions, [`LoginStore::partitions`]; login ids and session keys
//!   contain the partition ([`Partition::of_login`]). Log entries about keys and the floor, and documents, are in
//!   partition 0. A call looks only in the partition that an id or session key names. To create a login, or its
//!   session, in another partition than the subject's is a mistake, which a store may answer with an error.
//! - **Subject record**: `epoch`, `outdated_below`, `ended_below`, `spared` (a login, or none) and `retention`. For a
//!   subject without a record, the first three are the floor; none of them ever counts as less than the floor.
//!   Records are never purged: there is at most one for each user.
//! - **Epoch**: a number of each subject that only rises, to `max(previous + 1, the store's time in milliseconds)`.
//! - **Floor**: a number of each realm; initially the time at which the realm was first used, in milliseconds.
//!   Everything whose epoch is below the floor is gone. Each partition has a copy. Partition 0 decides about the
//!   first floor; a call that sets or raises it raises the copies, and repeats that until they agree.
//! - **Numbers**: times and epochs in milliseconds are exact below 2^53. A store may replace a longer duration by
//!   2^52 milliseconds.
//! - **Retention**: the longest time for which credentials of a login can outlive its end. It is part of the row; the
//!   largest one is part of the subject record. A log entry about the login or its session is kept for the retention
//!   of the row, an entry about the subject or a token for the retention of the record, and each at least for the
//!   retention that the caller passes: nodes may have different ones.
//!
//! # Live, outdated and gone
//!
//! - A login is **live** when its row exists, it has not expired, `begun_under ≥ floor`, and `begun_under ≥
//!   ended_below` or it is `spared`. Every call that reads, counts, renews or changes logins checks this itself; rows
//!   are deleted later, by purging. A session is live when it has not expired itself, and the login that it carries,
//!   if any, is live.
//! - A credential of a live login is **outdated** when the epoch of its claims is below `outdated_below`.
//! - Everything else is **gone**.
//!
//! # Several nodes and servers
//!
//! The following properties of PostgreSQL and Redis are the reasons for parts of the contract.
//!
//! - *A partition contains everything that one step needs.* A step in Redis Cluster is a script whose keys are in one
//!   slot. So the partition of a log entry must be known when it is written back ([`Revoked::partition`]):
//!   [`Revoked::Session`] and [`Revoked::Token`] contain it, because it cannot be derived from a hash, and a token is
//!   looked up together with its subject. The name of the realm must not influence the slot, because the id of a
//!   login is unique in all realms.
//! - *Numbers are exact below 2^53*, because scripts compute with doubles.
//! - *If the floor differed between partitions*, the new logins of some subjects would be gone at once, because nodes
//!   know one floor only.
//! - *Lock first, then read the time, then read the rows.* In PostgreSQL a statement sees what was committed when it
//!   began, not when it got its lock. A step that had to wait reads again in a new statement; otherwise a limit would
//!   not be exact, and the loser of a concurrent rotation would not be answered with the winner's row. For the same
//!   reason a rotation locks the row before it reads the time, and a count locks the rows that it finds idle for too
//!   long: a rotation that found such a login live, and has not committed yet, takes effect first. The order of locks
//!   is the record, then rows.
//! - *Readers cannot rely on the numbers of log entries.* Transactions of PostgreSQL commit in another order than
//!   they draw numbers. A cursor contains the transactions that were in progress, and a mark. The end of the range
//!   that a page was read from is not the end of the log, so [`Page::has_more`] may be `true` although nothing
//!   follows.
//! - *An incarnation* ends with a crash, because the numbers of transactions that were not durable are used again. It
//!   also ends with a restart, because the files may be a copy. To read the log again from its start costs little.
//! - *A server that is cut off from the others* must not answer: a replica or standby refuses
//!   [`RevocationStore::page`] and [`RevocationStore::standing`], and where replicas are required, a primary without
//!   replicas refuses every call.
//! - *A server that evicts data* when memory is short would forget that logins ended, so a store refuses to use it.
//!
//! # Contract
//!
//! - **Steps.** Each call is atomic and serialisable: it takes effect as a whole, before or after every other call,
//!   or not at all. Once it has returned `Ok`, its effect survives a crash of the process. After an error the result
//!   is *unknown*: the call took effect as a whole or not at all. The same is true of a call whose future was
//!   dropped. Calls that concern several partitions ([`LoginStore::touch`], [`FamilyStore::confirm`],
//!   [`RevocationStore::page`], [`RevocationStore::write_back`], [`RevocationStore::declare_restored`], and
//!   [`RevocationStore::standing`] of a key) are one step in each partition; [`LoginStore::purge`] may be any number
//!   of steps. These calls can be repeated.
//! - **Time** is the store's: rows and comparisons use only its clock. A step reads it when it runs, after it got the
//!   last lock that it waited for, and not when the request arrived. Callers pass durations. Each answer contains the
//!   time at which it was true ([`Timed`]). Partitions may be on servers with different clocks: the clock of its
//!   partition decides about a subject, and a page contains the earliest time.
//! - **Expiry**: a login has expired from the instant `expires_at` or `idle_expires_at` on, whichever is earlier,
//!   whether or not its row was purged; the same is true of sessions. Log entries are kept, returned and applied for
//!   [`LogEntry::MARGIN`] longer than their `expires_at`, so that a clock that steps forward and back loses none.
//! - **No resurrection**: only [`LoginStore::create`] and [`SessionStore::create_session`] create rows. Every other
//!   write changes a live row, or does nothing and says so. The id of a login that is not live is taken as long as
//!   its row exists.
//! - **Ends are logged**: a call that ends something appends the log entry about it in the same step, and returns it
//!   as [`Logged`]. A session that carries no login is not logged, neither when it is deleted nor when its hash
//!   changes, because nodes do not cache it.
//! - **The log**: every entry that was committed before the call of [`RevocationStore::page`] is in that page, or in
//!   one that an earlier cursor led to; entries may be repeated. A cursor names the last entry that was returned, by
//!   its mark, and contains its expiry. A store that does not have the mark (because it was emptied, restored or
//!   replaced, or has another incarnation) answers from the start of the log and says so in [`Page::reset`]. If the
//!   entry had expired, it says that the entry may have been purged, which is harmless. Purging never removes the
//!   newest entry of a partition, so the cursor of a reader that has read everything stays valid.
//! - **No secrets are stored**: session ids and refresh secrets are passed as hashes.

mod error;
mod hash;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod hex;
mod log;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
mod reason;
#[cfg(feature = "redis")]
pub mod redis;
mod row;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Position, Subject, TokenId};

pub use error::StoreError;
pub use hash::SecretHash;
pub use log::{Cursor, Ids, LogEntry, Mark, Page, Reset, Revoked, Standing};
pub use reason::EndReason;
pub use row::{
    Created, Document, EndedAll, Family, GraceStart, ListCursor, LiveLogin, Logged, LoginRow, NewLogin,
    NewSession, Partition, Realm, Renamed, Rotated, Rotation, SessionKey, SessionRow, Ticket, Timed, Touch,
};

/// Everything that an authenticator needs of a store. Implemented for every type that implements the five traits.
pub trait Store: LoginStore + FamilyStore + SessionStore + RevocationStore + DocumentStore {}

impl<T: LoginStore + FamilyStore + SessionStore + RevocationStore + DocumentStore + ?Sized> Store for T {}

/// Logins of both kinds, and the records of their subjects.
#[async_trait]
pub trait LoginStore: Debug + Send + Sync + 'static {
    /// Whether the data outlives the process. Default: `true`.
    fn is_durable(&self) -> bool {
        true
    }

    /// The number of partitions, which never changes; at most 256. Default: 1.
    fn partitions(&self) -> NonZeroU32 {
        NonZeroU32::MIN
    }

    /// A ticket with the subject's current epoch, with which a login can be created.
    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Result<Timed<Ticket>, StoreError>;

    /// Creates a login with a ticket of its subject, and with `session` the session that carries it.
    ///
    /// The conditions are checked in this order: the result is [`Created::Outdated`] unless the subject's epoch is
    /// still the ticket's and the ticket is at most as old as its `lifetime`; [`Created::IdTaken`] when a row with
    /// the login's id (in any realm) or the session's hash (in the realm and partition) exists;
    /// [`Created::LimitReached`] when the limit refuses the login. In these cases nothing changes and no login ends.
    ///
    /// The limit counts the live logins of the subject without the one that is replaced ([`NewLogin::replaces`]); the
    /// count is exact under any concurrency. The oldest logins are evicted first (by `created_at`, then id). Each
    /// replaced or evicted login has its own log entry, which is kept for the retention of its row or of the new
    /// login, whichever is longer.
    ///
    /// `begun_under` and `epoch` of the row are the ticket's epoch. Its times are the store's time plus the
    /// durations; `idle_expires_at` is at most `expires_at`. The record's `retention` rises to the login's.
    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError>;

    /// The login with this id, if it is live, with the state of its subject.
    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError>;

    /// Lists at most `most` of the subject's live logins after `after`, newest first (`created_at`, then id, both
    /// descending).
    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Result<Timed<Vec<LiveLogin>>, StoreError>;

    /// Ends a live login of the subject and logs that ([`Revoked::Login`]) for `retention` or the row's retention,
    /// whichever is longer. Tickets stay valid. Returns the log entry, or `None` when the subject has no live login
    /// with this id; then nothing changes.
    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Result<Timed<Option<Logged>>, StoreError>;

    /// Ends all logins of the subject: the epoch rises, `ended_below` becomes the new epoch, and `spared` becomes
    /// `except` if that is a live login of the subject, otherwise none. This is one write and one log entry
    /// ([`Revoked::AllEnded`]), however many logins there are. It happens also when there are none, so that sign-ins
    /// in progress are refused. The entry is kept for the larger of the record's retention and `retention`.
    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Result<Timed<EndedAll>, StoreError>;

    /// Records that the subject's claims changed: the epoch rises, `outdated_below` becomes the new epoch, and this
    /// is logged ([`Revoked::ClaimsChanged`]) for the larger of the record's retention and `retention`. Returns the
    /// new epoch.
    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError>;

    /// Replaces the claims of a live login by those that were loaded under `epoch`, and sets `claims_loaded_at` to
    /// the store's time. Returns `false`, and changes nothing, when the login is not live, or has claims that were
    /// loaded under a later epoch.
    async fn save_claims(
        &self,
        realm: &Realm,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
    ) -> Result<Timed<bool>, StoreError>;

    /// Moves `last_seen_at` and `idle_expires_at` of live logins forward, never back, and `idle_expires_at` at most
    /// to `expires_at`. Logins that are not live are ignored.
    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Result<Timed<()>, StoreError>;

    /// Deletes rows that are no longer live, of every realm, and log entries that expired more than [`LogEntry::MARGIN`]
    /// ago, except the newest entry of a partition. The only visible effect is that ids become free. It works in
    /// small steps, so that other calls do not wait long. Returns the number of deleted logins.
    async fn purge(&self) -> Result<Timed<u64>, StoreError>;
}

/// Refresh token families: the changes that rotation makes.
#[async_trait]
pub trait FamilyStore: Debug + Send + Sync + 'static {
    /// Rotates the current token, in one conditional step and one round trip. This is the common case; the caller
    /// handles every other.
    ///
    /// The condition is that the login is live, the current position and hash of its family are those of `rotation`,
    /// and `grace` or more has passed since the last rotation. A last rotation in the future counts as within the
    /// grace period.
    ///
    /// Then the successor (generation + 1, branch 0) becomes the current token, unconfirmed, and the presented token
    /// becomes the previous one. `shared` is kept if the family was `counted` and otherwise becomes zero; `counted`
    /// becomes `false`. `rotated_at` and `last_seen_at` become the store's time, `idle_expires_at` becomes that time
    /// + `idle`, at most `expires_at`, and `retention` (of row and record) rises to the rotation's.
    ///
    /// Otherwise nothing changes, and the live login is returned as the preceding calls left it, if there is one. The
    /// state of the subject is read in the same step: an access token is issued under that epoch, never a later one.
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError>;

    /// Compare and swap: sets the family of a live login to `new` if it still equals `expected` in every field. With
    /// [`GraceStart::Now`], `rotated_at` becomes the store's time, with [`GraceStart::Keep`] it stays;
    /// `new.rotated_at` is ignored. `retention` is how long credentials issued from now on can outlive the login's
    /// end: the retention of row and record rises to it. Returns the login after the change, or `None` when nothing
    /// changed.
    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError>;

    /// Marks the current tokens of these live logins as confirmed, because an access token of this position was used.
    /// Other positions and logins are ignored.
    async fn confirm(&self, realm: &Realm, used: &[(LoginId, Position)]) -> Result<Timed<()>, StoreError>;
}

/// Sessions and their data, with or without a login.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Creates a session that carries no login. Returns `false`, and changes nothing, when the hash is taken.
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Result<Timed<bool>, StoreError>;

    /// The session with this key, if it is live, and the live login that it carries.
    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Result<Timed<Option<(SessionRow, Option<LiveLogin>)>>, StoreError>;

    /// Compare and swap: replaces the data of a live session if its version still is `expected_version`. The version then
    /// rises by one, and the session expires `lifetime` from now. Returns `false`, and changes nothing, when the session
    /// has another version or is not live.
    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Result<Timed<bool>, StoreError>;

    /// Replaces the hash of a live session, in the same partition. Its data stay, its version rises by one, and the
    /// old hash is invalid at once. If the session carries a login, the old hash is logged ([`Revoked::Session`]) in
    /// the same step, for `retention` or the login's retention, whichever is longer. The result is
    /// [`Renamed::Refused`], and nothing changes or is logged, when the session is not live or the new hash is taken.
    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SecretHash,
        retention: Duration,
    ) -> Result<Timed<Renamed>, StoreError>;

    /// Deletes a session that carries no login. A session that carries a login ends with the login, and is not
    /// changed here.
    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Result<Timed<()>, StoreError>;
}

/// The revocation log, and the query for one credential, which is used when a node's list is too old.
#[async_trait]
pub trait RevocationStore: Debug + Send + Sync + 'static {
    /// Logs that an access token of the subject is revoked, for `retention` or the record's retention, whichever is
    /// longer.
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Result<Timed<Logged>, StoreError>;

    /// Logs that everything that a key signed is revoked. The entry never expires.
    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Result<Timed<Logged>, StoreError>;

    /// The entries after the cursor, at most `most` of each partition, the next cursor, and the floor. It is an error
    /// on a replica.
    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32)
    -> Result<Timed<Page>, StoreError>;

    /// The state of a credential according to rows, records and log, read in one step. If the ids name a login that
    /// is not live, the credential is gone; the same is true of a session. It is an error on a replica.
    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Result<Timed<Standing>, StoreError>;

    /// Applies and appends the entries whose marks the log does not have; each keeps its mark. An entry about a login
    /// ends its row, an entry about a session deletes its row, and thresholds only rise. No login becomes live again:
    /// a login stays `spared` only if it was live and neither the record's nor the entry's end of all logins ends it.
    /// Nodes call this when a store lost acknowledged writes that they know. Entries whose mark is in the log, and
    /// [`Revoked::Unknown`], are ignored.
    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Result<Timed<()>, StoreError>;

    /// Ends everything in the realm, after the store was restored: sets the floor, in all partitions, to the largest
    /// of the store's time in milliseconds, the highest stored epoch of the realm (including the floor) + 1, and
    /// `instant`, and logs it ([`Revoked::Floor`], which never expires). All users must sign in again. Returns the
    /// floor, and the entry in partition 0.
    async fn declare_restored(
        &self,
        realm: &Realm,
        instant: Option<Timestamp>,
    ) -> Result<Timed<(u64, Logged)>, StoreError>;

    /// A channel whose value changes after each commit that appended to the log. It is only a hint: it may miss
    /// entries of other processes.
    fn wake_ups(&self) -> watch::Receiver<u64>;
}

/// Small documents that all nodes share, such as encrypted keys.
#[async_trait]
pub trait DocumentStore: Debug + Send + Sync + 'static {
    /// The document with this name, with its version.
    async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError>;

    /// Compare and swap: writes the document if its version still is `expected` (0: there is no document); the
    /// version then rises by one. Returns `false`, and changes nothing, if it is not. More than 64 KiB are an error.
    async fn save_document(
        &self,
        realm: &Realm,
        name: &str,
        expected: u64,
        bytes: &[u8],
    ) -> Result<Timed<bool>, StoreError>;
}

/// The maximum number of live logins of a subject, including a new one, and what happens when a sign-in exceeds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The oldest logins end ([`EndReason::Evicted`]).
    EvictOldest(NonZeroU32),
    /// The new login is refused.
    Refuse(NonZeroU32),
}

impl Limit {
    /// The maximum number of live logins.
    pub const fn most(self) -> NonZeroU32 {
        match self {
            Self::EvictOldest(most) | Self::Refuse(most) => most,
        }
    }

    /// How many of `live` logins must end so that a new one can begin; `None` when the new one is refused.
    pub fn surplus(self, live: usize) -> Option<usize> {
        let most = usize::try_from(self.most().get()).unwrap_or(usize::MAX);
        let surplus = live.saturating_add(1).saturating_sub(most);
        match self {
            Self::Refuse(_) if surplus > 0 => None,
            Self::Refuse(_) | Self::EvictOldest(_) => Some(surplus),
        }
    }
}
