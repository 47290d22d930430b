//! Method routers of guarded handlers: axum's, which remember who may call what.

use std::fmt;

use axum::handler::Handler;
use axum::routing;

use super::args::GuardedArgs;
use crate::extract::access::Access;
use crate::extract::caching::Varies;

/// Handlers of one path, by method. As axum's [`MethodRouter`](axum::routing::MethodRouter); `GET` answers `HEAD` too.
///
/// The answers of guarded handlers, refusals among them, get `Vary: authorization, cookie` (without `cookie` where only tokens
/// are accepted), and `Cache-Control: no-store` unless the handler sets `Cache-Control` itself: otherwise a shared cache may
/// give the page of one user to another.
pub struct MethodRouter<S = ()> {
    pub(super) inner: routing::MethodRouter<S>,
    pub(super) methods: Vec<(&'static str, Access)>,
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

impl<S: Clone + Send + Sync + 'static> MethodRouter<S> {
    fn of(inner: routing::MethodRouter<S>, method: &'static str, access: Access) -> Self {
        Self { inner: marked(inner, access), methods: vec![(method, access)] }
    }
}

/// Answers of guarded handlers say what caches may do with them.
fn marked<S: Clone + 'static>(inner: routing::MethodRouter<S>, access: Access) -> routing::MethodRouter<S> {
    match Varies::of(access) {
        Some(varies) => inner.layer(varies.layer()),
        None => inner,
    }
}

macro_rules! methods {
    ($($name:ident $method:literal),* $(,)?) => {
        $(
            #[doc = concat!("Routes `", $method, "` requests to a guarded handler.")]
            pub fn $name<H, T, S>(handler: H) -> MethodRouter<S>
            where
                H: Handler<T, S>,
                T: GuardedArgs + 'static,
                S: Clone + Send + Sync + 'static,
            {
                MethodRouter::of(routing::$name(handler), $method, T::ACCESS)
            }
        )*

        impl<S: Clone + Send + Sync + 'static> MethodRouter<S> {
            $(
                #[doc = concat!("Routes `", $method, "` requests to a guarded handler too.")]
                #[doc = ""]
                #[doc = "# Panics"]
                #[doc = ""]
                #[doc = "As axum does, when the method has a handler already."]
                #[must_use]
                pub fn $name<H, T>(mut self, handler: H) -> Self
                where
                    H: Handler<T, S>,
                    T: GuardedArgs + 'static,
                {
                    self.inner = self.inner.merge(marked(routing::$name(handler), T::ACCESS));
                    self.methods.push(($method, T::ACCESS));
                    self
                }
            )*
        }
    };
}

methods! {
    delete "DELETE",
    get "GET",
    head "HEAD",
    options "OPTIONS",
    patch "PATCH",
    post "POST",
    put "PUT",
    trace "TRACE",
}
