//! Whole requests, with anything in one header, in the path, in the query, or in the body.

use std::cell::Cell;

use auth_core::jwt::{Algorithm, KeyRing};
use auth_tests::{Answer, Call, Shop};
use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, REFERER, USER_AGENT};
use http::{Method, StatusCode};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::for_all;
use super::input::{header, json, uri_part};

const CASES: u32 = 500;

/// A shop, somebody who is signed in, and how many requests were answered.
struct World {
    runtime: Runtime,
    shop: Shop,
    cookie: String,
    access: String,
    answered: Cell<usize>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (shop, cookie, access) = runtime.block_on(async {
            let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
            let shop = Shop::with(ring, |builder| builder.login_page("/enter").refresh_cookie()).await;
            let (cookie, (access, _)) = (shop.sign_in(7).await, shop.tokens(7).await);
            (shop, cookie, access)
        });
        Self { runtime, shop, cookie, access, answered: Cell::new(0) }
    }

    /// Nothing that a client sends is an error of the server.
    fn send(&self, call: Call) -> Result<Answer, TestCaseError> {
        let answer = self.runtime.block_on(call.send(&self.shop.app));
        self.answered.set(self.answered.get() + 1);
        prop_assert!(!answer.status.is_server_error(), "{:?}", answer);
        Ok(answer)
    }
}

#[test]
fn any_authorization_is_refused_or_ignored() {
    let world = World::new();
    let pieces = &["Bearer ", "bearer", "Basic ", "eyJhbGciOiJFZERTQSJ9", ".", "e30", "ar1_", "Bearer\t"];
    for_all(CASES, (header(pieces), header(pieces)), |(value, more)| {
        let answer = world.send(Call::get("/me").header(AUTHORIZATION, &value))?;
        let refused = [StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST];
        prop_assert!(refused.contains(&answer.status), "{:?}", answer);
        // A good cookie does not help.
        let call = Call::get("/me").header(AUTHORIZATION, &value).cookie(&world.cookie);
        prop_assert!(refused.contains(&world.send(call)?.status));
        let call = Call::refresh(&String::from_utf8_lossy(&more)).header(AUTHORIZATION, &value);
        prop_assert!(world.send(call)?.status.is_client_error());
        Ok(())
    });
    assert!(world.answered.get() >= CASES as usize);
}

/// No other cookie gets anybody in, and none makes a bearer token worthless.
#[test]
fn any_cookie_is_refused_or_ignored() {
    let world = World::new();
    let pieces =
        &["__Host-id=", "__host-id=", "__Host-refresh=", "; ", "AAAAAAAAAAAAAAAAAAAAAA", ".1", ".255"];
    for_all(CASES, (header(pieces), header(pieces)), |(value, more)| {
        let call = || Call::get("/me").header(COOKIE, &value).header(COOKIE, &more);
        prop_assert_eq!(world.send(call())?.status, StatusCode::UNAUTHORIZED);
        prop_assert_eq!(world.send(call().bearer(&world.access))?.status, StatusCode::OK);
        world.send(Call::get("/cart").header(COOKIE, &value))?;
        let refreshing = Call::post("/auth/refresh").header(COOKIE, &value).same_origin();
        prop_assert!(world.send(refreshing)?.status.is_client_error());
        // Whoever signs in gets a cookie of their own.
        let signing_in = Call::post("/login").header(COOKIE, &value).header("x-user", "9").same_origin();
        let answer = world.send(signing_in)?;
        prop_assert_eq!(answer.status, StatusCode::OK);
        prop_assert!(!value.windows(answer.cookie().len()).any(|part| part == answer.cookie().as_bytes()));
        Ok(())
    });
}

/// Only what names the site itself lets an unsafe request with a cookie pass.
#[test]
fn any_origin_or_referer_but_the_own_is_refused() {
    let world = World::new();
    let pieces =
        &["https://shop.example", "http://", "shop.example", ":443", "null", "https://evil.example", "/me"];
    for_all(CASES, (header(pieces), header(pieces), header(pieces)), |(origin, referer, host)| {
        let unsafe_call = || Call::post("/me").cookie(&world.cookie);
        let by_origin = world.send(unsafe_call().header(ORIGIN, &origin))?;
        let names_own = |value: &[u8]| {
            let value = value.to_ascii_lowercase();
            value.windows(12).any(|part| part == b"shop.example")
        };
        prop_assert!(names_own(&origin) || by_origin.status == StatusCode::FORBIDDEN, "{:?}", by_origin);
        let by_referer = world.send(unsafe_call().header(REFERER, &referer))?;
        prop_assert!(names_own(&referer) || by_referer.status == StatusCode::FORBIDDEN, "{:?}", by_referer);
        let call = unsafe_call().without(HOST).header(HOST, &host).header(ORIGIN, "https://evil.example");
        let at_host = world.send(call)?;
        let is_evil = host.to_ascii_lowercase().starts_with(b"evil.example");
        prop_assert!(is_evil || at_host.status == StatusCode::FORBIDDEN, "{:?}", at_host);
        let site = world.send(unsafe_call().header("sec-fetch-site", &origin))?;
        let is_own = [&b"none"[..], b"same-origin"].contains(&&*origin);
        prop_assert!(is_own || site.status == StatusCode::FORBIDDEN, "{:?}", site);
        Ok(())
    });
}

