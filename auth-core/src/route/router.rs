//! The router.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::Route;
use http::request::Parts;
use tower::{Layer, Service};

use super::args::{Guarded, GuardedHandler, Seal};
use super::method::MethodRouter;
use super::policies::{PolicyTable, RoutePolicy};
use crate::claims::Claims;
use crate::extract::access::Access;
use crate::extract::caching::Varies;
use crate::login::Authenticator;
use crate::login::rejection::{Refusal, Rejection};

/// axum's [`Router`], for guarded handlers only: one without `#[require_auth]` or `#[public]` does not compile.
///
/// It knows who may call each of its routes; [`policies`](Self::policies) lists them. Routes without a guarded handler need
/// an explicit call: [`public_service`](Self::public_service), or [`into_router`](Self::into_router), after which axum
/// accepts any handler. A handler with a layer of its own (`handler.layer(…)`) does not compile. Layers around routes are
/// not in the list: a layer that answers itself does so before any guard.
#[must_use]
pub struct ProtectedRouter<S = ()> {
    inner: Router<S>,
    routes: Vec<RoutePolicy>,
}

impl<S> ProtectedRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// A router without routes: every request gets 404.
    pub fn new() -> Self {
        Self { inner: Router::new(), routes: Vec::new() }
    }

    /// Adds a path. See [`Router::route`] for its form.
    ///
    /// # Panics
    ///
    /// As axum does, when the path is malformed or conflicts with another.
    pub fn route(mut self, path: &str, methods: impl Guarded<MethodRouter<S>>) -> Self {
        let methods = methods.guarded();
        let policies = methods
            .methods
            .into_iter()
            .map(|(method, access)| RoutePolicy::new(Some(method), path.to_owned(), access));
        self.routes.extend(policies);
        self.inner = self.inner.route(path, methods.inner);
        self
    }

    /// Adds a service that everybody may call, such as static files, at a path and below it.
    ///
    /// # Panics
    ///
    /// As axum does, when the path is malformed or conflicts with another.
    pub fn public_service<T>(mut self, path: &str, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        self.routes.push(RoutePolicy::new(None, below(path), Access::Public));
        self.inner = self.inner.nest_service(path, service);
        self
    }

    /// Adds the routes of another router below a prefix.
    ///
    /// # Panics
    ///
    /// As axum does, when the prefix is malformed or a path conflicts with another.
    pub fn nest(mut self, prefix: &str, other: impl Guarded<Self>) -> Self {
        let other = other.guarded();
        self.routes.extend(other.routes.into_iter().map(|mut route| {
            let prefix = prefix.trim_end_matches('/');
            route.path =
                if route.path == "/" { prefix.to_owned() } else { format!("{prefix}{}", route.path) };
            route
        }));
        self.inner = self.inner.nest(prefix, other.inner);
        self
    }

    /// Adds the routes of another router.
    ///
    /// # Panics
    ///
    /// As axum does, when both have a fallback or a path conflicts with another.
    pub fn merge(mut self, other: impl Guarded<Self>) -> Self {
        let other = other.guarded();
        self.routes.extend(other.routes);
        self.inner = self.inner.merge(other.inner);
        self
    }

    /// Answers requests that no route matches with a guarded handler.
    pub fn fallback<H, T>(mut self, handler: H) -> Self
    where
        H: GuardedHandler<T, S>,
    {
        self.routes.retain(|route| route.path != FALLBACK);
        self.routes.push(RoutePolicy::new(None, FALLBACK.to_owned(), H::ACCESS));
        self.inner = match Varies::of(H::ACCESS) {
            Some(varies) => self.inner.fallback(handler.into_handler(Seal).layer(varies.layer())),
            None => self.inner.fallback(handler.into_handler(Seal)),
        };
        self
    }

    /// Answers requests that no route so far matches with 404, and methods that a path so far does not have with 405. As for
    /// guards, the answer is a problem (RFC 9457), or what the application supplies with
    /// [`Builder::on_rejection`](crate::login::Builder::on_rejection). The reasons are
    /// [`NotFound`](crate::extract::RejectionReason::NotFound) and
    /// [`MethodNotAllowed`](crate::extract::RejectionReason::MethodNotAllowed). It replaces a [`fallback`](Self::fallback).
    pub fn unmatched<C: Claims>(mut self, auth: &Authenticator<C>) -> Self {
        self.routes.retain(|route| route.path != FALLBACK);
        self.routes.push(RoutePolicy::new(None, FALLBACK.to_owned(), Access::Public));
        self.inner = self
            .inner
            .fallback(answer_of(auth, || Refusal::NotFound))
            .method_not_allowed_fallback(answer_of(auth, || Refusal::MethodNotAllowed));
        self
    }

    /// Adds a layer to all routes so far. See [`Router::layer`].
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.inner = self.inner.layer(layer);
        self
    }

    /// Adds a layer to the routes so far that runs only when one of them matches. See [`Router::route_layer`].
    ///
    /// # Panics
    ///
    /// As axum does, when there is no route yet.
    pub fn route_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.inner = self.inner.route_layer(layer);
        self
    }

    /// Every route and who may call it.
    pub fn policies(&self) -> PolicyTable {
        PolicyTable::new(self.routes.clone())
    }

    /// The router to serve.
    pub fn with_state(self, state: S) -> Router {
        self.inner.with_state(state)
    }

    /// axum's router, to which any handler can be added: from here on nothing is checked.
    pub fn into_router(self) -> Router<S> {
        self.inner
    }
}

impl<S> Guarded<Self> for ProtectedRouter<S> {
    fn guarded(self) -> Self {
        self
    }
}

impl<S> From<ProtectedRouter<S>> for Router<S> {
    /// As [`ProtectedRouter::into_router`].
    fn from(router: ProtectedRouter<S>) -> Self {
        router.inner
    }
}

/// A handler that refuses everything.
fn answer_of<C: Claims>(
    auth: &Authenticator<C>,
    refusal: fn() -> Refusal,
) -> impl Fn(Parts) -> Ready<Rejection> + Clone + Send + Sync + 'static {
    let auth = auth.clone();
    move |parts| ready(Rejection::new(refusal(), &parts, None, auth.site()))
}

/// How a fallback is listed.
const FALLBACK: &str = "/{*fallback}";

fn below(path: &str) -> String {
    format!("{}/{{*path}}", path.trim_end_matches('/'))
}

impl<S> Default for ProtectedRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Clone for ProtectedRouter<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), routes: self.routes.clone() }
    }
}

impl<S> fmt::Debug for ProtectedRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedRouter").field("routes", &self.routes).finish_non_exhaustive()
    }
}
