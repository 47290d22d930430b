//! The front page.

use askama::Template;
use auth_core::{Auth, require_auth};
use axum::http::StatusCode;
use axum::response::Response;

use super::notice::Notice;
use super::render;
use crate::user::ShopUser;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    name: Option<&'a str>,
    notice: Option<Notice>,
}

/// `GET /`: for everybody; it shows who is signed in.
#[require_auth(session | jwt)]
pub(crate) async fn home(user: Option<Auth<ShopUser>>, notice: Option<Notice>) -> Response {
    let name = user.as_ref().map(|user| user.name.as_str());
    // A form of another site, whose requests have no cookie, can lead here too.
    let notice = notice.filter(|_| name.is_none());
    render(StatusCode::OK, &Home { name, notice })
}
