//! Method routers of guarded handlers: axum's, which remember who may call what.

use std::fmt;

use axum::routing;

use super::args::{Guarded, GuardedHandler, Seal};
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

impl<S> Guarded<Self> for MethodRouter<S> {
    fn guarded(self) -> Self {
        self
    }
}

impl<S> From<MethodRouter<S>> for routing::MethodRouter<S> {
    /// The handlers with their guards, without the list of who may call them.
    fn from(router: MethodRouter<S>) -> Self {
        router.inner
    }
}

macro_rules! methods {
    ($($name:ident $method:literal),* $(,)?) => {
        $(
            #[doc = concat!("Routes `", $method, "` requests to a guarded handler.")]
            pub fn $name<H, T, S>(handler: H) -> MethodRouter<S>
            where
                H: GuardedHandler<T, S>,
                S: Clone + Send + Sync + 'static,
            {
                MethodRouter::of(routing::$name(handler.into_handler(Seal)), $method, H::ACCESS)
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
                    H: GuardedHandler<T, S>,
                {
                    self.inner = self.inner.$name(handler.into_handler(Seal));
                    self.methods.push(($method, H::ACCESS));
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
