//! Method routers of guarded handlers: axum's, which remember who may call what.

use std::fmt;

use axum::handler::Handler;
use axum::routing;

use super::args::GuardedArgs;
use crate::extract::access::Access;

/// Handlers of one path, by method. As axum's [`MethodRouter`](axum::routing::MethodRouter); `GET` answers `HEAD` too.
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

impl<S> MethodRouter<S> {
    fn of(inner: routing::MethodRouter<S>, method: &'static str, access: Access) -> Self {
        Self { inner, methods: vec![(method, access)] }
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
                    self.inner = self.inner.$name(handler);
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
