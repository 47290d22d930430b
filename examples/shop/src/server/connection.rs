//! One connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;
use tower_http::timeout::DeadlineBody;

use super::activity::Activity;
use super::proxies::Proxies;

/// The time limit for the head of a request, from the connection or the previous answer on. Idle connections are closed
/// after this time.
const LONGEST_HEAD: Duration = Duration::from_secs(5);

/// The time limit for the whole body of a request.
const LONGEST_BODY: Duration = Duration::from_secs(10);

/// How long a client may read nothing of its answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The maximum length of a request's head, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;

/// The time limit for the rest of a request's head after the program was told to stop.
const LAST_HEAD: Duration = Duration::from_millis(500);

/// Answers the requests of one connection, until it is closed by either side or the program stops.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    proxies: Proxies,
    router: Router,
    stop_notice: watch::Receiver<bool>,
) {
    let activity = Activity::none();
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let running = activity.begin();
        let mut request = request.map(|body| Body::new(DeadlineBody::new(LONGEST_BODY, body)));
        let client = proxies.client(peer, request.headers());
        request.extensions_mut().insert(ConnectInfo(client));
        let answer = router.clone().oneshot(request);
        async move {
            // The body of the answer is dropped after it was written, and `running` with it.
            let ended = move |error| {
                let _ = &running;
                error
            };
            Ok::<_, Infallible>(answer.await?.map(|body| body.map_err(ended)))
        }
    });
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(LONGEST_PAUSE));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(LONGEST_HEAD)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
    );

    let closed = tokio::select! {
        closed = &mut connection => closed,
        () = told_to_stop(stop_notice) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                closed = &mut connection => closed,
                () = nothing_to_answer(&activity) => Ok(()),
            }
        }
    };
    if let Err(error) = closed {
        tracing::debug!(%error, "a connection failed");
    }
}

async fn told_to_stop(mut stop_notice: watch::Receiver<bool>) {
    // A dropped sender means the same.
    let _ = stop_notice.wait_for(|stopping| *stopping).await;
}

async fn nothing_to_answer(activity: &Activity) {
    sleep(LAST_HEAD).await;
    activity.ended().await;
}
