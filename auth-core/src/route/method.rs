//! Method routers of guarded handlers: axum's, with the policy of each handler.

use std::fmt;

use axum::routing::{self, MethodFilter};
use http::Method;

use super::args::{Guarded, GuardedHandler, Seal};
use crate::extract::access::Access;
use crate::extract::caching::Varies;

/// Handlers of one path, by method. As axum's [`MethodRouter`](axum::routing::MethodRouter); `GET` answers `HEAD` too.
///
/// The answers of guarded handlers, refusals among them, get `Vary: authorization, cookie` (without `cookie` where only tokens
/// are accepted), and `Cache-Control: no-store` unless the handler sets `Cache-Control` itself: otherwise a shared cache may
/// give the page of one user to another.
pub struct MethodRouter<S = ()> {
    pub(super) inner: routing::MethodRouter<S>,
    pub(super) methods: Vec<(Method, Access)>,
}

impl<S> fmt::Debug for MethodRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodRouter").field("methods", &self.methods).finish_non_exhaustive()
    }
}

impl<S> Clone for MethodRouter<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), methods: self.methods.clone() }
    }
}

impl<S: Clone + Send + Sync + 'static> Default for MethodRouter<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// The methods that a filter can name.
const METHODS: [(MethodFilter, Method); 9] = [
    (MethodFilter::CONNECT, Method::CONNECT),
    (MethodFilter::DELETE, Method::DELETE),
    (MethodFilter::GET, Method::GET),
    (MethodFilter::HEAD, Method::HEAD),
    (MethodFilter::OPTIONS, Method::OPTIONS),
    (MethodFilter::PATCH, Method::PATCH),
    (MethodFilter::POST, Method::POST),
    (MethodFilter::PUT, Method::PUT),
    (MethodFilter::TRACE, Method::TRACE),
];

impl<S: Clone + Send + Sync + 'static> MethodRouter<S> {
    /// A router without handlers: every method is 405. For [`on`](Self::on); functions such as [`get`] are shorter.
    pub fn new() -> Self {
        Self { inner: routing::MethodRouter::new(), methods: Vec::new() }
    }

    /// Routes requests with one of these methods to a guarded handler too. `MethodFilter::GET` includes `HEAD`.
    ///
    /// ```
    /// use auth_core::route::MethodRouter;
    /// use auth_core::{ProtectedRouter, public};
    /// use axum::routing::MethodFilter;
    ///
    /// #[public]
    /// async fn allowed() -> [(&'static str, &'static str); 1] {
    ///     [("allow", "GET, OPTIONS")]
    /// }
    ///
    /// let app: ProtectedRouter =
    ///     ProtectedRouter::new().route("/", MethodRouter::new().on(MethodFilter::OPTIONS, allowed));
    /// assert!(app.policies().to_string().contains("OPTIONS"));
    /// ```
    ///
    /// # Panics
    ///
    /// As axum does, when one of the methods has a handler already.
    #[must_use]
    pub fn on<H, T>(mut self, filter: MethodFilter, handler: H) -> Self
    where
        H: GuardedHandler<T, S>,
    {
        let named = METHODS.into_iter().filter(|(one, _)| filter.or(*one) == filter);
        self.methods.extend(named.map(|(_, method)| (method, H::ACCESS)));
        let handlers = routing::MethodRouter::new().on(filter, handler.into_handler(Seal));
        self.inner = self.inner.merge(marked(handlers, H::ACCESS));
        self
    }
}

macro_rules! methods {
    ($($name:ident $method:ident),* $(,)?) => {
        $(
            #[doc = concat!("Routes `", stringify!($method), "` requests to a guarded handler.")]
            pub fn $name<H, T, S>(handler: H) -> MethodRouter<S>
            where
                H: GuardedHandler<T, S>,
                S: Clone + Send + Sync + 'static,
            {
                MethodRouter::new().on(MethodFilter::$method, handler)
            }
        )*

        impl<S: Clone + Send + Sync + 'static> MethodRouter<S> {
            $(
                #[doc = concat!("Routes `", stringify!($method), "` requests to a guarded handler too.")]
                #[doc = ""]
                #[doc = "# Panics"]
                #[doc = ""]
                #[doc = "As axum does, when the method has a handler already."]
                #[must_use]
                pub fn $name<H, T>(self, handler: H) -> Self
                where
                    H: GuardedHandler<T, S>,
                {
                    self.on(MethodFilter::$method, handler)
                }
            )*
        }
    };
}

methods! {
    delete DELETE,
    get GET,
    patch PATCH,
    post POST,
    put PUT,
}

/// Adds the headers for caches to the answers of guarded handlers.
fn marked<S: Clone + 'static>(inner: routing::MethodRouter<S>, access: Access) -> routing::MethodRouter<S> {
    match Varies::of(access) {
        Some(varies) => inner.layer(varies.layer()),
        None => inner,
    }
}

impl<S> Guarded<Self> for MethodRouter<S> {
    fn guarded(self) -> Self {
        self
    }
}
