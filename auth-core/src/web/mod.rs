//! The parts of HTTP that signing in needs: who tries to sign in ([`LoginAttempt`], [`Device`]), and where a browser may be
//! sent afterwards ([`LocalPath`]).
//!
//! ```
//! use auth_core::login::{LoginError, SignedIn};
//! use auth_core::route::post;
//! use auth_core::web::{LocalPath, LoginAttempt};
//! use auth_core::{Authenticator, Claims, ProtectedRouter, public};
//! use axum::Json;
//! use axum::extract::State;
//! use axum::response::Redirect;
//! # use serde::Deserialize;
//!
//! # #[derive(Claims)] #[claims(issuer = "https://shop.example", audience = "shop")]
//! # struct ShopUser { #[claim(subject)] name: String }
//! #[derive(Deserialize)]
//! struct SignIn {
//!     next: Option<String>,
//! }
//!
//! #[public]
//! async fn sign_in(
//!     State(auth): State<Authenticator<ShopUser>>,
//!     attempt: LoginAttempt,
//!     Json(form): Json<SignIn>,
//! ) -> Result<(SignedIn, Redirect), LoginError> {
//!     let signed_in = auth.login_session(attempt, ShopUser { name: "alice".to_owned() }).await?;
//!     // Only a path of this site: anything else would be an open redirect.
//!     let next = form.next.as_deref().and_then(LocalPath::parse);
//!     Ok((signed_in, Redirect::to(next.as_ref().map_or("/", LocalPath::as_str))))
//! }
//!
//! assert!(LocalPath::parse("/orders?page=2").is_some());
//! assert!(LocalPath::parse("//evil.example").is_none());
//! # let _: ProtectedRouter<Authenticator<ShopUser>> = ProtectedRouter::new().route("/sign-in", post(sign_in));
//! ```

mod accept;
mod cookie;
mod credential;
mod csrf;
mod device;
mod json;
mod local_path;
pub(crate) mod origin;
mod problem;

pub use accept::prefers_html;
pub(crate) use cookie::{RefreshCookie, SessionCookie};
pub(crate) use credential::{Credential, CredentialError, bearer_token, refresh_token, session_id};
pub(crate) use csrf::{CsrfPolicy, HeaderlessClients, SiteError};
pub use device::{Device, LoginAttempt};
pub(crate) use json::{BodyError, json_object};
pub use local_path::LocalPath;
pub(crate) use origin::Origin;
pub(crate) use problem::Problem;
