//! Forged refresh tokens, as an attacker with the pepper could make them.

use auth_core::__private::rotation::ParsedToken;
use auth_core::id::LoginId;
use auth_core::id::Position;
use auth_core::refresh::Peppers;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The secret of the pepper with that number.
pub(crate) fn pepper(id: u8) -> [u8; 32] {
    [0x50 + id; 32]
}

/// New tokens by pepper 0.
pub(crate) fn peppers() -> Peppers {
    Peppers::new(0, &pepper(0)).unwrap()
}

/// Everything in a token but the tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forged {
    pub(crate) version: u8,
    pub(crate) pepper: u8,
    pub(crate) login: LoginId,
    pub(crate) position: Position,
    pub(crate) secret: [u8; 32],
}

impl Forged {
    pub(crate) const fn new(login: LoginId, position: Position, secret: [u8; 32]) -> Self {
        Self { version: 1, pepper: 0, login, position, secret }
    }

    /// Takes a token apart.
    pub(crate) fn from(token: &ParsedToken) -> Self {
        let text = token.encode(&peppers().with_older(1, &pepper(1)).unwrap()).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(text.expose().strip_prefix("ar1_").unwrap()).unwrap();
        Self {
            version: bytes[0],
            pepper: bytes[1],
            login: token.login_id(),
            position: token.position(),
            secret: bytes[24..56].try_into().unwrap(),
        }
    }

    /// The text, with the tag that its pepper gives.
    pub(crate) fn text(&self) -> String {
        let mut bytes = vec![self.version, self.pepper];
        bytes.extend_from_slice(self.login.as_bytes());
        bytes.extend_from_slice(&self.position.generation.to_be_bytes());
        bytes.extend_from_slice(&self.position.branch.to_be_bytes());
        bytes.extend_from_slice(&self.secret);
        let tag = hmac(self.pepper, &[b"tag", &bytes]);
        bytes.extend_from_slice(&tag[..16]);
        format!("ar1_{}", URL_SAFE_NO_PAD.encode(&bytes))
    }

    pub(crate) fn parsed(&self) -> ParsedToken {
        ParsedToken::parse(&self.text(), &peppers()).unwrap()
    }

    /// The secret that follows this one.
    pub(crate) fn successor(&self, next: Position, nonce: &[u8; 16]) -> [u8; 32] {
        let (generation, branch) = (next.generation.to_be_bytes(), next.branch.to_be_bytes());
        hmac(self.pepper, &[b"next", self.login.as_bytes(), &generation, &branch, nonce, &self.secret])
    }
}

fn hmac(pepper: u8, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &[0x50 + pepper; 32]));
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().try_into().unwrap()
}
