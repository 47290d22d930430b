//! The logins of a subject: "my devices".

use serde::Serialize;

use super::revoker::uncancelled;
use super::{Auth, Authenticator};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{EndReason, LoginKind, LoginRow, Revoked, StoreError, Touch};

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

impl Login {
    /// The row, with the use of it that is still to be written.
    fn new(row: LoginRow, touch: Option<Touch>) -> Self {
        let seen_at = touch.map_or(row.last_seen_at, |touch| touch.seen_at);
        let idle_expires_at = touch.map_or(row.idle_expires_at, |touch| touch.idle_expires_at);
        Self {
            id: row.id,
            kind: row.kind,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at.max(seen_at),
            expires_at: row.expires_at.min(row.idle_expires_at.max(idle_expires_at)),
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
        let parts = &*self.parts;
        let rows = parts.store.list_logins(subject, parts.clock.now()).await?.into_iter();
        Ok(rows
            .map(|row| {
                let touch = parts.uses.queued_touch(row.id);
                Login::new(row, touch)
            })
            .collect())
    }

    /// Ends one login of the subject; another subject's is [`Ended::NotFound`], like one that is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not have ended.
    pub async fn end_login(&self, subject: &Subject, login: LoginId) -> Result<Ended, StoreError> {
        let (revoker, subject) = (self.parts.revoker.clone(), subject.clone());
        let ended = async move { revoker.end(&subject, login, EndReason::EndedRemotely).await };
        Ok(if uncancelled(ended).await? { Ended::Ended } else { Ended::NotFound })
    }

    /// Ends all logins of the caller but the one it came with, in one step. Returns how many ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_other_logins(&self, user: &Auth<C>) -> Result<usize, StoreError> {
        let (revoker, subject, keep) = (self.parts.revoker.clone(), user.subject().clone(), user.login_id());
        uncancelled(async move { revoker.end_others(&subject, keep, EndReason::EndedRemotely).await }).await
    }

    /// Ends all logins of a subject, and those that are just being made. Returns how many were there.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_all_logins(&self, subject: &Subject) -> Result<usize, StoreError> {
        let (revoker, subject) = (self.parts.revoker.clone(), subject.clone());
        uncancelled(async move { revoker.end_all(&subject, EndReason::SubjectEnded).await }).await
    }

    /// Says that the claims of a subject changed: call it after the change is committed. From then on access tokens that
    /// carry the old claims are refused, refreshing brings the new ones, and sessions load them on the next request.
    /// Without a [`ClaimsSource`](super::ClaimsSource) there are no new ones to be had: the subject's logins end.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: call it again.
    pub async fn claims_changed(&self, subject: &Subject) -> Result<(), StoreError> {
        let (parts, subject) = (self.parts.clone(), subject.clone());
        uncancelled(async move {
            parts.revoker.outdate(&subject).await?;
            if !parts.loader.has_source() {
                parts.revoker.end_all(&subject, EndReason::ClaimsChanged).await?;
            }
            Ok(())
        })
        .await
    }

    /// Revokes one access token by its `jti`, for instance one that was found in a log.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_token(&self, token: TokenId) -> Result<(), StoreError> {
        self.parts.revoker.revoke(&Revoked::Token(token)).await
    }

    /// Revokes everything that a key signed, on all nodes, for instance when it leaked. Sign with another one first, and
    /// retire it then.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_key(&self, key: &KeyId) -> Result<(), StoreError> {
        self.parts.revoker.revoke(&Revoked::Key(key.clone())).await
    }
}
