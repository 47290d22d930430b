//! A request, over TCP.

use std::net::IpAddr;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::{Answer, PATIENCE};

/// A client that follows nothing, keeps no cookie and says nothing of itself; at that address of this machine.
pub(super) fn client(address: Option<IpAddr>) -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(Policy::none()).timeout(PATIENCE).no_proxy();
    builder.local_address(address).build().unwrap()
}

/// A request that is being put together.
#[derive(Debug)]
pub struct Call(reqwest::RequestBuilder);

impl Call {
    pub(super) fn new(request: reqwest::RequestBuilder) -> Self {
        Self(request)
    }

    /// With a header more.
    pub fn header(self, name: impl AsRef<str>, value: &str) -> Self {
        Self(self.0.header(name.as_ref(), value))
    }

    /// With an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {token}"))
    }

    /// With a `Cookie` header.
    pub fn cookie(self, cookie: &str) -> Self {
        self.header(COOKIE, cookie)
    }

    /// As a browser sends it from a page of the shop.
    pub fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    /// As a browser sends it from a page of another site.
    pub fn cross_site(self) -> Self {
        self.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example")
    }

    /// As a browser goes to a page.
    pub fn page(self) -> Self {
        self.header(ACCEPT, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With the body that a form sends.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        Self(self.0.form(fields))
    }

    /// With a body of that type.
    pub fn body(self, kind: &str, body: impl Into<String>) -> Self {
        Self(self.0.header(CONTENT_TYPE, kind).body(body.into()))
    }

    /// The answer; an answer there must be.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// The answer, if it came whole.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.text().await? })
    }
}
