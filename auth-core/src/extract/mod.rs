//! The edge to axum: guards, what they read of a request, and what is answered.

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
