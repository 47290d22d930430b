//! A sign-in that takes a while comes about only if nothing happened to its subject since it began.

use std::num::NonZeroU32;

use auth_core::login::{Builder, LoginError};
use auth_core::store::{Limit, Ticket};
use auth_core::web::LoginAttempt;
use auth_tests::shop::{assert_refused, login_of, refresh_of};
use auth_tests::{
    Directory, MILLISECOND, MINUTE, Node, Op, Permission, SECOND, User, World, anna, bert, in_time, joined,
    on_both_stores, subject,
};
use axum::extract::FromRequestParts as _;
use axum::response::IntoResponse as _;
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{Method, Request};

on_both_stores!(
    a_change_between_begin_and_login_makes_evicts_and_replaces_nothing,
    a_change_on_another_node_counts_as_well,
    ending_the_others_spares_the_one_and_no_sign_in_that_is_under_way,
    the_others_end_with_the_sign_ins_under_way_and_the_caller_goes_on,
    ending_one_device_or_signing_in_elsewhere_disturbs_no_sign_in,
    a_user_who_was_disabled_during_the_sign_in_is_refused,
    a_ticket_is_good_for_fifteen_minutes,
    a_ticket_is_of_one_subject,
    a_ticket_can_be_kept_as_json,
    a_ticket_makes_any_number_of_logins,
    a_sign_in_without_a_ticket_is_overtaken_too,
    of_twenty_sign_ins_that_began_before_everything_ended_none_survives,
);

/// What makes a sign-in that is under way come to nothing.
#[derive(Clone, Copy, Debug)]
enum Change {
    AllEnded,
    Claims,
}

impl Change {
    async fn happen(self, node: &Node) {
        match self {
            Self::AllEnded => drop(in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap()),
            Self::Claims => node.claims_changed("anna").await,
        }
    }
}

async fn begin(node: &Node, name: &str) -> Ticket {
    in_time(node.auth.begin(&subject(name))).await.unwrap()
}

/// From a page of the application whose browser has these cookies.
async fn attempt(cookies: &str) -> LoginAttempt {
    let request =
        Request::post("/login").header(HOST, "shop.example").header("sec-fetch-site", "same-origin");
    let (mut parts, ()) = request.header(COOKIE, cookies).body(()).unwrap().into_parts();
    LoginAttempt::from_request_parts(&mut parts, &()).await.unwrap()
}

/// Signs in with tokens.
async fn tokens(node: &Node, ticket: &Ticket, user: User) -> Result<String, LoginError> {
    let tokens = in_time(node.auth.login_tokens_with(ticket, LoginAttempt::unknown(), user)).await?;
    Ok(refresh_of(&tokens))
}

/// Signs in with a session; the cookie.
async fn session(node: &Node, ticket: &Ticket, cookies: &str) -> Result<String, LoginError> {
    let attempt = attempt(cookies).await;
    let signed_in = in_time(node.auth.login_session_with(ticket, attempt, anna())).await?;
    let response = signed_in.into_response();
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    Ok(cookie.split(';').next().unwrap().to_owned())
}

#[track_caller]
fn assert_changed<T: std::fmt::Debug>(result: Result<T, LoginError>) {
    assert!(matches!(result, Err(LoginError::Changed)), "{result:?}");
}

fn limited(builder: Builder<User>) -> Builder<User> {
    builder.max_logins(Limit::EvictOldest(NonZeroU32::new(2).unwrap()))
}

/// No session is there that a sign-in left, and nothing was ended.
#[track_caller]
fn assert_did_nothing(node: &Node, ends: usize) {
    assert_eq!(node.store.calls(Op::End), ends);
    assert_eq!(node.store.calls(Op::DeleteSession), 0);
}

