//! The device and the request from which a login is made.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{COOKIE, USER_AGENT};
use http::request::Parts;

use super::csrf::Provenance;

/// What signing in needs of the request: the browser or program and its address, which the list of logins shows; where the
/// request came from; and the login or session that the browser has already.
///
/// An extractor that never fails. [`login_session`](crate::Authenticator::login_session) and
/// [`login_browser_tokens`](crate::Authenticator::login_browser_tokens) judge what it found. They refuse a sign-in from
/// another site, whatever the method: otherwise that site could sign its visitors in to an account of its own. A `GET` is
/// accepted from a page of the application only, not from a link in a mail; `HEAD` never signs in.
/// [`login_tokens`](crate::Authenticator::login_tokens) sets no cookie and accepts requests from anywhere.
///
/// The address is the peer's, when the application is served with `into_make_service_with_connect_info::<SocketAddr>()`;
/// behind a proxy set it with [`with_address`](Self::with_address).
///
/// # Magic links
///
/// Let the link show a page with a button, and sign in when the button is pressed, by `POST`. A link that signs in at once can
/// be sent by anybody, and programs that scan mails open it.
#[derive(Clone)]
pub struct LoginAttempt {
    pub(crate) device: Device,
    pub(crate) provenance: Provenance,
    pub(crate) cookies: HeaderMap,
}

impl LoginAttempt {
    pub(crate) fn of(parts: &Parts, peer: Option<IpAddr>) -> Self {
        let mut cookies = HeaderMap::new();
        for value in parts.headers.get_all(COOKIE) {
            cookies.append(COOKIE, value.clone());
        }
        Self { device: Device::of(&parts.headers, peer), provenance: Provenance::of(parts), cookies }
    }

    /// A sign-in without a request, for tests and command-line programs, of a device about which nothing is known. It gets
    /// tokens; a sign-in with a cookie is refused, because nothing says from which site it comes.
    pub fn unknown() -> Self {
        Self { device: Device::default(), provenance: Provenance::unknown(), cookies: HeaderMap::new() }
    }

    /// The same attempt from another address: behind a proxy the one in a header that the proxy controls. At most 64 bytes of
    /// it are kept.
    #[must_use]
    pub fn with_address(mut self, address: &str) -> Self {
        self.device.address = Some(printable(address, Device::MAX_ADDRESS));
        self
    }

    /// For the callback of an identity provider (OAuth 2.0, OpenID Connect, SAML), which comes from the provider's site.
    /// States that the application has compared the `state` of the request with the one that it gave to this same browser
    /// before, and lets the sign-in come from any site.
    ///
    /// # Security
    ///
    /// Without that comparison, another site can sign its visitors in to an account of its own. Never call it for a magic
    /// link, or for a token that is not bound to the browser.
    ///
    /// A callback by `GET` gets the session cookie, so the `state` can be kept in session data. A callback by `POST`
    /// (`response_mode=form_post`) does not, because the cookie is `SameSite=Lax`: there the `state` needs a cookie of its own
    /// with `SameSite=None; Secure`. For the same reason the login that the browser had before is not replaced.
    #[must_use]
    pub const fn callback_with_checked_state(mut self) -> Self {
        self.provenance.mark_checked_callback();
        self
    }
}

/// Contains no cookie.
impl std::fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginAttempt").field("device", &self.device).finish_non_exhaustive()
    }
}

/// What a list of logins shows: the browser or program as it names itself, and the address that it signed in from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    pub(crate) user_agent: Option<String>,
    pub(crate) address: Option<String>,
}

impl Device {
    /// The most of a user agent that is kept, in bytes.
    const MAX_USER_AGENT: usize = 256;
    /// The most of an address that is kept, in bytes.
    const MAX_ADDRESS: usize = 64;

    fn of(headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        let user_agent = headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self {
            user_agent: user_agent.map(|text| printable(&text, Self::MAX_USER_AGENT)),
            address: peer.map(|peer| peer.to_string()),
        }
    }
}

/// Without control characters, cut at `most` bytes.
fn printable(text: &str, most: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(most));
    for character in text.chars().filter(|character| !character.is_control()) {
        if kept.len() + character.len_utf8() > most {
            break;
        }
        kept.push(character);
    }
    kept
}
