//! Configuration. Missing and contradictory settings are a [`ConfigError`] that names the field and the correction.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;

use super::access_tokens::AccessTokens;
use super::background::Background;
use super::claims_loader::ClaimsLoader;
use super::config::{Config, Site, default_realm, named};
use super::realm_store::RealmStore;
use super::rejection::{OnRejection, Rejection};
use super::revoker::Revoker;
use super::sessions::Sessions;
use super::source::ClaimsSource;
use super::token_issuer::TokenIssuer;
use super::write_behind::WriteBehind;
use super::{Authenticator, Parts, Shared};
use crate::audit::{AuditEvent, Observer};
use crate::claims::Claims;
use crate::clock::{Clock, NodeClock, SystemClock};
use crate::config::ConfigError;
use crate::jwt::{Expected, KeyRing, Verifier};
use crate::refresh::{Pairing, Peppers, Sharing};
use crate::revoke::{Cleared, Feed};
use crate::store::{Ids, Limit, Realm, Store};
use crate::web::{CsrfPolicy, HeaderlessClients, LocalPath, Origin, RefreshCookie, SessionCookie};

/// Builds an [`Authenticator`]. `keys` and `store` are required, and an issuer and an audience unless the claims type
/// names them.
#[must_use]
pub struct Builder<C: Claims> {
    keys: Option<KeyRing>,
    store: Option<Arc<dyn Store>>,
    source: Option<Arc<dyn ClaimsSource<C>>>,
    peppers: Option<Peppers>,
    clock: Arc<dyn Clock>,
    observer: Observer,
    issuer: Option<String>,
    audience: Option<String>,
    client_id: Option<String>,
    realm: Option<String>,
    login_page: Option<String>,
    on_rejection: Option<OnRejection>,
    trusted_origins: Vec<String>,
    headerless: HeaderlessClients,
    session_cookie: Option<String>,
    is_cookie_persistent: bool,
    has_refresh_cookie: bool,
    config: Config,
    claims: PhantomData<fn() -> C>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        $(
            $(#[$doc])*
            pub fn $field(mut self, $field: $type) -> Self {
                self.config.$field = $field;
                self
            }
        )*
    };
}

impl<C: Claims> Builder<C> {
    pub(super) fn new() -> Self {
        Self {
            keys: None,
            store: None,
            source: None,
            peppers: None,
            clock: Arc::new(SystemClock),
            observer: Observer::default(),
            issuer: C::ISSUER.map(str::to_owned),
            audience: C::AUDIENCE.map(str::to_owned),
            client_id: None,
            realm: None,
            login_page: None,
            on_rejection: None,
            trusted_origins: Vec::new(),
            headerless: HeaderlessClients::Refuse,
            session_cookie: None,
            is_cookie_persistent: false,
            has_refresh_cookie: false,
            config: Config::of::<C>(),
            claims: PhantomData,
        }
    }

    setters! {
        /// How long an access token lives, in whole seconds. Default: the claims type's `ttl`.
        access_ttl: Duration,
        /// The maximum error of a node's estimate of the store's time. Default: 5 s; zero is correct for a single process.
        leeway: Duration,
        /// How long an unused session lasts, at most `session_lifetime`. Default: 1 day.
        session_idle: Duration,
        /// How long a session lasts, even if it is used. Default: 30 days.
        session_lifetime: Duration,
        /// How long an unused login with tokens lasts, at most `token_lifetime`. Default: 30 days.
        token_idle: Duration,
        /// How long a login with tokens lasts, even if it is used. Default: 180 days.
        token_lifetime: Duration,
        /// The maximum age of a session's claims, and how long a session is cached. Default: 5 min.
        claims_max_age: Duration,
        /// The maximum age of the revocation list; if it is older, the store is asked directly. Default: 5 s.
        staleness: Duration,
        /// How long a rotated refresh token is still accepted, and returns the same successor. Default: 10 s.
        grace: Duration,
        /// The maximum length of an access token, in bytes. Default: 8 KiB.
        max_token_length: usize,
    }

