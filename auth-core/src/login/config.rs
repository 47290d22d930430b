//! The settings of an authenticator, which do not change after it is built.

use std::time::Duration;

use http::HeaderValue;

use super::rejection::OnRejection;
use crate::claims::Claims;
use crate::config::ConfigError;
use crate::refresh::{Pairing, Sharing};
use crate::store::Limit;
use crate::web::{CsrfPolicy, LocalPath, RefreshCookie, SessionCookie};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Durations and policies.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) access_ttl: Duration,
    pub(super) leeway: Duration,
    pub(super) session_idle: Duration,
    pub(super) session_lifetime: Duration,
    pub(super) token_idle: Duration,
    pub(super) token_lifetime: Duration,
    pub(super) claims_max_age: Duration,
    pub(super) staleness: Duration,
    pub(super) grace: Duration,
    pub(super) pairing: Pairing,
    pub(super) sharing: Sharing,
    pub(super) limit: Option<Limit>,
    pub(super) max_token_length: usize,
}

/// The settings that extractors and routes need: names, pages, cookies, and trusted origins.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(super) issuer: String,
    /// Also the realm of challenges.
    pub(crate) audience: String,
    pub(super) client_id: String,
    /// The realm, if it is not the default one.
    pub(super) realm: Option<String>,
    pub(crate) login_page: Option<LocalPath>,
    pub(super) on_rejection: Option<OnRejection>,
    pub(crate) csrf: CsrfPolicy,
    pub(crate) cookie: SessionCookie,
    /// `Set-Cookie` that removes the session cookie.
    pub(crate) forget_cookie: HeaderValue,
    pub(crate) refresh_cookie: Option<RefreshCookie>,
    /// How long a browser keeps the refresh cookie.
    pub(crate) refresh_lifetime: Duration,
}

impl Config {
    /// The defaults for the claims `C`.
    pub(super) const fn of<C: Claims>() -> Self {
        Self {
            access_ttl: C::TTL,
            leeway: Duration::from_secs(5),
            session_idle: DAY,
            session_lifetime: Duration::from_secs(30 * DAY.as_secs()),
            token_idle: Duration::from_secs(30 * DAY.as_secs()),
            token_lifetime: Duration::from_secs(180 * DAY.as_secs()),
            claims_max_age: Duration::from_secs(5 * MINUTE.as_secs()),
            staleness: Duration::from_secs(5),
            grace: Duration::from_secs(10),
            pairing: Pairing::Optional,
            sharing: Sharing::Report,
            limit: None,
            max_token_length: 8 * 1024,
        }
    }

    /// How long a credential could be accepted after its login ended: a token until it expires, with any `ttl`, a session while
    /// a node caches it.
    pub(super) fn retention<C: Claims>(&self) -> Duration {
        let token = C::MAX_TTL.saturating_add(2 * self.leeway);
        token.max(self.claims_max_age)
    }

    pub(super) fn check<C: Claims>(&self, site: &Site) -> Result<(), ConfigError> {
        let whole = self.access_ttl.subsec_nanos() == 0 && !self.access_ttl.is_zero();
        if !whole || self.access_ttl > C::MAX_TTL {
            return Err(ConfigError::new(
                "access_ttl",
                "must be whole seconds, at least one and at most the `max_ttl` of the claims type",
                "lower it, or raise `#[claims(max_ttl = \"…\")]`",
            ));
        }
        if self.leeway > 5 * MINUTE {
            return Err(ConfigError::new(
                "leeway",
                "above five minutes",
                "set it to 5 s or less: nodes follow the store's clock",
            ));
        }
        if self.grace > 5 * MINUTE {
            return Err(ConfigError::new(
                "grace",
                "above five minutes: a stolen refresh token could be used for that long",
                "set it to 10 s or less",
            ));
        }
        if self.token_idle < self.access_ttl.saturating_add(self.leeway) {
            return Err(ConfigError::new(
                "token_idle",
                "shorter than the lifetime of an access token with the leeway",
                "raise it, or lower `access_ttl`",
            ));
        }
        if self.pairing == Pairing::Required && site.refresh_cookie.is_some() {
            return Err(ConfigError::new(
                "require_access_token_to_refresh",
                "conflicts with `refresh_cookie`: after a reload, a page has the cookie but no access token",
                "call `.refresh_cookie()` or `.require_access_token_to_refresh()`, not both",
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
                Err(ConfigError::new(field, "zero, or above ten years", "set a duration between the two"))
            }
            None => self.check_idle_times(),
        }
    }

    /// A login cannot be idle for longer than it lasts.
    fn check_idle_times(&self) -> Result<(), ConfigError> {
        let help = "lower it, or raise the lifetime";
        if self.session_idle > self.session_lifetime {
            return Err(ConfigError::new("session_idle", "longer than `session_lifetime`", help));
        }
        if self.token_idle > self.token_lifetime {
            return Err(ConfigError::new("token_idle", "longer than `token_lifetime`", help));
        }
        Ok(())
    }
}

/// The realm of a service that does not set one.
pub(super) fn default_realm(issuer: &str, audience: &str) -> String {
    format!("{issuer} {audience}")
}

/// A text that is valid in a claim and in a challenge.
pub(super) fn named(
    field: &'static str,
    text: Option<&str>,
    help: &'static str,
) -> Result<String, ConfigError> {
    let text = text.ok_or_else(|| ConfigError::new(field, "missing", help))?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    match !text.is_empty() && is_plain {
        true => Ok(text.to_owned()),
        false => Err(ConfigError::new(
            field,
            "must be printable ASCII without spaces, quotes and backslashes, and not empty",
            help,
        )),
    }
}
