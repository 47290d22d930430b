//! Signing in.

use axum::BoxError;
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::claims_loader::{Epoch, Load, LoadError, Loaded};
use super::token_issuer::Tokens;
use super::{Authenticator, Parts};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::id::{LoginId, ParseIdError, Subject};
use crate::random::RandomError;
use crate::refresh::ParsedToken;
use crate::session::SessionId;
use crate::store::{
    self, Created, EndReason, LiveLogin, LoginKind, LoginRow, NewLogin, NewSession, Partition, SessionKey,
    StoreError, Timed,
};
use crate::web::{Device, LoginAttempt, session_id};

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
    /// The claims source says that the subject is gone or disabled: 401.
    #[error("the subject is gone or disabled")]
    Gone,
    /// The subject has reached the limit of logins: 409.
    #[error("the subject has as many logins as it may")]
    LimitReached,
    /// The ticket and the claims have different subjects: 500, because it is an error of the application.
    #[error("the ticket is of another subject")]
    OtherSubject,
    /// The claims source did not respond: 503.
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

/// A sign-in that has begun: the state of the subject at that time.
///
/// It is not a credential: the application must still authenticate the user. It can be stored in session data, or sealed in a
/// form, while the user enters a second factor. It expires after 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    subject: String,
    ticket: store::Ticket,
}

