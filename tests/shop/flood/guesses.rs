//! Guessing at passwords.

use auth_tests::program::{Remote, Shop};
use auth_tests::{Answer, Tokens};
use serde_json::json;

use super::elsewhere;

const TOO_MANY: &str = "Too many wrong passwords; try again later";

async fn guess(client: &Remote, user: &str, password: &str) -> Answer {
    let body = json!({ "username": user, "password": password });
    client.post("/api/login").json(&body).send().await
}

/// Seconds, within the minute after which there is one more guess.
fn assert_retry_after(answer: &Answer) {
    let seconds: u64 = answer.header("retry-after").map_or(0, |text| text.parse().unwrap_or(0));
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn who_guesses_too_often_is_told_when_to_come_back_and_the_user_gets_in_from_elsewhere() {
    let shop = Shop::start();
    for number in 0..10 {
        let answer = guess(&shop, "alice", &format!("guess {number}")).await;
        assert_eq!(answer.status, 401, "guess {number}");
    }

    // The right one too: otherwise the attacker could go on.
    for password in ["another guess", "wonderland"] {
        let answer = guess(&shop, "alice", password).await;
        answer.assert_problem(429, TOO_MANY, &[]);
        assert_retry_after(&answer);
    }
    assert_eq!(guess(&elsewhere(&shop, 1), "alice", "wonderland").await.status, 200);
    assert_eq!(guess(&shop, "bob", "builder").await.status, 200);
}

#[tokio::test]
async fn an_address_that_guesses_at_one_user_after_the_other_is_slowed_down() {
    let shop = Shop::start();
    // A hundred, and ten more for each minute that this takes.
    let mut refused = None;
    for number in 0..200 {
        let answer = guess(&shop, &format!("user {number}"), "12345678").await;
        if answer.status != 401 {
            refused = Some(answer);
            break;
        }
    }

    let refused = refused.expect("a limit");
    refused.assert_problem(429, TOO_MANY, &[]);
    assert_retry_after(&refused);
    assert_eq!(guess(&elsewhere(&shop, 1), "alice", "wonderland").await.status, 200);
}

#[tokio::test]
async fn many_addresses_that_guess_at_one_user_are_slowed_down_and_the_user_gets_in() {
    let shop = Shop::start();
    let mut refused = 0;
    for number in 0..20 {
        let client = elsewhere(&shop, number);
        for _ in 0..7 {
            refused += usize::from(guess(&client, "alice", "12345678").await.status == 429);
        }
    }

    // Of 140: not a hundred, and not one for each address that was new when these were gone, and for each minute.
    assert!((25..=35).contains(&refused), "{refused}");
    for _ in 0..3 {
        assert_eq!(guess(&elsewhere(&shop, 100), "alice", "wonderland").await.status, 200);
    }
}

#[tokio::test]
async fn a_forwarded_address_is_not_trusted() {
    let shop = Shop::start();
    let mut last = None;
    for number in 0..11 {
        let body = json!({ "username": "alice", "password": "a guess" });
        let forwarded = format!("192.0.2.{number}");
        let call = shop.post("/api/login").header("x-forwarded-for", &forwarded);
        last = Some(call.header("forwarded", &format!("for={forwarded}")).json(&body).send().await);
    }

    last.unwrap().assert_problem(429, TOO_MANY, &[]);
}

#[tokio::test]
async fn behind_a_named_proxy_each_client_is_counted_by_itself() {
    let shop = Shop::start_with(&["--trusted-proxy", "127.0.0.1"]);
    let guess = |password: &'static str, forwarded: &str| {
        let body = json!({ "username": "alice", "password": password });
        shop.post("/api/login").header("x-forwarded-for", forwarded).json(&body).send()
    };
    for number in 0..10 {
        // What the client says itself comes first.
        let forwarded = format!("203.0.113.{number}, 192.0.2.1");
        assert_eq!(guess("a guess", &forwarded).await.status, 401, "guess {number}");
    }

    guess("wonderland", "192.0.2.1").await.assert_problem(429, TOO_MANY, &[]);
    let tokens = Tokens::of(&guess("wonderland", "192.0.2.2").await);
    let logins = shop.get("/auth/logins").bearer(&tokens.access).send().await.json();
    assert_eq!(logins[0]["address"], "192.0.2.2");
}

#[tokio::test]
async fn a_person_who_guesses_too_often_gets_the_form_again() {
    let shop = Shop::start();
    let form = [("username", "alice"), ("password", "a guess"), ("next", "/account")];
    for _ in 0..10 {
        assert_eq!(shop.post("/login").same_origin().form(&form).send().await.status, 401);
    }

    let answer = shop.post("/login").same_origin().form(&form).send().await;

    answer.assert_page(429, "Sign in");
    assert_retry_after(&answer);
    assert!(answer.body.contains("Too many wrong passwords."), "{}", answer.body);
    assert!(answer.body.contains(r#"name="username" value="alice""#));
    assert!(answer.body.contains(r#"name="next" value="/account""#));
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn whoever_has_a_login_cannot_guess_at_its_password_without_end() {
    let shop = Shop::start();
    let access = shop.tokens("alice").await.access;
    let change = |old: &'static str| {
        let body = json!({ "old": old, "new": "looking-glass" });
        shop.post("/api/password").bearer(&access).json(&body).send()
    };
    for _ in 0..10 {
        change("a guess").await.assert_problem(403, "`old` is not the password", &[]);
    }

    change("wonderland").await.assert_problem(429, TOO_MANY, &[]);
}

/// The processor time that some wrong guesses take, in hundredths of a second: other work on this machine takes none of it.
async fn work(shop: &Shop, user: impl Fn(usize) -> String) -> u64 {
    let before = shop.worked();
    for number in 0..10 {
        assert_eq!(guess(shop, &user(number), "12345678").await.status, 401);
    }
    shop.worked() - before
}

#[tokio::test]
async fn a_user_who_is_not_there_costs_as_much_as_a_wrong_password() {
    let shop = Shop::start();

    let known = work(&shop, |_| "alice".to_owned()).await;
    let unknown = work(&shop, |number| format!("user {number}")).await;

    // Without a hash to compare with it would be a tenth or less.
    assert!(unknown * 2 > known && known * 2 > unknown, "known {known}, unknown {unknown}");
}
