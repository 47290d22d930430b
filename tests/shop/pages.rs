//! Signing in and out with a browser.

use auth_tests::program::Shop;
use auth_tests::{FORGET_COOKIE, UNKNOWN_SESSION, session_of};

use crate::{BAD_SESSION, CROSS_SITE, INVALID};

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "wonderland")];

#[tokio::test]
async fn the_front_page_knows_whether_you_are_signed_in() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;

    let nobody = shop.get("/").page().send().await;
    let alice = shop.get("/").page().cookie(&cookie).send().await;

    nobody.assert_page(200, "Welcome");
    assert!(nobody.body.contains("You are not signed in.") && nobody.body.contains(r#"href="/login""#));
    alice.assert_page(200, "Welcome");
    assert!(alice.body.contains("You are signed in as <strong><bdi>alice</bdi></strong>."));
    assert!(alice.body.contains(r#"<form method="post" action="/logout">"#));
}

#[tokio::test]
async fn the_front_page_treats_an_ended_session_as_not_signed_in() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    shop.post("/logout").same_origin().cookie(&cookie).send().await.assert_redirect("/");

    for call in [shop.get("/").page(), shop.get("/")] {
        let page = call.cookie(&cookie).send().await;
        page.assert_page(200, "Welcome");
        assert!(page.body.contains("You are not signed in."));
    }
    shop.get("/login").page().cookie(&cookie).send().await.assert_page(200, "Sign in");
}

#[tokio::test]
async fn who_is_signed_in_needs_no_login_page() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    for (path, goes_to) in [
        ("/login", "/account"),
        ("/login?next=/", "/"),
        ("/login?next=//evil.example", "/account"),
        ("/login?notice=expired", "/account"),
    ] {
        shop.get(path).page().cookie(&cookie).send().await.assert_redirect(goes_to);
    }
    let again = shop.get("/login?notice=again").page().cookie(&cookie).send().await;
    again.assert_page(200, "Sign in");
    assert!(again.body.contains("Please sign in again to do this."));
}

#[tokio::test]
async fn a_user_with_an_unknown_cookie_can_sign_in() {
    let shop = Shop::start();
    let away = shop.get("/account").page().cookie(&session_of("x")).send().await;
    away.assert_redirect("/login?next=/account");

    let form = shop.get("/login?next=/account").page().cookie(&session_of("x")).send().await;
    form.assert_page(401, "Sign in");
    assert!(form.body.contains(r#"<form method="post" action="/login">"#));
    let signed_in =
        shop.post("/login").same_origin().page().cookie(&session_of("x")).form(&ALICE).send().await;
    signed_in.assert_redirect("/account");
    let _ = signed_in.session_cookie();
}

#[tokio::test]
async fn signing_in_leads_to_the_account_with_a_protected_cookie() {
    let shop = Shop::start();

    let answer = shop.post("/login").same_origin().form(&ALICE).send().await;

    answer.assert_redirect("/account");
    assert_eq!(answer.body, "");
    let page = shop.get("/account").page().cookie(&answer.session_cookie()).send().await;
    page.assert_page(200, "Your account");
    assert!(page.body.contains("<dd>alice</dd>") && page.body.contains("<dd>alice@shop.example</dd>"));
}

#[tokio::test]
async fn each_of_the_four_users_can_sign_in() {
    let shop = Shop::start();
    for user in ["alice", "bob", "carol", "root"] {
        let cookie = shop.session(user).await;
        assert_eq!(shop.get("/api/me").cookie(&cookie).send().await.json()["subject"], user);
    }
}

#[tokio::test]
async fn a_page_without_a_session_leads_to_the_login_page_and_back() {
    let shop = Shop::start();

    let away = shop.get("/account?tab=devices").page().send().await;
    away.assert_redirect("/login?next=/account%3Ftab%3Ddevices");
    let form = shop.get("/login?next=/account%3Ftab%3Ddevices").page().send().await;
    form.assert_page(200, "Sign in");
    assert!(form.body.contains(r#"<input type="hidden" name="next" value="/account?tab=devices">"#));
    let fields = [ALICE[0], ALICE[1], ("next", "/account?tab=devices")];
    shop.post("/login").same_origin().form(&fields).send().await.assert_redirect("/account?tab=devices");
}

#[tokio::test]
async fn next_never_leads_to_another_site() {
    let shop = Shop::start();
    for next in
        ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "account", ""]
    {
        let fields = [ALICE[0], ALICE[1], ("next", next)];
        shop.post("/login").same_origin().form(&fields).send().await.assert_redirect("/account");
    }
    let form = shop.get("/login?next=//evil.example").send().await;
    assert!(!form.body.contains("evil.example"));
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_and_sets_no_cookie() {
    let shop = Shop::start();
    for (user, password) in [("alice", "Wonderland"), ("alice", ""), ("nobody", "wonderland"), ("", "")] {
        let fields = [("username", user), ("password", password), ("next", "/account")];
        let answer = shop.post("/login").same_origin().form(&fields).send().await;
        answer.assert_page(401, "Sign in");
        assert!(answer.body.contains(r#"role="alert">User name or password is wrong.</p>"#));
        assert!(answer.body.contains(&format!(r#"name="username" value="{user}""#)));
        assert!(answer.body.contains(r#"name="next" value="/account""#));
        assert!(password.is_empty() || !answer.body.contains(password));
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("www-authenticate"), Some(r#"Cookie realm="shop""#));
    }
}

#[tokio::test]
async fn what_was_entered_is_shown_escaped() {
    let shop = Shop::start();
    let fields = [("username", r#""><script>alert(1)</script>"#), ("password", "x")];

    let answer = shop.post("/login").same_origin().form(&fields).send().await;

    answer.assert_page(401, "Sign in");
    assert!(!answer.body.contains("<script"), "{}", answer.body);
}

#[tokio::test]
async fn an_unreadable_form_shows_the_form_again() {
    let shop = Shop::start();

    let missing = shop.post("/login").same_origin().form(&[ALICE[0]]).send().await;
    let json = shop.post("/login").same_origin().body("application/json", "{}").send().await;

    missing.assert_page(422, "Sign in");
    json.assert_page(415, "Sign in");
    assert!(missing.body.contains("Please fill in user name and password."));
}

#[tokio::test]
async fn a_page_over_plain_http_explains_why_users_cannot_sign_in() {
    let shop = Shop::start();
    let sign_in = |origin: &str, host: &str| {
        shop.post("/login").header("host", host).header("origin", origin).form(&ALICE).send()
    };

    let plain = sign_in("http://shop.lan:3000", "shop.lan:3000").await;

    plain.assert_page(403, "Sign in");
    assert!(plain.body.contains("this page is not encrypted"), "{}", plain.body);
    assert_eq!(plain.header("set-cookie"), None);
    // Behind a proxy that ends TLS, and on the machine itself.
    sign_in("https://shop.lan", "shop.lan").await.assert_redirect("/account");
    sign_in("http://localhost:3000", "localhost:3000").await.assert_redirect("/account");
    sign_in("http://evil.example", "shop.lan").await.assert_problem(403, CROSS_SITE, &[]);
}

#[tokio::test]
async fn another_site_can_neither_sign_in_nor_out() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;

    let login = shop.post("/login").cross_site().form(&ALICE).send().await;
    login.assert_problem(403, CROSS_SITE, &[]);
    assert_eq!(login.header("set-cookie"), None);
    for path in ["/logout", "/account/logins/end-others", "/auth/logout", "/api/orders"] {
        let call = shop.post(path).cross_site().cookie(&cookie).body("text/plain", "");
        call.send().await.assert_problem(403, CROSS_SITE, &[]);
    }
    shop.get("/account").page().cookie(&cookie).send().await.assert_page(200, "Your account");
}

#[tokio::test]
async fn where_a_request_comes_from_is_told_by_fetch_metadata_or_else_by_its_origin() {
    let shop = Shop::start();
    let own = shop.url().to_owned();
    let evil = "https://evil.example";
    for (headers, passes) in [
        (&[("sec-fetch-site", "same-origin")][..], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site"), ("origin", evil)], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", &*own)], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("origin", &*own)], true),
        (&[("origin", evil)], false),
        (&[("origin", "null")], false),
        (&[("origin", &*own), ("origin", &*own)], false),
        // No browser: the shop lets programs keep a cookie.
        (&[], true),
    ] {
        let call = headers.iter().fold(shop.post("/login"), |call, (name, value)| call.header(name, value));
        let answer = call.form(&ALICE).send().await;
        assert_eq!(answer.status, if passes { 303 } else { 403 }, "{headers:?}");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_removes_the_cookie() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;

    let answer = shop.post("/logout").same_origin().cookie(&cookie).send().await;

    answer.assert_redirect("/");
    assert_eq!(answer.header("set-cookie"), Some(FORGET_COOKIE));
    assert_eq!(answer.header("clear-site-data"), Some("\"cache\""));
    shop.get("/api/me").cookie(&cookie).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    let page = shop.get("/account").page().cookie(&cookie).send().await;
    page.assert_redirect("/login?next=/account");
    assert_eq!(page.header("set-cookie"), None);
}

#[tokio::test]
async fn signing_in_again_in_the_same_browser_replaces_the_login() {
    let shop = Shop::start();
    let old = shop.session("alice").await;

    let again = shop.post("/login").same_origin().cookie(&old).form(&ALICE).send().await;

    let new = again.session_cookie();
    assert_ne!(new, old);
    shop.get("/api/me").cookie(&old).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    let logins = shop.get("/auth/logins").cookie(&new).send().await.json();
    assert_eq!(logins.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_planted_or_doubled_cookie_is_refused() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;
    let lower = cookie.to_lowercase();
    for cookies in [&*format!("{cookie}; {cookie}"), &*lower, UNKNOWN_SESSION, &*session_of("x")] {
        shop.get("/api/me").cookie(cookies).send().await.assert_problem(401, INVALID, &BAD_SESSION);
    }
    let among_others = format!("theme=dark; {cookie}; lang=de");
    assert_eq!(shop.get("/api/me").cookie(&among_others).send().await.status, 200);
}

#[tokio::test]
async fn a_style_sheet_and_for_users_a_script_are_all_that_pages_load_and_may_be_cached() {
    let shop = Shop::start();
    let cookie = shop.session("alice").await;

    let style = shop.get("/style.css").send().await;
    let page = shop.get("/login").send().await;

    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(style.header("cache-control"), Some("public, max-age=300"));
    assert!(page.body.contains(r#"<link rel="stylesheet" href="/style.css">"#));
    assert!(!page.body.contains("<script") && !page.body.contains("style=") && !page.body.contains("<img"));
    let script = shop.get("/back.js").send().await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), Some("public, max-age=300"));
    for path in ["/", "/account"] {
        let page = shop.get(path).page().cookie(&cookie).send().await;
        assert_eq!(page.body.matches("<script").count(), 1, "{path}");
        assert!(page.body.contains(r#"<script src="/back.js"></script>"#), "{path}");
    }
}
