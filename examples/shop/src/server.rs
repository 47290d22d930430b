//! Serving: what a client may take, and how the program ends.
//!
//! Nobody holds a connection for nothing: a request's head and body have a time in which they must be there, an answer one in
//! which it must get on. There are fewer connections than the process may have files open, so that a flood of them neither
//! stops the databases nor is more than a queue.

mod activity;
mod connection;
mod proxies;
mod room;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

pub(crate) use self::proxies::Proxies;

/// How long running requests may take once the program was told to stop: less than the ten seconds after which container
/// runtimes kill it.
const LONGEST_GOODBYE: Duration = Duration::from_secs(8);

/// How long to wait where the system cannot give a connection, for instance because too many files are open.
const BREATH: Duration = Duration::from_millis(200);

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Stopped {
    /// All requests were answered.
    Finished,
    /// Some took too long.
    WithRequestsRunning,
}

/// Serves until `stop` is done, then answers what runs and closes all connections.
pub(crate) async fn serve(
    listener: TcpListener,
    proxies: &Proxies,
    router: &Router,
    stop: impl Future<Output = ()>,
) -> Stopped {
    let room = room::for_connections();
    tracing::info!(connections = room, "serving");
    let places = Arc::new(Semaphore::new(room as usize));
    let (stopping, stop_notice) = watch::channel(false);

    tokio::select! {
        () = accept(&listener, proxies, router, &places, &stop_notice) => {}
        () = stop => {}
    }
    // From here on nobody new is let in.
    drop(listener);
    stopping.send_replace(true);
    match timeout(LONGEST_GOODBYE, places.acquire_many(room)).await {
        Ok(_) => Stopped::Finished,
        Err(_) => Stopped::WithRequestsRunning,
    }
}

/// Who comes when there is no place waits in the system's queue.
async fn accept(
    listener: &TcpListener,
    proxies: &Proxies,
    router: &Router,
    places: &Arc<Semaphore>,
    stop_notice: &watch::Receiver<bool>,
) {
    while let Ok(place) = places.clone().acquire_owned().await {
        let (stream, peer) = next(listener).await;
        let served = connection::serve(stream, peer, proxies.clone(), router.clone(), stop_notice.clone());
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
}

async fn next(listener: &TcpListener) -> (TcpStream, std::net::SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_client(&error) => tracing::debug!(%error, "a client left the queue"),
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                sleep(BREATH).await;
            }
        }
    }
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
