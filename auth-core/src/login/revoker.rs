//! Ending logins and revoking credentials: the write to the store, the entry in this node's list, and the event.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;

use super::realm_store::RealmStore;
use crate::audit::{AuditEvent, Observer};
use crate::clock::Timestamp;
use crate::id::{KeyId, LoginId, Subject, TokenId};
use crate::revoke::Feed;
use crate::store::{
    EndReason, EndedAll, Logged, Partition, Renamed, Revoked, SecretHash, SessionKey, StoreError,
};

/// Ends logins and revokes credentials. Every write completes, even if the request is dropped.
#[derive(Debug)]
pub(crate) struct Revoker {
    store: RealmStore,
    feed: Arc<Feed>,
    observer: Observer,
    /// How long the credentials of a login can outlive it.
    retention: Duration,
}

impl Revoker {
    pub(super) fn new(store: RealmStore, feed: Arc<Feed>, observer: Observer, retention: Duration) -> Self {
        Self { store, feed, observer, retention }
    }

    pub(super) fn feed(&self) -> &Feed {
        &self.feed
    }

    pub(super) fn observe(&self, event: &AuditEvent) {
        self.observer.observe(event);
    }

    /// See [`RealmStore::take_step`].
    pub(super) fn take_step(&self) -> Option<i64> {
        self.store.take_step()
    }

    pub(super) const fn retention(&self) -> Duration {
        self.retention
    }

    /// Ends one login of a subject. Returns `false` if the store does not have it.
    pub(super) async fn end(
        self: &Arc<Self>,
        subject: &Subject,
        login: LoginId,
        reason: EndReason,
    ) -> Result<bool, StoreError> {
        let (this, subject) = (self.clone(), subject.clone());
        uncancelled(async move {
            let write = this.feed.begin_write();
            let end =
                this.store.ask(|store, realm| store.end(realm, &subject, login, reason, this.retention));
            match end.await?.value {
                Some(logged) => {
                    write.logged(Revoked::Login(login, reason), logged);
                    this.observe(&AuditEvent::LoginEnded { login, subject, reason });
                    Ok(true)
                }
                None => Ok(false),
            }
        })
        .await
    }

    /// A login that the store does not have has ended on this node too.
    pub(super) fn forget(&self, login: LoginId) {
        let until = self.store.now().after(self.retention);
        self.feed.list().insert(&Revoked::Login(login, EndReason::SignedOut), until);
    }

    /// Ends all logins of a subject but one, and refuses sign-ins that are in progress. Returns the number of ended logins.
    pub(super) async fn end_all(
        self: &Arc<Self>,
        subject: &Subject,
        except: Option<LoginId>,
        reason: EndReason,
    ) -> Result<u64, StoreError> {
        let (this, subject) = (self.clone(), subject.clone());
        uncancelled(async move {
            let write = this.feed.begin_write();
            let end = this.store.ask(|store, realm| store.end_all(realm, &subject, except, this.retention));
            let EndedAll { count, epoch, spared, logged } = end.await?.value;
            write.logged(Revoked::AllEnded { subject: subject.clone(), below: epoch, spared }, logged);
            this.observe(&AuditEvent::LoginsEnded { subject, count, spared, reason });
            Ok(count)
        })
        .await
    }

    /// Makes the claims of a subject that were loaded before now outdated.
    pub(super) async fn outdate(self: &Arc<Self>, subject: &Subject) -> Result<(), StoreError> {
        let (this, subject) = (self.clone(), subject.clone());
        uncancelled(async move {
            let write = this.feed.begin_write();
            let change = this.store.ask(|store, realm| store.claims_changed(realm, &subject, this.retention));
            let (epoch, logged) = change.await?.value;
            write.logged(Revoked::ClaimsChanged { subject: subject.clone(), below: epoch }, logged);
            this.observe(&AuditEvent::ClaimsChanged { subject, epoch });
            Ok(())
        })
        .await
    }

    pub(super) async fn revoke_token(
        self: &Arc<Self>,
        subject: &Subject,
        token: TokenId,
    ) -> Result<(), StoreError> {
        let (this, subject) = (self.clone(), subject.clone());
        uncancelled(async move {
            let write = this.feed.begin_write();
            let revoke =
                this.store.ask(|store, realm| store.revoke_token(realm, &subject, token, this.retention));
            let logged = revoke.await?.value;
            let partition = Partition::of(&subject, this.store.store().partitions());
            write.logged(Revoked::Token(partition, token), logged);
            Ok(())
        })
        .await
    }

    pub(super) async fn revoke_key(self: &Arc<Self>, key: &KeyId) -> Result<(), StoreError> {
        let (this, key) = (self.clone(), key.clone());
        uncancelled(async move {
            let write = this.feed.begin_write();
            let logged = this.store.ask(|store, realm| store.revoke_key(realm, &key)).await?.value;
            write.logged(Revoked::Key(key), logged);
            Ok(())
        })
        .await
    }

    /// Refuses all credentials from before a restore.
    pub(super) async fn declare_restored(
        self: &Arc<Self>,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let this = self.clone();
        uncancelled(async move {
            let write = this.feed.begin_write();
            let declared = this.store.ask(|store, realm| store.declare_restored(realm, until)).await?;
            let (floor, logged) = declared.value;
            write.logged(Revoked::Floor(floor), logged);
            Ok(())
        })
        .await
    }

    /// Gives a session a new id and ends the old one, in one step. Returns `false` if the session does not exist.
    pub(super) async fn rename_session(
        self: &Arc<Self>,
        old: SessionKey,
        new: SecretHash,
    ) -> Result<bool, StoreError> {
        let this = self.clone();
        uncancelled(async move {
            let write = this.feed.begin_write();
            let rename =
                this.store.ask(|store, realm| store.rename_session(realm, &old, &new, this.retention));
            let renamed = rename.await?.value;
            if let Renamed::Renamed(Some(logged)) = renamed {
                write.logged(Revoked::Session(old), logged);
            }
            Ok(renamed != Renamed::Refused)
        })
        .await
    }

    /// Adds what another part of this crate ended in the store to this node's list.
    pub(super) fn ended(&self, subject: &Subject, login: LoginId, reason: EndReason, logged: Logged) {
        self.feed.begin_write().logged(Revoked::Login(login, reason), logged);
        self.observe(&AuditEvent::LoginEnded { login, subject: subject.clone(), reason });
    }

    pub(super) fn evicted(&self, subject: &Subject, evicted: &[(LoginId, Logged)]) {
        for (login, logged) in evicted {
            self.ended(subject, *login, EndReason::Evicted, *logged);
        }
    }
}

/// Completes a write even if the request that caused it is dropped. Otherwise the store could end a login without the
/// entry in this node's list and the event.
pub(super) async fn uncancelled<T: Send + 'static, E: From<StoreError> + Send + 'static>(
    write: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    tokio::spawn(write).await.unwrap_or_else(|error| Err(stopped(&error).into()))
}

/// A task panicked, or was cancelled because the runtime shuts down. The message of the panic may contain anything, so it
/// is not part of the error.
pub(super) fn stopped(error: &JoinError) -> StoreError {
    StoreError::new(if error.is_panic() { "a task panicked" } else { "a task was cancelled" })
}
