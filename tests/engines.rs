//! The store contract on PostgreSQL and Redis: sketches of both, with the calls that are hardest to keep there, run the
//! part of the suite that needs no others, against real servers that the tests start.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics says so"
)]

#[path = "engines/concurrency.rs"]
mod concurrency;
#[path = "engines/postgres.rs"]
mod postgres;
#[path = "engines/postgres_only.rs"]
mod postgres_only;
#[path = "engines/redis.rs"]
mod redis;
#[path = "engines/redis_only.rs"]
mod redis_only;
#[path = "engines/rules.rs"]
mod rules;
#[path = "engines/server.rs"]
mod server;
#[path = "engines/sketch.rs"]
mod sketch;
