//! Signing in and out: the [`Authenticator`] and its [`Builder`], and what they return.
//!
//! - A browser gets a session cookie: [`login_session`](Authenticator::login_session) returns [`SignedIn`], which sets it.
//! - An app or another service gets tokens: [`login_tokens`](Authenticator::login_tokens) returns [`Tokens`], and
//!   [`refresh`](Authenticator::refresh) rotates them.
//! - [`logout`](Authenticator::logout) ends the login of a request.
//!   [`end_login`](Authenticator::end_login) and [`end_all_logins`](Authenticator::end_all_logins) end others.
//!
//! If checking the user takes time, for example because of a second factor, call [`begin`](Authenticator::begin) before it
//! and [`login_session_with`](Authenticator::login_session_with) after it.
//!
//! ```
//! use auth_core::login::{LoginError, SignedIn, SignedOut, Tokens};
//! use auth_core::route::post;
//! use auth_core::store::StoreError;
//! use auth_core::web::LoginAttempt;
//! use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, public, require_auth};
//! use axum::extract::State;
//!
//! #[derive(Claims)]
//! #[claims(issuer = "https://shop.example", audience = "shop")]
//! struct ShopUser {
//!     #[claim(subject)]
//!     name: String,
//! }
//!
//! type Shop = State<Authenticator<ShopUser>>;
//!
//! #[public]
//! async fn sign_in(State(auth): Shop, attempt: LoginAttempt) -> Result<SignedIn, LoginError> {
//!     // The application has checked the password.
//!     auth.login_session(attempt, ShopUser { name: "alice".to_owned() }).await
//! }
//!
//! #[public]
//! async fn sign_in_app(State(auth): Shop, attempt: LoginAttempt) -> Result<Tokens, LoginError> {
//!     auth.login_tokens(attempt, ShopUser { name: "alice".to_owned() }).await
//! }
//!
//! #[require_auth(session | jwt)]
//! async fn sign_out(user: Auth<ShopUser>, State(auth): Shop) -> Result<SignedOut, StoreError> {
//!     auth.logout(&user).await
//! }
//!
//! let app: ProtectedRouter<Authenticator<ShopUser>> = ProtectedRouter::new()
//!     .route("/sign-in", post(sign_in))
//!     .route("/app/sign-in", post(sign_in_app))
//!     .route("/sign-out", post(sign_out));
//! # let _ = app;
//! ```

mod access_tokens;
mod background;
mod builder;
mod cache;
mod claims_loader;
mod config;
mod creation;
mod earlier;
mod logins;
mod principal;
mod realm_store;
mod recognise;
mod refresh;
pub(crate) mod rejection;
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
use revoker::Revoker;
use sessions::Sessions;
use token_issuer::TokenIssuer;
use write_behind::WriteBehind;

pub use crate::requirement::Scheme;
pub use builder::Builder;
pub(crate) use config::Site;
pub use logins::Login;
pub use principal::Auth;
pub(crate) use recognise::{AuthenticateError, Recognised};
pub use refresh::RefreshError;
pub(crate) use session_data::{RequestSession, SessionContext, is_conflict};
pub use sign_in::{LoginError, SignedIn};
pub use sign_out::SignedOut;
pub use source::ClaimsSource;
pub use token_issuer::Tokens;

/// Signs users in and out, authenticates requests, refreshes tokens, and lists and ends logins, for principals with the
/// claims `C`. Cheap to clone; clones share their state.
///
/// # Lifetime
///
/// Background work (reading the revocation log, writing last-seen times, deleting expired rows) runs in tasks of the tokio
/// runtime that built the authenticator, and stops when the last clone is dropped. Call [`flush`](Self::flush) before the
/// process ends: it writes what is queued.
pub struct Authenticator<C: Claims> {
    parts: Shared<C>,
}

/// The parts of an authenticator. Each part has one task; the files of this module combine them.
struct Parts<C: Claims> {
    config: Config,
    site: Site,
    store: RealmStore,
    clock: Arc<NodeClock>,
    /// Ends logins and revokes credentials, in the store, in the list and as an event.
    revoker: Arc<Revoker>,
    /// Reads the epoch before the claims.
    loader: Arc<ClaimsLoader<C>>,
    /// Issues tokens.
    issuer: TokenIssuer,
    /// Authenticates access tokens.
    access_tokens: AccessTokens<C>,
    /// Authenticates session cookies.
    sessions: Sessions<C>,
    /// Writes last-seen times and confirmations in batches, outside requests.
    uses: Arc<WriteBehind>,
    _background: Background,
}

/// A shared handle on the parts. It is a trait object, which is `Send` and `Sync` by declaration: for the parts themselves
/// rustc would prove it field by field, for each handler of an application that has an authenticator in its state.
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
    /// Starts the configuration of an authenticator.
    pub fn builder() -> Builder<C> {
        Builder::new()
    }

    /// The keys. They can be rotated while the service runs.
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

    /// Reads all new entries of the revocation log now, without waiting for the next poll.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the list was not updated.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        self.parts.revoker.catch_up().await
    }

    /// Refuses all credentials that were issued before now, on all nodes; all users must sign in again. Call it after the
    /// store was restored from a backup: otherwise logins that were ended after the backup was made are valid again. `until`
    /// is a later time than the store's, if clocks may have been ahead when the backup was made. Nodes may run meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: call it again.
    pub async fn declare_restored(&self, until: Option<Timestamp>) -> Result<(), StoreError> {
        self.parts.revoker.declare_restored(until).await
    }

    /// The settings of this site that the extractors need.
    pub(crate) fn site(&self) -> &Site {
        &self.parts.site
    }

    pub(crate) fn observe(&self, event: &AuditEvent) {
        self.parts.revoker.observe(event);
    }

    /// What the layer for session data needs.
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

/// Contains no key material and no principal.
impl<C: Claims> fmt::Debug for Authenticator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("issuer", &self.parts.site.issuer)
            .field("audience", &self.parts.site.audience)
            .field("keys", self.keys())
            .finish_non_exhaustive()
    }
}
