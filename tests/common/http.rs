//! Requests without a server, and what comes back.

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// A request to `shop.example`, with nothing that a browser adds.
pub(crate) struct Call {
    request: Request<Body>,
}

impl Call {
    pub(crate) fn new(method: Method, uri: &str) -> Self {
        let request = Request::builder().method(method).uri(uri).header(HOST, "shop.example");
        Self { request: request.body(Body::empty()).unwrap() }
    }

    pub(crate) fn get(uri: &str) -> Self {
        Self::new(Method::GET, uri)
    }

    pub(crate) fn post(uri: &str) -> Self {
        Self::new(Method::POST, uri)
    }

    /// Adds a header; a name may come twice.
    pub(crate) fn header(mut self, name: impl TryInto<HeaderName>, value: impl AsRef<[u8]>) -> Self {
        let name = name.try_into().unwrap_or_else(|_| panic!("not the name of a header"));
        self.request.headers_mut().append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: HeaderName) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// With the cookie as a browser sends it: `name=value`.
    pub(crate) fn cookie(self, pair: &str) -> Self {
        self.header(COOKIE, pair)
    }

    /// As a page of the same site sends it.
    pub(crate) fn same_origin(self) -> Self {
        self.header("sec-fetch-site", "same-origin")
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        *self.request.body_mut() = Body::from(body.to_string());
        self.header(CONTENT_TYPE, "application/json")
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        *self.request.body_mut() = body;
        self
    }

    pub(crate) fn extension(mut self, extension: impl Clone + Send + Sync + 'static) -> Self {
        self.request.extensions_mut().insert(extension);
        self
    }

    pub(crate) async fn send(self, app: &Router) -> Answer {
        let response = app.clone().oneshot(self.request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// All of a response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The one header of that name.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        assert!(values.next().is_none(), "a header came twice: {:?}", self.headers);
        first.map(|value| value.to_str().unwrap())
    }

    pub(crate) fn all(&self, name: HeaderName) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn challenges(&self) -> Vec<&str> {
        self.all(WWW_AUTHENTICATE)
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.header(LOCATION)
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.all(SET_COOKIE)
    }

    /// `name=value` of the one cookie that was set.
    pub(crate) fn cookie(&self) -> String {
        let cookies = self.set_cookies();
        let [cookie] = cookies.as_slice() else { panic!("not one cookie: {cookies:?}") };
        cookie.split(';').next().unwrap().to_owned()
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}
