//! Passwords, roles, and users who are locked out: changes that end what came before them.

use auth_tests::Tokens;
use auth_tests::program::{Shop, change};
use serde_json::json;

use crate::{BAD_SESSION, BAD_TOKEN, FORBIDDEN, INVALID, NOT_ALLOWED, NOT_FOUND};

const TOO_OLD: [&str; 2] = [
    r#"Bearer realm="shop", error="insufficient_user_authentication", max_age=300"#,
    r#"Cookie realm="shop", error="insufficient_user_authentication", max_age=300"#,
];

#[tokio::test]
async fn a_new_password_ends_all_other_logins_at_once() {
    let shop = Shop::start();
    let (here, there, cookie) =
        (shop.tokens("alice").await, shop.tokens("alice").await, shop.session("alice").await);
    let bob = shop.tokens("bob").await;
    let body = json!({ "old": "wonderland", "new": "looking-glass" });

    shop.post("/api/password").bearer(&here.access).json(&body).send().await.assert_empty(204);

    shop.get("/api/me").bearer(&there.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    shop.refresh(&there.refresh).send().await.assert_invalid_grant();
    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    for tokens in [&here, &bob] {
        assert_eq!(shop.get("/api/me").bearer(&tokens.access).send().await.status, 200);
    }
    for (password, status) in [("wonderland", 401), ("looking-glass", 200)] {
        let body = json!({ "username": "alice", "password": password });
        assert_eq!(shop.post("/api/login").json(&body).send().await.status, status);
    }
}

#[tokio::test]
async fn a_password_changes_by_session_too() {
    let shop = Shop::start();
    let (here, there) = (shop.session("bob").await, shop.session("bob").await);
    let body = json!({ "old": "builder", "new": "12345678" });

    shop.post("/api/password").same_origin().cookie(&here).json(&body).send().await.assert_empty(204);

    shop.get("/api/me").cookie(&there).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    assert_eq!(shop.get("/api/me").cookie(&here).send().await.status, 200);
}

#[tokio::test]
async fn a_wrong_old_or_a_short_new_password_changes_nothing() {
    let shop = Shop::start();
    let (here, there) = (shop.tokens("alice").await, shop.tokens("alice").await);
    for (old, new, status, title) in [
        ("Wonderland", "looking-glass", 403, "`old` is not the password"),
        ("wonderland", "1234567", 422, "`new` must have at least 8 characters"),
        ("wonderland", "äöüäöüä", 422, "`new` must have at least 8 characters"),
    ] {
        let body = json!({ "old": old, "new": new });
        shop.post("/api/password").bearer(&here.access).json(&body).send().await.assert_problem(
            status,
            title,
            &[],
        );
    }
    assert_eq!(shop.get("/api/me").bearer(&there.access).send().await.status, 200);
    shop.tokens("alice").await;
}

#[tokio::test]
async fn what_must_be_fresh_is_refused_to_who_signed_in_too_long_ago() {
    let shop = Shop::start();
    let (carol, cookie) = (shop.tokens("carol").await, shop.session("carol").await);
    let data = shop.stop().await;
    let aged = "update auth_login set authenticated_at = authenticated_at - 301000";
    assert_eq!(change(&data.folder().join("auth.db"), aged).await, 2);

    let shop = Shop::start_on(&data, &[]);
    let carol = Tokens::of(&shop.refresh(&carol.refresh).send().await);
    let body = json!({ "old": "christmas", "new": "new-year's-eve" });
    let title = "Sign in again to do this";
    for path in ["/api/password", "/api/orders/1/refund"] {
        shop.post(path).bearer(&carol.access).json(&body).send().await.assert_problem(401, title, &TOO_OLD);
        let by_session = shop.post(path).same_origin().cookie(&cookie).json(&body).send().await;
        by_session.assert_problem(401, title, &TOO_OLD);
    }
    assert_eq!(shop.get("/api/orders").bearer(&carol.access).send().await.status, 200);
    let fresh = shop.tokens("carol").await;
    shop.post("/api/password").bearer(&fresh.access).json(&body).send().await.assert_empty(204);
}

#[tokio::test]
async fn a_disabled_user_is_out_everywhere_and_can_not_come_back() {
    let shop = Shop::start();
    let (root, bob, alice) =
        (shop.tokens("root").await, shop.tokens("bob").await, shop.tokens("alice").await);
    let cookie = shop.session("bob").await;

    shop.post("/admin/users/bob/disable").bearer(&root.access).send().await.assert_empty(204);

    shop.get("/api/me").bearer(&bob.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    shop.refresh(&bob.refresh).send().await.assert_invalid_grant();
    let body = json!({ "username": "bob", "password": "builder" });
    let again = shop.post("/api/login").json(&body).send().await;
    again.assert_problem(401, "User name or password is wrong", &[r#"Bearer realm="shop""#]);
    let form = [("username", "bob"), ("password", "builder")];
    shop.post("/login").same_origin().form(&form).send().await.assert_page(401, "Sign in");
    assert_eq!(shop.get("/api/me").bearer(&alice.access).send().await.status, 200);
    shop.post("/admin/users/bob/disable").bearer(&root.access).send().await.assert_empty(204);
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_request() {
    let shop = Shop::start();
    let (root, alice, cookie) =
        (shop.tokens("root").await, shop.tokens("alice").await, shop.session("alice").await);
    let role =
        |role: &str| shop.put("/admin/users/alice/role").bearer(&root.access).json(&json!({ "role": role }));

    role("clerk").send().await.assert_empty(204);

    shop.get("/api/me").bearer(&alice.access).send().await.assert_problem(401, INVALID, &BAD_TOKEN);
    assert_eq!(shop.get("/api/me").cookie(&cookie).send().await.json()["roles"], json!(["clerk"]));
    let clerk = Tokens::of(&shop.refresh(&alice.refresh).send().await);
    assert_eq!(shop.get("/api/me").bearer(&clerk.access).send().await.json()["roles"], json!(["clerk"]));
    assert_eq!(shop.get("/api/reports").bearer(&clerk.access).send().await.status, 200);

    role("customer").send().await.assert_empty(204);

    shop.get("/api/reports").bearer(&clerk.access).send().await.assert_problem(
        401,
        INVALID,
        &[r#"Bearer realm="shop", error="invalid_token""#],
    );
    let refund = shop.post("/api/orders/1/refund").same_origin().cookie(&cookie).send().await;
    refund.assert_problem(403, NOT_ALLOWED, &FORBIDDEN);
    let customer = Tokens::of(&shop.refresh(&clerk.refresh).send().await);
    assert_eq!(shop.get("/api/reports").bearer(&customer.access).send().await.status, 403);
}

#[tokio::test]
async fn a_role_and_a_refresh_within_one_second_come_out_right_ten_times() {
    let shop = Shop::start();
    let root = shop.tokens("root").await;
    let mut bob = shop.tokens("bob").await;
    for role in
        ["clerk", "customer", "admin", "clerk", "customer", "admin", "customer", "clerk", "admin", "customer"]
    {
        let call = shop.put("/admin/users/bob/role").bearer(&root.access).json(&json!({ "role": role }));
        call.send().await.assert_empty(204);
        assert_eq!(shop.get("/api/me").bearer(&bob.access).send().await.status, 401, "before {role}");
        bob = Tokens::of(&shop.refresh(&bob.refresh).send().await);
        assert_eq!(shop.get("/api/me").bearer(&bob.access).send().await.json()["roles"], json!([role]));
    }
}

#[tokio::test]
async fn only_an_admin_locks_users_out_or_gives_roles() {
    let shop = Shop::start();
    let body = json!({ "role": "admin" });
    for user in ["alice", "carol"] {
        let (access, cookie) = (shop.tokens(user).await.access, shop.session(user).await);
        for call in [
            shop.post("/admin/users/root/disable"),
            shop.put("/admin/users/alice/role"),
            shop.put("/admin/users/nobody/role"),
        ] {
            call.bearer(&access).json(&body).send().await.assert_problem(403, NOT_ALLOWED, &FORBIDDEN);
        }
        let by_session =
            shop.put("/admin/users/alice/role").same_origin().cookie(&cookie).json(&body).send().await;
        by_session.assert_problem(403, NOT_ALLOWED, &FORBIDDEN);
    }
}

#[tokio::test]
async fn an_admin_is_told_of_a_user_or_role_that_does_not_exist() {
    let shop = Shop::start();
    let cookie = shop.session("root").await;
    let set = |name: &str, role: &str| {
        let path = format!("/admin/users/{name}/role");
        shop.put(&path).same_origin().cookie(&cookie).json(&json!({ "role": role })).send()
    };

    set("nobody", "clerk").await.assert_problem(404, NOT_FOUND, &[]);
    set("Alice", "clerk").await.assert_problem(404, NOT_FOUND, &[]);
    let title = r#"`role` must be "customer", "clerk" or "admin""#;
    for role in ["Clerk", "", "owner"] {
        set("alice", role).await.assert_problem(422, title, &[]);
    }
    let disable = shop.post("/admin/users/nobody/disable").same_origin().cookie(&cookie).send().await;
    disable.assert_problem(404, NOT_FOUND, &[]);
    set("alice", "clerk").await.assert_empty(204);
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let shop = Shop::start();
    let (root, alice) = (shop.tokens("root").await.access, shop.tokens("alice").await.access);
    let title = "The last admin can neither be disabled nor get another role";
    let set = |token: &str, name: &str, role: &str| {
        let path = format!("/admin/users/{name}/role");
        shop.put(&path).bearer(token).json(&json!({ "role": role })).send()
    };
    let disable =
        |token: &str, name: &str| shop.post(&format!("/admin/users/{name}/disable")).bearer(token).send();

    set(&root, "root", "clerk").await.assert_problem(409, title, &[]);
    disable(&root, "root").await.assert_problem(409, title, &[]);
    // Nothing ended by the attempt.
    assert_eq!(shop.get("/api/me").bearer(&root).send().await.json()["roles"], json!(["admin"]));

    set(&root, "alice", "admin").await.assert_empty(204);
    set(&root, "root", "clerk").await.assert_empty(204);
    assert_eq!(shop.get("/api/me").bearer(&alice).send().await.status, 401);
    let alice = shop.tokens("alice").await.access;
    disable(&alice, "alice").await.assert_problem(409, title, &[]);
    disable(&alice, "root").await.assert_empty(204);
}
