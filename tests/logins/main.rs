//! Logins from beginning to end: device lists, limits, expiry, revocation on one node and on several, reloaded claims,
//! session data, audit events, and what a store or a process that fails does to them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, and the helpers of tests, fail by panicking"
)]

mod audit_events;
mod claims_source;
mod clocks;
mod devices;
mod expiry;
mod faults;
mod last_seen;
mod limits;
mod lost_log;
mod on_postgres;
mod realms;
mod refreshing;
mod replaced;
mod replaced_tokens;
mod revocation;
mod session_data;
mod soak;
mod tickets;
mod timestamps;
mod uses;
