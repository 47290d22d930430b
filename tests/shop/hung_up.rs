//! A client that disconnects while the shop changes a user: the earlier logins end nevertheless.

use std::time::Duration;

use auth_tests::program::{Call, Locked, Shop};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// How long the shop has to come to the change, which waits for the lock: more, if that was too short. It waits itself for
/// five seconds at most.
const WAITS: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)];

/// Disconnects while the change waits for its turn to write. Returns whether the earlier token is refused afterwards.
async fn ends_although_the_client_hung_up(shop: &Shop, change: impl Fn() -> Call, token: &str) -> bool {
    for wait in WAITS {
        let locked = Locked::take(&shop.data().folder().join("shop.db")).await;
        let client = tokio::spawn(change().try_send());
        sleep(wait).await;
        client.abort();
        assert!(client.await.is_err_and(|error| error.is_cancelled()), "the answer came before the change");
        locked.release().await;
        let released = Instant::now();
        while released.elapsed() < Duration::from_secs(3) {
            if shop.get("/api/me").bearer(token).send().await.status == 401 {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
    false
}

#[tokio::test]
async fn a_new_password_ends_the_other_logins_although_the_client_hung_up() {
    let shop = Shop::start();
    let (here, there) = (shop.tokens("alice").await, shop.tokens("alice").await);
    let body = json!({ "old": "wonderland", "new": "looking-glass" });
    let change = || shop.post("/api/password").bearer(&here.access).json(&body);
    assert!(ends_although_the_client_hung_up(&shop, change, &there.access).await);
    assert_eq!(shop.get("/api/me").bearer(&here.access).send().await.status, 200);
    let body = json!({ "username": "alice", "password": "looking-glass" });
    assert_eq!(shop.post("/api/login").json(&body).send().await.status, 200);
}

#[tokio::test]
async fn a_new_role_outdates_tokens_although_the_client_hung_up() {
    let shop = Shop::start();
    let (root, alice) = (shop.tokens("root").await, shop.tokens("alice").await);
    let body = json!({ "role": "clerk" });
    let change = || shop.put("/admin/users/alice/role").bearer(&root.access).json(&body);
    assert!(ends_although_the_client_hung_up(&shop, change, &alice.access).await);
    assert_eq!(shop.refresh(&alice.refresh).send().await.status, 200);
}

#[tokio::test]
async fn a_disabled_user_is_out_although_the_client_hung_up() {
    let shop = Shop::start();
    let (root, bob) = (shop.tokens("root").await, shop.tokens("bob").await);
    let change = || shop.post("/admin/users/bob/disable").bearer(&root.access);
    assert!(ends_although_the_client_hung_up(&shop, change, &bob.access).await);
    shop.refresh(&bob.refresh).send().await.assert_invalid_grant();
}
