//! The edge to axum: what is read of a request, who decides, and what is answered.

pub(crate) mod credential;
pub(crate) mod csrf;
mod decide;
mod device;
mod guard;
mod local_path;
mod policy;
pub(crate) mod problem;
mod rejection;

pub use csrf::{HeaderlessClients, Origin};
pub use device::{Device, LoginAttempt};
pub use guard::{Access, Guard, GuardArg, OptionalGuard, Public};
pub use local_path::LocalPath;
pub use policy::{Check, Decision, IntoDecision, Policy, PolicyData};
pub use rejection::Rejection;
pub(crate) use rejection::{Refusal, RefusalContext, SignIn};
