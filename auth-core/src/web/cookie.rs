//! The two cookies: that of the session and, for applications that want it, that of the refresh token.

use std::borrow::Cow;
use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderValue;

use super::LocalPath;
use crate::config::ConfigError;
use crate::session::SessionId;

/// The name of a cookie of ours, prefix included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieName(Cow<'static, str>);

impl CookieName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, name: &[u8]) -> bool {
        self.0.as_bytes() == name
    }

    /// The same name in any case: browsers of different ages disagree about the case of the prefix.
    pub(crate) fn resembles(&self, name: &[u8]) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(name)
    }

    /// Whether `text` begins with this name and `=`, in any case.
    pub(crate) fn is_prefix_of(&self, text: &[u8]) -> bool {
        text.split_at_checked(self.0.len())
            .is_some_and(|(name, rest)| self.resembles(name) && rest.first() == Some(&b'='))
    }
}

/// How the session cookie is called and how long the browser keeps it. Its protections are fixed: `__Host-`, so that no
/// other host and no plain-HTTP page can plant it, HttpOnly, Secure, SameSite=Lax, for the whole site.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: CookieName,
    persistent: bool,
}

impl Default for SessionCookie {
    /// `__Host-id`, forgotten when the browser ends.
    fn default() -> Self {
        Self { name: CookieName(Cow::Borrowed("__Host-id")), persistent: false }
    }
}

impl SessionCookie {
    /// Another name; the prefix `__Host-` is added.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] unless the name has 1 to 64 letters, digits, `-` or `_`.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        let is_good = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !name.to_ascii_lowercase().starts_with("__");
        match is_good {
            true => Ok(Self { name: CookieName(Cow::Owned(format!("__Host-{name}"))), persistent: false }),
            false => Err(ConfigError::new(
                "cookie",
                "not a name for the session cookie",
                "use letters, digits, `-` and `_`; the prefix `__Host-` is added",
            )),
        }
    }

    /// Lets the browser keep the cookie after it ends, until the session expires: "stay signed in".
    #[must_use]
    pub const fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    pub(crate) const fn name(&self) -> &CookieName {
        &self.name
    }

    /// `Set-Cookie` for a new id.
    pub(crate) fn set(&self, id: &SessionId, lifetime: Duration) -> Option<HeaderValue> {
        let mut cookie = protected(self.name.as_str(), &id.expose(), SameSite::Lax, "/");
        if self.persistent {
            cookie.set_max_age(cookie::time::Duration::try_from(lifetime).ok());
        }
        header(&cookie)
    }

    /// `Set-Cookie` that removes it.
    pub(crate) fn unset(&self) -> Option<HeaderValue> {
        forget(self.name.as_str(), SameSite::Lax, "/")
    }
}

/// A refresh token in a cookie, for applications in a browser: `__Secure-`, HttpOnly, SameSite=Strict, sent to the
/// refresh endpoint only, and checked for cross-site forgery.
#[derive(Clone, Debug)]
pub struct RefreshCookie {
    name: CookieName,
    path: String,
}

impl Default for RefreshCookie {
    /// `__Secure-refresh` for `/auth/refresh`.
    fn default() -> Self {
        Self { name: CookieName(Cow::Borrowed("__Secure-refresh")), path: "/auth/refresh".to_owned() }
    }
}

impl RefreshCookie {
    /// For a refresh endpoint at another path, such as `/api/auth/refresh` when the routes are nested.
    pub fn at(path: &LocalPath) -> Self {
        Self { path: path.to_string(), ..Self::default() }
    }

    pub(crate) const fn name(&self) -> &CookieName {
        &self.name
    }

    /// `Set-Cookie` for a new token.
    pub(crate) fn set(&self, token: &str, lifetime: Duration) -> Option<HeaderValue> {
        let mut cookie = protected(self.name.as_str(), token, SameSite::Strict, &self.path);
        cookie.set_max_age(cookie::time::Duration::try_from(lifetime).ok());
        header(&cookie)
    }

    /// `Set-Cookie` that removes it.
    pub(crate) fn unset(&self) -> Option<HeaderValue> {
        forget(self.name.as_str(), SameSite::Strict, &self.path)
    }
}

/// A cookie with every protection there is.
fn protected<'a>(name: &'a str, value: &str, same_site: SameSite, path: &'a str) -> Cookie<'a> {
    Cookie::build((name, value.to_owned()))
        .path(path)
        .secure(true)
        .http_only(true)
        .same_site(same_site)
        .build()
}

/// `Set-Cookie` that removes a cookie of that name and path.
fn forget(name: &str, same_site: SameSite, path: &str) -> Option<HeaderValue> {
    let mut cookie = protected(name, "", same_site, path);
    cookie.set_max_age(cookie::time::Duration::ZERO);
    header(&cookie)
}

fn header(cookie: &Cookie<'_>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
