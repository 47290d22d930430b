//! A shop as its clients see it.

use std::net::IpAddr;

use reqwest::Method;
use serde_json::json;

use super::Call;
use super::call::client;
use crate::Tokens;

/// Every user there is, with the password of the first start.
pub const USERS: [(&str, &str); 4] =
    [("alice", "wonderland"), ("bob", "builder"), ("carol", "christmas"), ("root", "toor-toor")];

/// Where a shop is, and the connections to it.
#[derive(Clone, Debug)]
pub struct Remote {
    url: String,
    client: reqwest::Client,
}

impl Remote {
    pub(super) fn new(url: String) -> Self {
        Self { url, client: client(None) }
    }

    /// The same shop for somebody at that address, who has connections of their own. On Linux all of 127.0.0.0/8 is there.
    #[must_use]
    pub fn from(&self, address: impl Into<IpAddr>) -> Self {
        Self { url: self.url.clone(), client: client(Some(address.into())) }
    }

    /// Its address, without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port of its address.
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// A request to be put together.
    pub fn call(&self, method: Method, path: &str) -> Call {
        Call::new(self.client.request(method, format!("{}{path}", self.url)))
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// Signs in a user with the first password, as a program.
    pub async fn tokens(&self, user: &str) -> Tokens {
        let body = json!({ "username": user, "password": password(user) });
        Tokens::of(&self.post("/api/login").json(&body).send().await)
    }

    /// Signs in a user with the first password, as a browser; the cookie as it is sent back.
    pub async fn session(&self, user: &str) -> String {
        let form = [("username", user), ("password", password(user))];
        let answer = self.post("/login").same_origin().form(&form).send().await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.session_cookie()
    }

    /// Refreshes.
    pub fn refresh(&self, refresh_token: &str) -> Call {
        self.post("/auth/refresh").json(&json!({ "refresh_token": refresh_token }))
    }
}

/// The password that a user has at first.
pub fn password(user: &str) -> &'static str {
    USERS.iter().find(|(name, _)| *name == user).map(|(_, password)| *password).unwrap()
}
