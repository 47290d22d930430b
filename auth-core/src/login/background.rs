//! The background tasks: three loops that end with the authenticator and continue after a panic.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::realm_store::RealmStore;
use super::revoker::Revoker;
use super::write_behind::WriteBehind;
use crate::audit::AuditEvent;
use crate::revoke::CatchUp;
use crate::store::StoreError;

/// How long a node waits for a notification before it polls.
const POLL: Duration = Duration::from_secs(1);
/// The minimum time between two polls, so that a store that notifies continuously does not keep a core busy.
const PAUSE: Duration = Duration::from_millis(20);
/// How long writes are collected before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// How often expired rows and entries are deleted.
const PURGE: Duration = Duration::from_secs(60);
/// The pause after a panic.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The pause after many panics in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The running loops; dropping it stops them.
#[derive(Debug)]
pub(super) struct Background(Vec<AbortHandle>);

impl Background {
    pub(super) fn start(revoker: &Arc<Revoker>, uses: &Arc<WriteBehind>, store: &RealmStore) -> Self {
        let follow = {
            let revoker = revoker.clone();
            move || follow(revoker.clone())
        };
        let write = {
            let (uses, store) = (uses.clone(), store.clone());
            move || write(uses.clone(), store.clone())
        };
        let purge = {
            let (revoker, store) = (revoker.clone(), store.clone());
            move || purge(revoker.clone(), store.clone())
        };
        let follow = tokio::spawn(supervise("follow_log", revoker.clone(), follow));
        let write = tokio::spawn(supervise("write_uses", revoker.clone(), write));
        let purge = tokio::spawn(supervise("purge", revoker.clone(), purge));
        Self(vec![follow.abort_handle(), write.abort_handle(), purge.abort_handle()])
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Runs a task in rounds until the authenticator is dropped. If a round panics, this is logged and raised as an event,
/// and the next round follows after a pause.
async fn supervise<F>(task: &'static str, revoker: Arc<Revoker>, round: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut in_a_row = 0;
    loop {
        // A task of its own, because tokio catches its panic. If this future is dropped, so is the task.
        let mut alone = JoinSet::new();
        alone.spawn(round());
        match alone.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                in_a_row = u32::saturating_add(in_a_row, 1);
                // Without the panic's message, which may contain anything.
                tracing::error!(?task, in_a_row, "a background task panicked and is started again");
                revoker.observe(&AuditEvent::TaskPanicked { task, in_a_row });
                sleep(pause_after(in_a_row)).await;
            }
            Some(Ok(())) => in_a_row = 0,
            // Cancelled: the runtime shuts down.
            Some(Err(_)) | None => return,
        }
    }
}

/// One second after the first panic in a row, and twice as long after each further one.
fn pause_after(in_a_row: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(in_a_row.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

/// Updates the revocation list: at a wake-up, or after a second without one.
async fn follow(revoker: Arc<Revoker>) {
    if timeout(POLL, revoker.feed().changed()).await.is_ok() {
        tracing::trace!("the revocation log may have grown");
    }
    match revoker.catch_up().await {
        Ok(()) => sleep(PAUSE).await,
        Err(error) => {
            tracing::warn!(?error, "the revocation log cannot be read");
            sleep(POLL).await;
        }
    }
}

impl Revoker {
    /// Reads all new entries of the log. Writes that the store lost, and large steps of its clock, raise events.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        let done = self.feed().catch_up().await;
        if let Some(millis) = self.take_step() {
            self.observe(&AuditEvent::ClockStepped { seconds: millis / 1000 });
        }
        let CatchUp { reset, lost, written_back } = done?;
        if let Some(cause) = reset {
            self.observe(&AuditEvent::LogReset { cause, written_back });
        }
        if lost > 0 {
            self.observe(&AuditEvent::WritesLost { lost, written_back });
        }
        Ok(())
    }
}

/// Writes the collected writes.
async fn write(uses: Arc<WriteBehind>, store: RealmStore) {
    uses.filled.notified().await;
    sleep(GATHER).await;
    if let Err(error) = uses.flush(&store).await {
        tracing::warn!(?error, "uses of logins cannot be written to the store");
        sleep(POLL).await;
    }
}

/// Deletes expired rows and entries, and waits until the next time.
async fn purge(revoker: Arc<Revoker>, store: RealmStore) {
    let entries = revoker.feed().list().purge(store.now());
    match store.ask(|store, _| store.purge()).await {
        Ok(purged) => tracing::debug!(logins = purged.value, entries, "deleted expired rows and entries"),
        Err(error) => tracing::warn!(?error, "expired logins cannot be deleted"),
    }
    sleep(PURGE).await;
}
