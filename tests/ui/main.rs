//! The macros and the documents: what does not compile, and its messages, what compiles, what the derives generate, and that
//! the documents agree with the code.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

mod claims;
mod dependencies;
mod messages;
mod modules;
mod policies;
mod readme;
mod roles;
mod texts;
