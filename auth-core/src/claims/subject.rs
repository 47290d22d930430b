//! The subject field of a claims type: any type with a text form.

use std::fmt::Display;
use std::str::FromStr;

use crate::id::{ParseIdError, Subject};

/// A type that can be the `#[claim(subject)]` field: its `Display` becomes `sub`, its `FromStr` reads it back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a subject",
    label = "a subject is written with `Display` and read with `FromStr`",
    note = "implement `std::fmt::Display` and `std::str::FromStr` for `{Self}`, or use `String`"
)]
pub trait SubjectField: Display + FromStr {
    /// The subject with this field's text.
    ///
    /// # Errors
    ///
    /// [`ParseIdError`] when the text is empty, longer than 255 bytes, or holds a control character.
    fn to_subject(&self) -> Result<Subject, ParseIdError> {
        Subject::new(&self.to_string())
    }
}

impl<T: Display + FromStr> SubjectField for T {}

/// Reads `sub` into the application's type; for generated code.
///
/// # Errors
///
/// When the type does not take the text. The text itself is not in the error.
pub fn parse_subject<T: SubjectField, E: serde::de::Error>(sub: &str) -> Result<T, E> {
    T::from_str(sub).map_err(|_| E::custom("`sub` is not of the claims type"))
}
