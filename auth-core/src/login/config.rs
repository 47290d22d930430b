//! What a builder decides and nothing changes later.

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

/// What the edge to HTTP needs: names, pages, cookies, and what counts as the same site.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(super) issuer: String,
    /// Also the realm of challenges.
    pub(crate) audience: String,
    pub(super) client_id: String,
    /// The realm, where it has another name than the default.
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

    /// How long a credential can be accepted after its login ended: a token while it lives, whatever the `ttl` it was
    /// issued under, a session while a node keeps it.
    pub(super) fn retention<C: Claims>(&self) -> Duration {
        let token = C::MAX_TTL.saturating_add(2 * self.leeway);
        token.max(self.claims_max_age)
    }

    pub(super) fn check<C: Claims>(&self, site: &Site) -> Result<(), ConfigError> {
        let whole = self.access_ttl.subsec_nanos() == 0 && !self.access_ttl.is_zero();
        if !whole || self.access_ttl > C::MAX_TTL {
            return Err(ConfigError::new(
                "access_ttl",
                "not whole seconds between one and the claims type's `max_ttl`",
                "shorten it, or raise `#[claims(max_ttl = \"…\")]`",
            ));
        }
        if self.leeway > 5 * MINUTE {
            return Err(ConfigError::new(
                "leeway",
                "above five minutes",
                "5 s is usual: nodes follow the store's clock",
            ));
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
        if self.pairing == Pairing::Required && site.refresh_cookie.is_some() {
            return Err(ConfigError::new(
                "require_access_token_to_refresh",
                "a page that was loaded anew has a refresh cookie and no access token",
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
                Err(ConfigError::new(field, "zero, or above ten years", "give it a duration"))
            }
            None => Ok(()),
        }
    }
}

/// The realm of a service that gives it no name.
pub(super) fn default_realm(issuer: &str, audience: &str) -> String {
    format!("{issuer} {audience}")
}

/// A text that can stand in a claim and in a challenge.
pub(super) fn named(
    field: &'static str,
    text: Option<&str>,
    help: &'static str,
) -> Result<String, ConfigError> {
    let text = text.ok_or_else(|| ConfigError::new(field, "missing", help))?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    match !text.is_empty() && is_plain {
        true => Ok(text.to_owned()),
        false => Err(ConfigError::new(field, "empty, or not plain ASCII without spaces and quotes", help)),
    }
}
