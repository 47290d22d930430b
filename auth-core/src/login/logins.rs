//! The logins of a subject: "my devices".

use std::num::NonZeroU32;

use serde::Serialize;

use super::revoker::uncancelled;
use super::write_behind::Use;
use super::{Auth, Authenticator};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::store::{EndReason, ListCursor, LiveLogin, LoginKind, LoginRow, StoreError};

/// How many logins are listed at once.
const PAGE: NonZeroU32 = match NonZeroU32::new(100) {
    Some(page) => page,
    None => NonZeroU32::MIN,
};

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
    fn new(row: LoginRow, used: Option<Use>) -> Self {
        let seen_at = used.map_or(row.last_seen_at, |used| used.seen_at);
        let idle_expires_at = used.map_or(row.idle_expires_at, |used| used.seen_at.after(used.idle));
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

/// A part of a subject's logins.
#[derive(Clone, Debug)]
pub struct Logins {
    /// The logins, newest first.
    pub logins: Vec<Login>,
    /// Where to go on; none at the end.
    pub next: Option<ListCursor>,
}

impl<C: Claims> Authenticator<C> {
    /// The subject's logins, newest first, after the one that `after` says, at most 100.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn logins(&self, subject: &Subject, after: Option<&ListCursor>) -> Result<Logins, StoreError> {
        let parts = &*self.parts;
        let page = parts.store.ask(|store, realm| store.list(realm, subject, after, PAGE)).await?.value;
        let login = |LiveLogin { row, .. }: LiveLogin| {
            let used = parts.uses.queued_touch(row.id);
            Login::new(row, used)
        };
        Ok(Logins { logins: page.logins.into_iter().map(login).collect(), next: page.next })
    }

    /// Ends one login of the subject. Returns whether the subject had it: another subject's login is like one that does not
    /// exist.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not have ended.
    pub async fn end_login(&self, subject: &Subject, login: LoginId) -> Result<bool, StoreError> {
        let (revoker, subject) = (self.parts.revoker.clone(), subject.clone());
        let ended = async move { revoker.end(&subject, login, EndReason::EndedRemotely).await };
        uncancelled(ended).await
    }

    /// Ends all logins of the caller but the one it came with, in one step, and lets none come about that is under way. The
    /// caller's own tokens and session go on. Returns how many ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_other_logins(&self, user: &Auth<C>) -> Result<u64, StoreError> {
        let (revoker, subject, keep) = (self.parts.revoker.clone(), user.subject().clone(), user.login_id());
        uncancelled(async move { revoker.end_all(&subject, keep, EndReason::EndedRemotely).await }).await
    }

    /// Ends all logins of a subject, and those that are just being made. Returns how many were there.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_all_logins(&self, subject: &Subject) -> Result<u64, StoreError> {
        let (revoker, subject) = (self.parts.revoker.clone(), subject.clone());
        uncancelled(async move { revoker.end_all(&subject, None, EndReason::SubjectEnded).await }).await
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
                parts.revoker.end_all(&subject, None, EndReason::ClaimsChanged).await?;
            }
            Ok(())
        })
        .await
    }

    /// Revokes one access token of a subject by its `jti`, for instance one that was found in a log.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_token(&self, subject: &Subject, token: TokenId) -> Result<(), StoreError> {
        let (revoker, subject) = (self.parts.revoker.clone(), subject.clone());
        uncancelled(async move { revoker.revoke_token(&subject, token).await }).await
    }

    /// Revokes everything that a key signed, on all nodes, for instance when it leaked. Sign with another one first, and
    /// retire it then.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_key(&self, key: &KeyId) -> Result<(), StoreError> {
        let (revoker, key) = (self.parts.revoker.clone(), key.clone());
        uncancelled(async move { revoker.revoke_key(&key).await }).await
    }
}
