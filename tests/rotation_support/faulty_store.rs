//! A store between a node and the real one, where each call can fail, stop, or lose its answer.

use std::future::Future;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use auth_core::clock::Timestamp;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    Confirmation, Created, EndReason, Family, Limit, LogPage, LoginRow, LoginStore, RevocationStore, Revoked,
    Rotation, SavedSession, SessionHash, SessionRow, SessionStore, Store, StoreError, Touch,
};

use super::faults::{Fault, Faults, Op};

/// Clones share their faults and counts; another value over the same inner store has its own.
#[derive(Clone, Debug)]
pub(crate) struct FaultyStore {
    inner: Arc<RwLock<Arc<dyn Store>>>,
    faults: Arc<Faults>,
}

impl FaultyStore {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Self {
        Self { inner: Arc::new(RwLock::new(inner)), faults: Arc::default() }
    }

    /// Puts another store in the place of the one behind this: it was emptied, or restored.
    pub(crate) fn swap(&self, inner: Arc<dyn Store>) {
        *self.inner.write().unwrap() = inner;
    }

    /// The store behind this.
    pub(super) fn inner(&self) -> Arc<dyn Store> {
        self.inner.read().unwrap().clone()
    }

    /// The next call of `op` that nothing is planned for goes wrong.
    pub(crate) fn next(&self, op: Op, fault: Fault) {
        self.faults.next(op, fault);
    }

    /// The next calls of `op` go well.
    pub(crate) fn skip(&self, op: Op, calls: usize) {
        (0..calls).for_each(|_| self.faults.next(op, Fault::None));
    }

    /// Every call of `op` goes wrong from now on.
    pub(crate) fn always(&self, op: Op, fault: Fault) {
        self.faults.always(op, Some(fault));
    }

    /// Calls of `op` work again.
    pub(crate) fn heal(&self, op: Op) {
        self.faults.always(op, None);
    }

    /// Whether every call fails.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.faults.set_down(is_down);
    }

    /// Nobody is woken when the log grows.
    pub(crate) fn drop_wake_ups(&self) {
        self.faults.hide_growth();
    }

    /// How often `op` was called.
    pub(crate) fn calls(&self, op: Op) -> usize {
        self.faults.calls(op)
    }

    /// How often anything was called.
    pub(crate) fn all_calls(&self) -> usize {
        self.faults.all_calls()
    }

    async fn through<T>(
        &self,
        op: Op,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.faults.at(op) {
            None | Some(Fault::None) => call.await,
            Some(Fault::Before) => Err(StoreError::new("failed before the commit")),
            Some(Fault::After) => {
                call.await?;
                Err(StoreError::new("failed after the commit"))
            }
            Some(Fault::StopBefore(gate)) => {
                gate.pass().await;
                call.await
            }
            Some(Fault::StopAfter(gate)) => {
                let done = call.await;
                gate.pass().await;
                done
            }
            Some(Fault::DieBefore) => std::process::abort(),
            Some(Fault::DieAfter) => {
                drop(call.await);
                std::process::abort()
            }
        }
    }
}

#[async_trait]
impl LoginStore for FaultyStore {
    async fn create_login(
        &self,
        login: &LoginRow,
        session: Option<&SessionRow>,
        replaces: Option<LoginId>,
        limit: Option<Limit>,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        let inner = self.inner();
        let call = inner.create_login(login, session, replaces, limit, log_until, now);
        self.through(Op::CreateLogin, call).await
    }

    async fn load_login(&self, id: LoginId, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        self.through(Op::LoadLogin, self.inner().load_login(id, now)).await
    }

    async fn list_logins(&self, subject: &Subject, now: Timestamp) -> Result<Vec<LoginRow>, StoreError> {
        self.through(Op::ListLogins, self.inner().list_logins(subject, now)).await
    }

    async fn end_login(
        &self,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.through(Op::EndLogin, self.inner().end_login(subject, id, reason, log_until, now)).await
    }

    async fn end_logins(
        &self,
        subject: &Subject,
        keep: Option<LoginId>,
        reason: EndReason,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<LoginId>, StoreError> {
        self.through(Op::EndLogins, self.inner().end_logins(subject, keep, reason, log_until, now)).await
    }

    async fn rotate(&self, rotation: &Rotation, now: Timestamp) -> Result<Option<LoginRow>, StoreError> {
        self.through(Op::Rotate, self.inner().rotate(rotation, now)).await
    }

    async fn swap_family(
        &self,
        id: LoginId,
        expected: &Family,
        new: &Family,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.through(Op::SwapFamily, self.inner().swap_family(id, expected, new, now)).await
    }

    async fn confirm(&self, confirmations: &[Confirmation], now: Timestamp) -> Result<(), StoreError> {
        self.through(Op::Confirm, self.inner().confirm(confirmations, now)).await
    }

    async fn touch(&self, touches: &[Touch], now: Timestamp) -> Result<(), StoreError> {
        self.through(Op::Touch, self.inner().touch(touches, now)).await
    }

    async fn save_claims(
        &self,
        id: LoginId,
        claims: &[u8],
        epoch: u64,
        loaded_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.through(Op::SaveClaims, self.inner().save_claims(id, claims, epoch, loaded_at, now)).await
    }

    async fn epoch(&self, subject: &Subject) -> Result<u64, StoreError> {
        self.through(Op::Epoch, self.inner().epoch(subject)).await
    }

    async fn raise_epoch(
        &self,
        subject: &Subject,
        log_until: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.through(Op::RaiseEpoch, self.inner().raise_epoch(subject, log_until, now)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.through(Op::Purge, self.inner().purge(now)).await
    }
}

#[async_trait]
impl SessionStore for FaultyStore {
    async fn create_session(&self, session: &SessionRow, now: Timestamp) -> Result<bool, StoreError> {
        self.through(Op::CreateSession, self.inner().create_session(session, now)).await
    }

    async fn load_session(
        &self,
        id: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<(SessionRow, Option<LoginRow>)>, StoreError> {
        self.through(Op::LoadSession, self.inner().load_session(id, now)).await
    }

    async fn save_session(
        &self,
        id: &SessionHash,
        data: &[u8],
        expected_version: u64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<SavedSession, StoreError> {
        let inner = self.inner();
        let call = inner.save_session(id, data, expected_version, expires_at, now);
        self.through(Op::SaveSession, call).await
    }

    async fn rename_session(
        &self,
        old: &SessionHash,
        new: &SessionHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.through(Op::RenameSession, self.inner().rename_session(old, new, now)).await
    }

    async fn delete_session(&self, id: &SessionHash) -> Result<(), StoreError> {
        self.through(Op::DeleteSession, self.inner().delete_session(id)).await
    }
}

#[async_trait]
impl RevocationStore for FaultyStore {
    async fn append(
        &self,
        revoked: &Revoked,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.through(Op::Append, self.inner().append(revoked, expires_at, now)).await
    }

    async fn entries(&self, after: u64, most: u32, now: Timestamp) -> Result<LogPage, StoreError> {
        self.through(Op::Entries, self.inner().entries(after, most, now)).await
    }

    async fn is_revoked(&self, revoked: &[Revoked], now: Timestamp) -> Result<bool, StoreError> {
        self.through(Op::IsRevoked, self.inner().is_revoked(revoked, now)).await
    }

    async fn changed(&self, after: u64) {
        if self.faults.hides_growth() {
            return std::future::pending().await;
        }
        self.inner().changed(after).await;
    }
}
