//! A place where something stops until it is let through.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::waiting::within;

/// A closed gate. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    arrivals: Arc<Semaphore>,
    passes: Arc<Semaphore>,
}

impl Gate {
    /// A gate at which nobody was yet.
    pub fn closed() -> Self {
        Self { arrivals: Arc::new(Semaphore::new(0)), passes: Arc::new(Semaphore::new(0)) }
    }

    /// Arrives, and waits until the gate is open.
    pub async fn pass(&self) {
        self.arrivals.add_permits(1);
        self.passes.acquire().await.unwrap().forget();
    }

    /// Waits until somebody stands at the gate; each arrival is told once.
    #[track_caller]
    pub fn reached(&self) -> impl Future<Output = ()> {
        let arrived = within("somebody at the gate", self.arrivals.clone().acquire_owned());
        async move { arrived.await.unwrap().forget() }
    }

    /// Lets one through, or the next who comes.
    pub fn let_one_through(&self) {
        self.passes.add_permits(1);
    }

    /// Lets everybody through, those who come later too.
    pub fn open(&self) {
        self.passes.add_permits(100_000);
    }
}
