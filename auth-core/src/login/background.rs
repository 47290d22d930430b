//! The work off the request path: three loops that end with the authenticator.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::write_behind::WriteBehind;
use crate::clock::Clock;
use crate::revoke::Feed;
use crate::store::Store;

/// How long a node waits for a wake-up before it looks itself.
const POLL: Duration = Duration::from_secs(1);
/// The least time between two looks: a store that wakes us without end does not keep a core busy.
const PAUSE: Duration = Duration::from_millis(20);
/// How long writes are gathered.
const GATHER: Duration = Duration::from_millis(500);
/// How often expired rows and entries are deleted.
const PURGE: Duration = Duration::from_secs(60);

/// The running loops; dropping it stops them.
#[derive(Debug)]
pub(super) struct Background(Vec<AbortHandle>);

impl Background {
    pub(super) fn start(
        feed: &Arc<Feed>,
        uses: &Arc<WriteBehind>,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let follow = tokio::spawn(follow(feed.clone()));
        let write = tokio::spawn(write(uses.clone(), store.clone(), clock.clone()));
        let purge = tokio::spawn(purge(feed.clone(), store.clone(), clock.clone()));
        Self(vec![follow.abort_handle(), write.abort_handle(), purge.abort_handle()])
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// Keeps the revocation list up to date: at each wake-up, and once a second without one.
async fn follow(feed: Arc<Feed>) {
    loop {
        if timeout(POLL, feed.changed()).await.is_ok() {
            tracing::trace!("the revocation log may have grown");
        }
        match feed.catch_up().await {
            Ok(()) => sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!(?error, "the revocation log cannot be read");
                sleep(POLL).await;
            }
        }
    }
}

/// Writes what was gathered.
async fn write(uses: Arc<WriteBehind>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    loop {
        uses.filled.notified().await;
        sleep(GATHER).await;
        if let Err(error) = uses.flush(&*store, clock.now()).await {
            tracing::warn!(?error, "uses of logins cannot be written down");
            sleep(POLL).await;
        }
    }
}

/// Deletes what has expired.
async fn purge(feed: Arc<Feed>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(PURGE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = clock.now();
        let entries = feed.list().purge(now);
        match store.purge(now).await {
            Ok(logins) => tracing::debug!(logins, entries, "deleted what has expired"),
            Err(error) => tracing::warn!(?error, "expired logins cannot be deleted"),
        }
    }
}
