//! Claims: of the wrong type, missing, for somebody else, out of time, or of a token that is something else.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

mod common;
#[path = "hostile_claims/grants.rs"]
mod grants;
#[path = "hostile_claims/kind.rs"]
mod kind;
#[path = "hostile_claims/time.rs"]
mod time;
#[path = "hostile_claims/types.rs"]
mod types;
