//! Sessions: the cookie, the id in it, and the application's own data (tower-sessions).

mod cookie;
mod data;
mod id;
mod layer;

pub use cookie::SessionCookie;
pub(crate) use cookie::{CookieName, forget, header, protected};
pub(crate) use data::{SessionContext, SignedIn};
pub use id::SessionId;
pub use layer::{SessionDataLayer, SessionDataService};
pub use tower_sessions_core::Session;
