//! The revocation log (entries, pages, cursors), and the query for one credential.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Serialize;

use super::error::StoreError;
use super::reason::EndReason;
use super::row::{Partition, SessionKey};
use crate::clock::{TOLERATED_STEP, Timestamp};
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::random::random_bytes;

/// Identifies one entry of the log: 128 bits, unique. It is random, or derived from a random mark: a step that
/// appends several entries hashes one random mark together with what each entry ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark([u8; 16]);

impl Mark {
    /// A new random mark.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the system's random number generator fails.
    pub fn random() -> Result<Self, StoreError> {
        random_bytes().map(Self).map_err(StoreError::new)
    }

    /// The mark with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What an entry of the log revokes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revoked {
    /// A login, and why it ended.
    Login(LoginId, EndReason),
    /// All logins of a subject that began under an epoch below this one, except at most one.
    AllEnded {
        /// The subject.
        subject: Subject,
        /// The epoch.
        below: u64,
        /// The login that was kept, if any.
        spared: Option<LoginId>,
    },
    /// The claims of a subject that were loaded under an epoch below this one are outdated.
    ClaimsChanged {
        /// The subject.
        subject: Subject,
        /// The epoch.
        below: u64,
    },
    /// One session id, by its hash.
    Session(SessionKey),
    /// One access token, with the partition of its subject.
    Token(Partition, TokenId),
    /// Everything signed with a key.
    Key(KeyId),
    /// Everything in the realm whose epoch is below this number.
    Floor(u64),
    /// A kind of entry that this version does not know. The list of a node that reads it is incomplete, so the node
    /// asks the store.
    Unknown,
}

impl Revoked {
    /// The partition of the entry in a store with `partitions` partitions. An entry that is written back goes to the
    /// same partition.
    pub fn partition(&self, partitions: NonZeroU32) -> Partition {
        match self {
            Self::Login(id, _) => Partition::of_login(*id),
            Self::AllEnded { subject, .. } | Self::ClaimsChanged { subject, .. } => {
                Partition::of(subject, partitions)
            }
            Self::Session(key) => key.partition,
            Self::Token(partition, _) => *partition,
            Self::Key(_) | Self::Floor(_) | Self::Unknown => Partition::REALM,
        }
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The mark that identifies the entry.
    pub mark: Mark,
    /// What was revoked.
    pub revoked: Revoked,
    /// When the last credential that it concerns expires, by the store's clock; [`LogEntry::NEVER`] if it never does.
    pub expires_at: Timestamp,
}

impl LogEntry {
    /// The expiry of an entry that never expires.
    pub const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

    /// How long after its expiry an entry is still kept, returned and applied: ten minutes.
    pub const MARGIN: Duration = TOLERATED_STEP;
}

/// The position of a reader in the log. It is opaque, and made and read only by one implementation of a store.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// The start of the log.
    pub const fn start() -> Self {
        Self(Vec::new())
    }

    /// The cursor with these bytes; for implementations of stores.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes; empty at the start.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the start of the log.
    pub fn is_start(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({} bytes)", self.0.len())
    }
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries, in commit order if the store knows it.
    pub entries: Vec<LogEntry>,
    /// The cursor for the next page.
    pub next: Cursor,
    /// Whether there may be more entries now, even if this page is empty. If `false`, the reader has received
    /// everything that was committed before the call.
    pub has_more: bool,
    /// The floor of the realm; the highest one while partitions disagree.
    pub floor: u64,
    /// Why the page begins at the start of the log although the cursor did not; `None` if it continues at the cursor.
    pub reset: Option<Reset>,
}

/// Why a reader of the log has to begin at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reset {
    /// The store was replaced, recovered by its engine after a crash, or restarted.
    Incarnation,
    /// The entry that the cursor names is not in the log although it had not expired: the log was emptied or
    /// restored.
    UnknownMark,
    /// The entry that the cursor names is not in the log, and had expired: usually it was purged. Whether more is
    /// missing is found by comparing what the reader knows with the log.
    Purged,
    /// The cursor was not made by this store.
    Malformed,
}

/// The identifiers by which one credential can be revoked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids<'a> {
    /// The login it belongs to.
    pub login: Option<LoginId>,
    /// The session that carries it.
    pub session: Option<SessionKey>,
    /// The subject, and the epoch under which the credential's claims were loaded.
    pub subject: Option<(&'a Subject, u64)>,
    /// For a session: the epoch under which its login began. If it is `None`, the epoch of the claims is used.
    pub begun_under: Option<u64>,
    /// The token itself. It is looked up in the partition of the subject, so `subject` is required with it.
    pub token: Option<TokenId>,
    /// The key that signed it.
    pub key: Option<&'a KeyId>,
}

/// The state of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// It is not revoked.
    Good,
    /// The claims of the subject changed after it was issued.
    Outdated,
    /// It was revoked, or its login or session has ended.
    Gone,
}
