//! Configuration. What is missing or contradictory is a [`ConfigError`] that names the field and the way out.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::background::Background;
use super::cache::{SessionCache, TokenCache};
use super::journal::Journal;
use super::source::ClaimsSource;
use super::{Authenticator, Config, Pairing, RefreshCookie, Shared};
use crate::audit::{Observer, TracingObserver};
use crate::claims::Claims;
use crate::clock::{Clock, SystemClock};
use crate::config::ConfigError;
use crate::extract::csrf::CsrfPolicy;
use crate::extract::{HeaderlessClients, LocalPath, Origin};
use crate::key::KeyRing;
use crate::refresh::{Pepper, Peppers};
use crate::revoke::{Feed, Standing, Subjects};
use crate::session::SessionCookie;
use crate::store::{Limit, OnLimit, Store};
use crate::verify::{Expected, Verifier};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Builds an [`Authenticator`]. `keys` and `store` are required, and an issuer and an audience unless the claims type
/// names them.
#[must_use]
pub struct Builder<C: Claims> {
    keys: Option<KeyRing>,
    store: Option<Arc<dyn Store>>,
    source: Option<Arc<dyn ClaimsSource<C>>>,
    peppers: Option<Peppers>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    issuer: Option<String>,
    audience: Option<String>,
    client_id: Option<String>,
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
    login_page: Option<String>,
    trusted_origins: Vec<String>,
    headerless: HeaderlessClients,
    cookie: SessionCookie,
    refresh_cookie: Option<RefreshCookie>,
    max_token_length: usize,
    claims: PhantomData<fn() -> C>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        $(
            $(#[$doc])*
            pub fn $field(mut self, $field: $type) -> Self {
                self.$field = $field;
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
            observer: Arc::new(TracingObserver),
            issuer: C::ISSUER.map(str::to_owned),
            audience: C::AUDIENCE.map(str::to_owned),
            client_id: None,
            access_ttl: C::TTL,
            leeway: Duration::from_secs(5),
            session_idle: DAY,
            session_lifetime: 30 * DAY,
            token_idle: 30 * DAY,
            token_lifetime: 180 * DAY,
            claims_max_age: 5 * MINUTE,
            staleness: Duration::from_secs(5),
            grace: Duration::from_secs(10),
            pairing: Pairing::Optional,
            limit: None,
            login_page: None,
            trusted_origins: Vec::new(),
            headerless: HeaderlessClients::Refuse,
            cookie: SessionCookie::default(),
            refresh_cookie: None,
            max_token_length: 8 * 1024,
            claims: PhantomData,
        }
    }

    setters! {
        /// How long an access token lives, in whole seconds. Default: the claims type's `ttl`.
        access_ttl: Duration,
        /// How far the clocks of nodes may be apart. Default: 5 s; zero is right for a single machine.
        leeway: Duration,
        /// How long a session lasts unused. Default: 1 day.
        session_idle: Duration,
        /// How long a session lasts however much it is used. Default: 30 days.
        session_lifetime: Duration,
        /// How long a login with tokens lasts unused. Default: 30 days.
        token_idle: Duration,
        /// How long a login with tokens lasts however much it is used. Default: 180 days.
        token_lifetime: Duration,
        /// How old a session's claims may be, and how long it is kept without asking the store. Default: 5 min.
        claims_max_age: Duration,
        /// How old the revocation list may be before the store is asked directly. Default: 5 s.
        staleness: Duration,
        /// How long a rotated refresh token is still answered, with the same successor. Default: 10 s.
        grace: Duration,
        /// Whether a refresh must bring its access token. Default: it need not.
        pairing: Pairing,
        /// What to do with a cookie-carrying unsafe request that has neither `Sec-Fetch-Site` nor `Origin`. Default: 403.
        headerless: HeaderlessClients,
        /// The session cookie. Default: `__Host-id`, forgotten when the browser ends.
        cookie: SessionCookie,
        /// The longest access token that is looked at, in bytes. Default: 8 KiB.
        max_token_length: usize,
    }

    /// The keys that sign and verify access tokens. Required.
    pub fn keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Where logins live. Required.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// As [`store`](Self::store), for one that is shared already.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Where claims are loaded from when they must be fresh. Default: nowhere; claims stay as they were at sign-in.
    pub fn claims_source(mut self, source: impl ClaimsSource<C>) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The secrets behind refresh tokens. Required with a store that outlives the process; with one in memory the default
    /// is a random one.
    pub fn peppers(mut self, peppers: Peppers) -> Self {
        self.peppers = Some(peppers);
        self
    }

    /// The clock. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Who hears of audit events. Default: [`TracingObserver`].
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
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

    /// The client (`client_id`) in issued tokens, as RFC 9068 asks. Default: the audience.
    pub fn client_id(mut self, client_id: &str) -> Self {
        self.client_id = Some(client_id.to_owned());
        self
    }

    /// How many logins a subject may have. Default: no limit.
    pub fn max_logins(mut self, most: NonZeroU32, exceeded: OnLimit) -> Self {
        self.limit = Some(Limit { most, exceeded });
        self
    }

    /// Where a browser without a credential is sent, with `?next=`. Default: nowhere; it gets 401.
    pub fn login_page(mut self, path: &str) -> Self {
        self.login_page = Some(path.to_owned());
        self
    }

    /// Another origin whose pages may send requests with our cookies, such as `https://admin.example`.
    pub fn trusted_origin(mut self, origin: &str) -> Self {
        self.trusted_origins.push(origin.to_owned());
        self
    }

    /// Lets the refresh token travel in a cookie. Default: only in bodies.
    pub fn refresh_cookie(mut self, cookie: RefreshCookie) -> Self {
        self.refresh_cookie = Some(cookie);
        self
    }

    /// Checks everything, reads the revocation log, and starts the work off the request path.
    ///
    /// A store that does not answer yet is no error: until it does, requests that need it get 503.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: what is missing or contradictory.
    pub async fn build(self) -> Result<Authenticator<C>, ConfigError> {
        let missing = |field, help| ConfigError::new(field, "missing", help);
        let keys = self.keys.clone().ok_or_else(|| {
            missing("keys", "call `.keys(…)`, for instance with `KeyRing::from_file_or_generate`")
        })?;
        let store = self.store.clone().ok_or_else(|| {
            missing(
                "store",
                "call `.store(…)`, for instance with `MemoryStore::new()` or `SqliteStore::open`",
            )
        })?;
        let config = self.config()?;
        let peppers = match self.peppers {
            Some(peppers) => peppers,
            None if store.is_durable() => {
                return Err(missing(
                    "peppers",
                    "the store outlives the process, and so must the secrets of refresh tokens: call `.peppers(…)`, for \
                     instance with `Peppers::from_file_or_generate`",
                ));
            }
            None => Peppers::new(Pepper::generate(0).map_err(|error| {
                ConfigError::new("peppers", "no pepper could be made", "check the system's randomness")
                    .caused_by(error)
            })?),
        };
        let expected = Expected {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            leeway: config.leeway,
            max_length: self.max_token_length,
        };
        let feed = Arc::new(Feed::new(store.clone(), self.clock.clone()));
        let journal = Arc::new(Journal::default());
        if let Err(error) = feed.catch_up().await {
            tracing::error!(?error, "the store does not answer yet");
        }
        let key = keys.signing();
        let signing = Subjects { key: key.verifying_key().id(), login: None, subject: None, token: None };
        if feed.list().standing(&signing) == Standing::Revoked {
            return Err(ConfigError::new("keys", "the key that signs is revoked", "sign with another one"));
        }
        let background = Background::start(&feed, &journal, &store, &self.clock);
        Ok(Authenticator {
            shared: Arc::new(Shared {
                config,
                keys,
                peppers,
                verifier: Verifier::new(expected),
                store,
                source: self.source,
                clock: self.clock,
                observer: self.observer,
                feed,
                journal,
                sessions: SessionCache::new(),
                tokens: TokenCache::new(),
                _background: background,
            }),
        })
    }

    fn config(&self) -> Result<Config, ConfigError> {
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
            Some(client_id) => named("client_id", Some(client_id), "give it one, or leave it out")?,
            None => audience.clone(),
        };
        self.check_durations()?;
        let login_page = match self.login_page.as_deref() {
            None => None,
            Some(path) => Some(LocalPath::parse(path).ok_or_else(|| {
                ConfigError::new("login_page", "not a path of this site", "write a path such as `/login`")
            })?),
        };
        let trusted: Result<Vec<_>, _> =
            self.trusted_origins.iter().map(|origin| Origin::parse(origin)).collect();
        let forget_cookie = self.cookie.unset().ok_or_else(|| {
            ConfigError::new(
                "cookie",
                "not a name for the session cookie",
                "use letters, digits, `-` and `_`",
            )
        })?;
        Ok(Config {
            issuer,
            audience,
            client_id,
            access_ttl: self.access_ttl,
            leeway: self.leeway,
            session_idle: self.session_idle,
            session_lifetime: self.session_lifetime,
            token_idle: self.token_idle,
            token_lifetime: self.token_lifetime,
            claims_max_age: self.claims_max_age,
            staleness: self.staleness,
            grace: self.grace,
            pairing: self.pairing,
            limit: self.limit,
            login_page,
            csrf: CsrfPolicy { trusted: trusted?, headerless: self.headerless },
            cookie: self.cookie.clone(),
            forget_cookie,
            refresh_cookie: self.refresh_cookie.clone(),
        })
    }

