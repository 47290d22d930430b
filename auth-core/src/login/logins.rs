//! The logins of a subject: "my devices".

use std::num::NonZeroU32;

use serde::Serialize;

use super::revoker::uncancelled;
use super::write_behind::Use;
use super::{Auth, Authenticator};
use crate::claims::Claims;
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::requirement::Scheme;
use crate::store::{EndReason, ListCursor, LiveLogin, LoginRow, StoreError};

/// The maximum number of logins in a page.
const PAGE: usize = 100;

/// One more than a page, to see whether another one follows.
const ASKED: NonZeroU32 = match NonZeroU32::new(101) {
    Some(page) => page,
    None => NonZeroU32::MIN,
};

/// One signed-in browser, app or device, as it is shown to its owner.
#[derive(Clone, Debug, Serialize)]
pub struct Login {
    id: LoginId,
    kind: Scheme,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    user_agent: Option<String>,
    address: Option<String>,
}

impl Login {
    /// The id of the login. It is not a credential.
    pub const fn id(&self) -> LoginId {
        self.id
    }

    /// Whether a session cookie or tokens carry the login.
    pub const fn kind(&self) -> Scheme {
        self.kind
    }

    /// When the login began.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When the login was last used, to the minute.
    pub const fn last_seen_at(&self) -> Timestamp {
        self.last_seen_at
    }

    /// When the login expires if it is not used before then.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The `User-Agent` of the sign-in.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The network address of the sign-in.
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

impl<C: Claims> Authenticator<C> {
    /// Returns at most 100 logins of the subject, newest first, and the cursor with which the next call continues; `None` if
    /// these are the last. With `after`, the list begins after that cursor.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn logins(
        &self,
        subject: &Subject,
        after: Option<&ListCursor>,
    ) -> Result<(Vec<Login>, Option<ListCursor>), StoreError> {
        let parts = &*self.parts;
        let list = parts.store.ask(|store, realm| store.list(realm, subject, after, ASKED));
        let mut found = list.await?.value;
        let has_more = found.len() > PAGE;
        found.truncate(PAGE);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|last| ListCursor { created_at: last.row.created_at, id: last.row.id });
        let login = |LiveLogin { row, .. }: LiveLogin| {
            let used = parts.uses.queued_touch(row.id);
            Login::new(row, used)
        };
        Ok((found.into_iter().map(login).collect(), next))
    }

    /// Ends one login of the subject. Returns `false` if the subject has no such login, for example because it is another
    /// subject's.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not have ended.
    pub async fn end_login(&self, subject: &Subject, login: LoginId) -> Result<bool, StoreError> {
        self.parts.revoker.end(subject, login, EndReason::EndedRemotely).await
    }

    /// Ends all logins of the caller except the one that authenticated the request, in one step. Sign-ins that are in
    /// progress are refused. The caller's own session and tokens stay valid. Returns the number of logins that ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_other_logins(&self, user: &Auth<C>) -> Result<u64, StoreError> {
        self.parts.revoker.end_all(user.subject(), user.login_id(), EndReason::EndedRemotely).await
    }

    /// Ends all logins of a subject, in one step. Sign-ins that are in progress are refused. Returns the number of logins that
    /// ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: they may not have ended.
    pub async fn end_all_logins(&self, subject: &Subject) -> Result<u64, StoreError> {
        self.parts.revoker.end_all(subject, None, EndReason::SubjectEnded).await
    }

    /// Makes a change of a subject's claims effective. Call it after the change is committed. From then on, access tokens with
    /// the old claims are refused, a refresh returns the new claims, and sessions load them on the next request. Without a
    /// [`ClaimsSource`](super::ClaimsSource) the new claims are not available, so the subject's logins end.
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

    /// Revokes one access token of a subject by its `jti`, for example a token that was found in a log.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_token(&self, subject: &Subject, token: TokenId) -> Result<(), StoreError> {
        self.parts.revoker.revoke_token(subject, token).await
    }

    /// Revokes a key: every token that it signed is refused on all nodes. For keys that have leaked. First sign with another
    /// key, then revoke the leaked one.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it may not be revoked.
    pub async fn revoke_key(&self, key: &KeyId) -> Result<(), StoreError> {
        self.parts.revoker.revoke_key(key).await
    }
}
