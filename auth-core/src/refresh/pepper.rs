//! The server's secret behind refresh tokens. It allows to refuse forged tokens without asking the store, and without
//! it nobody can derive tokens from a stolen database.

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

/// A server secret, with the number by which refresh tokens name it.
#[derive(Clone)]
pub(crate) struct Pepper {
    id: u8,
    key: hmac::Key,
}

impl Pepper {
    /// The pepper with this number. The secret must be random.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the secret has fewer than 32 bytes.
    fn new(id: u8, secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < 32 {
            return Err(ConfigError::new(
                "pepper",
                "a pepper must have at least 32 bytes",
                "generate one with `openssl rand -base64 32`",
            ));
        }
        Ok(Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    pub(crate) const fn id(&self) -> u8 {
        self.id
    }

    /// The tag over the rest of a token.
    pub(crate) fn tag(&self, body: &[u8]) -> [u8; 16] {
        hmac_sha256(&self.key, &[b"tag", body]).first_chunk().copied().unwrap_or_default()
    }

    /// The secret after `secret`. It is deterministic, so that a retry gets the same bytes.
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

/// Shows only the number.
impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({})", self.id)
    }
}

/// The pepper of new refresh tokens, and older ones that are still accepted.
///
/// All nodes must accept a pepper before the first node uses it. A token with an unknown pepper is answered with 503,
/// so that the client keeps it and tries again, perhaps on a node that knows the pepper.
#[derive(Clone, Debug)]
pub struct Peppers {
    current: Pepper,
    older: Vec<Pepper>,
}

impl Peppers {
    /// A pepper for new tokens: a random secret, and the number by which tokens name it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the secret has fewer than 32 bytes.
    pub fn new(id: u8, secret: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self { current: Pepper::new(id, secret)?, older: Vec::new() })
    }

    /// A random pepper, which exists only in this process: refresh tokens then are valid until the process ends.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the system's random number generator fails.
    pub fn generate() -> Result<Self, ConfigError> {
        Self::new(0, random_secret()?.as_slice())
    }

    /// The pepper in a file, with number 0. A file that does not exist is created with a random pepper, accessible
    /// only to its owner.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the file cannot be read or created, is (on Unix) accessible to other users, is not
    /// base64url, or contains fewer than 32 bytes.
    pub fn from_file_or_generate(path: impl AsRef<std::path::Path>) -> Result<Self, ConfigError> {
        let text = crate::private_file::read_or_make("peppers", path.as_ref(), || {
            Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(random_secret()?.as_slice())))
        })?;
        let secret = URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new).map_err(|_| {
            ConfigError::new("peppers", "the pepper file is not base64url", "restore the file from a backup")
        })?;
        Self::new(0, &secret)
    }

    /// Also accepts tokens of an older pepper. A login changes to the current pepper at its next rotation.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there already is a pepper with this number, or the secret has fewer than 32 bytes.
    pub fn with_older(mut self, id: u8, secret: &[u8]) -> Result<Self, ConfigError> {
        if self.find(id).is_some() {
            return Err(ConfigError::new(
                "pepper",
                "duplicate pepper number",
                "give each pepper its own number",
            ));
        }
        self.older.push(Pepper::new(id, secret)?);
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

fn random_secret() -> Result<Zeroizing<[u8; 32]>, ConfigError> {
    random_bytes().map(Zeroizing::new).map_err(|error| {
        ConfigError::new(
            "peppers",
            "no pepper could be generated",
            "check the system's random number generator",
        )
        .caused_by(error)
    })
}
