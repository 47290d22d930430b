//! Wake-ups: `NOTIFY` after a commit, and the connection that listens.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Executor as _, PgPool};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::store::{Mark, StoreError};

/// `NOTIFY` takes a lock of the whole database until its transaction has committed.
const AT_MOST_EVERY: Duration = Duration::from_millis(10);
/// The pause after an error of either connection.
const PAUSE: Duration = Duration::from_secs(1);
/// A listening connection that was silent for so long is tested.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a test, and a `NOTIFY`, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The two tasks of a store, which end with it.
pub(super) struct WakeUps {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

struct Shared {
    pool: PgPool,
    channel: String,
    /// The payload of this store's own notifications.
    name: String,
    seen: watch::Sender<u64>,
    written: Notify,
}

impl WakeUps {
    pub(super) fn begin(options: PgConnectOptions, channel: String) -> Result<Self, StoreError> {
        // One to listen, one to notify, and others for the time until a lost one is detected.
        let pool = PgPoolOptions::new().max_connections(4).acquire_timeout(PATIENCE);
        let pool = pool.connect_lazy_with(options);
        let name = format!("{:x}", u128::from_be_bytes(*Mark::random()?.as_bytes()));
        let shared = Shared { pool, channel, name, seen: watch::Sender::new(0), written: Notify::new() };
        let shared = Arc::new(shared);
        let listening = tokio::spawn(Arc::clone(&shared).listen());
        let notifying = tokio::spawn(Arc::clone(&shared).notify());
        Ok(Self { shared, tasks: [listening.abort_handle(), notifying.abort_handle()] })
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.seen.subscribe()
    }

    /// Wakes the readers of this node, and soon after those of others. Called after a commit.
    pub(super) fn wake(&self) {
        self.shared.wake_here();
        self.shared.written.notify_one();
    }
}

impl Drop for WakeUps {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Shared {
    fn wake_here(&self) {
        self.seen.send_modify(|count| *count = count.wrapping_add(1));
    }

    async fn notify(self: Arc<Self>) {
        loop {
            self.written.notified().await;
            let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(&self.channel).bind(&self.name);
            match timeout(PATIENCE, notify.execute(&self.pool)).await {
                Ok(Ok(_)) => sleep(AT_MOST_EVERY).await,
                // Readers of other nodes find the entry when they poll.
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a wake-up was not sent");
                    sleep(PAUSE).await;
                }
                Err(_) => tracing::debug!("a wake-up was not sent in time"),
            }
        }
    }

    async fn listen(self: Arc<Self>) {
        loop {
            if let Err(error) = self.listen_until_error().await {
                tracing::debug!(%error, "wake-ups are not received");
            }
            sleep(PAUSE).await;
        }
    }

    async fn listen_until_error(&self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(&self.channel).await?;
        loop {
            // A notification may have been missed before, or while the connection was lost.
            self.wake_here();
            loop {
                match timeout(SILENCE, listener.try_recv()).await {
                    Ok(Ok(Some(notification))) if notification.payload() == self.name => {}
                    Ok(Ok(Some(_))) => self.wake_here(),
                    Ok(Ok(None)) => break,
                    Ok(Err(error)) => return Err(error),
                    Err(_) => match timeout(PATIENCE, listener.execute("SELECT 1")).await {
                        Ok(tested) => {
                            tested?;
                        }
                        Err(_) => return Ok(()),
                    },
                }
            }
        }
    }
}
