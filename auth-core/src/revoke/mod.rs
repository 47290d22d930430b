//! Revocation: the list of what a node knows to be revoked, how the node keeps it up to date, and what it does when
//! the list is too old.

mod acknowledged;
mod feed;
mod list;

pub(crate) use feed::{CatchUp, Feed};
pub use list::{Cleared, LastCleared, NotRevoked, RevocationList};
