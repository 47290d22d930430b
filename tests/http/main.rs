//! What comes in over HTTP: hostile tokens, keys and requests, row by row through whole requests; what is answered; and
//! that nothing secret is shown.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, and the helpers of tests, fail by panicking"
)]

mod answers;
mod claims;
mod csrf;
mod key_files;
mod keys;
mod memory;
mod over;
mod parsers;
mod redaction;
mod rejections;
mod rfc_vectors;
mod target;
mod token;
mod transport;
