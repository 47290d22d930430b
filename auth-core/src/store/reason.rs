//! The reasons why logins end.

use serde::Serialize;

/// Why a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// The user signed out.
    SignedOut,
    /// The user ended it from another login, or an administrator did.
    EndedRemotely,
    /// All logins of the subject were ended.
    SubjectEnded,
    /// A newer login exceeded the limit, and this was the oldest.
    Evicted,
    /// The claims of the subject changed, and there is no claims source to load them from.
    ClaimsChanged,
    /// The same browser signed in again.
    Replaced,
    /// A refresh token was used twice.
    Stolen,
}

#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
impl EndReason {
    /// The number of a reason in a store. Numbers are never reused for another reason.
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

    /// The reason with this number.
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
