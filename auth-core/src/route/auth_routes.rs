//! The ready-made routes: refresh, sign out, the list of logins, and the public keys.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, FromRef, OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, LINK};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::method::{delete, get, post};
use super::router::ProtectedRouter;
use crate::claims::Claims;
use crate::extract::caching::Varies;
use crate::extract::not_found;
use crate::login::{Auth, Authenticator, Login};
use crate::store::StoreError;
use crate::web::{BodyError, json_object};
use crate::{public, require_auth};

/// The maximum length of a body. Refresh tokens are much shorter.
const MAX_BODY: usize = 16 * 1024;

impl<C: Claims> Authenticator<C> {
    /// The ready-made routes, to merge into the application's. Caches may store the public keys for five minutes, and no
    /// other answer.
    ///
    /// | route | who | what |
    /// |---|---|---|
    /// | `POST /auth/refresh` | public: the token is the credential | a JSON object with `refresh_token`, or no body and the refresh cookie: new tokens |
    /// | `POST /auth/logout` | session \| jwt | 204; ends the login of the request |
    /// | `GET /auth/logins` | session \| jwt | the caller's logins, newest first, 100 at a time; `Link: …; rel="next"` leads to the next ones |
    /// | `DELETE /auth/logins` | session \| jwt | 204; ends the caller's other logins |
    /// | `DELETE /auth/logins/{id}` | session \| jwt | 204; 404 if the caller has no such login |
    /// | `GET /.well-known/jwks.json` | public | the public keys |
    pub fn routes<S>(&self) -> ProtectedRouter<S>
    where
        Self: FromRef<S>,
        S: Clone + Send + Sync + 'static,
    {
        ProtectedRouter::new()
            .route("/auth/refresh", post(refresh::<C>))
            .layer(Varies::AuthorizationAndCookie.layer())
            .route("/auth/logout", post(logout::<C>))
            .route("/auth/logins", get(logins::<C>).delete(end_others::<C>))
            .route("/auth/logins/{id}", delete(end_one::<C>))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .route("/.well-known/jwks.json", get(jwks::<C>))
    }
}

#[derive(Deserialize)]
struct RefreshRequest {
    refresh_token: secrecy::SecretString,
}

#[public]
async fn refresh<C: Claims>(
    State(auth): State<Authenticator<C>>,
    parts: Parts,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    use secrecy::ExposeSecret as _;

    let request = match read_refresh(&parts, body) {
        Ok(request) => request,
        Err(error) => return error.into_response(),
    };
    let token = request.as_ref().map(|request| request.refresh_token.expose_secret());
    auth.answer_refresh(token, &parts).await
}

/// The parsed body. `None` for an empty one: then the token is taken from the cookie.
fn read_refresh(
    parts: &Parts,
    body: Result<Bytes, BytesRejection>,
) -> Result<Option<RefreshRequest>, BodyError> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => BodyError::TooLarge,
        _ => BodyError::Incomplete,
    })?;
    match body.is_empty() {
        true => Ok(None),
        false => json_object(&parts.headers, &body).map(Some),
    }
}

#[require_auth(session | jwt)]
async fn logout<C: Claims>(
    user: Auth<C>,
    State(auth): State<Authenticator<C>>,
) -> Result<Response, StoreError> {
    let signed_out = auth.logout(&user).await?;
    Ok((signed_out, StatusCode::NO_CONTENT).into_response())
}

#[derive(Serialize)]
struct LoginOf {
    #[serde(flatten)]
    login: Login,
    current: bool,
}

#[require_auth(session | jwt)]
async fn logins<C: Claims>(
    user: Auth<C>,
    State(auth): State<Authenticator<C>>,
    parts: Parts,
) -> Result<Response, StoreError> {
    // If the routes are nested, the original URI has the whole path.
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let after = match query.split('&').find_map(|pair| pair.strip_prefix("after=")).map(str::parse) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => return Ok(not_found()),
    };
    let current = user.login_id();
    let (logins, next) = auth.logins(user.subject(), after.as_ref()).await?;
    let logins = logins.into_iter().map(|login| LoginOf { current: Some(login.id()) == current, login });
    let mut response = Json(logins.collect::<Vec<_>>()).into_response();
    let next = next.map(|next| format!("<{path}?after={next}>; rel=\"next\""));
    if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        response.headers_mut().insert(LINK, next);
    }
    Ok(response)
}

#[require_auth(session | jwt)]
async fn end_one<C: Claims>(
    user: Auth<C>,
    State(auth): State<Authenticator<C>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, StoreError> {
    let Some(id) = id.ok().and_then(|Path(id)| id.parse().ok()) else { return Ok(not_found()) };
    Ok(match auth.end_login(user.subject(), id).await? {
        true => StatusCode::NO_CONTENT.into_response(),
        false => not_found(),
    })
}

#[require_auth(session | jwt)]
async fn end_others<C: Claims>(
    user: Auth<C>,
    State(auth): State<Authenticator<C>>,
) -> Result<StatusCode, StoreError> {
    auth.end_other_logins(&user).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[public]
async fn jwks<C: Claims>(State(auth): State<Authenticator<C>>) -> Response {
    let mut response = Json(auth.keys().public_jwks()).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
