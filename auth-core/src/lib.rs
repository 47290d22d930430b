//! One login, two credentials, one revocation feed: sessions and JWTs for axum.

extern crate self as auth_core;

pub mod audit;
pub mod authenticate;
pub mod claims;
pub mod clock;
mod config;
pub mod extract;
pub mod id;
pub mod key;
mod private_file;
pub mod refresh;
pub mod requirement;
pub mod revoke;
pub mod role;
pub mod route;
pub mod scope;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod verify;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use auth_macros::{Claims, Role, Scope, check, public, require_auth};
pub use authenticate::{Auth, Authenticator};
pub use claims::Claims;
pub use config::ConfigError;
pub use role::{NoRole, Role, Roles};
pub use route::ProtectedRouter;
pub use scope::{NoScope, Scope, Scopes};
