//! The store contract on PostgreSQL and Redis: sketches of both, with the calls that are hardest to keep there, run the
//! part of the suite that needs no others, against real servers that the tests start.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics says so"
)]

pub(crate) mod concurrency;
mod postgres;
mod postgres_only;
mod rules;
pub(crate) mod server;
mod sketch;
