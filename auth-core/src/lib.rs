//! One login, two credentials, one revocation feed: sessions and JWTs for [axum].
//!
//! A *login* is one signed-in browser, app or device. It is carried by a session cookie, or by an access token with a
//! rotating refresh token. Both become the same typed principal, [`Auth<C>`](Auth), both are checked against the same
//! in-memory revocation list, and neither needs a store look-up on the hot path.
//!
//! ```
//! use auth_core::jwt::{Algorithm, KeyRing};
//! use auth_core::login::{LoginError, SignedIn};
//! use auth_core::route::{get, post};
//! use auth_core::store::memory::MemoryStore;
//! use auth_core::web::LoginAttempt;
//! use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, Role, Roles, public, require_auth};
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
//! # What an application uses
//!
//! | for | it uses |
//! |---|---|
//! | the principal | [`Claims`](derive@Claims), [`Role`](derive@Role) and [`Roles`], [`Scope`](derive@Scope) and [`Scopes`] |
//! | who may call a handler | [`require_auth`], [`public`], [`check`]; [`Auth`] is the caller |
//! | routes | [`ProtectedRouter`] with [`get`](route::get), [`post`](route::post), …; `policies()` lists who may call them |
//! | configuration | [`Authenticator::builder`], [`KeyRing`](jwt::KeyRing), [`Peppers`](refresh::Peppers), [`ConfigError`], and a store: [`MemoryStore`](store::memory::MemoryStore), `SqliteStore`, `PostgresStore` or `RedisStore` |
//! | signing in and out | [`Authenticator`] with [`LoginAttempt`](web::LoginAttempt); [`SignedIn`](login::SignedIn), [`Tokens`](login::Tokens), [`LoginError`](login::LoginError) ([`login`]) |
//! | ready-made routes to refresh, sign out and list logins | [`Authenticator::routes`] |
//! | data of a session, also before signing in | [`Session`](session::Session) |
//! | events for logs and metrics | [`AuditEvent`](audit::AuditEvent) |
//! | claims that change during a login | [`ClaimsSource`](login::ClaimsSource), [`Authenticator::claims_changed`] |
//! | signed data that is not a token | [`KeySet`](jwt::KeySet) |
//!
//! Only authors of stores need the rest of [`store`], and [`clock`] and `testing` are for tests. [`id`] has the identifiers
//! that appear in all of these.
//!
//! # Features
//!
//! None is on by default. `sqlite`, `postgres` and `redis`: the stores on these databases. `testing`: a manual clock, and the
//! contract tests of stores. Features only add; none changes behaviour.

extern crate self as auth_core;

pub mod audit;
pub mod claims;
pub mod clock;
mod config;
pub mod extract;
mod hash;
pub mod id;
pub mod jwt;
pub mod login;
mod private_file;
mod random;
pub mod refresh;
mod requirement;
mod revoke;
pub mod role;
pub mod route;
pub mod scope;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod web;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

/// Makes a struct the claims of a principal.
///
/// ```
/// use auth_core::{Claims, Role, Roles, Scope, Scopes};
/// # #[derive(Clone, Copy, PartialEq, Eq, Role)] enum ShopRole { Customer }
/// # #[derive(Clone, Copy, PartialEq, Eq, Scope)] enum ShopScope { #[scope(name = "orders:read")] ReadOrders }
///
/// #[derive(Claims)]
/// #[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m")]
/// struct ShopUser {
///     #[claim(subject)]
///     id: u64,
///     email: String,
///     nickname: Option<String>,
///     #[claim(roles)]
///     roles: Roles<ShopRole>,
///     #[claim(scopes)]
///     scopes: Scopes<ShopScope>,
/// }
/// ```
pub use auth_macros::Claims;
/// Makes an enum the roles of a principal.
///
/// ```
/// use auth_core::{Role, Roles};
///
/// #[derive(Clone, Copy, PartialEq, Eq, Role)]
/// enum ShopRole {
///     Customer,
///     #[role(includes(Customer))]
///     Clerk,
///     #[role(name = "admin", includes(Clerk))]
///     Administrator,
/// }
///
/// assert!(Roles::from(ShopRole::Administrator).has(ShopRole::Customer));
/// ```
pub use auth_macros::Role;
/// Makes an enum the scopes of a credential.
///
/// ```
/// use auth_core::{Scope, Scopes};
///
/// #[derive(Clone, Copy, PartialEq, Eq, Scope)]
/// enum ShopScope {
///     #[scope(name = "orders:read")]
///     ReadOrders,
///     #[scope(name = "orders:write")]
///     WriteOrders,
/// }
///
/// let scopes: Scopes<ShopScope> = [ShopScope::ReadOrders, ShopScope::WriteOrders].into_iter().collect();
/// assert_eq!(scopes.to_string(), "orders:read orders:write");
/// ```
pub use auth_macros::Scope;
/// A rule of the application, to be named in `check(…)`.
///
/// ```
/// use auth_core::extract::Decision;
/// use auth_core::{Auth, Claims, check, require_auth};
/// use axum::extract::Path;
/// # #[derive(Claims)] #[claims(issuer = "https://shop.example", audience = "shop")]
/// # struct ShopUser { #[claim(subject)] id: u64 }
///
/// #[check]
/// async fn own_page(user: &Auth<ShopUser>, Path(id): Path<u64>) -> Decision {
///     if user.id == id { Decision::Allow } else { Decision::NotFound }
/// }
///
/// #[require_auth(session | jwt, check(own_page))]
/// async fn page(user: Auth<ShopUser>) -> String {
///     format!("the page of {}", user.id)
/// }
/// ```
pub use auth_macros::check;
/// States that everybody may call a handler.
///
/// ```
/// use auth_core::route::{Access, get};
/// use auth_core::{ProtectedRouter, public};
///
/// #[public]
/// async fn health() -> &'static str {
///     "ok"
/// }
///
/// let app: ProtectedRouter = ProtectedRouter::new().route("/health", get(health));
/// assert!(app.policies().iter().all(|route| route.access == Access::Public));
/// ```
pub use auth_macros::public;
/// States who may call a handler.
///
/// ```
/// use auth_core::{Auth, Claims, Role, Roles, require_auth};
/// use axum::Json;
/// # #[derive(Clone, Copy, PartialEq, Eq, Role)] enum ShopRole { Customer, #[role(includes(Customer))] Clerk }
/// # #[derive(Claims)] #[claims(issuer = "https://shop.example", audience = "shop")]
/// # struct ShopUser { #[claim(subject)] id: u64, #[claim(roles)] roles: Roles<ShopRole> }
///
/// #[require_auth(session | jwt, role(ShopRole::Clerk), fresh("5m"))]
/// async fn refund(user: Auth<ShopUser>, Json(order): Json<u64>) -> String {
///     format!("{} refunded {order}", user.id)
/// }
///
/// // A named extractor, to reuse the policy.
/// #[require_auth(session | jwt, role(ShopRole::Clerk))]
/// struct Clerk(Auth<ShopUser>);
///
/// async fn stock(clerk: Clerk) -> String {
///     format!("counted by {}", clerk.0.id)
/// }
/// # let _ = auth_core::ProtectedRouter::<auth_core::Authenticator<ShopUser>>::new()
/// #     .route("/stock", auth_core::route::get(stock)).route("/refund", auth_core::route::post(refund));
/// ```
pub use auth_macros::require_auth;
pub use config::ConfigError;
pub use login::{Auth, Authenticator};
pub use role::Roles;
pub use route::ProtectedRouter;
pub use scope::Scopes;
