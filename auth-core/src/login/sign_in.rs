//! Signing in.

use http::HeaderValue;

use super::claims_loader::{Load, LoadError, Loaded};
use super::source::BoxError;
use super::token_issuer::Tokens;
use super::{Authenticator, Parts};
use crate::audit::{AuditEvent, RefusalReason};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Position, Subject, SubjectError};
use crate::random::RandomError;
use crate::refresh::ParsedToken;
use crate::session::SessionId;
use crate::store::{Created, EndReason, Family, LoginKind, LoginRow, SessionHash, SessionRow, StoreError};
use crate::web::{Device, LoginAttempt, session_id};

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

impl From<LoadError> for LoginError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Source(error) => Self::Source(error),
            LoadError::Store(error) => Self::Store(error),
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

    /// `Set-Cookie`.
    pub(crate) fn into_cookie(self) -> HeaderValue {
        self.cookie
    }
}

/// Shows the login, not the cookie.
impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("login", &self.login).finish_non_exhaustive()
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
        let parts = &*self.parts;
        let now = parts.clock.now();
        let (mut login, _) = parts.new_login(claims, attempt.device, LoginKind::Session, now).await?;
        let before = parts.session_before(&attempt.cookies, &login.subject, now).await?;
        for _ in 0..TRIES {
            let id = SessionId::random()?;
            let row = SessionRow {
                id: id.hash(),
                login: Some(login.id),
                data: before.data.clone(),
                version: 1,
                expires_at: login.expires_at,
            };
            if parts.create(&login, Some(&row), before.login.as_ref(), now).await? {
                if let Some(anonymous) = before.anonymous
                    && let Err(error) = parts.store.delete_session(&anonymous).await
                {
                    tracing::warn!(?error, "the session from before a sign-in stays until it expires");
                }
                let lifetime = parts.config.session_lifetime;
                let cookie = parts.site.cookie.set(&id, lifetime).ok_or(RandomError)?;
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
        if attempt.provenance.is_same_site(&self.parts.site.csrf) {
            return Ok(());
        }
        self.observe(&AuditEvent::Refused { reason: RefusalReason::CrossSite });
        Err(LoginError::CrossSite)
    }

    /// Signs somebody in with an access and a refresh token, once the application knows who they are.
    ///
    /// # Errors
    ///
    /// [`LoginError`]. Nothing is signed in then.
    pub async fn login_tokens(&self, device: Device, claims: C) -> Result<Tokens, LoginError> {
        let parts = &*self.parts;
        let now = parts.clock.now();
        let (mut login, claims) = parts.new_login(claims, device, LoginKind::Token, now).await?;
        for _ in 0..TRIES {
            let token = ParsedToken::first(login.id, parts.issuer.peppers())?;
            login.family = Some(Family {
                position: Position { generation: 0, branch: 0 },
                previous_branch: None,
                current: token.hash(),
                previous: None,
                nonce: [0; 16],
                rotated_at: Timestamp::UNIX_EPOCH,
                confirmed: true,
            });
            if parts.create(&login, None, None, now).await? {
                return parts.issuer.issue(&claims, &login, &token, now).map_err(LoginError::Store);
            }
            login.id = LoginId::random()?;
        }
        Err(RandomError.into())
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

impl<C: Claims> Parts<C> {
    /// The row of a login that begins now.
    async fn new_login(
        &self,
        claims: C,
        device: Device,
        kind: LoginKind,
        now: Timestamp,
    ) -> Result<(LoginRow, C), LoginError> {
        let subject = claims.subject()?;
        let Loaded { claims, epoch, json } = match self.loader.load_or(&subject, claims).await? {
            Load::Current(loaded) => loaded,
            Load::Gone | Load::NoSource => return Err(LoginError::Gone),
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
            claims: json,
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
        let Ok(Some(id)) = session_id(cookies, self.site.cookie.name()) else { return Ok(nothing) };
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
        let (limit, log_until) = (self.config.limit, self.revoker.log_until(now));
        let replaced = replaces.map(|(login, _)| *login);
        let created = self.store.create_login(login, session, replaced, limit, log_until, now).await?;
        let subject = &login.subject;
        let evicted = match created {
            Created::IdTaken => return Ok(false),
            Created::LimitReached => {
                self.revoker.observe(&AuditEvent::LimitReached { subject: subject.clone() });
                return Err(LoginError::LimitReached);
            }
            Created::Created { evicted } => evicted,
        };
        if let Some((replaced, owner)) = replaces {
            self.revoker.ended(owner, [*replaced], EndReason::Replaced);
        }
        self.revoker.ended(subject, evicted, EndReason::Evicted);
        // An end of all logins, or a change of claims, may have come between the claims and the row. If that is not known,
        // nobody gets the login, and so it must not be there.
        match self.loader.is_current(subject, login.epoch).await {
            Ok(true) => {}
            changed => {
                self.revoker.end(subject, login.id, EndReason::ClaimsChanged).await?;
                return Err(changed.map_or_else(LoginError::Store, |_| LoginError::Changed));
            }
        }
        self.revoker.observe(&AuditEvent::LoginStarted {
            login: login.id,
            subject: subject.clone(),
            kind: login.kind,
        });
        Ok(true)
    }
}
