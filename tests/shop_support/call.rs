//! A request, over TCP.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;

use super::PATIENCE;
use super::answer::Answer;

/// A client that follows nothing, keeps no cookie and says nothing of itself.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).timeout(PATIENCE).no_proxy().build().unwrap()
}

/// A request that is being put together.
pub(crate) struct Call(reqwest::RequestBuilder);

impl Call {
    pub(super) fn new(request: reqwest::RequestBuilder) -> Self {
        Self(request)
    }

    pub(crate) fn header(self, name: impl AsRef<str>, value: &str) -> Self {
        Self(self.0.header(name.as_ref(), value))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.header(COOKIE, cookie)
    }

    /// As a browser sends it from a page of the shop.
    pub(crate) fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    /// As a browser sends it from a page of somebody else.
    pub(crate) fn cross_site(self) -> Self {
        self.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example")
    }

    /// As a browser goes to a page.
    pub(crate) fn page(self) -> Self {
        self.header(ACCEPT, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        Self(self.0.form(fields))
    }

    pub(crate) fn body(self, kind: &str, body: impl Into<String>) -> Self {
        Self(self.0.header(CONTENT_TYPE, kind).body(body.into()))
    }

    /// The answer; an answer there must be.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.expect("an answer")
    }

    /// The answer, if it came whole.
    pub(crate) async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.0.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.text().await? })
    }
}
