//! The form of a refresh token: `ar1_` and the base64url of
//! version ‖ pepper id ‖ login id ‖ generation ‖ branch ‖ secret ‖ tag.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::family::{Pair, Presentation};
use super::pepper::{Pepper, Peppers};
use crate::id::{LoginId, Position};
use crate::random::{RandomError, random_bytes};
use crate::store::SecretHash;

const PREFIX: &str = "ar1_";
const VERSION: u8 = 1;
const BODY: usize = 1 + 1 + 16 + 4 + 2 + 32;
const LENGTH: usize = BODY + 16;
const TEXT: usize = PREFIX.len() + (LENGTH * 4).div_ceil(3);

/// A refresh token to hand out. A credential: only [`expose`](Self::expose) shows it.
#[derive(Clone)]
pub struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    /// The text for the client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Shows nothing of it.
impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}

/// A token with a good tag: made here once. Whether it is worth anything, the store knows.
pub struct ParsedToken {
    pub(crate) pepper: u8,
    pub(crate) login: LoginId,
    pub(crate) position: Position,
    pub(crate) secret: Zeroizing<[u8; 32]>,
}

impl ParsedToken {
    /// The first token of a login.
    pub(crate) fn first(login: LoginId, peppers: &Peppers) -> Result<Self, RandomError> {
        let secret = Zeroizing::new(random_bytes()?);
        Ok(Self {
            pepper: peppers.current().id(),
            login,
            position: Position { generation: 0, branch: 0 },
            secret,
        })
    }

    /// Reads a token and checks its tag in constant time. `None` for junk: the store is not asked.
    pub fn parse(text: &str, peppers: &Peppers) -> Option<Self> {
        if text.len() != TEXT {
            return None;
        }
        let mut bytes = Zeroizing::new([0; LENGTH]);
        let length = URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(PREFIX)?, bytes.as_mut_slice()).ok()?;
        if length != LENGTH {
            return None;
        }
        let (body, tag) = bytes.split_at(BODY);
        let ([version, pepper], rest) = body.split_first_chunk()?;
        let (login, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (branch, secret) = rest.split_first_chunk()?;
        let is_genuine = peppers.find(*pepper)?.tag(body).ct_eq(tag);
        (*version == VERSION && bool::from(is_genuine)).then_some(Self {
            pepper: *pepper,
            login: LoginId::from_bytes(*login),
            position: Position {
                generation: u32::from_be_bytes(*generation),
                branch: u16::from_be_bytes(*branch),
            },
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }

    /// The text for the client, tagged by the pepper it names.
    pub(crate) fn encode(&self, peppers: &Peppers) -> Option<RefreshToken> {
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

    pub(crate) fn presentation(&self, pair: Pair) -> Presentation {
        Presentation { position: self.position, secret: self.hash(), pair }
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(self.secret.as_slice())
    }
}

/// Shows which login, and nothing of the secret.
impl fmt::Debug for ParsedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedToken")
            .field("login", &self.login)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
