//! Signing in with a browser.

use askama::Template;
use auth_core::web::{LocalPath, LoginAttempt};
use auth_core::{Auth, Authenticator, public, require_auth};
use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response, Result};
use secrecy::SecretString;
use serde::Deserialize;

use super::notice::Notice;
use super::render;
use crate::address::Address;
use crate::guesses::TooManyGuesses;
use crate::plain_http;
use crate::sign_in::{Outcome, SignIn, SignIns};
use crate::user::ShopUser;

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

/// Where to continue after signing in. A value that is not a path of this site is ignored.
fn own_path(next: Option<&str>) -> Option<LocalPath> {
    next.and_then(LocalPath::parse)
}

/// `GET /login`: users who are signed in are redirected, unless they must sign in again.
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

/// The form for a browser with a malformed cookie: signing in replaces it.
pub(super) fn unknown_cookie() -> Response {
    let message = Some("Your browser sent a cookie that the shop does not know. Please sign in.");
    render(StatusCode::UNAUTHORIZED, &LoginPage { username: "", next: None, message, notice: None })
}

/// `POST /login`
#[public]
pub(crate) async fn submit(
    attempt: LoginAttempt,
    State(auth): State<Authenticator<ShopUser>>,
    from: Address,
    headers: HeaderMap,
    State(sign_ins): State<SignIns>,
    form: Result<Form<Credentials>, FormRejection>,
) -> Result<Response> {
    if plain_http::drops_secure_cookies(&headers) {
        return Ok(unencrypted());
    }
    auth.check_same_site(&attempt)?;
    let Credentials { username, password, next } = match form {
        Ok(Form(credentials)) => credentials,
        Err(rejection) => return Ok(unreadable(&rejection)),
    };
    let next = own_path(next.as_deref());
    let next = next.as_ref().map(LocalPath::as_str);
    let SignIn { ticket, user } = match sign_ins.begin(from, &username, password).await? {
        Outcome::Right(sign_in) => sign_in,
        Outcome::TooMany(too_many) => return Ok(slowed_down(&username, next, too_many)),
        Outcome::Wrong => return Ok(refused(&username, next)),
    };
    let signed_in = auth.login_session_with(&ticket, attempt, user).await?;
    Ok((signed_in, Redirect::to(next.unwrap_or("/account"))).into_response())
}

/// The form again, with the name that was entered.
fn refused(username: &str, next: Option<&str>) -> Response {
    let message = Some("User name or password is wrong.");
    let page = render(StatusCode::UNAUTHORIZED, &LoginPage { username, next, message, notice: None });
    ([(WWW_AUTHENTICATE, r#"Cookie realm="shop""#)], page).into_response()
}

/// The form again, with the time to wait.
fn slowed_down(username: &str, next: Option<&str>, too_many: TooManyGuesses) -> Response {
    let message = Some("Too many wrong passwords. Wait a minute, then try again.");
    let page = render(StatusCode::TOO_MANY_REQUESTS, &LoginPage { username, next, message, notice: None });
    ([(RETRY_AFTER, too_many.seconds().to_string())], page).into_response()
}

fn unencrypted() -> Response {
    let message = Some(
        "You cannot be signed in here: this page is not encrypted, and a browser keeps you signed in on encrypted pages \
         only. Open the shop with https, or on the machine it runs on at http://localhost.",
    );
    render(StatusCode::FORBIDDEN, &LoginPage { username: "", next: None, message, notice: None })
}

fn unreadable(rejection: &FormRejection) -> Response {
    let message = Some("Please fill in user name and password.");
    render(rejection.status(), &LoginPage { username: "", next: None, message, notice: None })
}
