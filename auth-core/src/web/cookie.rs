//! The two cookies: the session's and, if the application enables it, the refresh token's.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderValue;

use crate::config::ConfigError;
use crate::hash::sha256;
use crate::session::SessionId;

/// The name of a cookie of this crate, with its prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieName(String);

impl CookieName {
    /// A name that depends on the realm, so that two applications on one host, as in development, have different
    /// cookies: cookies do not depend on the port.
    fn of_realm(what: &str, realm: &str) -> Self {
        let [a, b, c, d, e, f, ..] = sha256(realm.as_bytes());
        Self(format!("__Host-{what}-{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, name: &[u8]) -> bool {
        self.0.as_bytes() == name
    }

    /// Compares without case: some browsers check the prefix `__Host-` in this case only.
    pub(crate) fn resembles(&self, name: &[u8]) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(name)
    }

    /// Whether `text` begins with this name and `=`, in any case.
    pub(crate) fn is_prefix_of(&self, text: &[u8]) -> bool {
        text.split_at_checked(self.0.len())
            .is_some_and(|(name, rest)| self.resembles(name) && rest.first() == Some(&b'='))
    }
}

/// The session cookie: its name, and how long the browser keeps it. Its attributes are fixed: `__Host-`, so that
/// no other host and no page over plain HTTP can set it, HttpOnly, Secure, SameSite=Lax, `Path=/`.
#[derive(Clone, Debug)]
pub(crate) struct SessionCookie {
    name: CookieName,
    persistent: bool,
}

impl SessionCookie {
    /// `__Host-id-` and digits that depend on the realm.
    pub(crate) fn of_realm(realm: &str, persistent: bool) -> Self {
        Self { name: CookieName::of_realm("id", realm), persistent }
    }

    /// `__Host-` and this name. `persistent`: the browser keeps the cookie after it is closed.
    pub(crate) fn new(name: &str, persistent: bool) -> Result<Self, ConfigError> {
        let is_good = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !name.to_ascii_lowercase().starts_with("__");
        match is_good {
            true => Ok(Self { name: CookieName(format!("__Host-{name}")), persistent }),
            false => Err(Self::bad_name()),
        }
    }

    pub(crate) fn bad_name() -> ConfigError {
        ConfigError::new(
            "session_cookie",
            "not a name for the session cookie",
            "use 1 to 64 letters, digits, `-` and `_`; the prefix `__Host-` is added",
        )
    }

    pub(crate) const fn name(&self) -> &CookieName {
        &self.name
    }

    /// `Set-Cookie` for a new id.
    pub(crate) fn set(&self, id: &SessionId, lifetime: Duration) -> Option<HeaderValue> {
        let mut cookie = protected(self.name.as_str(), &id.expose(), SameSite::Lax);
        if self.persistent {
            cookie.set_max_age(cookie::time::Duration::try_from(lifetime).ok());
        }
        header(&cookie)
    }

    /// `Set-Cookie` that removes it.
    pub(crate) fn unset(&self) -> Option<HeaderValue> {
        forget(self.name.as_str(), SameSite::Lax)
    }
}

/// The refresh token in a cookie, for applications in a browser: `__Host-`, so that no other host and no page over plain
/// HTTP can set it, HttpOnly, Secure, SameSite=Strict. Requests with it are checked for CSRF.
#[derive(Clone, Debug)]
pub(crate) struct RefreshCookie {
    name: CookieName,
}

impl RefreshCookie {
    /// `__Host-refresh-` and digits that depend on the realm.
    pub(crate) fn of_realm(realm: &str) -> Self {
        Self { name: CookieName::of_realm("refresh", realm) }
    }

    pub(crate) const fn name(&self) -> &CookieName {
        &self.name
    }

    /// `Set-Cookie` for a new token.
    pub(crate) fn set(&self, token: &str, lifetime: Duration) -> Option<HeaderValue> {
        let mut cookie = protected(self.name.as_str(), token, SameSite::Strict);
        cookie.set_max_age(cookie::time::Duration::try_from(lifetime).ok());
        header(&cookie)
    }

    /// `Set-Cookie` that removes it.
    pub(crate) fn unset(&self) -> Option<HeaderValue> {
        forget(self.name.as_str(), SameSite::Strict)
    }
}

/// A cookie with all protective attributes.
fn protected<'a>(name: &'a str, value: &str, same_site: SameSite) -> Cookie<'a> {
    Cookie::build((name, value.to_owned()))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(same_site)
        .build()
}

/// `Set-Cookie` that removes the cookie with this name.
fn forget(name: &str, same_site: SameSite) -> Option<HeaderValue> {
    let mut cookie = protected(name, "", same_site);
    cookie.set_max_age(cookie::time::Duration::ZERO);
    header(&cookie)
}

fn header(cookie: &Cookie<'_>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
