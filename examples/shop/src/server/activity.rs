//! Whether a connection has a request to answer.

use tokio::sync::watch;

/// The requests of one connection that are not answered yet.
#[derive(Clone, Debug)]
pub(super) struct Activity(watch::Sender<usize>);

/// A request, from its head until its answer was written or abandoned.
#[derive(Debug)]
pub(super) struct Running(Activity);

impl Activity {
    pub(super) fn none() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(super) fn begin(&self) -> Running {
        self.0.send_modify(|running| *running += 1);
        Running(self.clone())
    }

    /// Waits until there is none.
    pub(super) async fn ended(&self) {
        // The sender is `self`, so it was not dropped.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|running| *running -= 1);
    }
}
