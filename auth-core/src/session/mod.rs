//! Sessions: the secret in the session cookie, and the application's own session data.
//!
//! Session data is a [`Session`], which is tower-sessions' type.
//! [`Authenticator::session_data_layer`](crate::Authenticator::session_data_layer)
//! provides it, for visitors with and without a login.
//!
//! ```
//! use auth_core::jwt::{Algorithm, KeyRing};
//! use auth_core::route::get;
//! use auth_core::session::Session;
//! use auth_core::store::memory::MemoryStore;
//! use auth_core::{Authenticator, Claims, ProtectedRouter, public};
//! use axum::http::StatusCode;
//!
//! #[derive(Claims)]
//! #[claims(issuer = "https://shop.example", audience = "shop")]
//! struct ShopUser {
//!     #[claim(subject)]
//!     name: String,
//! }
//!
//! #[public]
//! async fn visits(session: Session) -> Result<String, StatusCode> {
//!     let failed = |_| StatusCode::SERVICE_UNAVAILABLE;
//!     let visits = session.get::<u64>("visits").await.map_err(failed)?.unwrap_or(0) + 1;
//!     session.insert("visits", visits).await.map_err(failed)?;
//!     Ok(format!("visit number {visits}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), auth_core::ConfigError> {
//! let auth = Authenticator::<ShopUser>::builder()
//!     .keys(KeyRing::generate(Algorithm::ES256)?)
//!     .store(MemoryStore::new())
//!     .build()
//!     .await?;
//! let app = ProtectedRouter::new().route("/visits", get(visits)).with_state(auth.clone());
//! let app: axum::Router = app.layer(auth.session_data_layer());
//! # let _ = app;
//! # Ok(())
//! # }
//! ```

mod data;
mod id;
mod signed_in;

pub use data::Session;
pub(crate) use id::SessionId;
pub(crate) use signed_in::SignedIn;
