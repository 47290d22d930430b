//! Revocation: what a node knows to be over, how it hears of it, and what it does when it has not heard for too long.

mod feed;
mod list;

pub use feed::Feed;
pub use list::{CredentialIds, LastCleared, NotRevoked, RevocationList, Standing};
