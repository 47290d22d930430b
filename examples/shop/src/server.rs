//! The server: limits for clients, and how the program ends.
//!
//! The head and the body of a request must arrive, and an answer must be read, within time limits. There are fewer
//! connections than the process may have open files, so that a flood of connections does not keep the databases from
//! opening files; further connections wait in the system's queue.

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

/// How long running requests may take after the program was told to stop: less than the ten seconds after which
/// container runtimes kill it.
const LONGEST_GOODBYE: Duration = Duration::from_secs(8);

/// The pause when no connection can be accepted, for example because too many files are open.
const BREATH: Duration = Duration::from_millis(200);

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Stopped {
    /// All requests were answered.
    Finished,
    /// Some requests took too long.
    WithRequestsRunning,
}

/// Serves until `stop` completes. Then it answers the running requests and closes all connections.
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
    // From here on no connection is accepted.
    drop(listener);
    stopping.send_replace(true);
    match timeout(LONGEST_GOODBYE, places.acquire_many(room)).await {
        Ok(_) => Stopped::Finished,
        Err(_) => Stopped::WithRequestsRunning,
    }
}

/// Connections above the limit wait in the system's queue.
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
            Err(error) if is_of_one_client(&error) => {
                tracing::debug!(%error, "a client closed its connection before it was accepted")
            }
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
