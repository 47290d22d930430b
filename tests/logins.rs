//! Logins from beginning to end: rotation of refresh tokens, revocation, device lists, reloaded claims, audit events,
//! and what a store that fails does to them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, and the helpers of tests, fail by panicking"
)]

mod audit_events;
mod claims_source;
mod faults;
mod revocation;
mod rotation_http;
mod rotation_model;
mod rotation_store;
mod rotation_support;

mod logins {
    mod devices;
    mod expiry;
    mod last_seen;
    mod limits;
    mod replaced;
}
