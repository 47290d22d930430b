//! What the developer or operator got wrong. Only builders and loaders return it.

use std::error::Error;
use std::fmt;

/// A configuration that cannot be used: which field, what is wrong with it, and the way out.
///
/// It never holds the value: values are often secrets.
pub struct ConfigError {
    field: &'static str,
    problem: &'static str,
    help: &'static str,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ConfigError {
    pub(crate) const fn new(field: &'static str, problem: &'static str, help: &'static str) -> Self {
        Self { field, problem, help, cause: None }
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

/// As [`Display`](fmt::Display), so that `main` returning it prints the way out.
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
