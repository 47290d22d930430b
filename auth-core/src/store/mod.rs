//! Where logins, sessions and the revocation log live, and the contract that every such place keeps.
//!
//! [`Store`] is three traits, because three parts of the crate use it and none of them needs the others:
//! [`LoginStore`], [`SessionStore`] and [`RevocationStore`]. One value implements all three, because ending a login
//! touches all three at once.
//!
//! # Contract
//!
//! Each method is atomic: it happens as a whole, before or after every other one, and once it returned `Ok` it
//! survives a crash of the process. An error means *unknown*: it happened or it did not, never in part.
//!
//! - **Time** is the `now` of the call. A store that runs on a server of its own and is shared by many nodes measures
//!   with that server's clock instead, so that the nodes need not agree.
//! - **Expiry**: a login is gone from the instant `expires_at` or `idle_expires_at`, whichever is earlier, whether or
//!   not it was purged. Nothing returns, renews, counts or lists it, and its id is free. The same holds for sessions
//!   and log entries. So [`LoginStore::purge`] changes nothing that a caller can see.
//! - **No resurrection**: nothing but [`LoginStore::create_login`] and [`SessionStore::create_session`] makes a row.
//!   Every other write changes a row that exists or does nothing, and says which.
//! - **Ending is logged**: whatever ends logins deletes their rows and their sessions and appends one entry for each
//!   to the log, in the same step. An ended login can not be there while its entry is missing, or the reverse.
//! - **The log is ordered**: sequence numbers rise, and an entry never becomes visible after one with a higher number.
//! - **Nothing secret is stored**: session ids and refresh secrets arrive as hashes.
//!
//! With the feature `testing`, [`store_contract!`](crate::store_contract) runs these rules against any implementation.

mod error;
pub mod memory;
mod row;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::fmt::Debug;
use std::num::NonZeroU32;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};

pub use error::StoreError;
pub use row::{
    Confirmation, Created, EndReason, Family, LogEntry, LogPage, LoginKind, LoginRow, Revoked, Rotation,
    SavedSession, SecretHash, SessionHash, SessionRow, Touch,
};

/// Everything an authenticator needs of a store.
pub trait Store: LoginStore + SessionStore + RevocationStore {}

impl<T: LoginStore + SessionStore + RevocationStore + ?Sized> Store for T {}

