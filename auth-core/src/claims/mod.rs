//! What a principal says: the application's claims type.

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

/// The most members that a JSON object of claims, or a header, may have.
pub(crate) const MAX_MEMBERS: usize = 64;

/// A typed principal: what the application knows of a caller. Derive it with
/// [`derive(Claims)`](derive@crate::Claims), which makes the validation part of the type.
///
/// # Security
///
/// Everybody who holds an access token can read its claims: they are signed, not encrypted.
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

    /// The issuer (`iss`), unless the builder names it.
    const ISSUER: Option<&'static str>;
    /// The audience (`aud`), unless the builder names it.
    const AUDIENCE: Option<&'static str>;
    /// How long an access token lives, unless the builder says otherwise.
    const TTL: Duration;
    /// The longest life (`exp` − `iat`) of an access token that is accepted at all.
    const MAX_TTL: Duration;

    /// Whom the claims are about (`sub`).
    ///
    /// # Errors
    ///
    /// [`ParseIdError`] when the field's text is empty, longer than 255 bytes, or holds a control character.
    fn subject(&self) -> Result<Subject, ParseIdError>;

    /// The roles; none without a roles field.
    fn roles(&self) -> Roles<Self::Role>;

    /// The scopes; none without a scopes field.
    fn scopes(&self) -> Scopes<Self::Scope>;

    /// Reads the own claims in one pass over a JSON object; `others` reads the other members.
    ///
    /// # Errors
    ///
    /// Whatever is missing, twice there, or of the wrong type.
    #[doc(hidden)]
    fn read<'de, A: MapAccess<'de>, O: OtherMembers<'de>>(map: A, others: &mut O) -> Result<Self, A::Error>;

    /// Writes `sub` and the own claims as members of a JSON object.
    ///
    /// # Errors
    ///
    /// The serializer's.
    #[doc(hidden)]
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}
