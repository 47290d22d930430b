//! How values become arguments of scripts.

use std::time::Duration;

use crate::id::{LoginId, TokenId};
use crate::store::hex::hex;
use crate::store::{Mark, SecretHash};

/// A larger number is not exact in a script.
const LARGEST: u64 = 1 << 53;

/// A longer duration is replaced by this number of milliseconds, so that the sum of a time and a duration is exact.
const LONGEST: u64 = 1 << 52;

/// The arguments of a script, in order.
#[derive(Default)]
pub(super) struct Arguments(pub(super) Vec<Vec<u8>>);

impl Arguments {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.push(bytes.to_vec());
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn number(self, number: impl Into<i64>) -> Self {
        self.text(&number.into().to_string())
    }

    /// An epoch, version or similar number. A number that is too large for a script is larger than any in the store.
    pub(super) fn epoch(self, number: u64) -> Self {
        self.text(&number.min(LARGEST).to_string())
    }

    pub(super) fn duration(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(LONGEST);
        self.text(&millis.to_string())
    }

    pub(super) fn login(self, id: LoginId) -> Self {
        self.text(&hex(id.as_bytes()))
    }

    /// The empty text if there is no value.
    pub(super) fn optional_login(self, id: Option<LoginId>) -> Self {
        match id {
            Some(id) => self.login(id),
            None => self.text(""),
        }
    }

    pub(super) fn session(self, hash: &SecretHash) -> Self {
        self.text(&hex(hash.as_bytes()))
    }

    pub(super) fn token(self, id: TokenId) -> Self {
        self.text(&hex(id.as_bytes()))
    }

    pub(super) fn mark(self, mark: Mark) -> Self {
        self.text(&hex(mark.as_bytes()))
    }
}
