//! The members of a payload that are not the application's own claims.

use serde::de::{Error, MapAccess};

use super::name::ClaimName;

/// Reads the members of a JSON object that a claims type does not know: for an access token, the registered claims.
pub trait OtherMembers<'de> {
    /// Reads the value that follows `name`.
    ///
    /// # Errors
    ///
    /// A member twice, of the wrong type, or too many.
    fn read<A: MapAccess<'de>>(&mut self, name: ClaimName<'de>, map: &mut A) -> Result<(), A::Error>;

    /// The text of `sub`, once everything was read.
    ///
    /// # Errors
    ///
    /// When it was not there.
    fn subject<E: Error>(&self) -> Result<&str, E>;
}
