//! The secret in the session cookie.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::random::{RandomError, random_bytes};
use crate::store::{Partition, SecretHash, SessionKey};

/// The length of 128 bits in base64url.
const SECRET: usize = 22;

/// The secret in the session cookie: 128 random bits, written as 22 characters of base64url, followed by `.` and the
/// number of the store's partition if that is not 0. It is a credential: it is never shown, and stored only as a
/// hash.
#[derive(Clone)]
pub(crate) struct SessionId {
    secret: Zeroizing<[u8; 16]>,
    partition: Partition,
}

impl SessionId {
    /// Parses the value of the cookie; `None` if it does not have the format of a session id.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (secret, partition) = text.split_at_checked(SECRET)?;
        let mut bytes = Zeroizing::new([0; 16]);
        let length = URL_SAFE_NO_PAD.decode_slice(secret, bytes.as_mut_slice()).ok()?;
        let partition = match partition.split_first() {
            None => Partition::REALM,
            Some((b'.', [b'1'..=b'9', ..])) => {
                Partition::new(str::from_utf8(partition.get(1..)?).ok()?.parse().ok()?)
            }
            Some(_) => return None,
        };
        (length == 16).then_some(Self { secret: bytes, partition })
    }

    pub(crate) fn random(partition: Partition) -> Result<Self, RandomError> {
        random_bytes().map(|bytes| Self { secret: Zeroizing::new(bytes), partition })
    }

    pub(crate) fn from_tower(id: tower_sessions_core::session::Id, partition: Partition) -> Self {
        Self { secret: Zeroizing::new(id.0.to_be_bytes()), partition }
    }

    pub(crate) fn to_tower(&self) -> tower_sessions_core::session::Id {
        tower_sessions_core::session::Id(i128::from_be_bytes(*self.secret))
    }

    pub(crate) const fn partition(&self) -> Partition {
        self.partition
    }

    /// The key by which the store finds the session.
    pub(crate) fn key(&self) -> SessionKey {
        SessionKey { partition: self.partition, hash: SecretHash::of(self.secret.as_slice()) }
    }

    /// The value of the cookie.
    pub(crate) fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.secret.as_slice()));
        if self.partition != Partition::REALM {
            text.push_str(&format!(".{}", self.partition.number()));
        }
        text
    }
}

/// Does not show the id.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_partition_beside_the_secret() {
        for number in [0, 1, 15, 255] {
            let id = SessionId::random(Partition::new(number)).unwrap();
            let text = id.expose();
            assert_eq!(text.contains('.'), number != 0, "{}", text.len());
            assert_eq!(SessionId::parse(text.as_bytes()).map(|id| id.key()), Some(id.key()));
        }
        let id = SessionId::random(Partition::REALM).unwrap().expose();
        for bad in [".", ".0", ".01", ".256", ".-1", ".1 ", "1", ".1.1"] {
            assert!(SessionId::parse(format!("{}{bad}", *id).as_bytes()).is_none(), "{bad}");
        }
    }
}
