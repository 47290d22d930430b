//! Where logins, sessions, the revocation log and small documents live, and the contract that every such place keeps.
//!
//! [`Store`] is five traits, because five parts of the crate use it and none of them needs the others. One value
//! implements all of them, because ending a login touches rows, sessions and the log in one step.
//!
//! # Words
//!
//! - **Realm**: the namespace of everything below. What is in one realm does not exist for another; two authenticators
//!   of one realm are two nodes of one service.
//! - **Partition**: everything of one subject (record, logins, sessions, log entries) is in one. A store has a fixed
//!   number of them, [`LoginStore::partitions`]; login ids and session keys carry it ([`Partition::of_login`]). Entries
//!   about keys and the floor, and documents, are in partition 0. What is asked for in a partition is looked for there
//!   only: ids and hashes are taken, found and ended in the partition that they name. Making a login or its session in
//!   another partition than the subject's is a mistake, which a store may answer with an error.
//! - **Subject record**: `epoch`, `outdated_below`, `ended_below`, `spared` (a login, or none) and `retention`. A
//!   subject without a record has the floor in the first three, and none of them ever counts for less than the floor.
//!   Records are never purged: there is at most one for each user.
//! - **Epoch**: a number that only rises: `max(previous + 1, the store's time in milliseconds)`.
//! - **Floor**: a number of each realm; at first the time at which the realm was first used, in milliseconds.
//!   Everything whose epoch is below it is gone. Each partition keeps a copy. Partition 0 decides about the first one;
//!   whoever begins or raises it raises the others, and raises all again until they agree.
//! - **Numbers**: times and epochs in milliseconds are exact below 2^53. A store may take a longer duration for one of
//!   2^52 milliseconds.
//! - **Retention**: how long credentials of a login can outlive its end, at most; kept in the row, and the largest one
//!   in the record. An entry about the login or its session lives as long as the row's, one about the subject or a token as
//!   long as the record's, or as long as the caller's, whichever is longer: nodes may have different ones.
//!
//! # What is live, what is outdated, what is gone
//!
//! - A login is **live** when its row is there, it has not expired, `begun_under ≥ floor`, and
//!   `begun_under ≥ ended_below` or it is `spared`. Every call that reads, counts, renews or changes logins says so
//!   itself; deleting rows is tidying, done later. A session is live when its own expiry has not come, and the login
//!   that it carries, if any, is live.
//! - A credential of a live login is **outdated** when the epoch of its claims is below `outdated_below`.
//! - Everything else is **gone**.
//!
//! # Several nodes, several servers
//!
//! What follows comes from PostgreSQL and Redis, and is why the contract says what it says.
//!
//! - *A partition holds what one step needs.* A step of Redis Cluster is a script whose keys are in one slot. So an
//!   entry that is written back must say where it belongs ([`Revoked::partition`]): [`Revoked::Session`] and
//!   [`Revoked::Token`] carry it, as a hash does not tell; and a token is asked for together with its subject. The name of
//!   the realm has no part in choosing the slot, or the id of a login could not be taken in all realms.
//! - *Numbers are exact below 2^53*: scripts compute with doubles.
//! - *A floor that differs between partitions* would let the subjects of some sign in and be gone at once: nodes know
//!   one.
//! - *First the locks, then the time, then the reading.* In PostgreSQL a statement sees what was committed when it began,
//!   not when it got its lock. A step that waits reads again in a new statement: only so is a limit exact, and only so is
//!   who lost a rotation answered with the winner's row. For the same reason a rotation locks the row before it reads the
//!   time, and a count locks what it finds idle too long: a rotation that found the login live, and is not committed yet,
//!   goes before it. The order of locks is the record, then rows.
//! - *The log has no numbers that readers could count on.* Writers of PostgreSQL commit in another order than they
//!   number; a cursor holds what was in progress, and a mark. The end of what a page was cut from is not the end of the
//!   log, so [`Page::has_more`] may say so once too often.
//! - *An incarnation* ends with a crash, as transactions that were not durable leave their numbers to others; with a
//!   restart too, since the files may be a copy. Reading the log again from its start costs little.
//! - *A server that was cut off* must not answer: a replica or standby refuses [`RevocationStore::page`] and
//!   [`RevocationStore::standing`], and where replicas are required, a master without them refuses every call.
//! - *A server that throws away what it keeps* when memory is short forgets that something ended: it is not opened.
//!
//! # Contract
//!
//! - **Steps.** Each call happens as a whole, before or after every other one, or not at all; once it returned `Ok`, it
//!   survives a crash of the process. An error means *unknown*: it happened or it did not, never in part. A call that is
//!   dropped half way happened or did not. Calls that concern several partitions ([`LoginStore::touch`],
//!   [`FamilyStore::confirm`], [`RevocationStore::page`], [`RevocationStore::write_back`],
//!   [`RevocationStore::declare_restored`], and [`RevocationStore::standing`] of a key) are one step in each of them;
//!   [`LoginStore::purge`] is as many as it likes. They can be repeated.
//! - **Time** is the store's: its clock is the only one in rows and comparisons, read when the step runs, not when the
//!   request came, and after the last lock that it waited for. Callers pass durations. Each answer carries the time at
//!   which it was true ([`Timed`]). Partitions may be on servers with clocks of their own: a subject is judged by its
//!   partition's, and a page carries the earliest.
//! - **Expiry**: a login is over from the instant `expires_at` or `idle_expires_at`, whichever is earlier, whether or
//!   not it was purged; the same holds for sessions. Log entries are kept, served and honoured for
//!   [`ENTRY_MARGIN`] longer than their `expires_at`, so that a clock that steps forward and back forgets nothing.
//! - **No resurrection**: nothing but [`LoginStore::create`] and [`SessionStore::create_session`] makes a row. Every
//!   other write changes a row that is live, or does nothing and says so. An id of a login that is not live, but whose
//!   row is still there, is taken.
//! - **Ending is logged**: whatever ends something appends the entry that says so in the same step, and answers it
//!   as [`Logged`]. A session that carries no login has nothing that a node could honour: neither deleting it nor its new
//!   hash is logged.
//! - **The log**: every entry that was committed before the call of [`RevocationStore::page`] is in that page or in one
//!   that an earlier cursor was answered with; entries may repeat. A cursor names the last entry that was seen by its
//!   mark, and says when it expires. A store that does not know the mark (emptied, restored, replaced, another incarnation)
//!   answers from the start of the log and says so in [`Page::reset`]; where the entry was over, it says that it may have
//!   been purged, which is no alarm. Purging never removes the newest entry of a partition, so that a reader that has seen
//!   everything stays where it is.
//! - **Nothing secret is stored**: session ids and refresh secrets arrive as hashes.

