//! Revocation: what a node knows to be over, how it hears of it, and what it does when it has not heard for too long.

mod acknowledged;
mod feed;
mod list;

pub(crate) use feed::{CatchUp, Feed};
pub use list::{Cleared, LastCleared, NotRevoked, RevocationList};
