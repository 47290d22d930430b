//! The revocation log: entries, pages and cursors, and the question about one credential.

use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use super::error::StoreError;
use super::reason::EndReason;
use super::row::{Partition, SessionKey};
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::random::random_bytes;

/// Names one entry of the log: 128 bits that no other has. Random, or derived from a random one: a step that appends
/// several entries is given one mark and hashes it together with what each of them ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark([u8; 16]);

impl Mark {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the system's source of randomness fails.
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

/// Something that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revoked {
    /// A login, and why it ended.
    Login(LoginId, EndReason),
    /// All logins of a subject that began under an epoch below this one, but one.
    AllEnded {
        /// Whose.
        subject: Subject,
        /// The epoch.
        below: u64,
        /// The login that goes on.
        spared: Option<LoginId>,
    },
    /// The claims of a subject that were loaded under an epoch below this one are outdated.
    ClaimsChanged {
        /// Whose.
        subject: Subject,
        /// The epoch.
        below: u64,
    },
    /// One session id.
    Session(SessionKey),
    /// One access token, and the partition of its subject.
    Token(Partition, TokenId),
    /// Everything signed with a key.
    Key(KeyId),
    /// Everything in the realm whose epoch is below this number.
    Floor(u64),
    /// Something that this version does not know. A node that reads it does not know everything: it asks the store.
    Unknown,
}

impl Revoked {
    /// Where its entry is, in a store that has so many partitions: written back, it comes there again.
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
    /// Its name.
    pub mark: Mark,
    /// What was revoked.
    pub revoked: Revoked,
    /// When the last credential it concerns has expired, by the store's clock; the end of time for one that never does.
    pub expires_at: Timestamp,
}

impl LogEntry {
    /// The expiry of an entry that never expires.
    pub const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);
}

/// Where a reader of the log has come to: opaque, made and read by one kind of store.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

impl Cursor {
    /// The start of the log.
    pub const fn start() -> Self {
        Self(Vec::new())
    }

    /// A cursor of a store's own making.
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
    /// The entries; in the order in which they were committed where the store knows one.
    pub entries: Vec<LogEntry>,
    /// Where to go on.
    pub next: Cursor,
    /// Whether there may be more already, also where this page has no entries; else everything that was committed before
    /// the call has been answered.
    pub has_more: bool,
    /// The floor of the realm; where partitions disagree for a moment, the highest.
    pub floor: u64,
    /// Why the page begins at the start of the log although the cursor was further on.
    pub reset: Option<Reset>,
}

/// Why a reader of the log has to begin at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reset {
    /// The store is another one, was restored by its engine after a crash, or was started again.
    Incarnation,
    /// The entry that the cursor names is not in the log, and would not have been purged yet: the log was emptied or
    /// restored.
    UnknownMark,
    /// The entry that the cursor names is over, and not in the log: as a rule it was purged when there were newer ones. What
    /// the reader knows and the log lacks tells whether more is gone.
    Purged,
    /// The cursor is not one of this store.
    Malformed,
}

/// The identifiers that one credential can be revoked by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids<'a> {
    /// The login it belongs to.
    pub login: Option<LoginId>,
    /// The session that carries it.
    pub session: Option<SessionKey>,
    /// The subject, and the epoch under which the credential's claims were loaded.
    pub subject: Option<(&'a Subject, u64)>,
    /// For a session: the epoch under which its login began. Where it is none, the claims' epoch counts.
    pub begun_under: Option<u64>,
    /// The token itself. It is looked up where its subject is, so `subject` must be there too.
    pub token: Option<TokenId>,
    /// The key that signed it.
    pub key: Option<&'a KeyId>,
}

/// What holds of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Standing {
    /// Nothing is known against it.
    Good,
    /// The claims of the subject changed since it was made.
    Outdated,
    /// It is over.
    Gone,
}
