//! The style sheet and the script, as separate files, so that the Content-Security-Policy allows nothing inline.

use auth_core::public;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

const KEEP: &str = "public, max-age=300";

/// `GET /style.css`
#[public]
pub(crate) async fn style() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, KEEP)],
        include_str!("../../templates/style.css"),
    )
}

/// `GET /back.js`: what pages of signed-in users do when a browser shows them again.
#[public]
pub(crate) async fn back() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, KEEP)],
        include_str!("../../templates/back.js"),
    )
}
