//! The [`Authenticator`]: the only place that combines keys, sessions, refresh, revocation and the store.

mod background;
mod bearer;
mod builder;
mod cache;
mod issue;
mod journal;
mod login;
mod logins;
mod principal;
mod refresh;
mod request;
mod session;
mod source;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use crate::audit::{AuditEvent, Observer};
use crate::claims::Claims;
use crate::clock::{Clock, Timestamp};
use crate::extract::LocalPath;
use crate::extract::csrf::CsrfPolicy;
use crate::key::KeyRing;
use crate::refresh::Peppers;
use crate::revoke::Feed;
use crate::session::{SessionContext, SessionCookie, SessionDataLayer};
use crate::store::{EndReason, Limit, Revoked, Store};
use crate::verify::Verifier;

use background::Background;
use cache::{SessionCache, TokenCache};
use journal::Journal;

pub use builder::Builder;
pub use issue::Tokens;
pub use login::{LoginError, SignedIn, SignedOut};
pub use logins::{Ended, Login};
pub use principal::Auth;
pub use refresh::{Pairing, RefreshCookie, RefreshRejection};
pub use source::{BoxError, ClaimsSource};

/// Signs in, recognises, refreshes, lists and ends the logins of principals with claims `C`. Cheap to clone; clones
/// share everything.
///
/// # Lifetime
///
/// Work off the request path (reading the revocation log, writing last-seen times, deleting what has expired) runs in
/// tasks of the tokio runtime that built it, and stops with the last clone. Before a process ends,
/// [`flush`](Self::flush) writes what is queued.
pub struct Authenticator<C: Claims> {
    shared: Arc<Shared<C>>,
}

/// Fields are private to this module and its children: each file adds what it is about.
struct Shared<C: Claims> {
    config: Config,
    keys: KeyRing,
    peppers: Peppers,
    verifier: Verifier<C>,
    store: Arc<dyn Store>,
    source: Option<Arc<dyn ClaimsSource<C>>>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    feed: Arc<Feed>,
    journal: Arc<Journal>,
    sessions: SessionCache<C>,
    tokens: TokenCache<C>,
    _background: Background,
}

/// Everything that a builder decides and nothing changes later.
#[derive(Clone, Debug)]
struct Config {
    issuer: String,
    audience: String,
    client_id: String,
    access_ttl: Duration,
    leeway: Duration,
    session_idle: Duration,
    session_lifetime: Duration,
    token_idle: Duration,
    token_lifetime: Duration,
    claims_max_age: Duration,
    staleness: Duration,
    grace: Duration,
    pairing: Pairing,
    limit: Option<Limit>,
    login_page: Option<LocalPath>,
    csrf: CsrfPolicy,
    cookie: SessionCookie,
    forget_cookie: HeaderValue,
    refresh_cookie: Option<RefreshCookie>,
}

impl<C: Claims> Authenticator<C> {
    /// Starts a configuration.
    pub fn builder() -> Builder<C> {
        Builder::new()
    }

    /// The keys, to rotate them while the service runs.
    pub fn keys(&self) -> &KeyRing {
        &self.shared.keys
    }

    /// A layer that offers handlers the data of the browser's session, as [`Session`](crate::session::Session).
    pub fn session_data_layer(&self) -> SessionDataLayer {
        let shared = &self.shared;
        let context = SessionContext {
            store: shared.store.clone(),
            clock: shared.clock.clone(),
            feed: shared.feed.clone(),
            kept: shared.config.claims_max_age.saturating_add(Duration::from_secs(60 * 60)),
        };
        let config = &shared.config;
        SessionDataLayer::new(context, config.cookie.clone(), config.csrf.clone(), config.session_lifetime)
    }

    /// Writes the queued last-seen times and confirmations now.
    ///
    /// # Errors
    ///
    /// [`StoreError`](crate::store::StoreError): they stay queued.
    pub async fn flush(&self) -> Result<(), crate::store::StoreError> {
        self.shared.journal.flush(&*self.shared.store, self.shared.clock.now()).await
    }

    /// Reads the revocation log to its end now, rather than when it is next due.
    ///
    /// # Errors
    ///
    /// [`StoreError`](crate::store::StoreError): the list grows older.
    pub async fn catch_up(&self) -> Result<(), crate::store::StoreError> {
        self.shared.feed.catch_up().await
    }
}

impl<C: Claims> Shared<C> {
    fn observe(&self, event: &AuditEvent) {
        self.observer.observe(event);
    }

    /// Until when an entry about a credential that is valid now must live: all copies have expired by then, whatever the
    /// `ttl` they were issued under. The hour on top is for clocks that jump.
    fn log_until(&self, now: Timestamp) -> Timestamp {
        let token = C::MAX_TTL.saturating_add(2 * self.config.leeway);
        now.after(token.max(self.config.claims_max_age).saturating_add(Duration::from_secs(60 * 60)))
    }

    /// What the store has logged is known here at once, not when the log is next read.
    fn note_ended(
        &self,
        logins: &[(crate::id::LoginId, EndReason)],
        subject: &crate::id::Subject,
        now: Timestamp,
    ) {
        for (login, reason) in logins {
            self.feed.list().insert(&Revoked::Login(*login, *reason), self.log_until(now));
            self.observe(&AuditEvent::LoginEnded {
                login: *login,
                subject: subject.clone(),
                reason: *reason,
            });
        }
    }
}

impl<C: Claims> Clone for Authenticator<C> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

/// Shows no key and no principal.
impl<C: Claims> fmt::Debug for Authenticator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("issuer", &self.shared.config.issuer)
            .field("audience", &self.shared.config.audience)
            .field("keys", &self.shared.keys)
            .finish_non_exhaustive()
    }
}
