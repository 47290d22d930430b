//! Refresh tokens: the secret behind them ([`Peppers`]), their format, the rule of rotation, and rotation with a
//! store.
//!
//! With a durable store an application must pass peppers to [`Builder::peppers`](crate::login::Builder::peppers),
//! because refresh tokens outlive the process. With a memory store the default is a random pepper.
//!
//! ```
//! use auth_core::refresh::Peppers;
//!
//! // In production the secrets come from a secret storage, or from `Peppers::from_file_or_generate`.
//! let (new, old) = ([7; 32], [3; 32]);
//!
//! // To change the pepper, first let all nodes accept the new one. Then issue tokens with it, and accept the old one
//! // until the last login that uses it has expired.
//! let peppers = Peppers::new(2, &new)?.with_older(1, &old)?;
//! # let _ = peppers;
//! # Ok::<(), auth_core::ConfigError>(())
//! ```

pub(crate) mod family;
mod pepper;
pub(crate) mod policy;
pub(crate) mod rotate;
pub(crate) mod token;

pub(crate) use family::{Evidence, Verdict};
pub use pepper::Peppers;
pub(crate) use policy::{Pair, Pairing, RotationPolicy, Sharing};
pub(crate) use rotate::{Refresh, RotateError, Rotated};
pub(crate) use token::{ParseTokenError, ParsedToken, RefreshToken};
