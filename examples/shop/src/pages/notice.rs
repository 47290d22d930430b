//! A word about what happened before this page, as the query parameter `notice`: one of a few, never a text of the request.

use std::convert::Infallible;

use axum::extract::{OptionalFromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::Redirect;
use serde::Deserialize;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Notice {
    /// Something needs a sign-in that is not long ago.
    Again,
    /// A form was sent after its session had ended.
    Expired,
    /// A device to be signed out was so already.
    Gone,
    /// Signing out, but the session had ended before.
    Over,
}

impl Notice {
    /// What the page says.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Again => "Please sign in again to do this.",
            Self::Expired => "Your session was over, so nothing was changed. Please sign in and try again.",
            Self::Gone => "That device was signed out already.",
            Self::Over => "You were signed out already.",
        }
    }

    /// To a page that says it.
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

/// What is unknown, or there twice, is as none.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Notice {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        let noticed = Query::<Noticed>::try_from_uri(&parts.uri);
        Ok(noticed.ok().map(|Query(noticed)| noticed.notice))
    }
}
