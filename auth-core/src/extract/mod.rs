//! What a guarded request can meet before its handler: a [`Rejection`], the [`Decision`] of a check, and the layer for
//! session data.
//!
//! The guard itself has no name: `#[require_auth]` and `#[public]` put it before the arguments of a handler.
//!
//! ```
//! use auth_core::extract::Decision;
//! use auth_core::route::get;
//! use auth_core::{Auth, Authenticator, Claims, ProtectedRouter, check, require_auth};
//! use axum::extract::Path;
//! use axum::http::StatusCode;
//!
//! #[derive(Claims)]
//! #[claims(issuer = "https://shop.example", audience = "shop")]
//! struct ShopUser {
//!     #[claim(subject)]
//!     id: u64,
//! }
//!
//! /// Answers 404, so that nobody learns which orders exist. The error of a check is the response.
//! #[check]
//! async fn own_order(user: &Auth<ShopUser>, Path(order): Path<u64>) -> Result<Decision, StatusCode> {
//!     let owner = owner_of(order).ok_or(StatusCode::NOT_FOUND)?;
//!     Ok(if owner == user.id { Decision::Allow } else { Decision::NotFound })
//! }
//!
//! #[require_auth(session | jwt, check(own_order), claims = ShopUser)]
//! async fn order(Path(order): Path<u64>) -> String {
//!     format!("order {order}")
//! }
//!
//! # fn owner_of(order: u64) -> Option<u64> { (order < 10).then_some(order) }
//! let app: ProtectedRouter<Authenticator<ShopUser>> = ProtectedRouter::new().route("/orders/{id}", get(order));
//! # let _ = app;
//! ```

pub(crate) mod access;
mod answer;
mod attempt;
pub(crate) mod caching;
mod credentials;
mod decide;
pub(crate) mod guard;
pub(crate) mod policy;
mod session_data;

pub use crate::login::rejection::{Rejection, RejectionReason};
pub(crate) use answer::not_found;
pub use policy::Decision;
pub use session_data::SessionDataLayer;
