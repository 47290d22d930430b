//! "My devices": listing logins, and ending them from elsewhere.

use auth_core::ProtectedRouter;
use auth_core::login::LoginError;
use auth_core::store::ListCursor;
use auth_core::web::LoginAttempt;
use auth_tests::shop::{assert_refused, login_of, refresh_of};
use auth_tests::{
    Call, FORGET_COOKIE, Fault, Forged, HOUR, MINUTE, Node, Op, World, anna, bert, in_time, on_both_stores,
    subject,
};
use axum::Router;
use http::header::{CONTENT_TYPE, LINK, USER_AGENT};
use http::{Method, StatusCode};
use serde_json::json;

on_both_stores!(
    logins_are_listed_newest_first_with_all_that_is_known,
    a_login_that_ended_or_expired_is_not_listed,
    a_sign_in_without_a_request_gets_tokens_but_no_cookie,
    one_login_is_ended_from_another,
    the_login_that_asks_may_end_itself,
    the_login_of_another_user_is_not_found_and_not_changed,
    what_is_no_login_is_not_found,
    the_others_end_and_the_one_that_asks_goes_on,
    all_logins_of_a_subject_end,
    another_site_ends_nothing,
    a_sign_out_removes_the_cookie_and_may_be_repeated,
    a_sign_out_of_what_the_store_does_not_have_any_more_is_final_too,
    a_list_of_many_logins_comes_in_parts,
    the_link_to_the_next_part_leads_there_wherever_the_routes_are,
);

/// Signs in with a session, from a browser of that name.
async fn sign_in(node: &Node, name: &str, user_agent: &str) -> String {
    let call = Call::from_page(Method::POST, &format!("/login/{name}"), "");
    node.send(call.header(USER_AGENT, user_agent)).await.cookie()
}

async fn logins_are_listed_newest_first_with_all_that_is_known(world: World) {
    let node = world.node().await;
    let cookie = sign_in(&node, "anna", "Firefox/150\t(X11)").await;
    drop(sign_in(&node, "bert", "Lynx").await);
    world.clock.advance(HOUR);
    let attempt = LoginAttempt::unknown().with_address("2001:db8::1");
    let tokens = in_time(node.auth.login_tokens(attempt, anna())).await.unwrap();
    world.clock.advance(MINUTE);
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");

    let reply = node.get("/auth/logins", tokens.access_token()).await;
    assert_eq!((reply.status, reply.header(&CONTENT_TYPE)), (StatusCode::OK, Some("application/json")));
    let session = node.logins_of("anna").await.pop().unwrap();
    let expected = json!([
        {
            "id": login_of(&refresh_of(&tokens)),
            "kind": "token",
            "created_at": "2027-01-15T09:00:00Z",
            "last_seen_at": "2027-01-15T09:01:00Z",
            "expires_at": "2027-02-14T09:01:00Z",
            "user_agent": null,
            "address": "2001:db8::1",
            "current": true,
        },
        {
            "id": session,
            "kind": "session",
            "created_at": "2027-01-15T08:00:00Z",
            "last_seen_at": "2027-01-15T08:00:00Z",
            "expires_at": "2027-01-16T08:00:00Z",
            "user_agent": "Firefox/150(X11)",
            "address": null,
            "current": false,
        },
    ]);
    assert_eq!(reply.json(), expected);
    let by_cookie = node.get_by_cookie("/auth/logins", &cookie).await.json();
    assert_eq!((&by_cookie[0]["current"], &by_cookie[1]["current"]), (&json!(false), &json!(true)));
    let (logins, next) = in_time(node.auth.logins(&subject("anna"), None)).await.unwrap();
    assert_eq!(next, None);
    assert_eq!(logins.iter().map(|login| login.id()).collect::<Vec<_>>(), node.logins_of("anna").await);
}

async fn a_sign_in_without_a_request_gets_tokens_but_no_cookie(world: World) {
    let node = world.node_with(|builder| builder.allow_headerless_clients()).await;
    drop(in_time(node.auth.login_tokens(LoginAttempt::unknown(), anna())).await.unwrap());
    let refused = in_time(node.auth.login_session(LoginAttempt::unknown(), anna())).await;
    assert!(matches!(refused, Err(LoginError::CrossSite)), "{refused:?}");
    assert_eq!(node.logins_of("anna").await.len(), 1);
}

async fn a_login_that_ended_or_expired_is_not_listed(world: World) {
    let node = world.node_with(|builder| builder.session_idle(HOUR)).await;
    let (ended, kept) = (node.login(anna()).await, node.login(anna()).await);
    let _expired = node.sign_in("anna", "").await;
    let end = in_time(node.auth.end_login(&subject("anna"), login_of(&refresh_of(&ended)))).await.unwrap();
    assert!(end);
    world.clock.advance(HOUR);
    let kept = node.refresh(&refresh_of(&kept)).await.unwrap();
    let listed = node.get("/auth/logins", kept.access_token()).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed.pointer("/0/id").unwrap(), &json!(login_of(&refresh_of(&kept))));
    let (nobodys, next) = in_time(node.auth.logins(&subject("nobody"), None)).await.unwrap();
    assert!(nobodys.is_empty() && next.is_none());
}

