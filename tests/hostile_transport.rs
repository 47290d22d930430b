//! Transport: how a credential travels, what stands beside it, and where a browser is sent.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

#[path = "hostile_transport/authorization.rs"]
mod authorization;
mod common;
#[path = "hostile_transport/cookies.rs"]
mod cookies;
#[path = "hostile_transport/redirect.rs"]
mod redirect;
#[path = "hostile_transport/upload.rs"]
mod upload;
