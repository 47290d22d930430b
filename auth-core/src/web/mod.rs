//! What HTTP brings and takes: credentials, cookies, where a request comes from, and problem details. Nothing here decides.

mod accept;
mod cookie;
mod credential;
mod csrf;
mod device;
mod local_path;
pub(crate) mod origin;
mod problem;

pub use accept::prefers_html;
pub(crate) use cookie::{RefreshCookie, SessionCookie};
pub(crate) use credential::{Credential, CredentialError, bearer_token, refresh_token, session_id};
pub(crate) use csrf::{CsrfPolicy, HeaderlessClients, SiteError};
pub use device::{Device, LoginAttempt};
pub use local_path::LocalPath;
pub(crate) use origin::Origin;
pub(crate) use problem::Problem;
