//! Hashes of secrets, which a store keeps in place of the secrets.

use std::fmt;

use crate::hash::sha256;

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The hash of a secret.
            pub fn of(secret: &[u8]) -> Self {
                Self(sha256(secret))
            }

            /// The hash that consists of these bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

hash! {
    /// SHA-256 of a session id.
    SessionHash
}

hash! {
    /// SHA-256 of the secret of a refresh token.
    SecretHash
}
