//! Signing in.

use axum::BoxError;
use http::{HeaderMap, HeaderValue};

use super::claims_loader::{Epoch, Load, LoadError, Loaded};
use super::creation::Leftover;
use super::token_issuer::Tokens;
use super::{Authenticator, Parts};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::id::{LoginId, ParseIdError, Subject};
use crate::random::RandomError;
use crate::refresh::ParsedToken;
use crate::requirement::Scheme;
use crate::session::SessionId;
use crate::store::{NewLogin, NewSession, Partition, StoreError, Ticket, Timed};
use crate::web::{Device, LoginAttempt, SiteError};

/// How often an id is generated again because it exists already: that happens only if the random number generator fails.
const TRIES: usize = 4;

/// Why a sign-in failed, although the application had authenticated the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The subject's claims changed or its logins were ended since the sign-in began, or the ticket has expired: 503. The
    /// user may sign in again.
    #[error("the subject changed since the sign-in began")]
    Changed,
    /// The request came from another site: 403.
    #[error("the request came from another site")]
    CrossSite,
    /// The claims source says that the subject is deleted or disabled: 401.
    #[error("the subject is deleted or disabled")]
    Gone,
    /// The subject has reached the limit of logins: 409.
    #[error("the subject has reached the limit of logins")]
    LimitReached,
    /// The request's method cannot sign in (`HEAD`, `OPTIONS`, `TRACE`): 403.
    #[error("the method of the request cannot sign in")]
    Method,
    /// The ticket and the claims have different subjects: 500, because it is an error of the application.
    #[error("the ticket is of another subject")]
    OtherSubject,
    /// The page was opened over plain HTTP, on another host than localhost, where browsers do not keep `Secure` cookies:
    /// 403, with this explanation.
    #[error("the page was opened over plain HTTP, where browsers do not keep the cookie")]
    PlainHttp,
    /// The claims source did not answer: 503.
    #[error("the claims source did not answer")]
    Source(#[source] BoxError),
    /// The store did not respond: 503.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The subject of the claims is empty, too long, or contains a control character: 500, because it is an error of the
    /// application.
    #[error(transparent)]
    Subject(#[from] ParseIdError),
}

impl From<LoadError> for LoginError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Source(error) => Self::Source(error),
            LoadError::Store(error) => Self::Store(error),
        }
    }
}

/// A completed sign-in: the response parts that set the session cookie. Return it with the response:
/// `Ok((signed_in, Redirect::to("/")))`.
#[must_use = "the user is signed in only if the response contains it"]
pub struct SignedIn {
    login: LoginId,
    cookie: HeaderValue,
}

impl SignedIn {
    /// The new login.
    pub const fn login_id(&self) -> LoginId {
        self.login
    }

    /// `Set-Cookie`.
    pub(crate) fn into_cookie(self) -> HeaderValue {
        self.cookie
    }
}

/// Contains the login, not the cookie.
impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("login", &self.login).finish_non_exhaustive()
    }
}

