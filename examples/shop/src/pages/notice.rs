//! A notice about what happened before this page, selected by the query parameter `notice`. It contains no text of the
//! request.

use std::convert::Infallible;

use axum::extract::{OptionalFromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::Redirect;
use serde::Deserialize;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Notice {
    /// The page needs a more recent sign-in.
    Again,
    /// A form was sent after its session had ended.
    Expired,
    /// The device was signed out already.
    Gone,
    /// The user signed out, but the session had ended before.
    Over,
}

impl Notice {
    /// What the page says.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Again => "Please sign in again to do this.",
            Self::Expired => "Your session had ended, so nothing was changed. Please sign in and try again.",
            Self::Gone => "That device was signed out already.",
            Self::Over => "You were signed out already.",
        }
    }

    /// A redirect to a page that shows the notice.
    pub(super) fn redirect(self, page: &str) -> Redirect {
        let name = match self {
            Self::Again => "again",
            Self::Expired => "expired",
            Self::Gone => "gone",
            Self::Over => "over",
        };
        Redirect::to(&format!("{page}?notice={name}"))
    }
}

#[derive(Deserialize)]
struct Noticed {
    notice: Notice,
}

/// Unknown or duplicate values are ignored.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Notice {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        let noticed = Query::<Noticed>::try_from_uri(&parts.uri);
        Ok(noticed.ok().map(|Query(noticed)| noticed.notice))
    }
}
