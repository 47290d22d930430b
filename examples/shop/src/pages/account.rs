//! The account page: the user's data and devices.

use std::fmt;

use askama::Template;
use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::login::Login;
use auth_core::login::Scheme;
use auth_core::role::Role as _;
use auth_core::store::ListCursor;
use auth_core::web::prefers_html;
use auth_core::{Auth, Authenticator, require_auth};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response, Result};
use serde::Deserialize;
use time::OffsetDateTime;

use super::notice::Notice;
use super::render;
use crate::path::PathText;
use crate::problem::Problem;
use crate::user::ShopUser;

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    user: &'a ShopUser,
    devices: Vec<Device<'a>>,
    next: Option<ListCursor>,
    notice: Option<Notice>,
}

struct Device<'a> {
    id: LoginId,
    name: &'a str,
    carried_by: &'static str,
    address: Option<&'a str>,
    created: Moment,
    last_seen: Moment,
    is_current: bool,
}

impl<'a> Device<'a> {
    fn new(login: &'a Login, current: Option<LoginId>) -> Self {
        Self {
            id: login.id(),
            name: login.user_agent().filter(|name| !name.is_empty()).unwrap_or("Unknown device"),
            carried_by: match login.kind() {
                Scheme::Session => "Browser",
                Scheme::Jwt => "App",
            },
            address: login.address(),
            created: Moment(login.created_at()),
            last_seen: Moment(login.last_seen_at()),
            is_current: current == Some(login.id()),
        }
    }
}

/// A time, shown to the minute.
struct Moment(Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp(self.0.seconds()).map_err(|_| fmt::Error)?;
        write!(f, "{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
    }
}

/// `GET /account`
#[require_auth(session)]
pub(crate) async fn account(
    user: Auth<ShopUser>,
    State(auth): State<Authenticator<ShopUser>>,
    page: Result<Query<Page>, QueryRejection>,
    notice: Option<Notice>,
) -> Result<Response> {
    let after: Option<ListCursor> = page.ok().and_then(|Query(page)| page.after?.parse().ok());
    let (logins, next) = auth.logins(user.subject(), after.as_ref()).await?;
    let devices = logins.iter().map(|login| Device::new(login, user.login_id())).collect();
    Ok(render(StatusCode::OK, &Account { user: user.claims(), devices, next, notice }))
}

/// The query of the page: after which device the list begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<String>,
}

/// `POST /account/logins/{id}/end`: signs out one device, the current one as by `/logout`.
#[require_auth(session)]
pub(crate) async fn end_login(
    user: Auth<ShopUser>,
    State(auth): State<Authenticator<ShopUser>>,
    PathText(id): PathText,
    headers: HeaderMap,
) -> Result<Response> {
    let id: LoginId = id.parse().map_err(|_| Problem::NOT_FOUND)?;
    if user.login_id() == Some(id) {
        return Ok((auth.logout(&user).await?, Redirect::to("/")).into_response());
    }
    match auth.end_login(user.subject(), id).await? {
        true => Ok(Redirect::to("/account").into_response()),
        // The device was signed out after the list was shown.
        false if prefers_html(&headers) => Ok(Notice::Gone.redirect("/account").into_response()),
        false => Err(Problem::NOT_FOUND.into()),
    }
}

/// `POST /account/logins/end-others`: signs out every device but the current one.
#[require_auth(session)]
pub(crate) async fn end_other_logins(
    user: Auth<ShopUser>,
    State(auth): State<Authenticator<ShopUser>>,
) -> Result<Redirect> {
    auth.end_other_logins(&user).await?;
    Ok(Redirect::to("/account"))
}
