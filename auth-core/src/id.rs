//! Identifiers. None of them is a secret; a credential never appears here.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64_simd::AsOut as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::hash::sha256;
use crate::random::{RandomError, random_bytes};

/// Whom a login belongs to: the text of `sub`. 1 to 255 bytes without control characters; cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<str>);

impl Subject {
    /// A subject with that text.
    ///
    /// # Errors
    ///
    /// [`ParseIdError`] when the text is empty, longer than 255 bytes, or holds a control character.
    pub fn new(text: &str) -> Result<Self, ParseIdError> {
        let printable = !text.bytes().any(|byte| byte.is_ascii_control());
        if !text.is_empty() && text.len() <= 255 && printable {
            Ok(Self(text.into()))
        } else {
            Err(ParseIdError::SUBJECT)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({:?})", &*self.0)
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A text is not an identifier of its kind. The text itself is not in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct ParseIdError {
    rule: &'static str,
}

impl ParseIdError {
    const SUBJECT: Self = Self { rule: "a subject has 1 to 255 bytes and no control characters" };
    pub(crate) const ID: Self = Self { rule: "not an identifier: 22 characters of base64url are expected" };
    pub(crate) const CURSOR: Self = Self { rule: "not a cursor of a list of logins" };
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The identifier with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// A new one: 128 random bits.
            #[allow(dead_code, reason = "not every kind of identifier is drawn everywhere")]
            pub(crate) fn random() -> Result<Self, RandomError> {
                random_bytes().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 22];
                let length = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
                f.write_str(text.get(..length).and_then(|text| str::from_utf8(text).ok()).ok_or(fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; 16];
                let is_whole = text.len() == 22
                    && base64_simd::URL_SAFE_NO_PAD
                        .decode(text.as_bytes(), bytes.as_mut_slice().as_out())
                        .is_ok_and(|decoded| decoded.len() == 16);
                if is_whole { Ok(Self(bytes)) } else { Err(ParseIdError::ID) }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

random_id! {
    /// One signed-in browser, app or device (`sid` in tokens): 128 random bits, written as 22 characters.
    ///
    /// Knowing it gives nothing: it is shown in device lists and logs, and is not a credential.
    LoginId
}

random_id! {
    /// One access token (`jti`): 128 random bits, written as 22 characters.
    TokenId
}

impl TokenId {
    /// The token with that `jti`: ours as it stands, any other text by the first half of its SHA-256.
    pub fn of_jti(jti: &str) -> Self {
        if let Ok(id) = jti.parse() {
            return id;
        }
        Self(sha256(jti.as_bytes()).first_chunk().copied().unwrap_or_default())
    }
}

/// One token of a login's refresh family: how often the login was rotated, and which try of that rotation it is. A
/// later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// How often the login was rotated.
    pub generation: u32,
    /// Which token of this generation it is.
    pub branch: u16,
}

/// As `gen` in access tokens: an array of the two numbers.
impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.generation, self.branch).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(u32, u16)>::deserialize(deserializer).map(|(generation, branch)| Self { generation, branch })
    }
}

/// Which key of a ring signed a token (`kid`). At most 255 bytes; cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The key identifier with that text, if it has 1 to 255 bytes.
    pub fn new(text: &str) -> Option<Self> {
        (1..=255).contains(&text.len()).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({:?})", &*self.0)
    }
}

impl std::borrow::Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