async fn a_change_between_begin_and_login_makes_evicts_and_replaces_nothing(world: World) {
    for change in [Change::Claims, Change::AllEnded] {
        let source = Directory::of([anna(), bert()]);
        let node = world.node_with(|builder| limited(builder).claims_source(source)).await;
        let [one, two] = [node.login(anna()).await, node.login(anna()).await].map(|one| refresh_of(&one));
        // One browser has a login of another user, which a sign-in would replace, and another browser has data.
        let before = node.sign_in("bert", "").await;
        let anonymous = node.browser(Method::POST, "/cart/apples", "").await.cookie();
        let tickets = [begin(&node, "anna").await, begin(&node, "anna").await];
        change.happen(&node).await;
        let live = node.logins_of("anna").await;
        assert_eq!(live.len(), if matches!(change, Change::Claims) { 2 } else { 0 });
        node.events.clear();

        for ticket in &tickets {
            assert_changed(tokens(&node, ticket, anna()).await);
            let attempt = attempt("").await;
            assert_changed(in_time(node.auth.login_browser_tokens_with(ticket, attempt, anna())).await);
            for cookies in ["", &before, &anonymous] {
                assert_changed(session(&node, ticket, cookies).await);
            }
        }
        assert_eq!(node.events.take(), []);
        assert_did_nothing(&node, 0);
        assert_eq!(node.logins_of("anna").await, live);
        node.get_by_cookie("/me", &before).await.assert_text("bert, by session");
        node.get_by_cookie("/cart", &anonymous).await.assert_text("apples");
        if matches!(change, Change::Claims) {
            for token in [&one, &two] {
                node.refresh(token).await.unwrap();
            }
        }
        // Signing in anew works, evicts as ever, and moves what the browser had.
        let ticket = begin(&node, "anna").await;
        let cookie = session(&node, &ticket, &anonymous).await.unwrap();
        node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        node.get_by_cookie("/cart", &cookie).await.assert_text("apples");
        assert_eq!(node.logins_of("anna").await.len(), live.len().min(1) + 1);
        in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
        in_time(node.auth.end_all_logins(&subject("bert"))).await.unwrap();
    }
}

async fn a_change_on_another_node_counts_as_well(world: World) {
    let source = Directory::of([anna()]);
    let sourced = |builder: Builder<User>| builder.claims_source(source.clone());
    let [here, there] = [world.node_with(sourced).await, world.node_with(sourced).await];
    here.store.drop_wake_ups();
    for change in [Change::AllEnded, Change::Claims] {
        let ticket = begin(&here, "anna").await;
        change.happen(&there).await;
        assert_changed(tokens(&here, &ticket, anna()).await);
        // A ticket of one node is good on the other.
        let ticket = begin(&here, "anna").await;
        tokens(&there, &ticket, anna()).await.unwrap();
    }
}

async fn ending_the_others_spares_the_one_and_no_sign_in_that_is_under_way(world: World) {
    let node = world.node_with(limited).await;
    let own = node.login(anna()).await;
    let cookie = node.sign_in("anna", "").await;
    let ticket = begin(&node, "anna").await;
    node.bearer(Method::DELETE, "/auth/logins", own.access_token()).await.assert_empty(204);
    assert_changed(tokens(&node, &ticket, anna()).await);
    assert_changed(session(&node, &ticket, &cookie).await);
    assert_eq!(node.logins_of("anna").await, [own.login_id()]);
    node.get_by_cookie("/me", &cookie).await.assert_invalid_session();
    node.get("/me", own.access_token()).await.assert_text("anna, by jwt");
    let next = node.refresh(&refresh_of(&own)).await.unwrap();
    node.get("/me", next.access_token()).await.assert_text("anna, by jwt");
    // By a session, which goes on too.
    let cookie = node.sign_in("anna", "").await;
    let ticket = begin(&node, "anna").await;
    node.browser(Method::DELETE, "/auth/logins", &cookie).await.assert_empty(204);
    assert_changed(tokens(&node, &ticket, anna()).await);
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    assert_refused(&node.refresh(&refresh_of(&own)).await);
}