    /// Requires that a refresh contains the access token of the same login, generation and branch; it may have expired. A
    /// refresh without it that would otherwise be accepted counts as theft: the login is revoked. Default: the refresh token
    /// is sufficient.
    pub fn require_access_token_to_refresh(mut self) -> Self {
        self.config.pairing = Pairing::Required;
        self
    }

    /// Revokes a login that two parties appear to share in that many consecutive generations: the predecessor of a refresh
    /// token was presented within the grace period, after the successor was used. Two browser tabs with separate copies look
    /// the same. Default: only the event [`AuditEvent::Shared`](crate::audit::AuditEvent::Shared).
    pub fn end_shared_logins_after(mut self, generations: NonZeroU32) -> Self {
        self.config.sharing = Sharing::EndAfter(generations);
        self
    }

    /// Accepts unsafe requests with a cookie that have none of `Sec-Fetch-Site`, `Origin` and `Referer`, as scripts send them;
    /// browsers of today send one of the first two. Default: they get 403.
    pub fn allow_headerless_clients(mut self) -> Self {
        self.headerless = HeaderlessClients::Allow;
        self
    }

    /// The name of the session cookie: 1 to 64 letters, digits, `-` and `_`. The prefix `__Host-` is added. Default: `id-` and
    /// twelve hexadecimal digits that depend on the realm, so that two applications on one host keep their cookies apart.
    pub fn session_cookie(mut self, name: &str) -> Self {
        self.session_cookie = Some(name.to_owned());
        self
    }

    /// Makes session cookies persistent: the browser keeps them after it is closed, until the session expires ("stay signed
    /// in"). Default: the browser deletes them when it is closed.
    pub fn persistent_sessions(mut self) -> Self {
        self.is_cookie_persistent = true;
        self
    }

    /// The keys that sign and verify access tokens. Required.
    pub fn keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The store of logins and sessions. Required.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for a store that is already shared.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The source of current claims. Default: none; claims stay as they were at sign-in.
    pub fn claims_source(mut self, source: impl ClaimsSource<C>) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The secrets from which refresh tokens are derived. Required with a durable store; with a store in memory the default is
    /// a random one.
    pub fn peppers(mut self, peppers: Peppers) -> Self {
        self.peppers = Some(peppers);
        self
    }

