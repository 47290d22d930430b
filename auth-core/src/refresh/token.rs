//! The format of a refresh token: `ar1_` and the base64url of
//! version ‖ pepper id ‖ login id ‖ generation ‖ branch ‖ secret ‖ tag.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::family::Presentation;
use super::pepper::{Pepper, Peppers};
use super::policy::Pair;
use crate::id::LoginId;
use crate::id::Position;
use crate::random::{RandomError, random_bytes};
use crate::store::{Family, SecretHash};

const PREFIX: &str = "ar1_";
const VERSION: u8 = 1;
const BODY: usize = 1 + 1 + 16 + 4 + 2 + 32;
const LENGTH: usize = BODY + 16;
const TEXT: usize = PREFIX.len() + (LENGTH * 4).div_ceil(3);

/// A refresh token as it is sent to the client. It is a credential: only [`expose`](Self::expose) shows it.
#[derive(Clone)]
pub struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    /// The text for the client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Does not show the token.
impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}

/// Why a text is not a token with a valid tag. The store was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTokenError {
    /// The text does not have the format of a refresh token, or its tag is not valid.
    #[error("not a refresh token")]
    Malformed,
    /// The token names a pepper that this node does not know, so its tag cannot be checked. The client should keep
    /// the token, because another node may know the pepper.
    #[error("the refresh token names an unknown pepper")]
    UnknownPepper {
        /// The number of the pepper.
        id: u8,
    },
}

/// A token with a valid tag, so it was made with one of the peppers. Whether it is accepted, the store decides.
#[derive(Clone)]
pub struct ParsedToken {
    pub(crate) pepper: u8,
    pub(crate) login: LoginId,
    pub(crate) position: Position,
    pub(crate) secret: Zeroizing<[u8; 32]>,
}

impl ParsedToken {
    /// The first token of a login, with a random secret.
    ///
    /// # Errors
    ///
    /// `RandomError` when the system's random number generator fails.
    pub fn first(login: LoginId, peppers: &Peppers) -> Result<Self, RandomError> {
        let secret = Zeroizing::new(random_bytes()?);
        let position = Position { generation: 0, branch: 0 };
        Ok(Self { pepper: peppers.current().id(), login, position, secret })
    }

    /// Reads a token and checks its tag in constant time.
    ///
    /// # Errors
    ///
    /// [`ParseTokenError`].
    pub fn parse(text: &str, peppers: &Peppers) -> Result<Self, ParseTokenError> {
        let bytes = decode(text).ok_or(ParseTokenError::Malformed)?;
        let (body, tag) = bytes.split_at(BODY);
        let token = Self::read(body).ok_or(ParseTokenError::Malformed)?;
        let pepper = peppers.find(token.pepper).ok_or(ParseTokenError::UnknownPepper { id: token.pepper })?;
        let is_genuine = bool::from(pepper.tag(body).ct_eq(tag));
        if is_genuine { Ok(token) } else { Err(ParseTokenError::Malformed) }
    }

    /// Reads the part before the tag.
    fn read(body: &[u8]) -> Option<Self> {
        let ([version, pepper], rest) = body.split_first_chunk()?;
        let (login, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (branch, secret) = rest.split_first_chunk()?;
        let position =
            Position { generation: u32::from_be_bytes(*generation), branch: u16::from_be_bytes(*branch) };
        let login = LoginId::from_bytes(*login);
        let secret = Zeroizing::new(secret.try_into().ok()?);
        (*version == VERSION).then_some(Self { pepper: *pepper, login, position, secret })
    }

    /// The token that follows this one at `next`.
    pub(super) fn successor(&self, pepper: &Pepper, next: Position, nonce: &[u8; 16]) -> Self {
        let secret = pepper.successor(self.login, next, nonce, &self.secret);
        Self { pepper: pepper.id(), login: self.login, position: next, secret }
    }

    /// The text for the client, with the tag of the pepper that it names; `None` when that pepper is unknown.
    pub fn encode(&self, peppers: &Peppers) -> Option<RefreshToken> {
        let pepper: &Pepper = peppers.find(self.pepper)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
        bytes.extend_from_slice(&[VERSION, self.pepper]);
        bytes.extend_from_slice(self.login.as_bytes());
        bytes.extend_from_slice(&self.position.generation.to_be_bytes());
        bytes.extend_from_slice(&self.position.branch.to_be_bytes());
        bytes.extend_from_slice(self.secret.as_slice());
        let tag = pepper.tag(&bytes);
        bytes.extend_from_slice(&tag);
        let mut text = Zeroizing::new(String::with_capacity(TEXT));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Some(RefreshToken(text))
    }

    /// The login it belongs to.
    pub const fn login_id(&self) -> LoginId {
        self.login
    }

    /// The position of the token in its family.
    pub const fn position(&self) -> Position {
        self.position
    }

    pub(super) fn presentation(&self, pair: Pair) -> Presentation {
        Presentation { position: self.position, secret: self.hash(), pair }
    }

    /// Whether it is the current token of the family, or the one before.
    pub(crate) fn is_recent_in(&self, family: &Family) -> bool {
        let hash = self.hash();
        hash == family.current || family.previous == Some(hash)
    }

    /// The hash of its secret, which the store keeps.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.secret.as_slice())
    }
}

/// Shows the login and the position, not the secret.
impl fmt::Debug for ParsedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedToken")
            .field("login", &self.login)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// The bytes of a text of the right format.
fn decode(text: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
    let text = text.strip_prefix(PREFIX).filter(|_| text.len() == TEXT)?;
    let mut bytes = Zeroizing::new([0; LENGTH]);
    let length = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()).ok()?;
    (length == LENGTH).then_some(bytes)
}