mod error;
mod hash;
mod log;
pub mod memory;
mod reason;
mod row;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::{TOLERATED_STEP, Timestamp};
use crate::id::{KeyId, LoginId, Subject, TokenId};

pub use error::StoreError;
pub use hash::{SecretHash, SessionHash};
pub use log::{Cursor, Ids, LogEntry, Mark, Page, Reset, Revoked, Standing};
pub use reason::{EndReason, LoginKind};
pub use row::{
    Confirmation, Created, Document, Ended, EndedAll, Evicted, Family, GraceStart, ListCursor, LiveLogin,
    Logged, LoginPage, LoginRow, NewLogin, NewSession, Partition, Realm, Renamed, Rotated, Rotation,
    SavedSession, SessionKey, SessionRow, SubjectState, Ticket, Timed, Touch,
};

/// How much longer than its expiry an entry of the log is kept, served and honoured: ten minutes.
pub const ENTRY_MARGIN: Duration = TOLERATED_STEP;

/// Everything an authenticator needs of a store.
pub trait Store: LoginStore + FamilyStore + SessionStore + RevocationStore + DocumentStore {}

impl<T: LoginStore + FamilyStore + SessionStore + RevocationStore + DocumentStore + ?Sized> Store for T {}

/// Logins of both kinds, and the record of their subject.
#[async_trait]
pub trait LoginStore: Debug + Send + Sync + 'static {
    /// Whether what is stored outlives the process.
    fn is_durable(&self) -> bool {
        true
    }

    /// How many partitions there are; fixed when the store is made. At most 256.
    fn partitions(&self) -> NonZeroU32 {
        NonZeroU32::MIN
    }

    /// The subject's epoch, to sign in under.
    async fn ticket(&self, realm: &Realm, subject: &Subject) -> Result<Timed<Ticket>, StoreError>;

    /// Adds a login, and with `session` the session that carries it, under the ticket.
    ///
    /// In this order: [`Created::Outdated`] unless the subject's epoch is still the ticket's, and the ticket is at most
    /// as old as its `lifetime` says; [`Created::IdTaken`] when a row with the login's id (in any realm) or the
    /// session's hash (of the realm, in its partition) is there; [`Created::LimitReached`] when the limit refuses. Then
    /// nothing was done, and nothing ended. The limit counts the live logins of the subject, without the one that is
    /// replaced ([`NewLogin::replaces`]); the count is exact under any concurrency. Evicted are the oldest (`created_at`,
    /// then id). What is replaced or evicted has an entry of its own, for its row's retention or the new login's, whichever
    /// is longer.
    ///
    /// The row's `begun_under` and `epoch` are the ticket's epoch; its times are the store's now and the durations from
    /// it, `idle_expires_at` at most `expires_at`. The record's `retention` rises to the login's.
    async fn create(
        &self,
        realm: &Realm,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
        limit: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError>;

    /// The login with that id, if it is live, with the state of its subject.
    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError>;

    /// The subject's live logins, newest first (`created_at`, then id, both descending), after `after`, at most `most`.
    async fn list(
        &self,
        realm: &Realm,
        subject: &Subject,
        after: Option<&ListCursor>,
        most: NonZeroU32,
    ) -> Result<Timed<LoginPage>, StoreError>;

    /// Ends one live login of the subject, and logs it ([`Revoked::Login`]) for `retention` or the row's, whichever is
    /// longer. Tickets stay valid.
    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        retention: Duration,
    ) -> Result<Timed<Ended>, StoreError>;

    /// Ends all logins of the subject: the epoch rises, `ended_below` becomes the new epoch, `spared` becomes `except` if
    /// that is a live login of the subject, else none. One write and one entry ([`Revoked::AllEnded`]), however many
    /// logins there are; it is made also when there are none, so that no sign-in under way comes about. The entry lives
    /// for the larger of the record's retention and `retention`.
    async fn end_all(
        &self,
        realm: &Realm,
        subject: &Subject,
        except: Option<LoginId>,
        retention: Duration,
    ) -> Result<Timed<EndedAll>, StoreError>;

    /// The subject's claims changed: the epoch rises, `outdated_below` becomes the new epoch, and it is logged
    /// ([`Revoked::ClaimsChanged`]) for the larger of the record's retention and `retention`. Returns the epoch.
    async fn claims_changed(
        &self,
        realm: &Realm,
        subject: &Subject,
        retention: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError>;

    /// Replaces the claims of a live login of the subject, loaded under `epoch`. `false`, and nothing is done, when it is
    /// not live, or has claims that were loaded under a later epoch. Sets `claims_loaded_at` to the store's now.
    async fn save_claims(
        &self,
        realm: &Realm,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
    ) -> Result<Timed<bool>, StoreError>;

    /// Moves `last_seen_at` and `idle_expires_at` of live logins forward, never back, and `idle_expires_at` at most to
    /// `expires_at`. Those that are not live are passed over.
    async fn touch(&self, realm: &Realm, touches: &[Touch]) -> Result<Timed<()>, StoreError>;

    /// Deletes rows that are not live any more, of every realm, and entries of the log that are over for more than
    /// [`ENTRY_MARGIN`], but never the newest entry of a partition. Changes nothing that a caller can see, but that ids
    /// become free. In small steps, so that nothing waits long for it. Returns how many logins went.
    async fn purge(&self) -> Result<Timed<u64>, StoreError>;
}

