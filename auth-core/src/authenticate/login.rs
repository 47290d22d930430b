//! Signing in and out.

use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use super::background::to_the_end;
use super::issue::Tokens;
use super::session::{encode_claims, load_claims};
use super::source::BoxError;
use super::{Auth, Authenticator, Shared};
use crate::audit::{AuditEvent, RefusedBecause};
use crate::claims::{Claims, SubjectError};
use crate::clock::Timestamp;
use crate::extract::credential::session_id;
use crate::extract::problem::{problem, unavailable};
use crate::extract::{Device, LoginAttempt};
use crate::id::{LoginId, RandomError, Subject};
use crate::refresh::ParsedToken;
use crate::requirement::Scheme;
use crate::session::SessionId;
use crate::store::{Created, EndReason, Family, LoginKind, LoginRow, SessionHash, SessionRow, StoreError};

/// How often a taken id is drawn again: once is already a failure of the system's randomness.
const TRIES: usize = 4;

/// Why somebody could not sign in although the application said who they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The subject's claims changed, or its logins were ended, at this very moment: 503; signing in again tells.
    #[error("the subject changed at this moment")]
    Changed,
    /// The request came from another site: 403.
    #[error("the request came from another site")]
    CrossSite,
    /// The claims source says that the subject is gone or disabled: 401.
    #[error("the subject is gone or disabled")]
    Gone,
    /// The subject has as many logins as it may: 409.
    #[error("the subject has as many logins as it may")]
    LimitReached,
    /// No randomness: 503.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The claims source did not answer: 503.
    #[error("the claims source did not answer")]
    Source(#[source] BoxError),
    /// The store did not answer: 503.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The claims' subject is empty, too long, or holds a control character: 500, for the application is wrong.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        match self {
            Self::CrossSite => problem(StatusCode::FORBIDDEN, "The request came from another site"),
            Self::Gone => problem(StatusCode::UNAUTHORIZED, "Signing in failed"),
            Self::LimitReached => problem(StatusCode::CONFLICT, "Signed in on too many devices"),
            Self::Changed | Self::Random(_) | Self::Source(_) | Self::Store(_) => unavailable(),
            Self::Subject(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "Signing in failed"),
        }
    }
}

/// Somebody signed in with a cookie: response parts that set it. `Ok((signed_in, Redirect::to("/")))`.
#[must_use = "without it in the response, nobody is signed in"]
pub struct SignedIn {
    login: LoginId,
    cookie: HeaderValue,
}

impl SignedIn {
    /// The new login.
    pub const fn login_id(&self) -> LoginId {
        self.login
    }
}

/// Shows the login, not the cookie.
impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("login", &self.login).finish_non_exhaustive()
    }
}

/// Somebody signed out: response parts that remove the cookie, where there is one.
#[derive(Debug)]
#[must_use = "without it in the response, the browser keeps a dead cookie"]
pub struct SignedOut {
    cookies: Vec<HeaderValue>,
}

impl IntoResponseParts for SignedIn {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Self::Error> {
        response.headers_mut().append(SET_COOKIE, self.cookie);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Alone: 204.
impl IntoResponse for SignedIn {
    fn into_response(self) -> Response {
        (self, StatusCode::NO_CONTENT).into_response()
    }
}

impl IntoResponseParts for SignedOut {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Self::Error> {
        for cookie in self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// Alone: 204.
impl IntoResponse for SignedOut {
    fn into_response(self) -> Response {
        (self, StatusCode::NO_CONTENT).into_response()
    }
}

impl<C: Claims> Authenticator<C> {
    /// Signs somebody in with a session cookie, once the application knows who they are.
    ///
    /// The session gets a new id. What the browser had before dies: a login ends, and the data of a session without a
    /// login moves to the new one. With a [`ClaimsSource`](super::ClaimsSource) the claims are loaded from it, under the
    /// epoch that holds now, and `claims` only says whose.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. Nothing is signed in then, and nothing ended.
    pub async fn login_session(&self, attempt: LoginAttempt, claims: C) -> Result<SignedIn, LoginError> {
        self.check_same_site(&attempt)?;
        let shared = &*self.shared;
        let now = shared.clock.now();
        let (mut login, _) = shared.new_login(claims, attempt.device, LoginKind::Session, now).await?;
        let before = shared.session_before(&attempt.cookies, &login.subject, now).await?;
        for _ in 0..TRIES {
            let id = SessionId::random()?;
            let row = SessionRow {
                id: id.hash(),
                login: Some(login.id),
                data: before.data.clone(),
                version: 1,
                expires_at: login.expires_at,
            };
            if shared.create(&login, Some(&row), before.login.as_ref(), now).await? {
                if let Some(anonymous) = before.anonymous
                    && let Err(error) = shared.store.delete_session(&anonymous).await
                {
                    tracing::warn!(?error, "the session from before a sign-in stays until it expires");
                }
                let cookie =
                    shared.config.cookie.set(&id, shared.config.session_lifetime).ok_or(RandomError)?;
                return Ok(SignedIn { login: login.id, cookie });
            }
            login.id = LoginId::random()?;
        }
        Err(RandomError.into())
    }

