//! SHA-256 and HMAC-SHA-256 as arrays.

use aws_lc_rs::{digest, hmac};

/// The SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The HMAC of the concatenated parts, with a key for HMAC-SHA-256.
pub(crate) fn hmac_sha256(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    array(context.sign().as_ref())
}

/// Both digests have 32 bytes, so the default is never used.
fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.first_chunk().copied().unwrap_or_default()
}
