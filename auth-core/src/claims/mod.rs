//! Claims: what an application knows of a caller, as a typed struct.
//!
//! An application derives [`Claims`] and reads the fields of its struct through [`Auth`](crate::Auth). The trait and
//! its
//! methods are for generic code.
//!
//! ```
//! use std::time::Duration;
//!
//! use auth_core::claims::Claims as _;
//! use auth_core::{Claims, Role, Roles};
//!
//! #[derive(Clone, Copy, PartialEq, Eq, Role)]
//! enum ShopRole {
//!     Customer,
//! }
//!
//! #[derive(Claims)]
//! #[claims(issuer = "https://shop.example", audience = "shop", ttl = "15m")]
//! struct ShopUser {
//!     #[claim(subject)]
//!     id: u64,
//!     #[claim(roles)]
//!     roles: Roles<ShopRole>,
//!     nickname: Option<String>,
//! }
//!
//! let user = ShopUser { id: 7, roles: Roles::from(ShopRole::Customer), nickname: None };
//! assert_eq!(user.subject()?.as_str(), "7");
//! assert_eq!(ShopUser::TTL, Duration::from_secs(15 * 60));
//! # let _ = user.nickname;
//! # Ok::<(), auth_core::id::ParseIdError>(())
//! ```

pub(crate) mod name;
pub(crate) mod other;
pub(crate) mod read;
pub(crate) mod subject;

use std::time::Duration;

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use crate::id::{ParseIdError, Subject};
use crate::role::{Role, Roles};
use crate::scope::{Scope, Scopes};

pub(crate) use name::{ClaimName, TextVisitor};
pub(crate) use other::OtherMembers;
pub(crate) use read::{OptionalClaim, RequiredClaim, read_once};

/// The maximum number of unknown members in a JSON object of claims or in a header, and of audiences.
pub(crate) const MAX_MEMBERS: usize = 64;

/// The claims of a principal. Derive it with [`derive(Claims)`](derive@crate::Claims), which generates the validation
/// too.
///
/// # Security
///
/// Every holder of an access token can read its claims: they are signed, not encrypted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a claims type",
    label = "this type does not derive `Claims`",
    note = "add `#[derive(Claims)]` and `#[claims(…)]` to `{Self}`"
)]
pub trait Claims: Send + Sync + Sized + 'static {
    /// The application's roles; an enum without variants if there is no roles field.
    type Role: Role;
    /// The application's scopes; an enum without variants if there is no scopes field.
    type Scope: Scope;

    /// The issuer (`iss`). The builder can override it.
    const ISSUER: Option<&'static str>;
    /// The audience (`aud`). The builder can override it.
    const AUDIENCE: Option<&'static str>;
    /// The lifetime of an access token. The builder can override it.
    const TTL: Duration;
    /// The maximum lifetime (`exp` − `iat`) of an access token. Tokens with a longer one are refused.
    const MAX_TTL: Duration;

    /// The subject of the claims (`sub`).
    ///
    /// # Errors
    ///
    /// [`ParseIdError`] when the field's text is empty, longer than 255 bytes, or holds a control character.
    fn subject(&self) -> Result<Subject, ParseIdError>;

    /// The roles; empty without a roles field.
    fn roles(&self) -> Roles<Self::Role>;

    /// The scopes; empty without a scopes field.
    fn scopes(&self) -> Scopes<Self::Scope>;

    /// Reads the claims in one pass over a JSON object; `others` reads the members that are not fields of the type.
    ///
    /// # Errors
    ///
    /// When a required claim is missing, a member is duplicate, or a value has the wrong type.
    #[doc(hidden)]
    fn read<'de, A: MapAccess<'de>, O: OtherMembers<'de>>(map: A, others: &mut O) -> Result<Self, A::Error>;

    /// Writes `sub` and the other claims as members of a JSON object.
    ///
    /// # Errors
    ///
    /// The errors of the serializer.
    #[doc(hidden)]
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}
