//! Identifiers of subjects, logins, tokens and keys. None of them is a secret or a credential.
//!
//! ```
//! use auth_core::id::{LoginId, Subject};
//!
//! let alice = Subject::new("alice")?;
//! assert_eq!(alice.as_str(), "alice");
//! assert!(Subject::new("").is_err());
//!
//! // Login ids appear in device lists, URLs and logs as 22 characters of base64url.
//! let login: LoginId = "AAAAAAAAAAAAAAAAAAAAAQ".parse()?;
//! assert_eq!(login.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64_simd::AsOut as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::hash::sha256;
use crate::random::{RandomError, random_bytes};

/// The user or service that a login belongs to: the value of the claim `sub` (RFC 7519 section 4.1.2). 1 to 255 bytes
/// without control characters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The subject with this text.
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

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

/// The text is not an identifier of this kind. The error does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct ParseIdError {
    rule: &'static str,
}

impl ParseIdError {
    const SUBJECT: Self = Self { rule: "a subject must have 1 to 255 bytes and no control characters" };
    pub(crate) const ID: Self = Self { rule: "not an identifier: expected 22 characters of base64url" };
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

            /// A new random identifier: 128 bits.
            #[allow(dead_code, reason = "not every kind of identifier is generated")]
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
    /// Identifies a login: one signed-in browser, app or device (`sid` in tokens). 128 bits, written as 22 characters
    /// of base64url; the first byte is the store's partition, the others are random.
    ///
    /// It is not a credential: it may be shown in device lists and logs.
    LoginId
}

random_id! {
    /// Identifies an access token (`jti`): 128 random bits, written as 22 characters of base64url.
    TokenId
}

impl TokenId {
    /// The identifier of the token with this `jti`: the parsed text if it has the form of this crate, otherwise the
    /// first half of its SHA-256.
    pub fn of_jti(jti: &str) -> Self {
        if let Ok(id) = jti.parse() {
            return id;
        }
        Self(sha256(jti.as_bytes()).first_chunk().copied().unwrap_or_default())
    }
}

/// The position of a token in its login's refresh family: the number of rotations, and the attempt within that
/// rotation. Later positions are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The number of rotations of the login before this token.
    pub generation: u32,
    /// The number of the token within its generation.
    pub branch: u16,
}

/// Writes an array of the two numbers, as in the claim `gen` of access tokens.
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

/// Identifies a key in a key ring (`kid`, RFC 7515 section 4.1.4). 1 to 255 bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// The key identifier with this text; `None` unless the text has 1 to 255 bytes.
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
