//! Logins from beginning to end: rotation of refresh tokens, revocation, device lists, reloaded claims, audit events,
//! and what a store that fails does to them.

mod rotation_http;
mod rotation_model;
mod rotation_store;
mod rotation_support;
