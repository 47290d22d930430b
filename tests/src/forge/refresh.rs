//! Forged refresh tokens, as an attacker with the pepper could make them.

use auth_core::refresh::Peppers;
use auth_core::store::SecretHash;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The secret of pepper 0.
pub const PEPPER: [u8; 32] = [0x50; 32];

const LOGIN: std::ops::Range<usize> = 2..18;
const GENERATION: std::ops::Range<usize> = 18..22;
const BRANCH: std::ops::Range<usize> = 22..24;
const SECRET: std::ops::Range<usize> = 24..56;

/// The secret of the pepper with that number; 0 is [`PEPPER`].
pub fn pepper(id: u8) -> [u8; 32] {
    [0x50 + id; 32]
}

/// Only pepper 0.
pub fn peppers() -> Peppers {
    Peppers::new(0, &pepper(0)).unwrap()
}

/// The bytes of a token: version, pepper, login, generation, branch, secret, tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forged(Vec<u8>);

impl Forged {
    /// Takes a token apart.
    pub fn from(token: &str) -> Self {
        Self(URL_SAFE_NO_PAD.decode(token.strip_prefix("ar1_").unwrap()).unwrap())
    }

    /// Generation 0, branch 0 of a login, with a secret made of one byte.
    pub fn first(login: [u8; 16], secret: u8) -> Self {
        let mut bytes = vec![1, 0];
        bytes.extend_from_slice(&login);
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(&[secret; 32]);
        bytes.extend_from_slice(&[0; 16]);
        Self(bytes)
    }

    /// The login it names.
    pub fn login(&self) -> [u8; 16] {
        self.0[LOGIN].try_into().unwrap()
    }

    /// Its generation.
    pub fn generation(&self) -> u32 {
        u32::from_be_bytes(self.0[GENERATION].try_into().unwrap())
    }

    /// Its branch.
    pub fn branch(&self) -> u16 {
        u16::from_be_bytes(self.0[BRANCH].try_into().unwrap())
    }

    /// The number of its pepper.
    pub fn pepper(&self) -> u8 {
        self.0[1]
    }

    /// What the store keeps of the secret.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0[SECRET])
    }

    /// Of another generation.
    pub fn with_generation(mut self, generation: u32) -> Self {
        self.0[GENERATION].copy_from_slice(&generation.to_be_bytes());
        self
    }

    /// Of another branch.
    pub fn with_branch(mut self, branch: u16) -> Self {
        self.0[BRANCH].copy_from_slice(&branch.to_be_bytes());
        self
    }

    /// With a secret made of one byte.
    pub fn with_secret(mut self, secret: u8) -> Self {
        self.0[SECRET].fill(secret);
        self
    }

    /// How many bytes there are.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Changes one byte.
    pub fn flipped(mut self, byte: usize, mask: u8) -> Self {
        self.0[byte] ^= mask;
        self
    }

    /// The text, with the tag as it is.
    pub fn untagged(&self) -> String {
        format!("ar1_{}", URL_SAFE_NO_PAD.encode(&self.0))
    }

    /// The text, with the tag that [`PEPPER`] gives.
    pub fn tagged(mut self) -> String {
        let (body, tag) = self.0.split_at_mut(SECRET.end);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &PEPPER);
        let mut context = hmac::Context::with_key(&key);
        context.update(b"tag");
        context.update(body);
        tag.copy_from_slice(&context.sign().as_ref()[..16]);
        self.untagged()
    }
}
