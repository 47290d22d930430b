//! A store that stops at each step, so that a test decides who goes on.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::id::{LoginId, Subject};
use auth_core::store::{
    Confirmation, Created, EndReason, Ended, EndedAll, Family, FamilyStore, GraceStart, Limit, ListCursor,
    LiveLogin, Logged, LoginPage, LoginStore, NewLogin, NewSession, Realm, Rotated, Rotation, Store,
    StoreError, Ticket, Timed, Touch,
};

/// A request under way.
pub(crate) type Running<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Where a request stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gates {
    Before,
    BeforeAndAfter,
}

/// The calls that a rotation makes.
#[derive(Clone, Debug)]
pub(crate) struct Gated {
    store: Arc<dyn Store>,
    gates: Gates,
    has_stopped: Arc<AtomicBool>,
}

impl Gated {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, gates: Gates::BeforeAndAfter, has_stopped: Arc::default() }
    }

    /// The same store, where what is answered is handed out at once.
    pub(crate) fn without_gates_after(&self) -> Self {
        Self { gates: Gates::Before, ..self.clone() }
    }

    /// Lets a request go on to the next gate, or to its end.
    pub(crate) async fn step<T>(&self, request: &mut Running<'_, T>) -> Option<T> {
        std::future::poll_fn(|context| {
            self.has_stopped.store(false, Ordering::Release);
            match request.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if self.has_stopped.load(Ordering::Acquire) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Lets a request go on to its end.
    pub(crate) async fn finish<T>(&self, request: &mut Running<'_, T>) -> T {
        loop {
            if let Some(answer) = self.step(request).await {
                return answer;
            }
        }
    }

    async fn gate(&self) {
        let mut has_waited = false;
        std::future::poll_fn(|_| {
            if has_waited {
                return Poll::Ready(());
            }
            has_waited = true;
            self.has_stopped.store(true, Ordering::Release);
            Poll::Pending
        })
        .await;
    }

    async fn between_gates<T>(&self, call: impl Future<Output = T>) -> T {
        self.gate().await;
        let answer = call.await;
        if self.gates == Gates::BeforeAndAfter {
            self.gate().await;
        }
        answer
    }
}

const NOT_CALLED: &str = "a rotation does not call this";

#[async_trait]
impl LoginStore for Gated {
    async fn ticket(&self, _: &Realm, _: &Subject) -> Result<Timed<Ticket>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn create(
        &self,
        _: &Realm,
        _: &Ticket,
        _: &NewLogin,
        _: Option<&NewSession>,
        _: Option<Limit>,
    ) -> Result<Timed<Created>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn login(&self, realm: &Realm, id: LoginId) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        self.between_gates(self.store.login(realm, id)).await
    }

    async fn list(
        &self,
        _: &Realm,
        _: &Subject,
        _: Option<&ListCursor>,
        _: NonZeroU32,
    ) -> Result<Timed<LoginPage>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn end(
        &self,
        realm: &Realm,
        subject: &Subject,
        id: LoginId,
        reason: EndReason,
    ) -> Result<Timed<Ended>, StoreError> {
        self.between_gates(self.store.end(realm, subject, id, reason)).await
    }

    async fn end_all(
        &self,
        _: &Realm,
        _: &Subject,
        _: Option<LoginId>,
        _: Duration,
    ) -> Result<Timed<EndedAll>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn claims_changed(
        &self,
        _: &Realm,
        _: &Subject,
        _: Duration,
    ) -> Result<Timed<(u64, Logged)>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn save_claims(&self, _: &Realm, _: LoginId, _: &[u8], _: u64) -> Result<Timed<bool>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn touch(&self, _: &Realm, _: &[Touch]) -> Result<Timed<()>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }

    async fn purge(&self) -> Result<Timed<u64>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }
}

#[async_trait]
impl FamilyStore for Gated {
    async fn rotate(&self, realm: &Realm, rotation: &Rotation) -> Result<Timed<Rotated>, StoreError> {
        self.between_gates(self.store.rotate(realm, rotation)).await
    }

    async fn replace_family(
        &self,
        realm: &Realm,
        id: LoginId,
        expected: &Family,
        new: &Family,
        grace: GraceStart,
    ) -> Result<Timed<Option<LiveLogin>>, StoreError> {
        self.between_gates(self.store.replace_family(realm, id, expected, new, grace)).await
    }

    async fn confirm(&self, _: &Realm, _: &[Confirmation]) -> Result<Timed<()>, StoreError> {
        unreachable!("{NOT_CALLED}")
    }
}
