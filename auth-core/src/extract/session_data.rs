//! The tower layer that provides the data of a session to handlers and saves it afterwards.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{FromRequestParts, Request};
use axum::response::Response;
use http::StatusCode;
use http::header::{AUTHORIZATION, SET_COOKIE};
use http::request::Parts;
use tower::{Layer, Service};
use tower_sessions_core::Expiry;
use tower_sessions_core::session::Error;

use super::answer::{problem, unavailable};
use super::caching::Varies;
use super::credentials::not_to_be_stored;
use crate::claims::Claims;
use crate::login::{Authenticator, RequestSession, SessionContext, is_conflict};
use crate::session::{Session, SessionId, SignedIn};
use crate::web::{CsrfPolicy, SessionCookie, session_id};

/// Provides [`Session`] to handlers: the data of the browser's session, signed in or not. It is in the request's
/// extensions too, as this type and as tower-sessions' own.
///
/// Created by [`Authenticator::session_data_layer`](crate::Authenticator::session_data_layer). Data that a handler changed
/// are saved after it. If the session ended in the meantime, or another request changed its data, nothing is saved and the
/// response is 409; it is 503 if the store does not respond. Nothing is saved after a server error or after a handler that
/// signed in or out: change data in the next request.
///
/// An answer for which data of a session was loaded gets `Vary: cookie`, and `Cache-Control: no-store` unless the handler sets
/// `Cache-Control` itself.
///
/// # Security
///
/// An unsafe request from another site, or one with an `Authorization` header, gets an empty session whose data are not
/// saved.
#[derive(Clone, Debug)]
pub struct SessionDataLayer {
    shared: Arc<Shared>,
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(
                "a handler takes `Session` without its layer: add `.layer(auth.session_data_layer())` to the router"
            );
            problem(StatusCode::INTERNAL_SERVER_ERROR, "Session data is not available")
        })
    }
}

#[derive(Debug)]
struct Shared {
    sessions: SessionContext,
    cookie: SessionCookie,
    csrf: CsrfPolicy,
}

impl<C: Claims> Authenticator<C> {
    /// A layer that provides the data of the browser's session to handlers, as [`Session`].
    pub fn session_data_layer(&self) -> SessionDataLayer {
        let (sessions, site) = (self.session_context(), self.site());
        let shared = Shared { sessions, cookie: site.cookie.clone(), csrf: site.csrf.clone() };
        SessionDataLayer { shared: Arc::new(shared) }
    }
}

impl<S> Layer<S> for SessionDataLayer {
    type Service = SessionDataService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionDataService { inner, shared: self.shared.clone() }
    }
}

/// The service of [`SessionDataLayer`].
#[derive(Clone, Debug)]
pub struct SessionDataService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request> for SessionDataService<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = self.shared.clone();
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let carried = session_id(&parts.headers, shared.cookie.name()).ok().flatten();
            // A request from another site neither uses the browser's session nor creates one. The same is true of a request
            // with another credential than the session, whose data may belong to another user.
            let has_session =
                shared.csrf.allows_request(&parts) && !parts.headers.contains_key(AUTHORIZATION);
            let carried = carried.filter(|_| has_session);
            let mut request = Request::from_parts(parts, body);
            let signed_in = SignedIn::default();
            let (session, view) = shared.session(carried.as_ref(), &signed_in);
            request.extensions_mut().insert((*session).clone());
            request.extensions_mut().insert(session.clone());
            request.extensions_mut().insert(signed_in);
            let response = inner.call(request).await?;
            let mut response = match has_session {
                true => shared.save(&session, &view, carried.as_ref(), response).await,
                false => response,
            };
            if view.was_asked() {
                Varies::Cookie.mark(response.headers_mut());
            }
            Ok(response)
        })
    }
}

impl Shared {
    fn session(&self, carried: Option<&SessionId>, signed_in: &SignedIn) -> (Session, Arc<RequestSession>) {
        let view = Arc::new(RequestSession::new(self.sessions.clone(), carried, signed_in.clone()));
        let expires_at = self.sessions.now().after(self.sessions.lifetime);
        let expiry =
            time::OffsetDateTime::from_unix_timestamp(expires_at.seconds()).ok().map(Expiry::AtDateTime);
        let data = tower_sessions_core::Session::new(carried.map(SessionId::to_tower), view.clone(), expiry);
        (Session(data), view)
    }

    /// Saves changed data, and sets the cookie if the id is new. Nothing is saved after a server error, or if the response
    /// sets the session cookie itself: then the handler signed in or out, which moved the data or ended the session.
    async fn save(
        &self,
        session: &Session,
        view: &RequestSession,
        carried: Option<&SessionId>,
        mut response: Response,
    ) -> Response {
        let sets_cookie = response.headers().get_all(SET_COOKIE).iter().any(|value| {
            value.as_bytes().split(|byte| *byte == b'=').next()
                == Some(self.cookie.name().as_str().as_bytes())
        });
        let unchanged = !view.is_removed() && (!session.is_modified() || session.is_empty().await);
        if unchanged || sets_cookie || response.status().is_server_error() {
            return response;
        }
        let is_over = !session.is_modified() || (view.is_anonymous() && session.is_empty().await);
        let saved = match is_over {
            true => view.empty().await.map_err(Error::Store),
            false => session.save().await,
        };
        if let Err(error) = saved {
            tracing::warn!(%error, "session data was not saved");
            return match is_conflict(&error) {
                true => problem(StatusCode::CONFLICT, "The session changed or ended in the meantime"),
                false => unavailable(),
            };
        }
        let id = session.id().map(|id| view.id(id));
        let is_new = id.as_ref().map(SessionId::key) != carried.map(SessionId::key);
        if let Some(cookie) =
            id.filter(|_| is_new).and_then(|id| self.cookie.set(&id, self.sessions.lifetime))
        {
            response.headers_mut().append(SET_COOKIE, cookie);
            not_to_be_stored(response.headers_mut());
        }
        response
    }
}
