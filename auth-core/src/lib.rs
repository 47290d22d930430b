//! One login, two credentials, one revocation feed: sessions and JWTs for [axum].
//!
//! A *login* is one signed-in browser, app or device. It is carried by a session cookie, or by an access token with a
//! rotating refresh token. Both become the same typed principal, [`Auth<C>`](Auth), both are checked against the same
//! in-memory revocation list, and neither needs a store look-up on the hot path.
//!
//! ```
//! use auth_core::extract::LoginAttempt;
//! use auth_core::key::{Algorithm, KeyRing};
//! use auth_core::route::{get, post};
//! use auth_core::store::memory::MemoryStore;
//! use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, Role, Roles, public, require_auth};
//! use auth_core::authenticate::{LoginError, SignedIn};
//! use axum::extract::State;
//!
//! #[derive(Clone, Copy, PartialEq, Eq, Role)]
//! enum ShopRole {
//!     Customer,
//!     #[role(includes(Customer))]
//!     Clerk,
//! }
//!
//! #[derive(Claims)]
//! #[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m")]
//! struct ShopUser {
//!     #[claim(subject)]
//!     name: String,
//!     #[claim(roles)]
//!     roles: Roles<ShopRole>,
//! }
//!
//! #[require_auth(session | jwt)]
//! async fn me(user: Auth<ShopUser>) -> String {
//!     user.name.clone()
//! }
//!
//! #[require_auth(session | jwt, role(ShopRole::Clerk), claims = ShopUser)]
//! async fn reports() -> &'static str {
//!     "all is well"
//! }
//!
//! #[public]
//! async fn login(State(auth): State<Authenticator<ShopUser>>, attempt: LoginAttempt) -> Result<SignedIn, LoginError> {
//!     let name = "alice".to_owned(); // once the password was right
//!     auth.login_session(attempt, ShopUser { name, roles: Roles::from(ShopRole::Customer) }).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), auth_core::ConfigError> {
//! let auth = Authenticator::<ShopUser>::builder()
//!     .keys(KeyRing::generate(Algorithm::ES256)?)
//!     .store(MemoryStore::new())
//!     .build()
//!     .await?;
//! let app = ProtectedRouter::new()
//!     .route("/me", get(me))
//!     .route("/reports", get(reports))
//!     .route("/login", post(login))
//!     .merge(auth.routes());
//! assert!(app.policies().to_string().contains("role(clerk)"));
//! let service: axum::Router = app.with_state(auth);
//! # let _ = service;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go on
//!
//! - [`require_auth`], [`public`], [`check`]: the attributes; [`Claims`](derive@Claims), [`Role`](derive@Role),
//!   [`Scope`](derive@Scope): the derives
//! - [`Authenticator`]: signing in and out, refreshing, the list of logins
//! - [`ProtectedRouter`]: routes, and the list of who may call them
//! - [`key`]: keys, and signed things that are not tokens
//! - [`store`]: where logins live, and the contract of such a place
//! - [`audit`][mod@audit]: the events
//!
//! # Features
//!
//! `sqlite` (default): the SQLite store. `testing`: a clock to move by hand, and the store contract as a suite. Features
//! only add; none changes behaviour.

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
pub use config::ConfigError;
pub use role::{NoRole, Roles};
pub use route::ProtectedRouter;
pub use scope::{NoScope, Scopes};