/// Refresh families: the changes that rotation makes.
#[async_trait]
pub trait FamilyStore: Debug + Send + Sync + 'static {
    /// The happy path of a rotation, in one conditional step and one round trip: if the login is live, its family's
    /// current position and hash are `rotation`'s, and `grace` or more has passed since its last rotation, then the
    /// successor (generation + 1, branch 0) becomes the current token, unconfirmed, the presented one the previous one,
    /// `shared` is kept if the family was `counted` and else becomes zero, `counted` becomes false, `rotated_at` is now,
    /// `last_seen_at` moves to now, `idle_expires_at` to now + `idle`, at most `expires_at`, and `retention` (of row and
    /// record) rises to the rotation's. A last rotation in the future counts as being within the grace.
    ///
    /// Otherwise nothing changes, and the live login comes back as whatever went before left it; none when there is no
    /// live login. The state of the subject is read together with the liveness: a token is signed under that epoch, never
    /// a later one.
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError>;

    /// Compare and swap: sets the family of a live login to `new` if it still is `expected` in every field. With
    /// [`GraceStart::Now`], `rotated_at` becomes the store's now, with [`GraceStart::Keep`] it stays; `new.rotated_at` is
    /// not looked at. `retention` is how long credentials made from now on can outlive the login's end: that of row and record
    /// rise to it. Returns the login after the change, or none when nothing was changed.
    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
        retention: Duration,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError>;

    /// Marks rotations as confirmed whose position is still the current one of a live login; the others are ignored.
    async fn confirm(&self, realm: &Realm, confirmations: &[Confirmation]) -> Result<Timed<()>, StoreError>;
}