/// Logins of both kinds.
#[async_trait]
pub trait LoginStore: Debug + Send + Sync + 'static {
    /// Whether what is stored outlives the process.
    fn is_durable(&self) -> bool {
        true
    }

    /// Adds a login, and with `session` the session that carries it, unless `limit` forbids.
    ///
    /// `session` carries the new login, whatever its own `login` says. `replaces` is a login of any subject that ends
    /// in the same step ([`EndReason::Replaced`]) if it is live. The limit counts the subject's live logins without
    /// that one; the count is exact under any concurrency. Evicted are the oldest; of equal age, the smaller id first.
    ///
    /// Returns what was evicted, oldest first, or else that an id is taken (this comes first) or the limit reached:
    /// then nothing was done, and nothing ended either. A live session that `replaces` would end still counts as
    /// having its id.
    ///
    /// `log_until` is how long entries for ended logins must live.
    async fn create_login(
        &self,
        login: &LoginRow,
        session: Option<&SessionRow>,
        replaces: Option<LoginId>,
        limit: Option<Limit>,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Created, StoreError>;

    /// The login with that id, if it is live.
    async fn load_login(&self, id: LoginId, now: Timestamp) -> Result<Option<LoginRow>, StoreError>;

    /// The live logins of a subject, newest first; of equal age, the larger id first.
    async fn list_logins(&self, subject: &Subject, now: Timestamp) -> Result<Vec<LoginRow>, StoreError>;

    /// Ends one login of `subject`. `false` when the subject has no such live login: then nothing was done or logged.
    async fn end_login(
        &self,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends all live logins of a subject but `keep`, in one step; returns their ids, oldest first.
    async fn end_logins(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<LoginId>, StoreError>;

    /// The happy path of a rotation, in one conditional statement: if the login is live, its family's current
    /// generation, branch and hash are `rotation`'s, and `grace` or more has passed since its last rotation, then the
    /// successor becomes the current one, unconfirmed, the presented one the previous one, and `rotated_at` is now.
    /// A last rotation in the future (a clock that went back) counts as being within the grace. A rotation is a use:
    /// it moves `last_seen_at` to now, never back, and sets `idle_expires_at`, at most to `expires_at`.
    ///
    /// Returns the row after the change, or `None`: then nothing changed, for whichever reason.
    async fn rotate(&self, rotation: &Rotation, now: Timestamp) -> Result<Option<LoginRow>, StoreError>;

    /// Sets the family of a live login to `new` if its generation, branch, nonce and `confirmed` are still those of
    /// `expected`. Returns whether it did.
    async fn swap_family(
        &self,
        id: LoginId,
        expected: &Family,
        new: &Family,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Marks rotations as confirmed whose generation and branch are still current; the others are ignored.
    async fn confirm(&self, confirmations: &[Confirmation], now: Timestamp) -> Result<(), StoreError>;

    /// Moves `last_seen_at` and `idle_expires_at` of live logins forward, never back.
    async fn touch(&self, touches: &[Touch], now: Timestamp) -> Result<(), StoreError>;

    /// Replaces the stored claims of a live login, unless they were made under a later epoch. Returns whether it did.
    async fn save_claims(
        &self,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
        loaded_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The epoch of a subject: zero until it is raised.
    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError>;

    /// Counts the epoch of a subject up by one, logs it until `log_until`, and returns the new one.
    async fn raise_epoch(
        &self,
        subject: &Subject,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Deletes what has expired: logins with their sessions, sessions, log entries. Expiry logs nothing, and numbers
    /// of the log are never used again. Returns how many logins went. It may work in several steps, so that nothing
    /// waits long for it.
    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// The data of sessions, signed in or not.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Adds a session that carries no login, whatever its own `login` says. `false`: the id is taken, and nothing was
    /// done.
    async fn create_session(&self, session: &SessionRow, now: Timestamp) -> Result<bool, StoreError>;

    /// The session with that id, and the login it carries. `None` when it is not there or has expired, or when it
    /// carries a login that is not live.
    async fn load_session(
        &self,
        id: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<(SessionRow, Option<LoginRow>)>, StoreError>;

    /// Replaces the data of a session if it is still there at `expected_version`; the version then goes up by one.
    async fn save_session(
        &self,
        id: &SessionHash,
        data: &[u8],
        expected_version: u64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<SavedSession, StoreError>;

    /// Gives a live session a new id, its data unchanged and its version up by one; the old id is dead at once.
    /// `false` when the session is gone or the new id is taken.
    async fn rename_session(
        &self,
        old: &SessionHash,
        new: &SessionHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes a session that carries no login; one that carries a login ends through the login and is left alone.
    async fn delete_session(&self, id: &SessionHash) -> Result<(), StoreError>;
}

/// The numbered log of what was revoked.
#[async_trait]
pub trait RevocationStore: Debug + Send + Sync + 'static {
    /// Appends an entry and returns its number. An entry for a thing that has one already is appended again: readers
    /// apply entries idempotently.
    async fn append(
        &self,
        revoked: &Revoked,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// The live entries after `after`, in order, at most `most` of them, and the number of the last entry that was ever
    /// appended. Fewer than `most` entries: there is nothing more up to that number.
    async fn entries(&self, after: u64, most: u32, now: Timestamp) -> Result<LogPage, StoreError>;

    /// Whether a live entry says that `revoked` is revoked; for a subject, whether its logged epoch is above the one
    /// in `revoked`. Asked only when a node's own list is too old.
    async fn is_revoked(&self, revoked: &[Revoked], now: Timestamp) -> Result<bool, StoreError>;

    /// Waits until the log may have grown past `after`. Only a wake-up: it may return early, and may miss what other
    /// processes append; the caller polls too. What was appended through this value or a clone of it is never missed,
    /// be it before or after the call.
    async fn changed(&self, after: u64);
}

/// How many live logins a subject may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most that may be live at once, the new one included.
    pub most: NonZeroU32,
    /// What happens to one more.
    pub exceeded: OnLimit,
}

impl Limit {
    /// How many of `live` logins must end for one more; `None` when it is the new one that must not be.
    pub(crate) fn surplus(self, live: usize) -> Option<usize> {
        let most = usize::try_from(self.most.get()).unwrap_or(usize::MAX);
        let surplus = live.saturating_add(1).saturating_sub(most);
        match self.exceeded {
            OnLimit::RefuseNew if surplus > 0 => None,
            OnLimit::RefuseNew | OnLimit::EndOldest => Some(surplus),
        }
    }
}

/// What happens when a subject signs in once more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLimit {
    /// The oldest logins end ([`EndReason::Evicted`]).
    EndOldest,
    /// The new login is refused.
    RefuseNew,
}
