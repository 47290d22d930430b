//! Session data: fixation, sign-out under way, and two requests that change one session.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

mod common;
#[path = "session_data/concurrent.rs"]
mod concurrent;
#[path = "session_data/fixation.rs"]
mod fixation;
#[path = "session_data/gated.rs"]
mod gated;
