//! The API: JSON in, JSON out, problems when it is refused.

pub(crate) mod admin;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod orders;
pub(crate) mod password;
pub(crate) mod reports;
