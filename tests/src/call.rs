//! Requests without a server.

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{Answer, within};

/// A request to `shop.example`, with nothing that a browser adds.
#[derive(Debug)]
pub struct Call {
    request: Request<Body>,
}

impl Call {
    /// A request without a body.
    pub fn new(method: Method, uri: &str) -> Self {
        let request = Request::builder().method(method).uri(uri).header(HOST, "shop.example");
        Self { request: request.body(Body::empty()).unwrap() }
    }

    /// `GET`.
    pub fn get(uri: &str) -> Self {
        Self::new(Method::GET, uri)
    }

    /// A request of a page of the application, with cookies.
    pub fn from_page(method: Method, uri: &str, cookies: &str) -> Self {
        let call = Self::new(method, uri).same_origin();
        if cookies.is_empty() { call } else { call.cookie(cookies) }
    }

    /// `POST /auth/refresh` of a program.
    pub fn refresh(token: &str) -> Self {
        Self::post("/auth/refresh").json(&json!({ "refresh_token": token }))
    }

    /// `POST`, without a body.
    pub fn post(uri: &str) -> Self {
        Self::new(Method::POST, uri)
    }

    /// Adds a header; a name may come twice.
    pub fn header(mut self, name: impl TryInto<HeaderName>, value: impl AsRef<[u8]>) -> Self {
        let name = name.try_into().unwrap_or_else(|_| panic!("not the name of a header"));
        self.request.headers_mut().append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// Leaves a header out.
    pub fn without(mut self, name: HeaderName) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    /// With that access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// With the cookie as a browser sends it: `name=value`.
    pub fn cookie(self, pair: &str) -> Self {
        self.header(COOKIE, pair)
    }

    /// As a page of the same site sends it.
    pub fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    /// With that body, as JSON.
    pub fn json(mut self, body: &Value) -> Self {
        *self.request.body_mut() = Body::from(body.to_string());
        self.header(CONTENT_TYPE, "application/json")
    }

    /// With that body.
    pub fn body(mut self, body: Body) -> Self {
        *self.request.body_mut() = body;
        self
    }

    /// With something for the handler.
    pub fn extension(mut self, extension: impl Clone + Send + Sync + 'static) -> Self {
        self.request.extensions_mut().insert(extension);
        self
    }

    /// The answer of the application, in time.
    #[track_caller]
    pub fn send(self, app: &Router) -> impl Future<Output = Answer> + Send + use<> {
        let response = app.clone().oneshot(self.request);
        within("an answer of the application", async move {
            let (parts, body) = response.await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer {
                status: parts.status,
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            }
        })
    }
}

impl From<Request<Body>> for Call {
    fn from(request: Request<Body>) -> Self {
        Self { request }
    }
}