    /// Whether a sign-in comes from this site: to refuse one from elsewhere before a password is looked at.
    /// [`login_session`](Self::login_session) asks again.
    ///
    /// # Errors
    ///
    /// [`LoginError::CrossSite`].
    pub fn check_same_site(&self, attempt: &LoginAttempt) -> Result<(), LoginError> {
        if attempt.provenance.is_same_site(&self.shared.config.csrf) {
            return Ok(());
        }
        self.shared.observe(&AuditEvent::Refused { reason: RefusedBecause::CrossSite });
        Err(LoginError::CrossSite)
    }

    /// Signs somebody in with an access and a refresh token, once the application knows who they are.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. Nothing is signed in then.
    pub async fn login_tokens(&self, device: Device, claims: C) -> Result<Tokens, LoginError> {
        let shared = &*self.shared;
        let now = shared.clock.now();
        let (mut login, claims) = shared.new_login(claims, device, LoginKind::Token, now).await?;
        for _ in 0..TRIES {
            let token = ParsedToken::first(login.id, &shared.peppers)?;
            login.family = Some(Family {
                generation: 0,
                branch: 0,
                previous_branch: None,
                current: token.hash(),
                previous: None,
                nonce: [0; 16],
                rotated_at: Timestamp::UNIX_EPOCH,
                confirmed: true,
            });
            if shared.create(&login, None, None, now).await? {
                return shared.tokens(&claims, &login, &token, now).map_err(LoginError::Store);
            }
            login.id = LoginId::random()?;
        }
        Err(RandomError.into())
    }

    /// Ends the login that the caller came with. Idempotent. Its other credentials are refused at once on this node, and
    /// on the others when they hear of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not have ended; the client should try again.
    pub async fn logout(&self, user: &Auth<C>) -> Result<SignedOut, StoreError> {
        if let Some(login) = user.login_id() {
            let (shared, subject) = (self.shared.clone(), user.subject().clone());
            to_the_end(async move {
                shared.end_login(&subject, login, EndReason::SignedOut, shared.clock.now()).await
            })
            .await?;
        }
        let config = &self.shared.config;
        let refresh = config.refresh_cookie.as_ref().and_then(super::RefreshCookie::unset);
        let session = (user.scheme() == Scheme::Session).then(|| config.forget_cookie.clone());
        Ok(SignedOut { cookies: session.into_iter().chain(refresh).collect() })
    }
}

/// What a browser that signs in has already.
struct Before {
    /// Data to move along.
    data: Vec<u8>,
    /// A login to end.
    login: Option<(LoginId, Subject)>,
    /// A session without a login to delete.
    anonymous: Option<SessionHash>,
}

impl<C: Claims> Shared<C> {
    /// The row of a login that begins now. The epoch is read before the claims: a change in between makes the login
    /// outdated, never the reverse.
    async fn new_login(
        &self,
        claims: C,
        device: Device,
        kind: LoginKind,
        now: Timestamp,
    ) -> Result<(LoginRow, C), LoginError> {
        let subject = claims.subject()?;
        let epoch = self.store.epoch(&subject).await?;
        let claims = match &self.source {
            None => claims,
            Some(source) => {
                load_claims(&**source, &subject).await.map_err(LoginError::Source)?.ok_or(LoginError::Gone)?
            }
        };
        let config = &self.config;
        let (lifetime, idle) = match kind {
            LoginKind::Session => (config.session_lifetime, config.session_idle),
            LoginKind::Token => (config.token_lifetime, config.token_idle),
        };
        let login = LoginRow {
            id: LoginId::random()?,
            subject,
            kind,
            created_at: now,
            last_seen_at: now,
            authenticated_at: now,
            expires_at: now.after(lifetime),
            idle_expires_at: now.after(idle),
            user_agent: device.user_agent,
            address: device.address,
            claims: encode_claims(&claims)?,
            epoch,
            claims_loaded_at: now,
            family: None,
        };
        Ok((login, claims))
    }

