//! An answer of the application, whole, and what is expected of one.

use auth_core::id::TokenId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{
    AsHeaderName, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::problem::{self, Problem};

/// The default name of a cookie, in the realm of the shop: `https://shop.example shop`.
macro_rules! name_in_realm {
    ($what:literal) => {
        concat!("__Host-", $what, "-b81039418b47")
    };
}

/// The name of the session cookie.
pub const SESSION_COOKIE: &str = name_in_realm!("id");
/// What a browser gets when the session cookie is to be forgotten.
pub const FORGET_COOKIE: &str =
    concat!(name_in_realm!("id"), "=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0");
/// The name of the cookie of refresh tokens.
pub const REFRESH_COOKIE: &str = name_in_realm!("refresh");
/// A session cookie of the right form that no store has.
pub const UNKNOWN_SESSION: &str = concat!(name_in_realm!("id"), "=AAAAAAAAAAAAAAAAAAAAAA");

/// The session cookie with that value, as a browser sends it.
pub fn session_of(value: &str) -> String {
    format!("{SESSION_COOKIE}={value}")
}

/// The cookie of refresh tokens with that value, as a browser sends it.
pub fn refresh_cookie_of(value: &str) -> String {
    format!("{REFRESH_COOKIE}={value}")
}

/// Status, headers, body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// All headers, in order.
    pub headers: HeaderMap,
    /// The body, which is text.
    pub body: String,
}

impl Answer {
    /// The only header of that name.
    #[track_caller]
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "a header came twice: {self:?}");
        all.first().copied()
    }

    /// All headers of that name, in order.
    #[track_caller]
    pub fn all(&self, name: impl AsHeaderName) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// What it asks for, in order.
    #[track_caller]
    pub fn challenges(&self) -> Vec<&str> {
        self.all(WWW_AUTHENTICATE)
    }

    /// Where it leads to.
    #[track_caller]
    pub fn location(&self) -> Option<&str> {
        self.header(LOCATION)
    }

    /// The cookies that it sets, each with its attributes.
    #[track_caller]
    pub fn set_cookies(&self) -> Vec<&str> {
        self.all(SET_COOKIE)
    }

    /// `name=value` of the one cookie that it sets.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let cookies = self.set_cookies();
        let [cookie] = cookies[..] else { panic!("not one cookie: {self:?}") };
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The session cookie that it sets, as it is sent back: one cookie with every protection.
    #[track_caller]
    pub fn session_cookie(&self) -> String {
        let set = self.header(SET_COOKIE).unwrap_or_else(|| panic!("no cookie: {self:?}"));
        let (pair, attributes) = set.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(name, SESSION_COOKIE);
        assert!(value.len() >= 22, "an id that can be guessed: {value}");
        pair.to_owned()
    }

    /// The body of an answer that says it is JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.header(CONTENT_TYPE), Some("application/json"), "{self:?}");
        self.value()
    }

    /// The body as JSON, whatever the answer calls it.
    #[track_caller]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A text member of the body.
    #[track_caller]
    pub fn member(&self, name: &str) -> String {
        self.value()[name].as_str().unwrap_or_else(|| panic!("no text `{name}`: {self:?}")).to_owned()
    }
}

/// What is asserted of answers that are no problem.
impl Answer {
    /// The handler was reached and answered with this text.
    #[track_caller]
    pub fn assert_text(&self, text: &str) {
        self.assert_ok(text, "");
    }

    /// As [`assert_text`](Self::assert_text), in a row of a table.
    #[track_caller]
    pub fn assert_ok(&self, text: &str, row: &str) {
        assert_eq!((self.status, self.body.as_str()), (StatusCode::OK, text), "{row}: {self:#?}");
    }

    /// An empty answer with that status.
    #[track_caller]
    pub fn assert_empty(&self, status: u16) {
        assert_eq!((self.status.as_u16(), &*self.body), (status, ""), "{self:?}");
    }

    /// 303 to that place.
    #[track_caller]
    pub fn assert_redirect(&self, location: &str) {
        assert_eq!((self.status.as_u16(), self.location()), (303, Some(location)), "{self:?}");
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"));
    }

    /// A page of the shop with that status.
    #[track_caller]
    pub fn assert_page(&self, status: u16, title: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header(CONTENT_TYPE), Some("text/html; charset=utf-8"));
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"));
        assert!(self.body.contains(&format!("<title>{title} – Shop</title>")), "{}", self.body);
    }
}

