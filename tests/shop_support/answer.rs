//! An answer, and what is expected of one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde_json::{Value, json};

/// The name of the session cookie.
pub(crate) const SESSION_COOKIE: &str = "__Host-id";
/// What a browser gets when the session cookie is to be forgotten.
pub(crate) const FORGET_COOKIE: &str = "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";

/// Status, headers, body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The only header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} twice: {self:?}");
        all.first().copied()
    }

    /// All headers of that name, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The session cookie that it sets, as it is sent back: one cookie with every protection.
    pub(crate) fn session_cookie(&self) -> String {
        let set = self.header(SET_COOKIE.as_str()).unwrap_or_else(|| panic!("no cookie: {self:?}"));
        let (pair, attributes) = set.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(name, SESSION_COOKIE);
        assert!(value.len() >= 22, "an id that can be guessed: {value}");
        pair.to_owned()
    }

    /// An empty answer with that status.
    #[track_caller]
    pub(crate) fn is_empty(&self, status: u16) {
        assert_eq!((self.status, &*self.body), (status, ""), "{self:?}");
    }

    /// 303 to that place.
    #[track_caller]
    pub(crate) fn is_redirect(&self, location: &str) {
        assert_eq!((self.status, self.header("location")), (303, Some(location)), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
    }

    /// A page with that status.
    #[track_caller]
    pub(crate) fn is_page(&self, status: u16, title: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert!(self.body.contains(&format!("<title>{title} – Shop</title>")), "{}", self.body);
    }

    /// A problem, whole: status, title, challenges in order, and nothing that says more.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, title: &str, challenges: &[&str]) {
        self.is_problem_with(json!({ "type": "about:blank", "title": title, "status": status }), challenges);
    }

    /// A problem with that body.
    #[track_caller]
    pub(crate) fn is_problem_with(&self, body: Value, challenges: &[&str]) {
        assert_eq!(Some(u64::from(self.status)), body["status"].as_u64(), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert_eq!(self.all("www-authenticate"), challenges, "{self:?}");
        assert_eq!(serde_json::from_str::<Value>(&self.body).unwrap(), body);
    }

    /// 401 for a refresh token.
    #[track_caller]
    pub(crate) fn is_invalid_grant(&self) {
        let title = "The refresh token is not accepted; sign in again";
        let body = json!({ "type": "about:blank", "title": title, "status": 401, "error": "invalid_grant" });
        self.is_problem_with(body, &["Bearer"]);
    }
}

/// What a program gets when it signs in or refreshes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) expires_in: u64,
}

impl Tokens {
    /// Out of an answer that must have them, and must not be stored.
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("set-cookie"), None);
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            expires_in: body["expires_in"].as_u64().unwrap(),
        }
    }

    /// What the access token says, unverified.
    pub(crate) fn claims(&self) -> Value {
        let payload = self.access.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    /// The login they belong to.
    pub(crate) fn login(&self) -> String {
        self.claims()["sid"].as_str().unwrap().to_owned()
    }
}
