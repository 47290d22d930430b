//! The subject field of a claims type: any type that can be written as text and parsed.

use std::fmt::Display;
use std::str::FromStr;

use crate::id::{ParseIdError, Subject};

/// A type that can be the `#[claim(subject)]` field: `Display` writes the claim `sub`, and `FromStr` parses it.
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

/// Parses `sub` into the application's type; for generated code.
///
/// # Errors
///
/// When the text cannot be parsed. The error does not contain the text.
pub fn parse_subject<T: SubjectField, E: serde::de::Error>(sub: &str) -> Result<T, E> {
    T::from_str(sub).map_err(|_| E::custom("`sub` cannot be parsed as the type of the subject field"))
}
