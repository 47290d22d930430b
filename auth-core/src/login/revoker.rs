//! Ending and revoking: the write to the store, the entry in this node's list, and the event, always together.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{AuditEvent, Observer};
use crate::clock::{Clock, Timestamp};
use crate::id::{LoginId, Subject};
use crate::revoke::Feed;
use crate::store::{EndReason, Revoked, SessionHash, Store, StoreError};

/// Ends logins and revokes credentials.
#[derive(Debug)]
pub(crate) struct Revoker {
    store: Arc<dyn Store>,
    feed: Arc<Feed>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    /// How long an entry of the log must live.
    retention: Duration,
}

impl Revoker {
    pub(super) fn new(
        store: Arc<dyn Store>,
        feed: Arc<Feed>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
        retention: Duration,
    ) -> Self {
        Self { store, feed, clock, observer, retention }
    }

    pub(super) fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(super) fn observe(&self, event: &AuditEvent) {
        self.observer.observe(event);
    }

    /// Until when an entry that is made now must live.
    pub(super) fn log_until(&self, now: Timestamp) -> Timestamp {
        now.after(self.retention)
    }

    /// Ends one login of a subject; `false` when there is none.
    pub(super) async fn end(
        &self,
        subject: &Subject,
        login: LoginId,
        reason: EndReason,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let ended = self.store.end_login(subject, login, reason, self.log_until(now), now).await?;
        if ended {
            self.ended(subject, [login], reason);
        }
        Ok(ended)
    }

    /// Ends the logins of a subject but `keep`. Returns how many there were.
    pub(super) async fn end_others(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
    ) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let ended = self.store.end_logins(subject, keep, reason, self.log_until(now), now).await?;
        let count = ended.len();
        self.ended(subject, ended, reason);
        Ok(count)
    }

    /// Ends all logins of a subject. The epoch goes up first: a login that is under way is made under the old one, and
    /// does not come about.
    pub(super) async fn end_all(&self, subject: &Subject, reason: EndReason) -> Result<usize, StoreError> {
        self.raise_epoch(subject).await?;
        self.end_others(subject, None, reason).await
    }

    /// Says that the claims of a subject changed: what was made under an older epoch is outdated.
    pub(super) async fn outdate(&self, subject: &Subject) -> Result<(), StoreError> {
        let epoch = self.raise_epoch(subject).await?;
        self.observe(&AuditEvent::ClaimsChanged { subject: subject.clone(), epoch });
        Ok(())
    }

    /// Revokes one token or key.
    pub(super) async fn revoke(&self, revoked: &Revoked) -> Result<(), StoreError> {
        let now = self.clock.now();
        // Who has a leaked key can sign new tokens at any time: its entry never expires.
        let until = match revoked {
            Revoked::Key(_) => Timestamp::from_millis(i64::MAX),
            _ => self.log_until(now),
        };
        self.store.append(revoked, until, now).await?;
        self.feed.list().insert(revoked, until);
        Ok(())
    }

    /// Gives a session a new id; `false` when it is gone. The old id is revoked first, so that it is dead also where the
    /// session is cached: should renaming fail, the session is over rather than open under both.
    pub(super) async fn rename_session(
        &self,
        old: &SessionHash,
        new: &SessionHash,
    ) -> Result<bool, StoreError> {
        self.revoke(&Revoked::Session(*old)).await?;
        self.store.rename_session(old, new, self.clock.now()).await
    }

    /// What the store has ended and logged is known here at once, not when the log is next read.
    pub(super) fn ended(
        &self,
        subject: &Subject,
        logins: impl IntoIterator<Item = LoginId>,
        reason: EndReason,
    ) {
        let until = self.log_until(self.clock.now());
        for login in logins {
            self.feed.list().insert(&Revoked::Login(login, reason), until);
            self.observe(&AuditEvent::LoginEnded { login, subject: subject.clone(), reason });
        }
    }

    async fn raise_epoch(&self, subject: &Subject) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let until = self.log_until(now);
        let epoch = self.store.raise_epoch(subject, until, now).await?;
        self.feed.list().insert(&Revoked::SubjectBelow(subject.clone(), epoch), until);
        Ok(epoch)
    }
}

/// Runs a write to its end even if the request that asked for it goes away half way: an end that began is not undone.
pub(super) async fn uncancelled<T: Send + 'static>(
    write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(write).await.unwrap_or_else(|error| Err(StoreError::new(error)))
}
