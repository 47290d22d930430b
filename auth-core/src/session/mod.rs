//! Sessions: the secret in the cookie, and the application's own data (tower-sessions).

mod id;
mod signed_in;

pub(crate) use id::SessionId;
pub(crate) use signed_in::SignedIn;
pub use tower_sessions_core::Session;
