//! A place where something stops until it is let through.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// A closed gate. Clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    arrivals: Arc<Semaphore>,
    passes: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self { arrivals: Arc::new(Semaphore::new(0)), passes: Arc::new(Semaphore::new(0)) }
    }

    /// Arrives, and waits until the gate is open.
    pub(crate) async fn pass(&self) {
        self.arrivals.add_permits(1);
        self.passes.acquire().await.unwrap().forget();
    }

    /// Waits until somebody stands at the gate; each arrival is told once.
    pub(crate) async fn reached(&self) {
        let arrived = soon(self.arrivals.acquire()).await;
        arrived.unwrap().forget();
    }

    /// Lets everybody through, those who come later too.
    pub(crate) fn open(&self) {
        self.passes.add_permits(100_000);
    }
}

/// Waits for something that happens as soon as its turn comes, so that a test that waits in vain fails.
#[track_caller]
pub(crate) fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        let in_time = tokio::time::timeout(Duration::from_secs(20), future).await;
        in_time.unwrap_or_else(|_| panic!("waited in vain at {caller}"))
    }
}
