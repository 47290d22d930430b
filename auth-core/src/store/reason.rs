//! What carries a login, and why it ended.

use serde::Serialize;

/// What carries a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginKind {
    /// A session cookie.
    Session,
    /// Access and refresh tokens.
    Token,
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