async fn one_login_is_ended_from_another(world: World) {
    let node = world.node().await;
    let (tokens, cookie) = (node.login(anna()).await, node.sign_in("anna", "").await);
    let session = node.logins_of("anna").await;
    let session = session.into_iter().find(|id| *id != login_of(&refresh_of(&tokens))).unwrap();
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    let path = format!("/auth/logins/{session}");
    let reply = node.bearer(Method::DELETE, &path, tokens.access_token()).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::NO_CONTENT, ""));
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    node.bearer(Method::DELETE, &path, tokens.access_token()).await.assert_not_found();
}

async fn the_login_that_asks_may_end_itself(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let path = format!("/auth/logins/{}", login_of(&refresh_of(&tokens)));
    let reply = node.bearer(Method::DELETE, &path, tokens.access_token()).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    node.bearer(Method::DELETE, &path, tokens.access_token()).await.assert_invalid_token();
    assert_refused(&node.refresh(&refresh_of(&tokens)).await);
}

async fn the_login_of_another_user_is_not_found_and_not_changed(world: World) {
    let node = world.node().await;
    let (annas, berts) = (node.login(anna()).await, node.login(bert()).await);
    let berts_id = login_of(&refresh_of(&berts));
    let row = node.row(&refresh_of(&berts)).await;
    node.events.clear();
    let path = format!("/auth/logins/{berts_id}");
    let foreign = node.bearer(Method::DELETE, &path, annas.access_token()).await;
    foreign.assert_not_found();
    assert!(!in_time(node.auth.end_login(&subject("anna"), berts_id)).await.unwrap());
    assert_eq!(node.row(&refresh_of(&berts)).await, row);
    assert_eq!(node.events.take(), []);
    node.get("/me", berts.access_token()).await.assert_text("bert, by jwt");
    assert!(node.refresh(&refresh_of(&berts)).await.is_ok());
    // The same answer as for one that never was.
    let absent = format!("/auth/logins/{}", auth_core::id::LoginId::from_bytes([1; 16]));
    let absent = node.bearer(Method::DELETE, &absent, annas.access_token()).await;
    assert_eq!((foreign.body, foreign.headers), (absent.body, absent.headers));
    let listed = node.get("/auth/logins", annas.access_token()).await;
    assert!(!listed.body.contains(&berts_id.to_string()));
}

async fn what_is_no_login_is_not_found(world: World) {
    let node = world.node().await;
    let tokens = node.login(anna()).await;
    let id = login_of(&refresh_of(&tokens)).to_string();
    for junk in ["x", "null", "%00", &id[1..], &format!("{id}A"), &format!("{id}%20"), &"A".repeat(4000)] {
        let path = format!("/auth/logins/{junk}");
        node.bearer(Method::DELETE, &path, tokens.access_token()).await.assert_not_found();
    }
    node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
}

async fn the_others_end_and_the_one_that_asks_goes_on(world: World) {
    let node = world.node().await;
    let (one, two) = (node.login(anna()).await, node.login(anna()).await);
    let (mine, other) = (node.sign_in("anna", "").await, node.sign_in("anna", "").await);
    let stranger = node.login(bert()).await;
    let reply = node.browser(Method::DELETE, "/auth/logins", &mine).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::NO_CONTENT, ""));
    node.get_by_cookie("/me", &mine).await.assert_text("anna, by session");
    node.get_by_cookie("/me", &other).await.assert_invalid_session();
    for tokens in [&one, &two] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        assert_refused(&node.refresh(&refresh_of(tokens)).await);
    }
    node.get("/me", stranger.access_token()).await.assert_text("bert, by jwt");
    assert_eq!(node.logins_of("anna").await.len(), 1);
    // There are none any more; that is fine.
    assert_eq!(node.browser(Method::DELETE, "/auth/logins", &mine).await.status, StatusCode::NO_CONTENT);
}

async fn all_logins_of_a_subject_end(world: World) {
    let node = world.node().await;
    let (tokens, cookie, stranger) =
        (node.login(anna()).await, node.sign_in("anna", "").await, node.login(bert()).await);
    assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 2);
    assert_eq!(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap(), 0);
    node.get("/me", tokens.access_token()).await.assert_invalid_token();
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.get("/me", stranger.access_token()).await.assert_text("bert, by jwt");
    let again = node.login(anna()).await;
    node.get("/me", again.access_token()).await.assert_text("anna, by jwt");
}

