//! Refusals as pages: programs get problem+json, and browsers a page.

use askama::Template;
use auth_core::extract::{Rejection, RejectionReason};
use auth_core::web::prefers_html;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::notice::Notice;
use super::{login, render};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    heading: &'static str,
    text: &'a str,
    way_out: WayOut,
}

/// Where to go from here.
struct WayOut {
    href: &'static str,
    label: &'static str,
}

const HOME: WayOut = WayOut { href: "/", label: "To the front page" };
const SIGN_IN: WayOut = WayOut { href: "/login", label: "Sign in" };
const SIGN_IN_AGAIN: WayOut = WayOut { href: "/login?notice=again", label: "Sign in again" };

/// The maximum length of a problem that is shown.
const LARGEST_PROBLEM: usize = 4 * 1024;

/// The answer to a request that a guard refused. `None`: the redirect to the login page, or a problem that [`show`]
/// turns into a page.
pub(crate) fn of_rejection(rejection: &Rejection) -> Option<Response> {
    if !rejection.prefers_html() {
        return None;
    }
    let is_form = rejection.method() == Method::POST;
    let (text, way_out) = match (rejection.reason(), rejection.path()) {
        (RejectionReason::NoCredential | RejectionReason::SessionOver, "/logout") if is_form => {
            return Some(Notice::Over.redirect("/").into_response());
        }
        (RejectionReason::NoCredential | RejectionReason::SessionOver, _) if is_form => {
            return Some(Notice::Expired.redirect("/login").into_response());
        }
        (RejectionReason::InvalidCredential, "/login") => return Some(login::unknown_cookie()),
        (RejectionReason::Forbidden, _) => ("Your account may not do this.", HOME),
        (RejectionReason::CrossSite, _) => (
            "The request came from another site, so nothing was changed. If you wanted this, do it on the shop's own page.",
            HOME,
        ),
        (RejectionReason::NotFound, _) => ("There is nothing at this address.", HOME),
        (RejectionReason::TooOld { .. }, _) => ("You signed in too long ago to do this.", SIGN_IN_AGAIN),
        _ => return None,
    };
    Some(page(rejection.status(), text, way_out))
}

/// Turns a problem into a page, if the client prefers HTML.
pub(crate) async fn show(request: Request, next: Next) -> Response {
    let is_browser = prefers_html(request.headers());
    let response = next.run(request).await;
    let is_problem =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if !is_problem {
        return response;
    }
    let mut response = if is_browser { page_of(response).await } else { response };
    response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    response
}

#[derive(Deserialize)]
struct Title {
    title: String,
}

/// The page for a problem, with the problem's status and headers.
async fn page_of(problem: Response) -> Response {
    let (mut parts, body) = problem.into_parts();
    let title = to_bytes(body, LARGEST_PROBLEM).await.ok();
    let title = title.and_then(|body| serde_json::from_slice(&body).ok());
    let text = title.map_or_else(String::new, |Title { title }| format!("{title}."));
    let way_out = if parts.status == StatusCode::UNAUTHORIZED { SIGN_IN } else { HOME };
    let (page, body) = page(parts.status, &text, way_out).into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(page.headers);
    Response::from_parts(parts, Body::new(body))
}

fn page(status: StatusCode, text: &str, way_out: WayOut) -> Response {
    render(status, &ErrorPage { heading: heading(status), text, way_out })
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::METHOD_NOT_ALLOWED => "Not possible here",
        StatusCode::CONFLICT => "Something else came first",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        StatusCode::SERVICE_UNAVAILABLE => "Try again in a moment",
        status if status.is_client_error() => "The shop does not understand",
        _ => "Something went wrong",
    }
}
