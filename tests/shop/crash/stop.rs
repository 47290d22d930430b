//! Stopping by a signal, and clients that disconnect.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::time::Duration;

use auth_tests::program::Shop;
use auth_tests::{Tokens, eventually, within};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn connect(shop: &Shop) -> TcpStream {
    within("a connection opens", TcpStream::connect(("127.0.0.1", shop.port()))).await.unwrap()
}

/// A request for an order whose body is still to come.
async fn begin_order(shop: &Shop, access: &str, length: usize) -> TcpStream {
    let mut connection = connect(shop).await;
    let head = format!(
        "POST /api/orders HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer {access}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    // The shop asks for the body: from here on the request runs.
    let mut asked = [0; 25];
    within("the shop asks for the body", connection.read_exact(&mut asked)).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection
}

async fn stops_after_what_runs(signal: &str) {
    let mut shop = Shop::start();
    let tokens = shop.tokens("alice").await;
    let body = json!({ "item": "the last one", "quantity": 1 }).to_string();
    let mut request = begin_order(&shop, &tokens.access, body.len()).await;

    shop.signal(signal);
    let port = shop.port();
    eventually("nobody new is let in", async || TcpStream::connect(("127.0.0.1", port)).await.err()).await;
    request.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the order is answered", request.read_to_string(&mut answer)).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(shop.ended().await.code(), Some(0), "{}", shop.log());
    let shop = Shop::start_on(shop.data(), &[]);
    let orders = shop.get("/api/orders").bearer(&tokens.access).send().await.json();
    assert_eq!(orders[0]["item"], "the last one");
}

#[tokio::test]
async fn sigterm_finishes_running_requests_and_exits_with_success() {
    stops_after_what_runs("TERM").await;
}

#[tokio::test]
async fn ctrl_c_finishes_running_requests_and_exits_with_success() {
    stops_after_what_runs("INT").await;
}

#[tokio::test]
async fn idle_connections_do_not_keep_the_shop_from_stopping() {
    let shop = Shop::start();
    let _silent = connect(&shop).await;
    shop.get("/health").send().await;

    let stopped = timeout(Duration::from_secs(5), shop.stop()).await;

    assert!(stopped.is_ok(), "it waits for nothing");
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_before_a_container_would_kill_the_shop() {
    let shop = Shop::start();
    let tokens = shop.tokens("alice").await;
    let _endless = begin_order(&shop, &tokens.access, 100).await;

    let stopped = timeout(Duration::from_secs(10), shop.stop()).await;

    assert!(stopped.is_ok(), "it waits for ever");
}

#[tokio::test]
async fn a_use_that_was_seen_just_before_stopping_is_not_forgotten() {
    let shop = Shop::start_with(&["--grace", "0s"]);
    let first = shop.tokens("alice").await;
    let second = Tokens::of(&shop.refresh(&first.refresh).send().await);
    assert_eq!(shop.get("/api/me").bearer(&second.access).send().await.status, 200);

    let data = shop.stop().await;
    let shop = Shop::start_on(&data, &["--grace", "0s"]);

    // The successor was used, so presenting its predecessor counts as theft.
    shop.refresh(&first.refresh).send().await.assert_invalid_grant();
    shop.refresh(&second.refresh).send().await.assert_invalid_grant();
}

#[tokio::test]
async fn a_client_that_hangs_up_again_and_again_never_loses_its_login() {
    // With a grace: the abandoned request may be answered after the retry, and is no theft then.
    let shop = Shop::start();
    for pause in 0..40 {
        let tokens = shop.tokens("alice").await;
        let body = json!({ "refresh_token": tokens.refresh }).to_string();
        let request = format!(
            "POST /auth/refresh HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = connect(&shop).await;
        connection.write_all(request.as_bytes()).await.unwrap();
        // The fault itself: the client disconnects a little later each time.
        tokio::time::sleep(Duration::from_micros(200 * pause)).await;
        drop(connection);

        let answer = shop.refresh(&tokens.refresh).send().await;
        assert_eq!(answer.status, 200, "after {pause}: {answer:?}");
        let tokens = Tokens::of(&answer);
        assert_eq!(shop.get("/api/me").bearer(&tokens.access).send().await.status, 200);
    }
}