async fn the_others_end_with_the_sign_ins_under_way_and_the_caller_goes_on(world: World) {
    let (here, there) = (world.node().await, world.node().await);
    let (mine, other, session) =
        (here.login(anna()).await, here.login(anna()).await, here.sign_in("anna", "").await);
    let ticket = begin(&there, "anna").await;
    let reply = here.bearer(Method::DELETE, "/auth/logins", mine.access_token()).await;
    reply.assert_empty(204);
    assert_changed(tokens(&there, &ticket, anna()).await);
    there.catch_up().await;
    let mut mine = mine;
    for node in [&here, &there, &world.node().await] {
        assert_eq!(node.logins_of("anna").await, [login_of(&refresh_of(&mine))]);
        node.get("/me", mine.access_token()).await.assert_text("anna, by jwt");
        node.get("/me", other.access_token()).await.assert_invalid_token();
        node.get_by_cookie("/me", &session).await.assert_invalid_session();
        mine = node.refresh(&refresh_of(&mine)).await.unwrap();
        node.get("/me", mine.access_token()).await.assert_text("anna, by jwt");
    }
}

async fn ending_one_device_or_signing_in_elsewhere_disturbs_no_sign_in(world: World) {
    let node = world.node().await;
    let first = node.login(anna()).await;
    let ticket = begin(&node, "anna").await;
    node.end(&refresh_of(&first)).await;
    let second = node.login(anna()).await;
    node.sign_in("anna", "").await;
    node.bearer(Method::POST, "/auth/logout", second.access_token()).await.assert_empty(204);
    // Nor what happens to others.
    in_time(node.auth.end_all_logins(&subject("bert"))).await.unwrap();
    node.claims_changed("bert").await;
    let token = tokens(&node, &ticket, anna()).await.unwrap();
    assert!(node.logins_of("anna").await.contains(&login_of(&token)));
    let cookie = session(&node, &ticket, "").await.unwrap();
    node.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
}

async fn a_user_who_was_disabled_during_the_sign_in_is_refused(world: World) {
    let source = Directory::of([anna()]);
    let node = world.node_with(|builder| limited(builder).claims_source(source.clone())).await;
    let before = node.sign_in("anna", "").await;
    let ticket = begin(&node, "anna").await;
    // The application disables her; its call has not come yet.
    source.remove("anna");
    for cookies in ["", &before] {
        let result = session(&node, &ticket, cookies).await;
        assert!(matches!(result, Err(LoginError::Gone)), "{result:?}");
    }
    assert_did_nothing(&node, 0);
    assert_eq!(node.logins_of("anna").await.len(), 1);
    // It comes, and she is allowed in again: the sign-in from before has to begin anew.
    in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
    source.put(anna());
    assert_changed(session(&node, &ticket, "").await);
    let ticket = begin(&node, "anna").await;
    session(&node, &ticket, "").await.unwrap();
}

async fn a_ticket_is_good_for_fifteen_minutes(world: World) {
    let node = world.node_with(limited).await;
    let before = node.sign_in("anna", "").await;
    node.login(anna()).await;
    let ticket = begin(&node, "anna").await;
    world.clock.advance(15 * MINUTE);
    let live = node.logins_of("anna").await;
    world.clock.advance(MILLISECOND);
    assert_changed(tokens(&node, &ticket, anna()).await);
    assert_changed(session(&node, &ticket, &before).await);
    assert_eq!(node.logins_of("anna").await, live);
    node.get_by_cookie("/me", &before).await.assert_text("anna, by session");

    let ticket = begin(&node, "anna").await;
    world.clock.advance(15 * MINUTE);
    tokens(&node, &ticket, anna()).await.unwrap();
    // A clock that goes back makes it no worse.
    world.clock.set(auth_tests::NOW);
    tokens(&node, &ticket, anna()).await.unwrap();
}

async fn a_ticket_is_of_one_subject(world: World) {
    let node = world.node().await;
    let ticket = begin(&node, "bert").await;
    let before = node.sign_in("anna", "").await;
    let results = [tokens(&node, &ticket, anna()).await, session(&node, &ticket, &before).await];
    for result in results {
        assert!(matches!(result, Err(LoginError::OtherSubject)), "{result:?}");
    }
    assert_eq!(node.logins_of("anna").await.len(), 1);
    assert_eq!(node.logins_of("bert").await, []);
    node.get_by_cookie("/me", &before).await.assert_text("anna, by session");
    tokens(&node, &ticket, bert()).await.unwrap();
}

