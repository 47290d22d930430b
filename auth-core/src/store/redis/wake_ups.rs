//! Wake-ups: notifications that some process appended an entry to the log.

use std::time::Duration;

use futures_util::StreamExt as _;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::{ProtocolVersion, PushInfo, PushKind, RedisResult};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::connection::Finder;
use super::run::{all_partitions, tag};

/// How long to wait before the channels are subscribed to again. In the meantime polling finds new entries.
const AGAIN: Duration = Duration::from_secs(1);

/// The channels to which scripts publish.
pub(super) fn channels(prefix: &str) -> Vec<String> {
    all_partitions().map(|partition| format!("{}log", tag(prefix, partition))).collect()
}

fn wake(wake_ups: &watch::Sender<u64>) {
    wake_ups.send_modify(|count| *count = count.wrapping_add(1));
}

/// Listens until the handle is aborted. A message, and a new subscription, change the value.
pub(super) fn listen(mut finder: Finder, channels: Vec<String>, wake_ups: watch::Sender<u64>) -> AbortHandle {
    let listener = async move {
        loop {
            if let Err(error) = subscribed(&mut finder, &channels, &wake_ups).await {
                tracing::debug!(%error, "the subscription to new log entries failed");
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::spawn(listener).abort_handle()
}

async fn subscribed(
    finder: &mut Finder,
    channels: &[String],
    wake_ups: &watch::Sender<u64>,
) -> RedisResult<()> {
    let mut subscription = finder.subscriber().await?;
    subscription.subscribe(channels).await?;
    wake(wake_ups);
    let mut messages = subscription.on_message();
    while messages.next().await.is_some() {
        wake(wake_ups);
    }
    Ok(())
}

/// The same for a cluster, whose client subscribes again by itself when a slot moves.
pub(super) fn listen_to_cluster(
    builder: ClusterClientBuilder,
    channels: Vec<String>,
    wake_ups: watch::Sender<u64>,
) -> RedisResult<AbortHandle> {
    let pushed = wake_ups.clone();
    let on_push = move |push: PushInfo| -> RedisResult<()> {
        if matches!(push.kind, PushKind::SMessage | PushKind::SSubscribe | PushKind::Disconnection) {
            wake(&pushed);
        }
        Ok(())
    };
    let client = builder.use_protocol(ProtocolVersion::RESP3).push_sender(on_push).build()?;
    let listener = async move {
        loop {
            match subscribed_to_cluster(&client, &channels).await {
                // The connection lives in the client's task as long as this one holds it.
                Ok(connection) => {
                    wake(&wake_ups);
                    std::future::pending::<()>().await;
                    drop(connection);
                }
                Err(error) => tracing::debug!(%error, "the subscription to new log entries failed"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    Ok(tokio::spawn(listener).abort_handle())
}

async fn subscribed_to_cluster(
    client: &ClusterClient,
    channels: &[String],
) -> RedisResult<redis::cluster_async::ClusterConnection> {
    let mut connection = client.get_async_connection().await?;
    // One by one: a command can subscribe only to channels of one slot.
    for channel in channels {
        connection.ssubscribe(channel).await?;
    }
    Ok(connection)
}
