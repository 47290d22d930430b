//! Problem details (RFC 9457) that never say which check failed.

use http::StatusCode;
use serde::Serialize;

/// A problem of the type `about:blank`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl Problem {
    /// With this status and title.
    pub(crate) fn new(status: StatusCode, title: &'static str) -> Self {
        Self { r#type: "about:blank", title, status: status.as_u16(), error: None }
    }

    /// The same with an OAuth error code (RFC 6749 section 5.2).
    pub(crate) const fn with_error(mut self, error: &'static str) -> Self {
        self.error = Some(error);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
