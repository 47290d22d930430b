//! What happened, for logs, metrics and alarms. No field can hold a credential.

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;

use crate::id::{LoginId, Subject};
use crate::jwt::VerifyError;
use crate::store::{EndReason, LoginKind, Reset};

/// Something that a security reviewer wants to know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditEvent {
    /// The claims of a subject changed: older access tokens are refused from now on.
    ClaimsChanged {
        /// Whose.
        subject: Subject,
        /// The new epoch.
        epoch: u64,
    },
    /// The store's clock stepped by more than ten minutes, as measured by this node's monotonic clock: revocations may be
    /// forgotten too early. The first reply after the node's machine was suspended can look the same.
    ClockStepped {
        /// How far, in seconds; back where it is negative.
        seconds: i64,
    },
    /// The revocation log had to be read from its start: the store was emptied, restored, or is another one. What this node
    /// knew stays, and what the log lacked was written back.
    LogReset {
        /// What showed it.
        cause: Reset,
        /// How many entries were written back.
        written_back: usize,
    },
    /// All logins of a subject ended, but perhaps one; and no sign-in that was under way comes about.
    LoginsEnded {
        /// Whose.
        subject: Subject,
        /// How many.
        count: u64,
        /// The login that goes on.
        #[serde(skip_serializing_if = "Option::is_none")]
        spared: Option<LoginId>,
        /// Why.
        reason: EndReason,
    },
    /// Two parties seem to hold a login: the predecessor of a refresh token came again within the grace, after the
    /// successor was used. Two tabs with copies of their own look the same.
    Shared {
        /// Which login.
        login: LoginId,
        /// In how many generations in a row this was seen.
        streak: u32,
        /// How long ago the login was last rotated.
        #[serde(serialize_with = "as_seconds")]
        age: Duration,
    },
    /// The store lost writes that it had acknowledged, as after a failover. What this node knew was written back; what no
    /// running node knew may have come back.
    WritesLost {
        /// How many entries that this node had been promised were not there.
        lost: usize,
        /// How many entries were written back.
        written_back: usize,
    },
    /// A refresh token was newer than the store, which lost a commit: restored, or failed over.
    StoreBehind {
        /// The login of the token.
        login: LoginId,
    },
    /// A login ended.
    LoginEnded {
        /// Which.
        login: LoginId,
        /// Whose.
        subject: Subject,
        /// Why.
        reason: EndReason,
    },
    /// Somebody may not sign in once more.
    LimitReached {
        /// Who.
        subject: Subject,
    },
    /// A login began.
    LoginStarted {
        /// Which.
        login: LoginId,
        /// Whose.
        subject: Subject,
        /// What carries it.
        kind: LoginKind,
    },
    /// A credential was refused.
    Refused {
        /// Why.
        reason: RefusalReason,
    },
    /// A refresh token was presented again within the grace, or after a lost response, and answered.
    Replayed {
        /// Which login.
        login: LoginId,
        /// The generation that was handed out.
        generation: u32,
    },
    /// A refresh token was rotated.
    Rotated {
        /// Which login.
        login: LoginId,
        /// The new generation.
        generation: u32,
    },
    /// A used-up refresh token was presented: somebody else holds it. The login was revoked.
    Theft {
        /// Which login.
        login: LoginId,
        /// Whose.
        subject: Subject,
        /// How many generations behind the token was.
        generations: u32,
        /// How long ago the login was last rotated.
        #[serde(serialize_with = "as_seconds")]
        age: Duration,
    },
}

/// Why a credential was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalReason {
    /// The request came from another site.
    CrossSite,
    /// The login, the token or its key was revoked.
    Revoked,
    /// The claims changed since the token was made.
    Outdated,
    /// The refresh token is not one, or not this login's.
    RefreshToken,
    /// The session is not there.
    Session,
    /// The stored claims are not of the claims type, and there is nowhere to load them from.
    StoredClaims,
    /// The access token does not hold.
    #[serde(untagged, serialize_with = "as_text")]
    Token(VerifyError),
}

/// Hears of every event. Called on the request's path: hand slow work to somebody else.
pub trait Observer: Debug + Send + Sync + 'static {
    /// An event, after it happened.
    fn observe(&self, event: &AuditEvent);
}

/// Writes events as `tracing` records with the target `auth_core::audit`: theft, sharing, and a
/// store that was reset, is behind, lost writes or whose clock stepped as warnings, the rest as information, refusals for debugging.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TracingObserver;

impl Observer for TracingObserver {
    fn observe(&self, event: &AuditEvent) {
        match event {
            AuditEvent::ClockStepped { .. }
            | AuditEvent::LogReset { .. }
            | AuditEvent::Shared { .. }
            | AuditEvent::StoreBehind { .. }
            | AuditEvent::Theft { .. }
            | AuditEvent::WritesLost { .. } => {
                tracing::warn!(target: "auth_core::audit", ?event);
            }
            AuditEvent::Refused { .. } => tracing::debug!(target: "auth_core::audit", ?event),
            _ => tracing::info!(target: "auth_core::audit", ?event),
        }
    }
}

fn as_seconds<S: serde::Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(age.as_secs())
}

fn as_text<S: serde::Serializer>(error: &VerifyError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}