/// A browser is sent to the login page only if it says that it shows pages; everybody else gets a problem.
#[test]
fn any_accept_leads_to_a_page_or_a_problem() {
    let world = World::new();
    let pieces =
        &["text/html", "application/json", "*/*", "text/*", "application/problem+json", ";q=", "0.5", ", "];
    for_all(CASES, (header(pieces), header(pieces)), |(value, more)| {
        let answer = world.send(Call::get("/me").header(ACCEPT, &value).header(ACCEPT, &more))?;
        let both = [&value[..], &more[..]].concat().to_ascii_lowercase();
        let may_show = both.windows(5).any(|part| part == b"text/");
        let expected = if answer.status == StatusCode::SEE_OTHER { may_show } else { answer.status == 401 };
        prop_assert!(expected, "{:?}", answer);
        let nowhere = world.send(Call::get("/nowhere").header(ACCEPT, &value))?;
        prop_assert!(nowhere.status == StatusCode::NOT_FOUND || nowhere.status == StatusCode::SEE_OTHER);
        Ok(())
    });
}

/// What a device calls itself is kept as far as it can be shown: at most 256 bytes, without control characters.
#[test]
fn any_user_agent_becomes_a_label() {
    let world = World::new();
    for_all(CASES, header(&["Mozilla/5.0", "(", ")", "Chrome/126", "\u{2066}", "<script>"]), |value| {
        let call = Call::post("/login").header(USER_AGENT, &value).header("x-user", "8").same_origin();
        let cookie = world.send(call)?.cookie();
        let logins = world.send(Call::from_page(Method::GET, "/auth/logins", &cookie))?.value();
        let current = logins.as_array().unwrap().iter().find(|login| login["current"] == true).unwrap();
        let label = current["user_agent"].as_str().unwrap();
        prop_assert!(label.len() <= 256 && !label.contains(char::is_control), "{:?}", label);
        let sent = String::from_utf8_lossy(&value).replace(char::is_control, "");
        prop_assert!(sent.starts_with(label), "{:?} became {:?}", sent, label);
        world.send(Call::from_page(Method::POST, "/auth/logout", &cookie))?;
        Ok(())
    });
}

#[test]
fn any_id_or_cursor_is_not_found() {
    let world = World::new();
    let pieces = &["AAAAAAAAAAAAAAAAAAAAAA", "1800000000000", ".", "..", "after=", "&", "%"];
    for_all(CASES, (uri_part(pieces), uri_part(pieces)), |(id, query)| {
        let page = |method, uri: &str| Call::from_page(method, uri, &world.cookie);
        let answer = world.send(page(Method::DELETE, &format!("/auth/logins/{id}")))?;
        let is_all = id.is_empty();
        prop_assert!(is_all || answer.status == StatusCode::NOT_FOUND, "{:?}", answer);
        for query in [format!("after={query}"), query] {
            let answer = world.send(page(Method::GET, &format!("/auth/logins?{query}")))?;
            let expected = [StatusCode::OK, StatusCode::NOT_FOUND];
            prop_assert!(expected.contains(&answer.status), "{:?}", answer);
            let answer = world.send(Call::get(&format!("/me?{query}")).bearer(&world.access))?;
            prop_assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&answer.status));
        }
        Ok(())
    });
}

#[test]
fn any_body_of_a_refresh_is_refused() {
    let world = World::new();
    let types = prop::option::of(header(&[
        "application/json",
        "charset=utf-8",
        "text/plain",
        "application/x-www-form",
    ]));
    for_all(CASES, (json(&["refresh_token", "ar1_", "access_token"]), types), |(body, content_type)| {
        let call = Call::post("/auth/refresh").body(Body::from(body));
        let call = match content_type {
            Some(content_type) => call.header(CONTENT_TYPE, content_type),
            None => call.header(CONTENT_TYPE, "application/json"),
        };
        prop_assert!(world.send(call)?.status.is_client_error());
        Ok(())
    });
}