async fn a_ticket_can_be_kept_as_json(world: World) {
    let node = world.node().await;
    let kept = async || {
        let ticket = begin(&node, "anna").await;
        let text = serde_json::to_string(&ticket).unwrap();
        let read: Ticket = serde_json::from_str(&text).unwrap();
        assert_eq!(read, ticket);
        read
    };
    let ticket = kept().await;
    world.clock.advance(10 * MINUTE);
    tokens(&world.node().await, &ticket, anna()).await.unwrap();
    tokens(&node, &ticket, anna()).await.unwrap();
    let ticket = kept().await;
    in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
    assert_changed(tokens(&node, &ticket, anna()).await);
    let ticket = kept().await;
    world.clock.advance(16 * MINUTE);
    assert_changed(tokens(&node, &ticket, anna()).await);
    // Nothing in it is a secret of the subject's.
    let text = serde_json::to_string(&ticket).unwrap();
    for word in ["roles", "scope", "cookie", "ar1_"] {
        assert!(!text.contains(word), "{text}");
    }
}

async fn a_ticket_makes_any_number_of_logins(world: World) {
    let node = world.node_with(limited).await;
    let ticket = begin(&node, "anna").await;
    for _ in 0..4 {
        tokens(&node, &ticket, anna()).await.unwrap();
    }
    // Those that the limit ended did not end the sign-in.
    assert_eq!(node.logins_of("anna").await.len(), 2);
}

async fn a_sign_in_without_a_ticket_is_overtaken_too(world: World) {
    let gate = auth_tests::Gate::closed();
    let source = Directory::of([anna()]);
    let node = world.node_with_source(&source).await;
    let before = node.sign_in("anna", "").await;
    for cookies in ["", &before] {
        source.stop_next_at(&gate);
        let signing_in = {
            let (node, cookies) = (node.clone(), cookies.to_owned());
            tokio::spawn(async move { node.browser(Method::POST, "/login/anna", &cookies).await })
        };
        gate.reached().await;
        let changed = User { scopes: [Permission::WriteOrders].into_iter().collect(), ..anna() };
        source.put(changed);
        node.claims_changed("anna").await;
        gate.let_one_through();
        joined(signing_in).await.assert_unavailable();
    }
    assert_eq!(node.logins_of("anna").await.len(), 1);
    node.get_by_cookie("/me", &before).await.assert_text("anna, by session");
}

async fn of_twenty_sign_ins_that_began_before_everything_ended_none_survives(world: World) {
    let [here, there] = [world.node().await, world.node().await];
    for round in 0..5 {
        world.clock.advance(SECOND);
        let mut tickets = Vec::new();
        for number in 0..20 {
            tickets.push(begin([&here, &there][number % 2], "anna").await);
        }
        let sign_ins = tickets.into_iter().enumerate().map(|(number, ticket)| {
            let node = [&here, &there][number / 2 % 2].clone();
            tokio::spawn(async move {
                for _ in 0..number % 7 + round {
                    tokio::task::yield_now().await;
                }
                let attempt = LoginAttempt::unknown();
                node.auth.login_tokens_with(&ticket, attempt, anna()).await
            })
        });
        let sign_ins: Vec<_> = sign_ins.collect();
        for _ in 0..round * 2 {
            tokio::task::yield_now().await;
        }
        in_time(here.auth.end_all_logins(&subject("anna"))).await.unwrap();
        let mut made = Vec::new();
        for sign_in in sign_ins {
            match joined(sign_in).await {
                Ok(tokens) => made.push(tokens),
                Err(error) => assert!(matches!(error, LoginError::Changed), "{error:?}"),
            }
        }
        assert_eq!(here.logins_of("anna").await, []);
        there.catch_up().await;
        for tokens in made {
            for node in [&here, &there] {
                node.get("/me", tokens.access_token()).await.assert_invalid_token();
                assert_refused(&node.refresh(&refresh_of(&tokens)).await);
            }
        }
    }
}
