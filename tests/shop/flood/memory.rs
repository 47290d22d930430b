//! What signing in leaves in memory.

use std::env;

use auth_tests::program::{Remote, Shop};
use futures_util::future::join_all;
use serde_json::json;

use super::elsewhere;

/// How much more there may be than at the start, in bytes.
const MORE: u64 = 40 << 20;

/// How many sign-ins, unless `AUTH_TEST_SIGN_INS` says otherwise: enough for each thread that hashes to have done so.
const SIGN_INS: usize = 200;

/// How many at once.
const CLIENTS: u8 = 50;

/// Signs in that often: wrong, right, and as somebody unknown.
async fn sign_in(client: Remote, number: u8, times: usize) {
    for time in 0..times {
        let (user, password, status) = match time % 3 {
            // Another user each time: nobody is guessed at too often.
            0 => (format!("nobody {number} {time}"), "x", 401),
            1 => ("bob".to_owned(), "builder", 200),
            _ => (format!("nobody {number} {time}"), "wonderland", 401),
        };
        let body = json!({ "username": user, "password": password });
        let answer = client.post("/api/login").json(&body).send().await;
        // An address has a hundred wrong guesses: more than that cost no memory either.
        assert!(answer.status == status || status == 401 && answer.status == 429, "{answer:?}");
    }
}

#[tokio::test]
async fn sign_ins_right_and_wrong_leave_no_memory_behind() {
    let sign_ins = env::var("AUTH_TEST_SIGN_INS").map_or(SIGN_INS, |text| text.parse().unwrap());
    let shop = Shop::start();
    let before = shop.resident();

    let each = sign_ins.div_ceil(usize::from(CLIENTS));
    join_all((0..CLIENTS).map(|number| sign_in(elsewhere(&shop, number), number, each))).await;

    let after = shop.resident();
    println!("{sign_ins} sign-ins: {} MB, then {} MB", before >> 20, after >> 20);
    assert!(after < before + MORE, "{} MB, then {} MB", before >> 20, after >> 20);
}
