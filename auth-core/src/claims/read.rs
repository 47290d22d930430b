//! Used by generated code: reads a claim at most once, required or optional, never `null`.

use serde::Deserialize;
use serde::de::{Error, MapAccess};

/// A required claim.
#[derive(Debug)]
pub struct RequiredClaim<T>(Option<T>);

/// A claim that may be missing. `null` is not treated as missing: it has the wrong type.
#[derive(Debug)]
pub struct OptionalClaim<T>(Option<T>);

impl<T> Default for RequiredClaim<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for OptionalClaim<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> RequiredClaim<T> {
    /// Reads the value that follows the name.
    ///
    /// # Errors
    ///
    /// When the claim is duplicate, or has the wrong type.
    pub fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error>
    where
        T: Deserialize<'de>,
    {
        read_once(&mut self.0, map)
    }

    /// The claim.
    ///
    /// # Errors
    ///
    /// When the claim is missing.
    pub fn finish<E: Error>(self, name: &'static str) -> Result<T, E> {
        self.0.ok_or_else(|| E::missing_field(name))
    }
}

impl<T> OptionalClaim<T> {
    /// Reads the value that follows the name.
    ///
    /// # Errors
    ///
    /// When the claim is duplicate, or has the wrong type.
    pub fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error>
    where
        T: Deserialize<'de>,
    {
        read_once(&mut self.0, map)
    }

    /// The claim; `None` if it is missing.
    pub fn finish(self) -> Option<T> {
        self.0
    }
}

pub(crate) fn read_once<'de, T, A>(slot: &mut Option<T>, map: &mut A) -> Result<(), A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    if slot.is_some() {
        return Err(A::Error::custom("duplicate member"));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}