    /// What the browser has already: data to move along, and a login to end. A cookie that is none of ours is ignored
    /// here: it is replaced anyway. The data of somebody else's login stays with it.
    async fn session_before(
        &self,
        cookies: &http::HeaderMap,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Before, LoginError> {
        let nothing = Before { data: b"{}".to_vec(), login: None, anonymous: None };
        let Ok(Some(id)) = session_id(cookies, self.config.cookie.name()) else { return Ok(nothing) };
        let Some((row, login)) = self.store.load_session(&id.hash(), now).await? else { return Ok(nothing) };
        Ok(match login {
            None => Before { data: row.data, anonymous: Some(row.id), ..nothing },
            Some(login) => Before {
                data: if login.subject == *subject { row.data } else { nothing.data },
                login: Some((login.id, login.subject)),
                anonymous: None,
            },
        })
    }

    /// Stores a login; `false` when an id is taken.
    async fn create(
        &self,
        login: &LoginRow,
        session: Option<&SessionRow>,
        replaces: Option<&(LoginId, Subject)>,
        now: Timestamp,
    ) -> Result<bool, LoginError> {
        let limit = self.config.limit;
        let replaced = replaces.map(|(login, _)| *login);
        let created =
            self.store.create_login(login, session, replaced, limit, self.log_until(now), now).await?;
        let subject = &login.subject;
        match created {
            Created::IdTaken => Ok(false),
            Created::LimitReached => {
                self.observe(&AuditEvent::LimitReached { subject: subject.clone() });
                Err(LoginError::LimitReached)
            }
            Created::Created { evicted } => {
                if let Some((replaced, owner)) = replaces {
                    self.note_ended(&[(*replaced, EndReason::Replaced)], owner, now);
                }
                let evicted: Vec<_> = evicted.into_iter().map(|login| (login, EndReason::Evicted)).collect();
                self.note_ended(&evicted, subject, now);
                // An end of all logins, or a change of claims, may have come between the claims and the row.
                // If that is not known, nobody gets the login, and so it must not be there.
                match self.store.epoch(subject).await {
                    Ok(epoch) if epoch == login.epoch => {}
                    changed => {
                        self.end_login(subject, login.id, EndReason::ClaimsChanged, now).await?;
                        return Err(changed.map_or_else(LoginError::Store, |_| LoginError::Changed));
                    }
                }
                self.observe(&AuditEvent::LoginStarted {
                    login: login.id,
                    subject: subject.clone(),
                    kind: login.kind,
                });
                Ok(true)
            }
        }
    }

    /// Ends one login of a subject; `false` when there is none.
    pub(super) async fn end_login(
        &self,
        subject: &Subject,
        login: LoginId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended = self.store.end_login(subject, login, reason, self.log_until(now), now).await?;
        if ended {
            self.note_ended(&[(login, reason)], subject, now);
        }
        Ok(ended)
    }
}

impl IntoResponse for StoreError {
    fn into_response(self) -> Response {
        tracing::error!(error = ?self, "the store does not answer");
        unavailable()
    }
}
