//! The contract of [`store`](crate::store) as tests, one function for each rule. Each takes a [`World`] with an empty
//! store and panics if the store violates the rule. [`store_contract!`](crate::store_contract) generates a `#[test]`
//! for each.
//!
//! The rules are grouped into areas, so that the author of a store can begin with some of them. Some rules need calls
//! of other areas too; they can also be called one by one.
//!
//! The rules use only times that the store returned, so that a store may use its server's clock plus an offset.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a violated rule panics, as a failed test does"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::store::Store;

pub mod claims;
pub mod creation;
pub mod documents;
pub mod ending;
pub mod families;
mod fixture;
pub mod limits;
pub mod listing;
pub mod liveness;
pub mod log;
pub mod purge;
pub mod realms;
pub mod restored;
pub mod restoring;
pub mod rotation;
mod rules;
pub mod sessions;
pub mod signing_out;
pub mod standing;
pub mod tickets;
pub mod time;
pub mod uses;
pub mod write_back;

/// A store that is empty at first, and its clock.
pub trait World: Send + Sync + 'static {
    /// The store. Each call returns the same one.
    fn store(&self) -> Arc<dyn Store>;

    /// Moves the store's clock forward. The clock may run by itself too.
    fn advance(&self, by: Duration);

    /// Sets the store's clock back.
    fn step_back(&self, by: Duration);
}

/// A world whose store can lose writes, as in a restore or a failover.
#[async_trait]
pub trait Restorable: World {
    /// Makes a copy of the store's content, which replaces an earlier copy.
    async fn copy(&self);

    /// Replaces the store's content by the copy. [`store`](World::store) still returns the same store.
    async fn restore(&self);

    /// Deletes the store's content.
    async fn empty(&self);
}
