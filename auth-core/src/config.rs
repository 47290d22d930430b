//! Errors in the configuration. Only builders and functions that load keys return them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// An invalid configuration: the field, what is wrong with it, and how to correct it.
///
/// It never contains the value, because values are often secrets.
pub struct ConfigError {
    field: &'static str,
    problem: Cow<'static, str>,
    help: &'static str,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ConfigError {
    pub(crate) const fn new(field: &'static str, problem: &'static str, help: &'static str) -> Self {
        Self { field, problem: Cow::Borrowed(problem), help, cause: None }
    }

    /// An error whose text contains a name from the configuration, such as that of an environment variable.
    pub(crate) const fn of_name(field: &'static str, problem: String, help: &'static str) -> Self {
        Self { field, problem: Cow::Owned(problem), help, cause: None }
    }

    pub(crate) fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The field or input at fault, such as `keys` or `issuer`.
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field, self.problem, self.help)
    }
}

/// The same text as [`Display`](fmt::Display), followed by the cause, so that `main` can return the error and the
/// output is readable.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
