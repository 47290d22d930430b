//! The store contract on Redis: a sketch, with the calls that are hardest to keep there, runs the part of the suite that
//! needs no others, against a real server that the tests start. Steps beside each other run on PostgreSQL as well.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics says so"
)]

pub(crate) mod concurrency;
mod redis;
mod redis_only;
mod rules;
mod sketch;