/// What is asserted of problems (RFC 9457).
impl Answer {
    /// Exactly this problem, which nobody may store and which sets no cookie; in a row of a table.
    #[track_caller]
    pub fn assert_is(&self, expected: &Problem, row: &str) {
        let is_same = self.status == expected.status
            && self.challenges() == expected.challenges
            && self.header(RETRY_AFTER) == expected.retry_after
            && self.body == expected.body;
        assert!(is_same, "{row}: expected {expected:#?}, got {self:#?}");
        assert_eq!(self.header(CONTENT_TYPE), Some("application/problem+json"), "{row}");
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"), "{row}");
        assert_eq!(self.set_cookies(), [""; 0], "{row}");
    }

    /// A problem with that status, title, and challenges in order, that says nothing more.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, title: &str, challenges: &[&str]) {
        let body = json!({ "type": "about:blank", "title": title, "status": status });
        self.assert_problem_with(&body, challenges);
    }

    /// A problem with that body.
    #[track_caller]
    pub fn assert_problem_with(&self, body: &Value, challenges: &[&str]) {
        assert_eq!(Some(u64::from(self.status.as_u16())), body["status"].as_u64(), "{self:?}");
        assert_eq!(self.header(CONTENT_TYPE), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"), "{self:?}");
        assert_eq!(self.challenges(), challenges, "{self:?}");
        assert_eq!(&self.value(), body);
    }

    /// 503: the client keeps what it has and tries again.
    #[track_caller]
    pub fn assert_unavailable(&self) {
        self.assert_is(&problem::unavailable(), "");
    }

    /// 401 for an access token, on a route that takes both schemes.
    #[track_caller]
    pub fn assert_invalid_token(&self) {
        self.assert_is(&problem::invalid_token(), "");
    }

    /// 401 for a session cookie, on a route that takes both schemes.
    #[track_caller]
    pub fn assert_invalid_session(&self) {
        self.assert_is(&problem::invalid_cookie(), "");
    }

    /// 403 for a role that is not there, on a route that takes both schemes.
    #[track_caller]
    pub fn assert_insufficient(&self) {
        self.assert_is(&problem::forbidden(), "");
    }

    /// 403 for a request that came from another site.
    #[track_caller]
    pub fn assert_cross_site(&self) {
        self.assert_is(&problem::cross_site(), "");
    }

    /// 404, without a body that says more.
    #[track_caller]
    pub fn assert_not_found(&self) {
        self.assert_is(&problem::not_found(), "");
    }

    /// 401 of the refresh endpoint.
    #[track_caller]
    pub fn assert_invalid_grant(&self) {
        self.assert_grant_problem(401, "The refresh token is not accepted; sign in again", "invalid_grant");
        assert_eq!(self.challenges(), [r#"Bearer realm="shop""#], "{self:?}");
    }

    /// 400 of the refresh endpoint.
    #[track_caller]
    pub fn assert_missing_grant(&self) {
        self.assert_grant_problem(400, "A refresh token is needed", "invalid_request");
    }

    #[track_caller]
    fn assert_grant_problem(&self, status: u16, title: &str, error: &str) {
        let body = json!({ "type": "about:blank", "title": title, "status": status, "error": error });
        self.assert_problem_with(&body, &self.challenges());
        assert_eq!(self.header(RETRY_AFTER), None, "{self:?}");
        assert_eq!(self.set_cookies(), [""; 0], "{self:?}");
    }
}

/// What a program gets when it signs in or refreshes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// How many seconds the access token is good for.
    pub expires_in: u64,
}

impl Tokens {
    /// Out of an answer that must have them, and must not be stored.
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.header(CACHE_CONTROL), Some("no-store"));
        assert_eq!(answer.header(SET_COOKIE), None);
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
        Self {
            access: answer.member("access_token"),
            refresh: answer.member("refresh_token"),
            expires_in: body["expires_in"].as_u64().unwrap(),
        }
    }

    /// What the access token says, unverified.
    pub fn claims(&self) -> Value {
        claims_of(&self.access)
    }

    /// The login they belong to.
    pub fn login(&self) -> String {
        self.claims()["sid"].as_str().unwrap().to_owned()
    }
}

/// The id of an access token.
pub fn token_id_of(access_token: &str) -> TokenId {
    claims_of(access_token)["jti"].as_str().unwrap().parse().unwrap()
}

/// The payload of an access token, unverified.
pub fn claims_of(access_token: &str) -> Value {
    let payload = access_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
