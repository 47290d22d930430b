//! The front page.

use askama::Template;
use auth_core::{Auth, require_auth};
use axum::http::StatusCode;
use axum::response::Response;

use super::render;
use crate::user::ShopUser;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    name: Option<&'a str>,
}

/// `GET /`: open to everybody, and knows who is there.
#[require_auth(session | jwt)]
pub(crate) async fn home(user: Option<Auth<ShopUser>>) -> Response {
    render(StatusCode::OK, &Home { name: user.as_ref().map(|user| user.name.as_str()) })
}
