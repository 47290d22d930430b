//! A router that accepts only guarded handlers, and so knows the policy of every route.
//!
//! [`ProtectedRouter`] and the functions [`get`], [`post`], … are used like axum's. A handler without `#[require_auth]` or
//! `#[public]` does not compile, and neither does one that has a layer of its own. Other methods:
//! [`MethodRouter::on`].
//!
//! ```
//! use auth_core::route::{Access, get};
//! use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, public, require_auth};
//!
//! # #[derive(Claims)] #[claims(issuer = "https://shop.example", audience = "shop")]
//! # struct ShopUser { #[claim(subject)] name: String }
//! #[public]
//! async fn home() -> &'static str {
//!     "welcome"
//! }
//!
//! #[require_auth(session | jwt)]
//! async fn account(user: Auth<ShopUser>) -> String {
//!     user.name.clone()
//! }
//!
//! #[require_auth(session, fresh("5m"))]
//! async fn close_account(user: Auth<ShopUser>) -> String {
//!     format!("the account {} is closed", user.name)
//! }
//!
//! let app: ProtectedRouter<Authenticator<ShopUser>> = ProtectedRouter::new()
//!     .route("/", get(home))
//!     .route("/account", get(account).delete(close_account));
//! let table = app.policies();
//! assert_eq!(
//!     table.to_string(),
//!     "METHOD  PATH      WHO            ASKS\n\
//!      GET     /         public\n\
//!      DELETE  /account  session        fresh 5m\n\
//!      GET     /account  session | jwt\n"
//! );
//! assert!(table.iter().any(|route| route.access == Access::Public));
//! ```

pub(crate) mod args;
mod auth_routes;
mod method;
mod policies;
mod router;

pub use method::{MethodRouter, delete, get, patch, post, put};
pub use policies::{Access, PolicyTable, RoutePolicy};
pub use router::ProtectedRouter;