impl<C: Claims> Authenticator<C> {
    /// Begins a sign-in. Call it before the password is checked. If all logins of the subject are ended or its claims change
    /// before the sign-in is completed, it is refused, so the application need not check the user again afterwards.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn begin(&self, subject: &Subject) -> Result<Ticket, StoreError> {
        let ticket = self.parts.store.ask(|store, realm| store.ticket(realm, subject)).await?;
        Ok(Ticket { subject: subject.as_str().to_owned(), ticket: ticket.value })
    }

    /// Signs a user in with a session cookie, after the application has authenticated the user. The sign-in begins with this
    /// call; use [`begin`](Self::begin) if checking the user takes time.
    ///
    /// The session gets a new id. If the browser had a login, it ends; if it had a session without a login, its data moves to
    /// the new session. With a [`ClaimsSource`](super::ClaimsSource) the claims are loaded from there, and `claims` only
    /// names the subject.
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
        let (mut login, _) = parts.new_login(ticket, claims, attempt.device, LoginKind::Session).await?;
        let before = parts.session_before(&attempt.cookies, &login.subject).await?;
        login.replaces = before.own;
        for _ in 0..TRIES {
            let id = SessionId::random(Partition::of_login(login.id)).map_err(StoreError::new)?;
            let session = NewSession { key: id.key(), data: before.data.clone(), lifetime: login.lifetime };
            if let Some(made) = parts.create(ticket, &login, Some(&session)).await? {
                parts.end_foreign(&before).await;
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
    /// [`LoginError::CrossSite`].
    pub fn check_same_site(&self, attempt: &LoginAttempt) -> Result<(), LoginError> {
        if attempt.provenance.is_same_site(&self.parts.site.csrf) {
            return Ok(());
        }
        self.observe(&AuditEvent::Refused { reason: RefusalReason::CrossSite });
        Err(LoginError::CrossSite)
    }

    /// Signs a user in with an access token and a refresh token, after the application has authenticated the user. The sign-in
    /// begins with this call; use [`begin`](Self::begin) if checking the user takes time.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. In that case no login was made.
    pub async fn login_tokens(&self, device: Device, claims: C) -> Result<Tokens, LoginError> {
        let ticket = self.begin(&claims.subject()?).await?;
        self.login_tokens_with(&ticket, device, claims).await
    }

    /// Like [`login_tokens`](Self::login_tokens), for a sign-in that began with [`begin`](Self::begin).
    ///
    /// # Errors
    ///
    /// [`LoginError`]. In that case no login was made.
    pub async fn login_tokens_with(
        &self,
        ticket: &Ticket,
        device: Device,
        claims: C,
    ) -> Result<Tokens, LoginError> {
        let parts = &*self.parts;
        let (mut login, claims) = parts.new_login(ticket, claims, device, LoginKind::Token).await?;
        for _ in 0..TRIES {
            let token = ParsedToken::first(login.id, parts.issuer.peppers()).map_err(StoreError::new)?;
            login.secret = Some(token.hash());
            if let Some(Timed { value: row, now }) = parts.create(ticket, &login, None).await? {
                return parts.issuer.issue(&claims, &row, row.epoch, &token, now).map_err(LoginError::Store);
            }
            login.id = parts.new_id(&login.subject)?;
        }
        Err(StoreError::new(RandomError).into())
    }
}

/// What the browser had before the sign-in.
struct Before {
    /// Data to move to the new session.
    data: Vec<u8>,
    /// A login of the same subject, which the new one replaces.
    own: Option<LoginId>,
    /// A login of another subject, to end.
    foreign: Option<(LoginId, Subject)>,
    /// A session without a login to delete.
    anonymous: Option<SessionKey>,
}

impl<C: Claims> Parts<C> {
    /// The row of a login that begins under the ticket.
    async fn new_login(
        &self,
        ticket: &Ticket,
        claims: C,
        device: Device,
        kind: LoginKind,
    ) -> Result<(NewLogin, C), LoginError> {
        let subject = claims.subject()?;
        if ticket.subject != subject.as_str() {
            return Err(LoginError::OtherSubject);
        }
        let epoch = Epoch(ticket.ticket.epoch);
        let Loaded { claims, json, .. } = match self.loader.load_or(&subject, epoch, claims).await? {
            Load::Current(loaded) => loaded,
            Load::Gone | Load::NoSource => return Err(LoginError::Gone),
        };
        let config = &self.config;
        let (lifetime, idle) = match kind {
            LoginKind::Session => (config.session_lifetime, config.session_idle),
            LoginKind::Token => (config.token_lifetime, config.token_idle),
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

    /// What the browser already has: data to move, and a login to end. An invalid cookie is ignored here, since it is replaced
    /// anyway. The data of another subject's login are not moved.
    async fn session_before(
        &self,
        cookies: &http::HeaderMap,
        subject: &Subject,
    ) -> Result<Before, LoginError> {
        let nothing = Before { data: b"{}".to_vec(), own: None, foreign: None, anonymous: None };
        let Ok(Some(id)) = session_id(cookies, self.site.cookie.name()) else { return Ok(nothing) };
        let key = id.key();
        let found = self.store.ask(|store, realm| store.session(realm, &key)).await?;
        let Some((row, login)) = found.value else { return Ok(nothing) };
        Ok(match login {
            None => Before { data: row.data, anonymous: Some(key), ..nothing },
            Some(LiveLogin { row: login, .. }) if login.subject == *subject => {
                Before { data: row.data, own: Some(login.id), ..nothing }
            }
            Some(LiveLogin { row: login, .. }) => {
                Before { foreign: Some((login.id, login.subject)), ..nothing }
            }
        })
    }

    /// Stores a login; `None` if an id exists already.
    async fn create(
        &self,
        ticket: &Ticket,
        login: &NewLogin,
        session: Option<&NewSession>,
    ) -> Result<Option<Timed<LoginRow>>, LoginError> {
        let limit = self.config.limit;
        let write = self.revoker.feed().begin_write();
        let created =
            self.store.ask(|store, realm| store.create(realm, &ticket.ticket, login, session, limit)).await?;
        let subject = &login.subject;
        match created.value {
            Created::Made { login: made, replaced, evicted } => {
                if let (Some(old), Some(logged)) = (login.replaces, replaced) {
                    self.revoker.ended(subject, old, EndReason::Replaced, logged);
                }
                self.revoker.evicted(subject, &evicted);
                drop(write);
                let (id, kind) = (made.id, made.kind);
                self.revoker.observe(&AuditEvent::LoginStarted { login: id, subject: subject.clone(), kind });
                Ok(Some(Timed::new(made, created.now)))
            }
            Created::Outdated => Err(LoginError::Changed),
            Created::IdTaken => Ok(None),
            Created::LimitReached => {
                self.revoker.observe(&AuditEvent::LimitReached { subject: subject.clone() });
                Err(LoginError::LimitReached)
            }
        }
    }

    /// Ends the browser's previous login of another subject. It may be in another partition, so this is a separate step. The new
    /// login exists already: if this fails, it is logged, and the previous login expires by itself.
    async fn end_foreign(&self, before: &Before) {
        let mut result = Ok(());
        if let Some((login, owner)) = &before.foreign {
            result = self.revoker.end(owner, *login, EndReason::Replaced).await.map(|_ended| ());
        }
        if let Some(anonymous) = &before.anonymous {
            let deleted = self.store.ask(|store, realm| store.delete_session(realm, anonymous)).await;
            result = deleted.map(|_| ());
        }
        if let Err(error) = result {
            tracing::warn!(
                ?error,
                "the browser's previous login could not be ended and is valid until it expires"
            );
        }
    }
}
