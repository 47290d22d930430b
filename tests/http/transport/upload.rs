//! Who may not call a handler does not get its body read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use auth_core::jwt::Algorithm;
use auth_tests::{Call, Forger, Shop, UNKNOWN_SESSION, problem, session_of};
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

const MEGABYTE: usize = 1 << 20;

/// A body of 100 MB that counts what is read of it.
struct Upload {
    left: usize,
    read: Arc<AtomicUsize>,
}

impl futures_util::Stream for Upload {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.read.fetch_add(MEGABYTE, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Bytes::from(vec![0; MEGABYTE]))))
    }
}

fn upload(megabytes: usize) -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    (Body::from_stream(Upload { left: megabytes, read: read.clone() }), read)
}

#[tokio::test]
async fn an_unauthorised_upload_of_100_mb_is_refused_before_a_byte_is_read() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::new(forger.ring()).await;
    let cookie = shop.sign_in(7).await;
    let call = || Call::post("/upload").header(CONTENT_LENGTH, (100 * MEGABYTE).to_string());
    for (row, call, expected) in [
        ("no credential", call(), problem::no_credential()),
        ("a bad token", call().bearer("junk"), problem::invalid_token()),
        ("a bad cookie", call().cookie(&session_of("x")), problem::invalid_cookie()),
        ("an unknown session", call().cookie(UNKNOWN_SESSION), problem::invalid_cookie()),
        (
            "another site",
            call().cookie(&cookie).header("sec-fetch-site", "cross-site"),
            problem::cross_site(),
        ),
        ("two headers", call().bearer("x").bearer("y"), problem::malformed()),
    ] {
        let (body, read) = upload(100);
        call.body(body).send(&shop.app).await.assert_is(&expected, row);
        assert_eq!(read.load(Ordering::SeqCst), 0, "{row}: bytes read");
    }
    let (body, read) = upload(1);
    let good = call().bearer(&forger.honest()).body(body).send(&shop.app).await;
    good.assert_ok("1048576 bytes", "authorised");
    assert_eq!(read.load(Ordering::SeqCst), MEGABYTE);
}

#[tokio::test]
async fn the_ready_made_routes_read_no_more_than_they_need() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::new(forger.ring()).await;
    let (body, read) = upload(100);
    let refresh =
        Call::post("/auth/refresh").header(CONTENT_TYPE, "application/json").body(body).send(&shop.app).await;
    assert_eq!(refresh.status.as_u16(), 413);
    assert!(read.load(Ordering::SeqCst) <= MEGABYTE, "one piece at the most");
    let (body, read) = upload(100);
    let logout = Call::post("/auth/logout").body(body).send(&shop.app).await;
    logout.assert_is(&problem::no_credential(), "logout");
    assert_eq!(read.load(Ordering::SeqCst), 0);
}
