//! Signing in with a browser.

use askama::Template;
use auth_core::web::{LocalPath, LoginAttempt};
use auth_core::{Auth, Authenticator, public, require_auth};
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Redirect, Response, Result};
use secrecy::SecretString;
use serde::Deserialize;

use super::notice::Notice;
use super::render;
use crate::sign_in::{self, SignIn};
use crate::user::ShopUser;
use crate::users::Users;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    username: &'a str,
    next: Option<&'a str>,
    message: Option<&'static str>,
    notice: Option<Notice>,
}

/// The query of the login page.
#[derive(Debug, Deserialize)]
pub(crate) struct Arrival {
    next: Option<String>,
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: SecretString,
    next: Option<String>,
}

/// Where to go on after signing in: whatever is not a path of this site is as good as nothing.
fn own_path(next: Option<&str>) -> Option<LocalPath> {
    next.and_then(LocalPath::parse)
}

/// `GET /login`: whoever is signed in already goes on, unless it is to prove again who they are.
#[require_auth(session)]
pub(crate) async fn form(
    user: Option<Auth<ShopUser>>,
    arrival: Result<Query<Arrival>, QueryRejection>,
    notice: Option<Notice>,
) -> Response {
    let next = arrival.ok().and_then(|Query(arrival)| own_path(arrival.next.as_deref()));
    let next = next.as_ref().map(LocalPath::as_str);
    match user {
        Some(_) if notice != Some(Notice::Again) => Redirect::to(next.unwrap_or("/account")).into_response(),
        _ => render(StatusCode::OK, &LoginPage { username: "", next, message: None, notice }),
    }
}

/// The form for a browser whose cookie is none of ours: signing in replaces it.
pub(super) fn unknown_cookie() -> Response {
    let message = Some("Your browser sent a cookie that the shop does not know. Please sign in.");
    render(StatusCode::UNAUTHORIZED, &LoginPage { username: "", next: None, message, notice: None })
}

/// `POST /login`
#[public]
pub(crate) async fn submit(
    attempt: LoginAttempt,
    State(auth): State<Authenticator<ShopUser>>,
    State(users): State<Users>,
    form: Result<Form<Credentials>, FormRejection>,
) -> Result<Response> {
    auth.check_same_site(&attempt)?;
    let Credentials { username, password, next } = match form {
        Ok(Form(credentials)) => credentials,
        Err(rejection) => return Ok(unreadable(&rejection)),
    };
    let next = own_path(next.as_deref());
    let next = next.as_ref().map(LocalPath::as_str);
    let Some(SignIn { ticket, user }) = sign_in::begin(&auth, &users, &username, password).await? else {
        return Ok(refused(&username, next));
    };
    let signed_in = auth.login_session_with(&ticket, attempt, user).await?;
    Ok((signed_in, Redirect::to(next.unwrap_or("/account"))).into_response())
}

/// The form again, with the name as it was typed.
fn refused(username: &str, next: Option<&str>) -> Response {
    let message = Some("User name or password is wrong.");
    let page = render(StatusCode::UNAUTHORIZED, &LoginPage { username, next, message, notice: None });
    ([(WWW_AUTHENTICATE, r#"Cookie realm="shop""#)], page).into_response()
}

fn unreadable(rejection: &FormRejection) -> Response {
    let message = Some("Please fill in user name and password.");
    render(rejection.status(), &LoginPage { username: "", next: None, message, notice: None })
}
