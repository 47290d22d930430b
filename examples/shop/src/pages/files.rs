//! The one style sheet: a file of its own, so that the policy allows no inline style.

use auth_core::public;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

/// `GET /style.css`
#[public]
pub(crate) async fn style() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=300")],
        include_str!("../../templates/style.css"),
    )
}
