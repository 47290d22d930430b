//! A shop as its clients see it.

use reqwest::Method;
use serde_json::json;

use super::answer::Tokens;
use super::call::{Call, client};

/// Every user there is, with the password of the first start.
pub(crate) const USERS: [(&str, &str); 4] =
    [("alice", "wonderland"), ("bob", "builder"), ("carol", "christmas"), ("root", "toor-toor")];

/// Where a shop is, and the connections to it.
#[derive(Clone)]
pub(crate) struct Remote {
    url: String,
    client: reqwest::Client,
}

impl Remote {
    pub(super) fn new(url: String) -> Self {
        Self { url, client: client() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.client.request(method, format!("{}{path}", self.url)))
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Signs in a user with the first password, as a program.
    pub(crate) async fn tokens(&self, user: &str) -> Tokens {
        let body = json!({ "username": user, "password": password(user) });
        Tokens::of(&self.post("/api/login").json(&body).send().await)
    }

    /// Signs in a user with the first password, as a browser; the cookie as it is sent back.
    pub(crate) async fn session(&self, user: &str) -> String {
        let form = [("username", user), ("password", password(user))];
        let answer = self.post("/login").same_origin().form(&form).send().await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.session_cookie()
    }

    /// Refreshes.
    pub(crate) fn refresh(&self, refresh_token: &str) -> Call {
        self.post("/auth/refresh").json(&json!({ "refresh_token": refresh_token }))
    }
}

/// The password that a user has at first.
pub(crate) fn password(user: &str) -> &'static str {
    USERS.iter().find(|(name, _)| *name == user).map(|(_, password)| *password).unwrap()
}
