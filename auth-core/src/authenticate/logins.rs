//! The logins of a subject: "my devices".

use serde::Serialize;

use super::{Auth, Authenticator};
use crate::audit::AuditEvent;
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{LoginId, Subject};
use crate::store::{EndReason, LoginKind, LoginRow, Revoked, StoreError};

/// One signed-in browser, app or device, as its owner may see it.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    id: LoginId,
    kind: LoginKind,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    user_agent: Option<String>,
    address: Option<String>,
}

impl Login {
    /// Names it; not a credential.
    pub const fn id(&self) -> LoginId {
        self.id
    }

    /// What carries it.
    pub const fn kind(&self) -> LoginKind {
        self.kind
    }

    /// When it began.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When it was last used, to the minute.
    pub const fn last_seen_at(&self) -> Timestamp {
        self.last_seen_at
    }

    /// When it ends, unless it is used before then and may last longer.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The browser or program, as it named itself.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// Where it signed in from.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
}

impl From<LoginRow> for Login {
    fn from(row: LoginRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at.min(row.idle_expires_at),
            user_agent: row.user_agent,
            address: row.address,
        }
    }
}

/// How ending a login came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// It has ended.
    Ended,
    /// The subject has no such login.
    NotFound,
}

impl<C: Claims> Authenticator<C> {
    /// The subject's logins, newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn logins(&self, subject: &Subject) -> Result<Vec<Login>, StoreError> {
        self.flush().await?;
        let rows = self.shared.store.list_logins(subject, self.shared.clock.now()).await?;
        Ok(rows.into_iter().map(Login::from).collect())
    }

    /// Ends one login of the subject; another subject's is [`Ended::NotFound`], like one that is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not have ended.
    pub async fn end_login(&self, subject: &Subject, login: LoginId) -> Result<Ended, StoreError> {
        let now = self.shared.clock.now();
        let ended = self.shared.end_login(subject, login, EndReason::EndedRemotely, now).await?;
        Ok(if ended { Ended::Ended } else { Ended::NotFound })
    }

    /// Ends all logins of the caller but the one it came with, in one step. Returns how many ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_other_logins(&self, user: &Auth<C>) -> Result<usize, StoreError> {
        let (shared, now) = (&*self.shared, self.shared.clock.now());
        let (subject, reason) = (user.subject(), EndReason::EndedRemotely);
        let ended =
            shared.store.end_logins(subject, user.login_id(), reason, shared.log_until(now), now).await?;
        let ended: Vec<_> = ended.into_iter().map(|login| (login, reason)).collect();
        shared.note_ended(&ended, subject, now);
        Ok(ended.len())
    }

    /// Ends all logins of a subject, in one step. Returns how many ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_all_logins(&self, subject: &Subject) -> Result<usize, StoreError> {
        self.shared.end_subject(subject, EndReason::SubjectEnded, self.shared.clock.now()).await
    }

    /// Says that the claims of a subject changed: call it after the change is committed. From then on access tokens that
    /// carry the old claims are refused, refreshing brings the new ones, and sessions load them on the next request.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: call it again.
    pub async fn claims_changed(&self, subject: &Subject) -> Result<(), StoreError> {
        let (shared, now) = (&*self.shared, self.shared.clock.now());
        let until = shared.log_until(now);
        let epoch = shared.store.raise_epoch(subject, until, now).await?;
        shared.feed.list().insert(&Revoked::SubjectBelow(subject.clone(), epoch), until);
        shared.observe(&AuditEvent::ClaimsChanged { subject: subject.clone(), epoch });
        Ok(())
    }

    /// Revokes one access token by its `jti`, for instance one that was found in a log.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_token(&self, token: crate::id::TokenId) -> Result<(), StoreError> {
        self.revoke(&Revoked::Token(token)).await
    }

    /// Revokes everything that a key signed, on all nodes, for instance when it leaked. Sign with another one first, and
    /// retire it then.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_key(&self, key: &crate::id::KeyId) -> Result<(), StoreError> {
        self.revoke(&Revoked::Key(key.clone())).await
    }

    async fn revoke(&self, revoked: &Revoked) -> Result<(), StoreError> {
        let (shared, now) = (&*self.shared, self.shared.clock.now());
        let until = shared.log_until(now);
        shared.store.append(revoked, until, now).await?;
        shared.feed.list().insert(revoked, until);
        Ok(())
    }
}