async fn another_site_ends_nothing(world: World) {
    let node = world.node().await;
    let (cookie, tokens) = (node.sign_in("anna", "").await, node.login(anna()).await);
    let other = login_of(&refresh_of(&tokens));
    for (method, path) in [
        (Method::POST, "/auth/logout".to_owned()),
        (Method::DELETE, "/auth/logins".to_owned()),
        (Method::DELETE, format!("/auth/logins/{other}")),
    ] {
        let call = Call::new(method, &path).header("sec-fetch-site", "cross-site").cookie(&cookie);
        node.send(call).await.assert_cross_site();
    }
    assert_eq!(node.logins_of("anna").await.len(), 2);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
}

async fn a_sign_out_removes_the_cookie_and_may_be_repeated(world: World) {
    let node = world.node().await;
    let cookie = node.sign_in("anna", "").await;
    let reply = node.browser(Method::POST, "/auth/logout", &cookie).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::NO_CONTENT, ""));
    assert_eq!(reply.set_cookies(), [FORGET_COOKIE]);
    assert_eq!(reply.header(&http::header::CACHE_CONTROL), Some("no-store"));
    node.browser(Method::POST, "/auth/logout", &cookie).await.assert_invalid_session();
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    assert!(node.logins_of("anna").await.is_empty());

    let tokens = node.login(anna()).await;
    let reply = node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await;
    assert_eq!((reply.status, reply.set_cookies().len()), (StatusCode::NO_CONTENT, 0));
    node.bearer(Method::POST, "/auth/logout", tokens.access_token()).await.assert_invalid_token();
    assert_eq!(Forged::from(&refresh_of(&tokens)).generation(), 0);
}

/// This node noted a use that the store does not know: there the login has expired already.
async fn a_sign_out_of_what_the_store_does_not_have_any_more_is_final_too(world: World) {
    let node = world.node_with(|builder| builder.session_idle(HOUR)).await;
    let cookie = node.sign_in("anna", "").await;
    node.store.always(Op::Touch, Fault::Before);
    world.clock.advance(58 * MINUTE);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    world.clock.advance(3 * MINUTE);
    node.catch_up().await;
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    assert!(node.logins_of("anna").await.is_empty());
    node.browser(Method::POST, "/auth/logout", &cookie).await.assert_empty(204);
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.store.heal(Op::Touch);
    node.flush().await;
    for node in [&node, &world.node().await] {
        node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    }
}

async fn a_list_of_many_logins_comes_in_parts(world: World) {
    let node = world.node().await;
    for _ in 0..205 {
        drop(node.login(anna()).await);
    }
    let (mut listed, mut sizes, mut after): (Vec<_>, Vec<_>, Option<ListCursor>) = Default::default();
    loop {
        let (part, next) = in_time(node.auth.logins(&subject("anna"), after.as_ref())).await.unwrap();
        sizes.push(part.len());
        listed.extend(part.iter().map(|login| login.id()));
        // As a parameter of a query.
        let Some(next) = next else { break };
        after = Some(next.to_string().parse().unwrap());
        assert_eq!(after, Some(next));
    }
    assert_eq!(sizes, [100, 100, 5]);
    assert_eq!(listed, node.logins_of("anna").await);
}

async fn the_link_to_the_next_part_leads_there_wherever_the_routes_are(world: World) {
    let node = world.node().await;
    let mut tokens = node.login(anna()).await;
    for _ in 1..205 {
        tokens = node.login(anna()).await;
    }
    let all: Vec<_> = node.logins_of("anna").await.iter().map(ToString::to_string).collect();
    let routes = || ProtectedRouter::new().merge(node.auth.routes()).with_state(node.auth.clone());
    let ours = ProtectedRouter::new().nest("/v1", ProtectedRouter::new().merge(node.auth.routes()));
    let places: [(&str, Router); 4] = [
        ("", routes()),
        ("/api", Router::new().nest("/api", routes())),
        ("/api/v1", Router::new().nest("/api", Router::new().nest("/v1", routes()))),
        ("/api/v1", Router::new().nest("/api", ours.with_state(node.auth.clone()))),
    ];
    for (prefix, app) in places {
        let (mut listed, mut path) = (Vec::new(), format!("{prefix}/auth/logins"));
        for part in [100, 100, 5] {
            let answer = Call::get(&path).bearer(tokens.access_token()).send(&app).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            let logins = answer.value();
            assert_eq!(logins.as_array().unwrap().len(), part, "{path}");
            listed.extend(
                logins.as_array().unwrap().iter().map(|login| login["id"].as_str().unwrap().to_owned()),
            );
            let next = answer.header(&LINK).map(str::to_owned);
            let Some(next) = next else { break };
            path = next.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
            assert!(path.starts_with(&format!("{prefix}/auth/logins?after=")), "{path}");
        }
        assert_eq!(listed, all, "{prefix}");
    }
}
