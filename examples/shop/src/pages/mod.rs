//! Pages for browsers: plain HTML from templates that escape. Each works without its script.

pub(crate) mod account;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod notice;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::problem::Problem;

/// A page with this status.
fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            Problem::INTERNAL.into_response()
        }
    }
}
