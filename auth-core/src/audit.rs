//! What happened, for logs, metrics and alarms. No field can hold a credential.

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;

use crate::id::{LoginId, Subject};
use crate::jwt::VerifyError;
use crate::store::{EndReason, LoginKind};

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
    /// The access token does not hold.
    #[serde(untagged, serialize_with = "as_text")]
    Token(VerifyError),
}

/// Hears of every event. Called on the request's path: hand slow work to somebody else.
pub trait Observer: Debug + Send + Sync + 'static {
    /// An event, after it happened.
    fn observe(&self, event: &AuditEvent);
}

/// Writes events as `tracing` records with the target `auth_core::audit`: theft and lost commits as warnings, the rest
/// as information, refusals for debugging.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn observe(&self, event: &AuditEvent) {
        match event {
            AuditEvent::Theft { .. } | AuditEvent::StoreBehind { .. } => {
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