    /// This node's clock. It measures the age of the revocation list, and the time since a reply of the store. Decisions use the
    /// store's time, so in tests give the store the same clock. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Receives each audit event after it happened. It is called while a request waits: do slow work in another task.
    ///
    /// Default: they are `tracing` records with the target `auth_core::audit`: theft, sharing, and
    /// a store that was reset, is behind or lost writes as warnings, refusals at level debug, the rest as information.
    pub fn observer(mut self, observer: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    /// The issuer (`iss`). Default: the claims type's.
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// The audience (`aud`), also the realm of challenges. Default: the claims type's.
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.to_owned());
        self
    }

    /// The client (`client_id`) in issued tokens, as RFC 9068 requires. Default: the audience.
    pub fn client_id(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }

    /// The realm: the namespace of everything in the store. Default: issuer and audience.
    ///
    /// Authenticators with the same store and realm are nodes of one service: they share users, logins, sessions and refresh
    /// tokens, and need the same claims type. Sessions, refresh tokens, logins and revocations of one realm do not exist for
    /// another one. Use different realms for customers and staff, or for different tenants.
    ///
    /// Access tokens contain the name of a realm other than the default one, as the claim `realm`, which everybody who has a
    /// token can read. A token of another realm is refused, even if issuer, audience and keys are the same.
    ///
    /// Changing the realm signs all users out; so does changing the issuer or the audience with the default realm.
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }

    /// How many logins a subject may have, and what happens when a sign-in exceeds that. Default: no limit.
    pub fn max_logins(mut self, limit: Limit) -> Self {
        self.config.limit = Some(limit);
        self
    }

    /// Where a browser without a valid session is sent: with `?next=` when it opens a page, without when it sends a form.
    /// Default: nowhere; it gets 401. A browser is a client whose `Accept` prefers HTML (see
    /// [`prefers_html`](crate::web::prefers_html)). A request for the login page itself gets 401.
    pub fn login_page(mut self, path: &str) -> Self {
        self.login_page = Some(path.to_owned());
        self
    }

    /// The application's answers to requests that a guard refused, or, with
    /// [`ProtectedRouter::unmatched`](crate::ProtectedRouter::unmatched), that no route matches. Return a response, or
    /// `None` for the built-in one: the redirect to [`login_page`](Self::login_page), or a problem (RFC 9457). Default: the
    /// built-in one for all.
    ///
    /// Whatever is returned, the library adds `Cache-Control: no-store` and `Vary`, turns a status below 300 into that of
    /// the rejection, and adds its challenges and `Retry-After` unless the answer is a redirect.
    ///
    /// ```
    /// use auth_core::extract::{Rejection, RejectionReason};
    /// use axum::http::Method;
    /// use axum::response::{Html, IntoResponse, Redirect, Response};
    ///
    /// fn page(rejection: &Rejection) -> Option<Response> {
    ///     if !rejection.prefers_html() {
    ///         return None; // programs get the problem
    ///     }
    ///     match rejection.reason() {
    ///         RejectionReason::SessionOver if rejection.method() == Method::POST => {
    ///             Some(Redirect::to("/login?notice=expired").into_response())
    ///         }
    ///         // The redirect to the login page.
    ///         RejectionReason::NoCredential | RejectionReason::SessionOver => None,
    ///         _ => Some(Html(format!("<h1>{}</h1>", rejection.status())).into_response()),
    ///     }
    /// }
    /// # use auth_core::{Authenticator, Claims};
    /// # #[derive(Claims)] #[claims(issuer = "https://shop.example", audience = "shop")]
    /// # struct ShopUser { #[claim(subject)] id: u64 }
    ///
    /// let builder = Authenticator::<ShopUser>::builder().login_page("/login").on_rejection(page);
    /// # let _ = builder;
    /// ```
    pub fn on_rejection<R: Into<Option<Response>>>(
        mut self,
        answer: impl Fn(&Rejection) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on_rejection = Some(OnRejection::new(answer));
        self
    }

    /// Another origin whose pages may send requests with the cookies, such as `https://admin.example`; hosts outside of
    /// ASCII in their punycode form. It must be on the same site, because the cookies are `SameSite`, and use HTTPS unless
    /// it is localhost.
    pub fn trusted_origin(mut self, origin: &str) -> Self {
        self.trusted_origins.push(origin.to_owned());
        self
    }

    /// Also accepts refresh tokens in a cookie, which
    /// [`login_browser_tokens`](crate::Authenticator::login_browser_tokens) sets: `__Host-refresh-` and digits that
    /// depend on the realm, HttpOnly, Secure, SameSite=Strict. Requests with it are checked for CSRF. Default: refresh
    /// tokens are in bodies only.
    pub fn refresh_cookie(mut self) -> Self {
        self.has_refresh_cookie = true;
        self
    }

    /// Validates the configuration, reads the revocation log, and starts the background work.
    ///
    /// It is not an error if the store does not respond yet: until it does, requests that need it get 503.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is missing, invalid or contradicts another one.
    pub async fn build(self) -> Result<Authenticator<C>, ConfigError> {
        let missing = |field, help| ConfigError::new(field, "missing", help);
        let keys = self.keys.clone().ok_or_else(|| {
            missing("keys", "call `.keys(…)`, for instance with `KeyRing::from_file_or_generate`")
        })?;
        let store = self.store.clone().ok_or_else(|| {
            missing(
                "store",
                "call `.store(…)`, for instance with `MemoryStore::new()`, or with `SqliteStore::open` of the feature `sqlite`",
            )
        })?;
        let site = self.site()?;
        self.config.check::<C>(&site)?;
        let peppers = match self.peppers {
            Some(peppers) => peppers,
            None if store.is_durable() => {
                return Err(missing(
                    "peppers",
                    "a durable store requires peppers that outlive the process: call `.peppers(…)`, for instance with \
                     `Peppers::from_file_or_generate`",
                ));
            }
            None => Peppers::generate()?,
        };
        let realm = site.realm.clone().unwrap_or_else(|| default_realm(&site.issuer, &site.audience));
        let realm = Realm::new(&realm).ok_or_else(|| {
            ConfigError::new(
                "realm",
                "must have 1 to 512 bytes and no control characters",
                "use a short name, or remove `.realm(…)`",
            )
        })?;
        let (config, clock) = (self.config, Arc::new(NodeClock::new(self.clock)));
        let feed = Arc::new(Feed::new(store.clone(), realm.clone(), clock.clone()));
        let store = RealmStore::new(store, realm, clock.clone());
        let revoker = Arc::new(Revoker::new(store.clone(), feed, self.observer, config.retention::<C>()));
        if let Err(error) = revoker.catch_up().await {
            tracing::error!(?error, "the store does not respond yet");
        }
        let key = keys.signing();
        let signing = Ids { key: key.verifying_key().id(), ..Ids::default() };
        if revoker.feed().list().check(&signing) == Cleared::Gone {
            return Err(ConfigError::new("keys", "the signing key is revoked", "sign with another key"));
        }
        let verifier = Verifier::new(Expected {
            issuer: site.issuer.clone(),
            audience: site.audience.clone(),
            realm: site.realm.clone(),
            leeway: config.leeway,
            max_length: config.max_token_length,
        });
        let loader = Arc::new(ClaimsLoader::new(store.clone(), self.source));
        let uses = Arc::new(WriteBehind::default());
        Ok(Authenticator {
            parts: Shared(Arc::new(Parts {
                issuer: TokenIssuer::new(keys.clone(), peppers, &site, config.access_ttl),
                access_tokens: AccessTokens::new(keys, verifier, config.leeway),
                sessions: Sessions::new(store.clone(), revoker.clone(), loader.clone(), &config),
                _background: Background::start(&revoker, &uses, &store),
                config,
                site,
                store,
                clock,
                revoker,
                loader,
                uses,
            })),
        })
    }

    fn site(&self) -> Result<Site, ConfigError> {
        let issuer = named(
            "issuer",
            self.issuer.as_deref(),
            "write `#[claims(issuer = \"…\")]` or call `.issuer(…)`",
        )?;
        let audience = named(
            "audience",
            self.audience.as_deref(),
            "write `#[claims(audience = \"…\")]` or call `.audience(…)`",
        )?;
        let client_id = match &self.client_id {
            Some(client_id) => named("client_id", Some(client_id), "correct it, or remove `.client_id(…)`")?,
            None => audience.clone(),
        };
        let login_page = match self.login_page.as_deref() {
            None => None,
            Some(path) => Some(LocalPath::parse(path).ok_or_else(|| {
                ConfigError::new("login_page", "not a path on this site", "use a path such as `/login`")
            })?),
        };
        let trusted: Result<Vec<_>, _> =
            self.trusted_origins.iter().map(|origin| trusted_origin(origin)).collect();
        let default_realm = default_realm(&issuer, &audience);
        let realm = self.realm.as_ref().unwrap_or(&default_realm);
        let cookie = match &self.session_cookie {
            Some(name) => SessionCookie::new(name, self.is_cookie_persistent)?,
            None => SessionCookie::of_realm(realm, self.is_cookie_persistent),
        };
        Ok(Site {
            refresh_cookie: self.has_refresh_cookie.then(|| RefreshCookie::of_realm(realm)),
            realm: self.realm.clone().filter(|realm| *realm != default_realm),
            issuer,
            audience,
            client_id,
            login_page,
            on_rejection: self.on_rejection.clone(),
            csrf: CsrfPolicy::new(trusted?, self.headerless),
            forget_cookie: cookie.unset().ok_or_else(SessionCookie::bad_name)?,
            cookie,
            refresh_lifetime: self.config.token_lifetime,
        })
    }
}

/// An origin whose pages can send the cookies. These are `Secure` and `SameSite`, so browsers send them with requests
/// of pages over plain HTTP only on localhost.
fn trusted_origin(text: &str) -> Result<Origin, ConfigError> {
    let origin = Origin::parse(text)?;
    match origin.is_secure() {
        true => Ok(origin),
        false => Err(ConfigError::new(
            "trusted_origin",
            "over plain HTTP: browsers do not send the cookies from its pages",
            "use `https://`; `http://` works on localhost only",
        )),
    }
}

impl<C: Claims> std::fmt::Debug for Builder<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}
