//! Audit events: what happened, for logs, metrics and alerts. No field can hold a credential.
//!
//! By default events are written with `tracing`, target `auth_core::audit`. `Theft`, `Shared`, `LogReset`, `StoreBehind`,
//! `WritesLost`, `ClockStepped` and `TaskPanicked` have the level WARN, `Refused` has DEBUG, all others INFO. An application that counts
//! events, or sends them somewhere, passes a function to [`Builder::observer`](crate::login::Builder::observer), which
//! replaces the default.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use auth_core::audit::AuditEvent;
//!
//! # use auth_core::jwt::{Algorithm, KeyRing};
//! # use auth_core::store::memory::MemoryStore;
//! # use auth_core::{Authenticator, Claims};
//! # #[derive(Claims)] #[claims(issuer = "https://shop.example", audience = "shop")]
//! # struct ShopUser { #[claim(subject)] name: String }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Counts stolen refresh tokens, for a metric.
//! let thefts = Arc::new(AtomicU64::new(0));
//! let counter = thefts.clone();
//! let auth = Authenticator::<ShopUser>::builder()
//!     .observer(move |event| {
//!         if let AuditEvent::Theft { .. } = event {
//!             counter.fetch_add(1, Ordering::Relaxed);
//!         }
//!     })
//! #   .keys(KeyRing::generate(Algorithm::ES256)?)
//! #   .store(MemoryStore::new())
//!     // keys, store, …
//!     .build()
//!     .await?;
//! # let _ = auth;
//! assert_eq!(thefts.load(Ordering::Relaxed), 0);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::id::{LoginId, Subject};
use crate::jwt::VerifyError;
use crate::requirement::Scheme;
use crate::store::{EndReason, Reset};

