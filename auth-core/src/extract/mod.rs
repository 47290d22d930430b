//! The edge to axum: guards, what they read of a request, and what is answered.

mod answer;
mod attempt;
mod credentials;
mod decide;
mod guard;
mod policy;
mod session_data;

pub use answer::Rejection;
pub(crate) use answer::not_found;
pub use guard::{Access, Guard, GuardArg, OptionalGuard, Public};
pub use policy::{Check, Decision, IntoDecision, Policy, PolicyData};
pub use session_data::{SessionDataLayer, SessionDataService};