impl<C: Claims> Authenticator<C> {
    /// Begins a sign-in. Call it before the password is checked. If all logins of the subject are ended or its claims change
    /// before the sign-in is completed, it is refused, so the application need not check the user again afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn begin(&self, subject: &Subject) -> Result<Ticket, StoreError> {
        Ok(self.parts.store.ask(|store, realm| store.ticket(realm, subject)).await?.value)
    }

    /// Signs a user in with a session cookie, after the application has authenticated the user. The sign-in begins with this
    /// call; use [`begin`](Self::begin) if checking the user takes time.
    ///
    /// The session gets a new id. If the browser had a login, by session or refresh cookie, it is ended; if it had a session
    /// without a login, its data moves to the new session. With a [`ClaimsSource`](super::ClaimsSource) the claims are
    /// loaded from there, and `claims` only names the subject.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. In that case no login was made and none was ended.
    pub async fn login_session(&self, attempt: LoginAttempt, claims: C) -> Result<SignedIn, LoginError> {
        self.check_same_site(&attempt)?;
        let ticket = self.begin(&claims.subject()?).await?;
        self.login_session_with(&ticket, attempt, claims).await
    }

    /// Like [`login_session`](Self::login_session), for a sign-in that began with [`begin`](Self::begin).
    ///
    /// # Errors
    ///
    /// [`LoginError`]. In that case no login was made and none was ended.
    pub async fn login_session_with(
        &self,
        ticket: &Ticket,
        attempt: LoginAttempt,
        claims: C,
    ) -> Result<SignedIn, LoginError> {
        self.check_same_site(&attempt)?;
        let parts = &*self.parts;
        let (mut login, _) = parts.new_login(ticket, claims, attempt.device, Scheme::Session).await?;
        let earlier = parts.earlier(&attempt.cookies, &login.subject).await?;
        login.replaces = earlier.own;
        let data = earlier.data.clone().unwrap_or_else(|| b"{}".to_vec());
        for _ in 0..TRIES {
            let id = SessionId::random(Partition::of_login(login.id)).map_err(StoreError::new)?;
            let session = NewSession { key: id.key(), data: data.clone(), lifetime: login.lifetime };
            if let Some(made) = parts.create(ticket, &login, Some(session), earlier.leftover.clone()).await? {
                let lifetime = parts.config.session_lifetime;
                let cookie =
                    parts.site.cookie.set(&id, lifetime).ok_or_else(|| StoreError::new(RandomError))?;
                return Ok(SignedIn { login: made.value.id, cookie });
            }
            login.id = parts.new_id(&login.subject)?;
        }
        Err(StoreError::new(RandomError).into())
    }

    /// Refuses a sign-in that another site sent. Call it to refuse the request before the password is checked;
    /// [`login_session`](Self::login_session) checks it in any case.
    ///
    /// # Errors
    ///
    /// [`LoginError::CrossSite`], [`LoginError::Method`], [`LoginError::PlainHttp`].
    pub fn check_same_site(&self, attempt: &LoginAttempt) -> Result<(), LoginError> {
        let Err(error) = self.parts.site.csrf.check_sign_in(&attempt.provenance) else { return Ok(()) };
        if error != SiteError::Method {
            self.observe(&AuditEvent::Refused { reason: RefusalReason::CrossSite });
        }
        Err(match error {
            SiteError::CrossSite => LoginError::CrossSite,
            SiteError::Method => LoginError::Method,
            SiteError::PlainHttp => LoginError::PlainHttp,
        })
    }

    /// Signs a user in with an access token and a refresh token, after the application has authenticated the user. The sign-in
    /// begins with this call; use [`begin`](Self::begin) if checking the user takes time.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. In that case no login was made.
    pub async fn login_tokens(&self, attempt: LoginAttempt, claims: C) -> Result<Tokens, LoginError> {
        let ticket = self.begin(&claims.subject()?).await?;
        self.login_tokens_with(&ticket, attempt, claims).await
    }

    /// Like [`login_tokens`](Self::login_tokens), for a sign-in that began with [`begin`](Self::begin).
    ///
    /// # Errors
    ///
    /// [`LoginError`]. In that case no login was made.
    pub async fn login_tokens_with(
        &self,
        ticket: &Ticket,
        attempt: LoginAttempt,
        claims: C,
    ) -> Result<Tokens, LoginError> {
        self.parts.login_tokens(ticket, attempt.device, &HeaderMap::new(), claims).await
    }

    /// As [`login_tokens_with`](Self::login_tokens_with), for a browser: its earlier login is ended.
    pub(crate) async fn login_tokens_of_browser(
        &self,
        ticket: &Ticket,
        attempt: LoginAttempt,
        claims: C,
    ) -> Result<Tokens, LoginError> {
        self.check_same_site(&attempt)?;
        self.parts.login_tokens(ticket, attempt.device, &attempt.cookies, claims).await
    }
}

impl<C: Claims> Parts<C> {
    /// Makes a login with tokens, which replaces the logins of the cookies. A session without a login stays, because a
    /// login with tokens has no session data.
    async fn login_tokens(
        &self,
        ticket: &Ticket,
        device: Device,
        cookies: &HeaderMap,
        claims: C,
    ) -> Result<Tokens, LoginError> {
        let (mut login, claims) = self.new_login(ticket, claims, device, Scheme::Jwt).await?;
        let earlier = self.earlier(cookies, &login.subject).await?;
        login.replaces = earlier.own;
        let leftover = Leftover { anonymous: None, ..earlier.leftover };
        for _ in 0..TRIES {
            let token = ParsedToken::first(login.id, self.issuer.peppers()).map_err(StoreError::new)?;
            login.secret = Some(token.hash());
            let made = self.create(ticket, &login, None, leftover.clone()).await?;
            if let Some(Timed { value: row, now }) = made {
                return self.issuer.issue(&claims, &row, row.epoch, &token, now).map_err(LoginError::Store);
            }
            login.id = self.new_id(&login.subject)?;
        }
        Err(StoreError::new(RandomError).into())
    }

    /// The login that begins under the ticket.
    async fn new_login(
        &self,
        ticket: &Ticket,
        claims: C,
        device: Device,
        kind: Scheme,
    ) -> Result<(NewLogin, C), LoginError> {
        let subject = claims.subject()?;
        if ticket.subject != subject {
            return Err(LoginError::OtherSubject);
        }
        let epoch = Epoch(ticket.epoch);
        let Loaded { claims, json, .. } = match self.loader.load_or(&subject, epoch, claims).await? {
            Load::Current(loaded) => loaded,
            Load::Gone | Load::NoSource => return Err(LoginError::Gone),
        };
        let config = &self.config;
        let (lifetime, idle) = match kind {
            Scheme::Session => (config.session_lifetime, config.session_idle),
            Scheme::Jwt => (config.token_lifetime, config.token_idle),
        };
        let login = NewLogin {
            id: self.new_id(&subject)?,
            subject,
            kind,
            lifetime,
            idle,
            retention: self.revoker.retention(),
            user_agent: device.user_agent,
            address: device.address,
            claims: json,
            secret: None,
            extra: Vec::new(),
            replaces: None,
        };
        Ok((login, claims))
    }

    fn new_id(&self, subject: &Subject) -> Result<LoginId, StoreError> {
        Partition::of(subject, self.store.store().partitions()).new_login()
    }
}
