//! The macros and the texts: what does not compile and what it says, what compiles, what the derives make, and that what
//! the repository says of itself is true.

#![expect(clippy::unwrap_used, reason = "a test that panics says so")]

mod claims;
mod dependencies;
mod messages;
mod modules;
mod policies;
mod readme;
mod roles;
mod texts;
