//! A store that stops at each step, so that a test decides who goes on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use auth_core::store::{Store, StoreError};
use auth_tests::store::{Altered, Families, Fault, Logins, Op, Relay};

/// A request under way.
pub(crate) type Running<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Where a request stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gates {
    Before,
    BeforeAndAfter,
}

/// A store that stops at each step.
pub(crate) type Gated = Relay<Gating>;

#[derive(Clone, Debug)]
pub(crate) struct Gating {
    store: Arc<dyn Store>,
    gates: Gates,
    has_stopped: Arc<AtomicBool>,
}

impl Gating {
    pub(crate) fn over(store: Arc<dyn Store>) -> Gated {
        Relay(Self { store, gates: Gates::BeforeAndAfter, has_stopped: Arc::default() })
    }

    /// The same store, where what is answered is handed out at once.
    pub(crate) fn without_gates_after(&self) -> Gated {
        Relay(Self { gates: Gates::Before, ..self.clone() })
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
}

#[async_trait]
impl Altered for Gating {
    fn behind(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn before(&self, _op: Op) -> Result<Fault, StoreError> {
        self.gate().await;
        Ok(Fault::None)
    }

    async fn after(&self, _op: Op, _rest: Fault) -> Result<(), StoreError> {
        if self.gates == Gates::BeforeAndAfter {
            self.gate().await;
        }
        Ok(())
    }
}

impl Logins for Gating {}

impl Families for Gating {}
