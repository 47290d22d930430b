//! What the store keeps.

use std::fmt;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::hash::sha256;
use crate::id::{KeyId, LoginId, Position, Subject, TokenId};

/// A login as it is stored: one row, of constant size however long it lives.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// The login.
    pub id: LoginId,
    /// Whose it is.
    pub subject: Subject,
    /// What carries it.
    pub kind: LoginKind,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
    /// When it ends unless it is used before.
    pub idle_expires_at: Timestamp,
    /// The browser or program, as it names itself; at most 256 bytes.
    pub user_agent: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// The claims, as JSON.
    pub claims: Vec<u8>,
    /// The subject's epoch under which the claims were loaded.
    pub epoch: u64,
    /// When the claims were loaded.
    pub claims_loaded_at: Timestamp,
    /// The refresh tokens of the login; none for a session.
    pub family: Option<Family>,
}

impl LoginRow {
    /// Whether the login is over by time alone.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at || now >= self.idle_expires_at
    }
}

/// Shows no claim.
impl fmt::Debug for LoginRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRow")
            .field("id", &self.id)
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .field("created_at", &self.created_at)
            .field("last_seen_at", &self.last_seen_at)
            .field("authenticated_at", &self.authenticated_at)
            .field("expires_at", &self.expires_at)
            .field("idle_expires_at", &self.idle_expires_at)
            .field("user_agent", &self.user_agent)
            .field("address", &self.address)
            .field("epoch", &self.epoch)
            .field("claims_loaded_at", &self.claims_loaded_at)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// What carries a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginKind {
    /// A session cookie.
    Session,
    /// Access and refresh tokens.
    Token,
}

/// The refresh tokens of a login. Generations order events, never clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The current token.
    pub position: Position,
    /// The branch of the previous generation that the last rotation consumed.
    pub previous_branch: Option<u16>,
    /// Hash of the current secret.
    pub current: SecretHash,
    /// Hash of the secret that the last rotation consumed.
    pub previous: Option<SecretHash>,
    /// What the current secret was derived with, from the previous one.
    pub nonce: [u8; 16],
    /// When the current secret was made, by the store's clock; long ago for the first, which no rotation made.
    pub rotated_at: Timestamp,
    /// Whether the current token is known to have reached its owner.
    pub confirmed: bool,
}

/// The happy path of a rotation: what must be there, and what replaces it.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The login.
    pub login: LoginId,
    /// The token that was presented.
    pub position: Position,
    /// Hash of the secret that was presented.
    pub presented: SecretHash,
    /// Hash of the secret that replaces it, at generation + 1, branch 0.
    pub successor: SecretHash,
    /// What the successor was derived with.
    pub nonce: [u8; 16],
    /// How long after a rotation no other happens.
    pub grace: std::time::Duration,
    /// When the login ends unless it is used before, from now on; a store caps it at `expires_at`.
    pub idle_expires_at: Timestamp,
}

/// A session as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of the id in the cookie.
    pub id: SessionHash,
    /// The login it carries.
    pub login: Option<LoginId>,
    /// The application's data, as JSON.
    pub data: Vec<u8>,
    /// Goes up with each save, from 1.
    pub version: u64,
    /// When it ends; for a session with a login, the login's expiry decides too.
    pub expires_at: Timestamp,
}

/// Shows none of the data.
impl fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRow")
            .field("id", &self.id)
            .field("login", &self.login)
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// How saving a session came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SavedSession {
    /// Saved; the new version.
    Saved(u64),
    /// Somebody else saved it since it was loaded. Nothing was done.
    Conflict,
    /// It is not there any more. Nothing was done.
    Gone,
}

/// How creating a login came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It is there; these logins ended for it, oldest first.
    Created {
        /// The logins that ended because of the limit.
        evicted: Vec<LoginId>,
    },
    /// The subject has as many logins as it may. Nothing was done.
    LimitReached,
    /// The id of the login or the session is taken. Nothing was done.
    IdTaken,
}

/// Why a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// Its owner signed out.
    SignedOut,
    /// Its owner, or somebody for them, ended it from elsewhere.
    EndedRemotely,
    /// All logins of the subject were ended.
    SubjectEnded,
    /// A newer login took its place under a limit.
    Evicted,
    /// Its claims changed, and there is nowhere to load them from.
    ClaimsChanged,
    /// The same browser signed in again.
    Replaced,
    /// A refresh token was used twice.
    Stolen,
}

#[cfg(feature = "sqlite")]
impl EndReason {
    /// The number of a reason in a store; never reused for another one.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::SignedOut => 0,
            Self::EndedRemotely => 1,
            Self::SubjectEnded => 2,
            Self::Evicted => 3,
            Self::Replaced => 4,
            Self::Stolen => 5,
            Self::ClaimsChanged => 6,
        }
    }

    /// The reason with that number.
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::SignedOut,
            1 => Self::EndedRemotely,
            2 => Self::SubjectEnded,
            3 => Self::Evicted,
            4 => Self::Replaced,
            5 => Self::Stolen,
            6 => Self::ClaimsChanged,
            _ => return None,
        })
    }
}

/// An access token of this position was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Confirmation {
    /// The login.
    pub login: LoginId,
    /// The token that it came with.
    pub position: Position,
}

/// A login was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The login.
    pub login: LoginId,
    /// When.
    pub seen_at: Timestamp,
    /// When it ends now unless it is used again; a store caps it at `expires_at`.
    pub idle_expires_at: Timestamp,
}

/// Something that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revoked {
    /// A login, and why.
    Login(LoginId, EndReason),
    /// What was made for a subject before this epoch.
    SubjectBelow(Subject, u64),
    /// One session id, by its hash.
    Session(SessionHash),
    /// One access token.
    Token(TokenId),
    /// Everything signed with a key.
    Key(KeyId),
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number.
    pub sequence: u64,
    /// What was revoked.
    pub revoked: Revoked,
    /// When the last credential it concerns has expired.
    pub expires_at: Timestamp,
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The entries, in order.
    pub entries: Vec<LogEntry>,
    /// The number of the last entry that was ever appended, zero for none; lower than the caller's own number when
    /// the store was emptied or restored.
    pub last: u64,
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The hash of a secret.
            pub fn of(secret: &[u8]) -> Self {
                Self(sha256(secret))
            }

            /// The hash with these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

hash! {
    /// SHA-256 of a session id.
    SessionHash
}

hash! {
    /// SHA-256 of the secret of a refresh token.
    SecretHash
}