/// Sessions and their data, signed in or not.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Adds a session that carries no login. `false`, and nothing is done, when the hash is taken.
    async fn create_session(&self, realm: &Realm, session: &NewSession) -> Result<Timed<bool>, StoreError>;

    /// The session with that key, if it is live, and the live login that it carries.
    async fn session(
        &self,
        realm: &Realm,
        key: &SessionKey,
    ) -> Result<Timed<Option<(SessionRow, Option<LiveLogin>)>>, StoreError>;

    /// Replaces the data of a live session if it still has `expected_version`, which then rises by one; it then expires
    /// `lifetime` from now.
    async fn save_session(
        &self,
        realm: &Realm,
        key: &SessionKey,
        data: &[u8],
        expected_version: u64,
        lifetime: Duration,
    ) -> Result<Timed<SavedSession>, StoreError>;

    /// Gives a live session a new hash, in the same partition; its data stay, its version rises by one, and the old hash
    /// is dead at once. That of one that carries a login is logged ([`Revoked::Session`]) in the same step, for `retention`
    /// or the login's, whichever is longer. [`Renamed::Refused`], and nothing is done or logged, when the session is not live
    /// or the new hash is taken.
    async fn rename_session(
        &self,
        realm: &Realm,
        old: &SessionKey,
        new: &SessionHash,
        retention: Duration,
    ) -> Result<Timed<Renamed>, StoreError>;

    /// Deletes a session that carries no login; one that carries a login ends through the login and is left alone.
    async fn delete_session(&self, realm: &Realm, key: &SessionKey) -> Result<Timed<()>, StoreError>;
}

/// The log of what was revoked, and the question that is asked when a node's list is too old.
#[async_trait]
pub trait RevocationStore: Debug + Send + Sync + 'static {
    /// Logs that one access token of the subject is over, for `retention` or the record's, whichever is longer.
    async fn revoke_token(
        &self,
        realm: &Realm,
        subject: &Subject,
        token: TokenId,
        retention: Duration,
    ) -> Result<Timed<Logged>, StoreError>;

    /// Logs that everything a key signed is over. The entry never expires.
    async fn revoke_key(&self, realm: &Realm, key: &KeyId) -> Result<Timed<Logged>, StoreError>;

    /// The entries after the cursor, at most `most` of each partition, where to go on, and the floor. Refuses to answer
    /// on a replica.
    async fn page(&self, realm: &Realm, cursor: &Cursor, most: NonZeroU32)
    -> Result<Timed<Page>, StoreError>;

    /// What holds of a credential, asked of rows, records and log at once. A login that is named must be live, or the
    /// credential is gone; the same for a session. Refuses to answer on a replica.
    async fn standing(&self, realm: &Realm, ids: &Ids<'_>) -> Result<Timed<Standing>, StoreError>;

    /// Applies and appends, under their own marks, the entries whose marks the log does not have: a login's ends its row,
    /// thresholds only rise, a session's deletes its row. Nothing comes back: a login stays `spared` only if it was live
    /// and both the record's and the entry's ending let it live. For nodes that know more than a store that lost
    /// acknowledged writes. Entries with a mark that is there are passed over, and so is [`Revoked::Unknown`].
    async fn write_back(&self, realm: &Realm, entries: &[LogEntry]) -> Result<Timed<()>, StoreError>;

    /// After a restore: sets the floor of the realm, in all partitions, to the largest of the store's milliseconds, the
    /// highest stored epoch of the realm (the floor is one) + 1, and `instant`, and logs it ([`Revoked::Floor`], which
    /// never expires). Everybody signs in again. Returns the floor, and the entry in partition 0.
    async fn declare_restored(
        &self,
        realm: &Realm,
        instant: Option<Timestamp>,
    ) -> Result<Timed<(u64, Logged)>, StoreError>;

    /// Changes after each commit that logged something. Only a hint: it may miss what other processes log.
    fn wake_ups(&self) -> watch::Receiver<u64>;
}

/// Small documents that all nodes share, such as sealed keys.
#[async_trait]
pub trait DocumentStore: Debug + Send + Sync + 'static {
    /// The document of that name, with its version.
    async fn document(&self, realm: &Realm, name: &str) -> Result<Timed<Option<Document>>, StoreError>;

    /// Compare and swap: writes the document if its version still is `expected` (0: there is none), which then rises by
    /// one. `false`, and nothing is done, when it is not. At most 64 KiB.
    async fn save_document(
        &self,
        realm: &Realm,
        name: &str,
        expected: u64,
        bytes: &[u8],
    ) -> Result<Timed<bool>, StoreError>;
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
    /// How many of `live` logins must end for one more; none when it is the new one that must not be.
    pub fn surplus(self, live: usize) -> Option<usize> {
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
