//! A router that takes only guarded handlers, and so knows every route's policy.

pub(crate) mod args;
mod auth_routes;
mod method;
mod policies;
mod router;

pub use method::{MethodRouter, delete, get, head, options, patch, post, put, trace};
pub use policies::{PolicyTable, RoutePolicy};
pub use router::ProtectedRouter;
