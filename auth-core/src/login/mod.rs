//! The [`Authenticator`]: the only place that combines keys, sessions, refresh, revocation and the store.

mod access_tokens;
mod background;
mod builder;
mod cache;
mod claims_loader;
mod config;
mod logins;
mod principal;
mod realm_store;
mod recognise;
mod refresh;
mod revoker;
mod session_data;
mod sessions;
mod sign_in;
mod sign_out;
mod source;
mod token_issuer;
mod write_behind;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::audit::AuditEvent;
use crate::claims::Claims;
use crate::clock::{NodeClock, Timestamp};
use crate::jwt::KeyRing;
use crate::store::StoreError;

use access_tokens::AccessTokens;
use background::Background;
use claims_loader::ClaimsLoader;
use config::Config;
use realm_store::RealmStore;
use revoker::{Revoker, uncancelled};
use sessions::Sessions;
use token_issuer::TokenIssuer;
use write_behind::WriteBehind;

pub use builder::Builder;
pub(crate) use config::Site;
pub use logins::{Login, Logins};
pub use principal::Auth;
pub(crate) use recognise::{AuthenticateError, Recognised};
pub use refresh::RefreshError;
pub(crate) use session_data::{RequestSession, SessionContext, is_conflict};
pub use sign_in::{LoginError, SignedIn, Ticket};
pub use sign_out::SignedOut;
pub use source::ClaimsSource;
pub use token_issuer::Tokens;

/// Signs in, recognises, refreshes, lists and ends the logins of principals with claims `C`. Cheap to clone; clones
/// share everything.
///
/// # Lifetime
///
/// Work off the request path (reading the revocation log, writing last-seen times, deleting what has expired) runs in
/// tasks of the tokio runtime that built it, and stops with the last clone. Before a process ends,
/// [`flush`](Self::flush) writes what is queued.
pub struct Authenticator<C: Claims> {
    parts: Shared<C>,
}

/// What an authenticator is made of. Each part does one thing; the files of this module put them together.
struct Parts<C: Claims> {
    config: Config,
    site: Site,
    store: RealmStore,
    clock: Arc<NodeClock>,
    /// Ends and revokes: store, list and event together.
    revoker: Arc<Revoker>,
    /// Orders epoch and claims.
    loader: Arc<ClaimsLoader<C>>,
    /// Makes tokens.
    issuer: TokenIssuer,
    /// Recognises access tokens.
    access_tokens: AccessTokens<C>,
    /// Recognises session cookies.
    sessions: Sessions<C>,
    /// Writes down uses that no request waits for.
    uses: Arc<WriteBehind>,
    _background: Background,
}

/// A shared handle on the parts. As a trait object it is `Send` and `Sync` at a glance: of the parts themselves rustc
/// finds that out field by field, and once more for every handler of an application that holds an authenticator in its
/// state.
struct Shared<C: Claims>(Arc<dyn AsParts<C>>);

trait AsParts<C: Claims>: Send + Sync {
    fn as_parts(&self) -> &Parts<C>;
}

impl<C: Claims> AsParts<C> for Parts<C> {
    fn as_parts(&self) -> &Self {
        self
    }
}

impl<C: Claims> Deref for Shared<C> {
    type Target = Parts<C>;

    fn deref(&self) -> &Parts<C> {
        self.0.as_parts()
    }
}

impl<C: Claims> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Claims> Authenticator<C> {
    /// Starts a configuration.
    pub fn builder() -> Builder<C> {
        Builder::new()
    }

    /// The keys, to rotate them while the service runs.
    pub fn keys(&self) -> &KeyRing {
        self.parts.issuer.keys()
    }

    /// Writes the queued last-seen times and confirmations now.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they stay queued.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.parts.uses.flush(&self.parts.store).await
    }

    /// Reads the revocation log to its end now, rather than when it is next due.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the list grows older.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        self.parts.revoker.catch_up().await
    }

    /// After the store was restored from a backup: refuses everything that was issued before, on all nodes, so that no login
    /// lives again that was ended since the backup was made. Everybody signs in again. `until` is how far the backup may
    /// have reached, where it is known that the clocks were ahead; else the store's time decides. It works while nodes run.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: call it again.
    pub async fn declare_restored(&self, until: Option<Timestamp>) -> Result<(), StoreError> {
        let revoker = self.parts.revoker.clone();
        uncancelled(async move { revoker.declare_restored(until).await }).await
    }

    /// What the edge needs to know of this site.
    pub(crate) fn site(&self) -> &Site {
        &self.parts.site
    }

    pub(crate) fn observe(&self, event: &AuditEvent) {
        self.parts.revoker.observe(event);
    }

    /// What the layer of session data works with.
    pub(crate) fn session_context(&self) -> SessionContext {
        SessionContext {
            store: self.parts.store.clone(),
            revoker: self.parts.revoker.clone(),
            lifetime: self.parts.config.session_lifetime,
        }
    }
}

impl<C: Claims> Clone for Authenticator<C> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone() }
    }
}

/// Shows no key and no principal.
impl<C: Claims> fmt::Debug for Authenticator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("issuer", &self.parts.site.issuer)
            .field("audience", &self.parts.site.audience)
            .field("keys", self.keys())
            .finish_non_exhaustive()
    }
}
