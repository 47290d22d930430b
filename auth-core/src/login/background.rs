//! Background work: three loops that stop with the authenticator.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

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

/// The running loops; dropping it stops them.
#[derive(Debug)]
pub(super) struct Background(Vec<AbortHandle>);

impl Background {
    pub(super) fn start(revoker: &Arc<Revoker>, uses: &Arc<WriteBehind>, store: &RealmStore) -> Self {
        let follow = tokio::spawn(follow(revoker.clone()));
        let write = tokio::spawn(write(uses.clone(), store.clone()));
        let purge = tokio::spawn(purge(revoker.clone(), store.clone()));
        Self(vec![follow.abort_handle(), write.abort_handle(), purge.abort_handle()])
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Keeps the revocation list up to date: after each notification, and once a second without one.
async fn follow(revoker: Arc<Revoker>) {
    loop {
        if timeout(POLL, revoker.feed().changed()).await.is_ok() {
            tracing::trace!("the revocation log may have grown");
        }
        match revoker.catch_up().await {
            Ok(()) => sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(?error, "the revocation log could not be read");
                sleep(POLL).await;
            }
        }
    }
}

impl Revoker {
    /// Reads the log to its end. Writes that the store lost, and large steps of its clock, are events.
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
    loop {
        uses.filled.notified().await;
        sleep(GATHER).await;
        if let Err(error) = uses.flush(&store).await {
            tracing::warn!(?error, "last-seen times could not be written");
            sleep(POLL).await;
        }
    }
}

/// Deletes expired rows and entries.
async fn purge(revoker: Arc<Revoker>, store: RealmStore) {
    let mut ticks = interval(PURGE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let entries = revoker.feed().list().purge(store.now());
        match store.ask(|store, _| store.purge()).await {
            Ok(purged) => {
                tracing::debug!(logins = purged.value, entries, "deleted expired logins and log entries")
            }
            Err(error) => tracing::warn!(?error, "expired logins could not be deleted"),
        }
    }
}
