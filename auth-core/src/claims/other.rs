//! The members of a payload that are not fields of the claims type.

use serde::de::{Error, MapAccess};

use super::name::ClaimName;

/// Reads the members of a JSON object that are not fields of the claims type: in an access token, the registered
/// claims.
pub trait OtherMembers<'de> {
    /// Reads the value that follows `name`.
    ///
    /// # Errors
    ///
    /// When the member is duplicate or has the wrong type, or there are too many members.
    fn read<A: MapAccess<'de>>(&mut self, name: ClaimName<'de>, map: &mut A) -> Result<(), A::Error>;

    /// The value of `sub`, after all members were read.
    ///
    /// # Errors
    ///
    /// When `sub` is missing.
    fn subject<E: Error>(&self) -> Result<&str, E>;
}