    fn check_durations(&self) -> Result<(), ConfigError> {
        let whole = self.access_ttl.subsec_nanos() == 0 && !self.access_ttl.is_zero();
        if !whole || self.access_ttl > C::MAX_TTL {
            return Err(ConfigError::new(
                "access_ttl",
                "not whole seconds between one and the claims type's `max_ttl`",
                "shorten it, or raise `#[claims(max_ttl = \"…\")]`",
            ));
        }
        if self.leeway > 5 * MINUTE {
            return Err(ConfigError::new("leeway", "above five minutes", "synchronise the clocks instead"));
        }
        if self.grace > 5 * MINUTE {
            return Err(ConfigError::new(
                "grace",
                "above five minutes: a stolen token is that long worth something",
                "10 s is usual",
            ));
        }
        if self.token_idle < self.access_ttl.saturating_add(self.leeway) {
            return Err(ConfigError::new(
                "token_idle",
                "shorter than an access token lives",
                "lengthen it, or shorten `access_ttl`",
            ));
        }
        if self.pairing == Pairing::Required && self.refresh_cookie.is_some() {
            return Err(ConfigError::new(
                "pairing",
                "a page that was loaded anew has a refresh cookie and no access token",
                "use pairing without refresh cookies",
            ));
        }
        let positive = [
            ("session_idle", self.session_idle),
            ("session_lifetime", self.session_lifetime),
            ("token_idle", self.token_idle),
            ("token_lifetime", self.token_lifetime),
            ("claims_max_age", self.claims_max_age),
        ];
        match positive.into_iter().find(|(_, duration)| duration.is_zero() || *duration > 3650 * DAY) {
            Some((field, _)) => {
                Err(ConfigError::new(field, "zero, or above ten years", "give it a duration"))
            }
            None => Ok(()),
        }
    }
}

/// A text that can stand in a claim and in a challenge.
fn named(field: &'static str, text: Option<&str>, help: &'static str) -> Result<String, ConfigError> {
    let text = text.ok_or_else(|| ConfigError::new(field, "missing", help))?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    match !text.is_empty() && is_plain {
        true => Ok(text.to_owned()),
        false => Err(ConfigError::new(field, "empty, or not plain ASCII without spaces and quotes", help)),
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
