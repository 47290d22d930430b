//! The secret in the session cookie.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::random::{RandomError, random_bytes};
use crate::store::SessionHash;

/// A session id: 128 random bits, written as 22 characters. A credential: never shown, stored only as a hash.
#[derive(Clone)]
pub struct SessionId(Zeroizing<[u8; 16]>);

impl SessionId {
    /// The id with that text, if it has the form of one.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 16]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()).ok()?;
        (text.len() == 22 && length == 16).then_some(Self(bytes))
    }

    pub(crate) fn random() -> Result<Self, RandomError> {
        random_bytes().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    pub(crate) fn from_tower(id: tower_sessions_core::session::Id) -> Self {
        Self(Zeroizing::new(id.0.to_be_bytes()))
    }

    pub(crate) fn to_tower(&self) -> tower_sessions_core::session::Id {
        tower_sessions_core::session::Id(i128::from_be_bytes(*self.0))
    }

    /// What the store keeps.
    pub(crate) fn hash(&self) -> SessionHash {
        SessionHash::of(self.0.as_slice())
    }

    /// The cookie's value.
    pub(crate) fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }
}

/// Shows nothing of it.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId([redacted])")
    }
}
