//! Connections that never get to the point.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use auth_tests::program::Shop;
use auth_tests::within;
use futures_util::future::join_all;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

/// How many connections an attacker opens, of how many open files the shop may have.
const FLOOD: usize = 300;
const DESCRIPTORS: u32 = 256;

/// How long others may have to wait then.
const OTHERS_WAIT: Duration = Duration::from_secs(10);

async fn connect(shop: &Shop) -> TcpStream {
    within("a connection opens", TcpStream::connect(("127.0.0.1", shop.port()))).await.unwrap()
}

/// Connections with half a head of a request each.
async fn half_open(shop: &Shop) -> Vec<TcpStream> {
    // This process has its end of each of them.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let open = async |_| {
        let mut connection = connect(shop).await;
        connection.write_all(b"GET /health HTTP/1.1\r\nhost: shop\r\nx-slow").await.unwrap();
        connection
    };
    join_all((0..FLOOD).map(open)).await
}

/// What the shop answers until it closes the connection, and how long that takes.
async fn last_words(mut connection: TcpStream) -> (String, Duration) {
    let begun = Instant::now();
    let mut said = Vec::new();
    // A reset closes the connection, too.
    let _ = within("the shop hangs up", connection.read_to_end(&mut said)).await;
    (String::from_utf8(said).unwrap(), begun.elapsed())
}

#[tokio::test]
async fn half_open_connections_do_not_keep_others_out() {
    let shop = Shop::start_with_descriptors(DESCRIPTORS);
    let _flood = half_open(&shop).await;

    let answer = timeout(OTHERS_WAIT, shop.tokens("alice")).await;

    assert!(answer.is_ok(), "nobody else gets an answer");
}

#[tokio::test]
async fn half_open_connections_do_not_keep_the_shop_from_stopping() {
    let shop = Shop::start_with_descriptors(DESCRIPTORS);
    let _flood = half_open(&shop).await;
    shop.get("/health").send().await;
    let _flood_again = half_open(&shop).await;

    let begun = Instant::now();
    shop.stop().await;

    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_head_that_trickles_is_not_waited_for() {
    let shop = Shop::start();
    let (mut reader, mut writer) = connect(&shop).await.into_split();
    let trickle = tokio::spawn(async move {
        writer.write_all(b"GET /health HTTP/1.1\r\nhost: shop\r\nx-slow: ").await.unwrap();
        // The fault itself: always something new, never enough.
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(200)).await;
        }
    });

    let mut said = String::new();
    let begun = Instant::now();
    let _ = within("the shop hangs up", reader.read_to_string(&mut said)).await;

    assert!(begun.elapsed() < OTHERS_WAIT, "{:?}", begun.elapsed());
    within("the client notices", trickle).await.unwrap();
}

#[tokio::test]
async fn a_body_that_trickles_is_a_problem_after_a_while() {
    let shop = Shop::start();
    let mut connection = connect(&shop).await;
    let head = "POST /api/login HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
                content-length: 60\r\n\r\n{\"username\":";
    connection.write_all(head.as_bytes()).await.unwrap();

    let (said, took) = last_words(connection).await;

    assert!(said.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{said}");
    assert!(said.contains("\r\ncontent-type: application/problem+json\r\n"), "{said}");
    assert!(said.ends_with(r#""title":"The body did not arrive in time","type":"about:blank"}"#), "{said}");
    assert!(took < 2 * OTHERS_WAIT, "{took:?}");
}

#[tokio::test]
async fn a_head_without_end_is_not_read_to_its_end() {
    let shop = Shop::start();
    let mut connection = connect(&shop).await;
    let head = format!("GET /health HTTP/1.1\r\nhost: shop\r\nx-long: {}", "x".repeat(65 * 1024));
    connection.write_all(head.as_bytes()).await.unwrap();

    let (said, _) = last_words(connection).await;

    assert!(said.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{said}");
}

#[tokio::test]
async fn a_client_that_takes_none_of_its_answers_is_cut_off() {
    let shop = Shop::start();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = ([127, 0, 0, 1], shop.port()).into();
    let mut connection = within("a connection opens", socket.connect(address)).await.unwrap();

    let asks = async {
        let request = b"GET /style.css HTTP/1.1\r\nhost: shop\r\n\r\n".repeat(1000);
        while connection.write_all(&request).await.is_ok() {}
    };
    within("the shop hangs up", asks).await;

    assert_eq!(shop.get("/health").send().await.status, 200);
}

#[tokio::test]
async fn a_shop_without_a_free_descriptor_waits_quietly_until_there_is_one() {
    let shop = Shop::start();
    let process = Pid::from_raw(shop.id().try_into().unwrap());
    let none = Rlimit { current: Some(3), maximum: getrlimit(Resource::Nofile).maximum };
    let before = prlimit(process, Resource::Nofile, none).unwrap();
    let mut waiting = connect(&shop).await;
    waiting.write_all(b"GET /health HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").await.unwrap();

    let mut said = String::new();
    let early = timeout(Duration::from_secs(2), waiting.read_to_string(&mut said)).await;
    assert!(early.is_err(), "there was a descriptor: {said}");
    prlimit(process, Resource::Nofile, before).unwrap();

    within("the shop answers", waiting.read_to_string(&mut said)).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\nok"), "{said}");
    let tries = shop.log().matches("no connection can be accepted").count();
    assert!((1..=20).contains(&tries), "{tries} tries in two seconds");
}
