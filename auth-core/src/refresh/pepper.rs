//! The server's secret behind refresh tokens. With it, junk is refused without the store; without it, a stolen
//! database yields no token.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::config::ConfigError;
use crate::hash::hmac_sha256;
use crate::id::LoginId;
use crate::id::Position;
use crate::random::random_bytes;

/// One secret, with the number by which tokens name it.
#[derive(Clone)]
pub struct Pepper {
    id: u8,
    key: hmac::Key,
}

impl Pepper {
    /// A pepper with that number.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the secret has less than 32 bytes.
    pub fn new(id: u8, secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < 32 {
            return Err(ConfigError::new(
                "pepper",
                "a pepper has at least 32 bytes",
                "make one with `openssl rand -base64 32`",
            ));
        }
        Ok(Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    /// A random one, gone with the process: refresh tokens then last as long as it does.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the system's source of randomness fails.
    pub fn generate(id: u8) -> Result<Self, ConfigError> {
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes().map_err(|error| {
            ConfigError::new(
                "pepper",
                "no pepper could be generated",
                "check the system's source of randomness",
            )
            .caused_by(error)
        })?);
        Ok(Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()) })
    }

    pub(crate) const fn id(&self) -> u8 {
        self.id
    }

    /// The tag over the rest of a token.
    pub(crate) fn tag(&self, body: &[u8]) -> [u8; 16] {
        hmac_sha256(&self.key, &[b"tag", body]).first_chunk().copied().unwrap_or_default()
    }

    /// The secret that follows `secret`: the same each time, so a retry gets the same bytes.
    pub(crate) fn successor(
        &self,
        login: LoginId,
        next: Position,
        nonce: &[u8; 16],
        secret: &[u8; 32],
    ) -> Zeroizing<[u8; 32]> {
        let (generation, branch) = (next.generation.to_be_bytes(), next.branch.to_be_bytes());
        let parts: [&[u8]; 6] = [b"next", login.as_bytes(), &generation, &branch, nonce, secret];
        Zeroizing::new(hmac_sha256(&self.key, &parts))
    }
}

/// Shows its number only.
impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({})", self.id)
    }
}

/// The pepper of new tokens, and older ones that tokens may still name.
///
/// All nodes accept a pepper before the first one uses it: a token of a pepper that is not known is answered with 503, so
/// that its client keeps it and finds a node that does.
#[derive(Clone, Debug)]
pub struct Peppers {
    current: Pepper,
    older: Vec<Pepper>,
}

impl Peppers {
    /// New tokens use `current`.
    pub const fn new(current: Pepper) -> Self {
        Self { current, older: Vec::new() }
    }

    /// The pepper in a file that only its owner can read, number 0; made there if it is not.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read or made, others may read it, or it is too short.
    pub fn from_file_or_generate(path: impl AsRef<std::path::Path>) -> Result<Self, ConfigError> {
        let text = crate::private_file::read_or_make("peppers", path.as_ref(), || {
            let secret: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes().map_err(|error| {
                ConfigError::new("peppers", "no pepper could be made", "check the system's randomness")
                    .caused_by(error)
            })?);
            Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice())))
        })?;
        let secret = URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new).map_err(|_| {
            ConfigError::new("peppers", "the pepper file is not base64url", "restore it from a backup")
        })?;
        Pepper::new(0, &secret).map(Self::new)
    }

    /// Accepts tokens of an older pepper too; each changes to the current one when it is next rotated.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a pepper with this number is there.
    pub fn with_older(mut self, pepper: Pepper) -> Result<Self, ConfigError> {
        if self.find(pepper.id).is_some() {
            return Err(ConfigError::new(
                "pepper",
                "two peppers have one number",
                "give each a number of its own",
            ));
        }
        self.older.push(pepper);
        Ok(self)
    }

    pub(crate) const fn current(&self) -> &Pepper {
        &self.current
    }

    pub(crate) fn find(&self, id: u8) -> Option<&Pepper> {
        self.all().find(|pepper| pepper.id == id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Pepper> {
        std::iter::once(&self.current).chain(&self.older)
    }
}