/// A security-relevant event.
///
/// Serialised, it is an object with the member `event`, the variant in snake case, and the fields. Durations are whole
/// seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditEvent {
    /// The claims of a subject changed: older access tokens are refused from now on.
    ClaimsChanged {
        /// The subject.
        subject: Subject,
        /// The new epoch.
        epoch: u64,
    },
    /// The store's clock stepped by more than ten minutes, measured by this node's monotonic clock: revocations may
    /// expire too early. The first reply after the node's machine was suspended can look the same.
    ClockStepped {
        /// The size of the step in seconds; negative for a step back.
        seconds: i64,
    },
    /// The revocation log had to be read from its start, because the store was emptied, restored or replaced. This
    /// node keeps the revocations that it knew, and has written back those that the log lacked.
    LogReset {
        /// How the node noticed.
        cause: Reset,
        /// The number of entries that were written back.
        written_back: usize,
    },
    /// All logins of a subject ended, except at most one. Sign-ins that were in progress are refused.
    LoginsEnded {
        /// The subject.
        subject: Subject,
        /// The number of logins that ended.
        count: u64,
        /// The login that was kept, if any.
        #[serde(skip_serializing_if = "Option::is_none")]
        spared: Option<LoginId>,
        /// The reason.
        reason: EndReason,
    },
    /// Two parties seem to hold the refresh tokens of a login: a token was presented again within the grace
    /// period, although its successor had been used. Two browser tabs that each keep a copy look the same.
    Shared {
        /// The login.
        login: LoginId,
        /// The number of consecutive generations in which this was seen.
        streak: u32,
        /// The time since the last rotation.
        #[serde(serialize_with = "as_seconds")]
        age: Duration,
    },
    /// The store lost writes that it had acknowledged, for example in a failover. This node has written back the
    /// revocations that it knew. Credentials whose revocation no running node knew may be valid again.
    WritesLost {
        /// The number of acknowledged entries that were missing.
        lost: usize,
        /// The number of entries that were written back.
        written_back: usize,
    },
    /// A refresh token was newer than the store's state: the store lost a commit, in a restore or a failover.
    StoreBehind {
        /// The login of the token.
        login: LoginId,
    },
    /// A login ended.
    LoginEnded {
        /// The login.
        login: LoginId,
        /// The subject of the login.
        subject: Subject,
        /// The reason.
        reason: EndReason,
    },
    /// A sign-in was refused because the subject has as many logins as the limit allows.
    LimitReached {
        /// The subject.
        subject: Subject,
    },
    /// A login began.
    LoginStarted {
        /// The login.
        login: LoginId,
        /// The subject of the login.
        subject: Subject,
        /// Whether the login uses a session cookie or tokens.
        kind: Scheme,
    },
    /// A credential was refused.
    Refused {
        /// The reason.
        reason: RefusalReason,
    },
    /// A refresh token was presented again, within the grace period or after a lost response, and accepted.
    Replayed {
        /// The login.
        login: LoginId,
        /// The generation of the token that was returned.
        generation: u32,
    },
    /// A refresh token was rotated.
    Rotated {
        /// The login.
        login: LoginId,
        /// The new generation.
        generation: u32,
    },
    /// A background task of this node panicked, in the store or in code that it calls. The task is started again after
    /// a pause, which grows from one second to 30 while it goes on panicking. Until it works again, this node asks the
    /// store about each credential (`follow_log`), or does not write last-seen times (`write_uses`) or delete what has
    /// expired (`purge`).
    TaskPanicked {
        /// `follow_log`, which reads the revocation log, `purge`, which deletes what has expired, or `write_uses`, which
        /// writes when logins were last used and which rotations were confirmed.
        task: &'static str,
        /// How many times the task has panicked since it last worked.
        in_a_row: u32,
    },
    /// A refresh token that had been used was presented again: two parties hold it. The login was revoked.
    Theft {
        /// The login.
        login: LoginId,
        /// The subject of the login.
        subject: Subject,
        /// How many generations older than the current token the presented one is.
        generations: u32,
        /// The time since the last rotation.
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
    /// The claims of the subject changed after the token was issued.
    Outdated,
    /// The refresh token is malformed, unknown, or belongs to a login that has ended.
    RefreshToken,
    /// There is no such session, or it has ended.
    Session,
    /// The stored claims do not match the claims type, and there is no claims source to load them from.
    StoredClaims,
    /// The access token is not valid.
    #[serde(untagged, serialize_with = "as_text")]
    Token(VerifyError),
}

/// Receives every event.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&AuditEvent) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// Passes an event on. A panic of the observer harms neither the request nor the task that raised the event.
    pub(crate) fn observe(&self, event: &AuditEvent) {
        let caught = |observe: &dyn Fn()| catch_unwind(AssertUnwindSafe(observe)).is_ok();
        if caught(&|| (self.0)(event)) {
            return;
        }
        // A subscriber of `tracing` may panic too. Then there is nowhere left to write the event.
        caught(&|| {
            tracing::error!(target: "auth_core::audit", "the observer panicked");
            trace(event);
        });
    }
}

/// Writes events with `tracing`; the levels are those that the module's documentation names.
impl Default for Observer {
    fn default() -> Self {
        Self::new(trace)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

fn trace(event: &AuditEvent) {
    match event {
        AuditEvent::ClockStepped { .. }
        | AuditEvent::LogReset { .. }
        | AuditEvent::Shared { .. }
        | AuditEvent::StoreBehind { .. }
        | AuditEvent::TaskPanicked { .. }
        | AuditEvent::Theft { .. }
        | AuditEvent::WritesLost { .. } => {
            tracing::warn!(target: "auth_core::audit", ?event);
        }
        AuditEvent::Refused { .. } => tracing::debug!(target: "auth_core::audit", ?event),
        _ => tracing::info!(target: "auth_core::audit", ?event),
    }
}

fn as_seconds<S: serde::Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(age.as_secs())
}

fn as_text<S: serde::Serializer>(error: &VerifyError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}
