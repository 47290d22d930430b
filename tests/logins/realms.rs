//! Authenticators of another issuer, audience or realm share a store with the shop, and do not exist for it.

use std::num::NonZeroU32;

use auth_core::audit::{AuditEvent, RefusalReason};
use auth_core::id::LoginId;
use auth_core::jwt::VerifyError;
use auth_core::login::Builder;
use auth_core::store::Limit;
use auth_tests::shop::{assert_refused, key_id, login_of, refresh_of};
use auth_tests::{
    Answer, Directory, MINUTE, Node, Op, SECOND, User, World, admin, anna, claims_of, in_time,
    on_both_stores, subject, token_id_of,
};
use http::{Method, StatusCode};

on_both_stores!(
    a_session_of_another_realm_is_refused_and_goes_on,
    a_refresh_token_of_another_realm_is_refused_and_goes_on,
    an_access_token_of_another_realm_is_refused_and_goes_on,
    signing_in_with_a_cookie_of_another_realm_ends_nothing_and_moves_no_data,
    data_of_a_session_of_another_realm_are_neither_read_nor_changed,
    ending_the_logins_of_a_subject_leaves_its_namesake_alone,
    a_login_of_another_realm_is_not_found,
    a_change_of_claims_leaves_the_namesake_alone,
    a_key_is_revoked_in_its_realm_alone,
    a_token_is_revoked_in_its_realm_alone,
    logins_are_limited_and_listed_apart,
    two_nodes_of_one_realm_are_one_service,
    access_tokens_name_a_realm_that_has_a_name_of_its_own,
    nodes_of_one_named_realm_accept_each_others_tokens,
);

fn another_issuer(builder: Builder<User>) -> Builder<User> {
    builder.issuer("https://staff.example")
}

fn another_audience(builder: Builder<User>) -> Builder<User> {
    builder.audience("staff")
}

fn another_name(builder: Builder<User>) -> Builder<User> {
    builder.realm("staff \"&\u{2603}")
}

/// The ways to be another realm.
const OTHERS: [fn(Builder<User>) -> Builder<User>; 3] = [another_issuer, another_audience, another_name];

/// The name of a cookie is no barrier: whoever has a cookie can send it under any.
fn with_one_name(builder: Builder<User>) -> Builder<User> {
    builder.session_cookie("id")
}

/// The shop, and a node of another realm with the same keys and peppers over the same store; for each way to be another.
async fn pairs(world: &World, change: impl Fn(Builder<User>) -> Builder<User> + Copy) -> Vec<[Node; 2]> {
    let mut pairs = Vec::new();
    for another in OTHERS {
        let other = world.node_with(|builder| another(change(with_one_name(builder)))).await;
        pairs.push([world.node_with(|builder| change(with_one_name(builder))).await, other]);
    }
    pairs
}

/// 401 for a credential, whatever the name of the realm in the challenge.
#[track_caller]
fn assert_not_valid(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
    assert_eq!(answer.value()["title"], "The credential is not valid", "{answer:?}");
    assert_eq!(answer.set_cookies(), [""; 0], "{answer:?}");
}

/// The node ended nothing, and said so of nothing.
#[track_caller]
fn assert_ended_nothing(node: &Node) {
    for op in [Op::End, Op::EndAll, Op::ClaimsChanged, Op::DeleteSession, Op::RenameSession] {
        assert_eq!(node.store.calls(op), 0, "{op:?}");
    }
    let harmless =
        |event: &AuditEvent| matches!(event, AuditEvent::Refused { .. } | AuditEvent::LoginStarted { .. });
    let events = node.events.take();
    assert!(events.iter().all(harmless), "{events:?}");
}

async fn listed(node: &Node) -> Vec<LoginId> {
    let (page, _) = in_time(node.auth.logins(&subject("anna"), None)).await.unwrap();
    page.iter().map(auth_core::login::Login::id).collect()
}

async fn a_session_of_another_realm_is_refused_and_goes_on(world: World) {
    for ([shop, staff], another) in pairs(&world, |builder| builder).await.into_iter().zip(OTHERS) {
        // One that loads claims itself would make anna an administrator.
        let source = Directory::of([admin()]);
        let loading =
            world.node_with(|builder| another(with_one_name(builder)).claims_source(source.clone())).await;
        let cookie = shop.sign_in("anna", "").await;
        shop.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        for node in [&staff, &loading] {
            for path in ["/me", "/admin", "/lax", "/strict"] {
                assert_not_valid(&node.get_by_cookie(path, &cookie).await);
            }
            assert_not_valid(&node.browser(Method::POST, "/auth/logout", &cookie).await);
            assert_not_valid(&node.browser(Method::DELETE, "/auth/logins", &cookie).await);
            assert_ended_nothing(node);
        }
        assert_eq!(source.loads(), 0);
        world.clock.advance(10 * MINUTE);
        shop.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        let fresh = world.node_with(with_one_name).await;
        fresh.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
    }
}

async fn a_refresh_token_of_another_realm_is_refused_and_goes_on(world: World) {
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let first = refresh_of(&shop.login(anna()).await);
        for _ in 0..3 {
            assert_refused(&staff.refresh(&first).await);
            let answer = staff.post_refresh(&first).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
            assert_eq!(answer.value()["error"], "invalid_grant", "{answer:?}");
            // It names the realm as every other refusal of this node does.
            let other = staff.get("/me", "junk").await;
            assert_eq!(answer.challenges()[..], other.challenges()[..1], "{answer:?}");
        }
        world.clock.advance(MINUTE);
        let second = refresh_of(&shop.refresh(&first).await.unwrap());
        world.clock.advance(MINUTE);
        // Not even a used-up token is a theft there.
        shop.refresh(&second).await.unwrap();
        assert_refused(&staff.refresh(&first).await);
        assert_ended_nothing(&staff);
        let family = shop.family(&first).await;
        assert_eq!(family.position.generation, 2);
        shop.refresh(&second).await.unwrap();
    }
}

async fn an_access_token_of_another_realm_is_refused_and_goes_on(world: World) {
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let tokens = shop.login(anna()).await;
        assert_not_valid(&staff.get("/me", tokens.access_token()).await);
        assert_not_valid(&staff.bearer(Method::POST, "/auth/logout", tokens.access_token()).await);
        assert_not_valid(&staff.bearer(Method::DELETE, "/auth/logins", tokens.access_token()).await);
        assert_ended_nothing(&staff);
        shop.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
    }
}

async fn signing_in_with_a_cookie_of_another_realm_ends_nothing_and_moves_no_data(world: World) {
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let signed_in = shop.sign_in("anna", "").await;
        shop.browser(Method::POST, "/cart/apples", &signed_in).await.assert_empty(204);
        let anonymous = shop.browser(Method::POST, "/cart/pears", "").await.cookie();
        for (cookie, goods) in [(&signed_in, "apples"), (&anonymous, "pears")] {
            let there = staff.sign_in("anna", cookie).await;
            assert_ne!(there, *cookie);
            staff.get_by_cookie("/cart", &there).await.assert_text("empty");
            staff.get_by_cookie("/me", &there).await.assert_text("anna, by session");
            shop.get_by_cookie("/cart", cookie).await.assert_text(goods);
            assert_not_valid(&shop.get_by_cookie("/me", &there).await);
        }
        assert_ended_nothing(&staff);
        shop.get_by_cookie("/me", &signed_in).await.assert_text("anna, by session");
    }
}

async fn data_of_a_session_of_another_realm_are_neither_read_nor_changed(world: World) {
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let signed_in = shop.sign_in("anna", "").await;
        shop.browser(Method::POST, "/cart/apples", &signed_in).await.assert_empty(204);
        let anonymous = shop.browser(Method::POST, "/cart/pears", "").await.cookie();
        for (cookie, goods) in [(&signed_in, "apples"), (&anonymous, "pears")] {
            staff.get_by_cookie("/cart", cookie).await.assert_text("empty");
            let filled = staff.browser(Method::POST, "/cart/poison", cookie).await;
            let there = filled.cookie();
            assert_ne!(there, *cookie);
            staff.get_by_cookie("/cart", &there).await.assert_text("poison");
            shop.get_by_cookie("/cart", cookie).await.assert_text(goods);
            shop.get_by_cookie("/cart", &there).await.assert_text("empty");
        }
    }
}

async fn ending_the_logins_of_a_subject_leaves_its_namesake_alone(world: World) {
    for ([shop, staff], another) in pairs(&world, |builder| builder).await.into_iter().zip(OTHERS) {
        let here = (shop.login(anna()).await, shop.sign_in("anna", "").await);
        let there = (staff.login(anna()).await, staff.sign_in("anna", "").await);
        let ticket = in_time(staff.auth.begin(&subject("anna"))).await.unwrap();
        world.clock.advance(SECOND);
        assert_eq!(in_time(shop.auth.end_all_logins(&subject("anna"))).await.unwrap(), 2);

        staff.catch_up().await;
        let fresh = world.node_with(|builder| another(with_one_name(builder))).await;
        for node in [&staff, &fresh] {
            node.get("/me", there.0.access_token()).await.assert_text("anna, by jwt");
            node.get_by_cookie("/me", &there.1).await.assert_text("anna, by session");
        }
        staff.refresh(&refresh_of(&there.0)).await.unwrap();
        assert_eq!(listed(&staff).await.len(), 2);
        // A sign-in that is under way there goes on too.
        let attempt = auth_core::web::LoginAttempt::unknown();
        in_time(staff.auth.login_tokens_with(&ticket, attempt, anna())).await.unwrap();

        shop.get("/me", here.0.access_token()).await.assert_invalid_token();
        shop.get_by_cookie("/me", &here.1).await.assert_invalid_session();
        assert_refused(&shop.refresh(&refresh_of(&here.0)).await);
    }
}

async fn a_login_of_another_realm_is_not_found(world: World) {
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let (here, there) = (shop.login(anna()).await, staff.login(anna()).await);
        let id = login_of(&refresh_of(&here));
        assert!(!in_time(staff.auth.end_login(&subject("anna"), id)).await.unwrap());
        let path = format!("/auth/logins/{id}");
        let answer = staff.bearer(Method::DELETE, &path, there.access_token()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        shop.get("/me", here.access_token()).await.assert_text("anna, by jwt");
        shop.refresh(&refresh_of(&here)).await.unwrap();
    }
}

async fn a_change_of_claims_leaves_the_namesake_alone(world: World) {
    let source = Directory::of([anna()]);
    let sourced = |builder: Builder<User>| builder.claims_source(source.clone());
    for [shop, staff] in pairs(&world, sourced).await {
        let (here, there) = (shop.login(anna()).await, staff.login(anna()).await);
        world.clock.advance(SECOND);
        shop.claims_changed("anna").await;
        staff.catch_up().await;
        shop.get("/me", here.access_token()).await.assert_invalid_token();
        staff.get("/me", there.access_token()).await.assert_text("anna, by jwt");
        let epoch = |token: &str| claims_of(token)["epoch"].as_u64().unwrap();
        let (here, there) = (
            shop.refresh(&refresh_of(&here)).await.unwrap(),
            staff.refresh(&refresh_of(&there)).await.unwrap(),
        );
        assert!(epoch(here.access_token()) > epoch(there.access_token()));
    }
    // Without a source there, the logins end, and there alone.
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let (here, there) = (shop.login(anna()).await, staff.login(anna()).await);
        world.clock.advance(SECOND);
        shop.claims_changed("anna").await;
        staff.catch_up().await;
        assert_refused(&shop.refresh(&refresh_of(&here)).await);
        staff.refresh(&refresh_of(&there)).await.unwrap();
    }
}

async fn a_key_is_revoked_in_its_realm_alone(world: World) {
    let shop = world.node().await;
    let here = shop.login(anna()).await;
    let mut others = Vec::new();
    for another in OTHERS {
        let node = world.node_with(another).await;
        let tokens = node.login(anna()).await;
        others.push((another, node, tokens));
    }
    in_time(shop.auth.revoke_key(&key_id(0))).await.unwrap();
    for (another, node, tokens) in others {
        for node in [node, world.node_with(another).await] {
            node.catch_up().await;
            node.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
            node.get("/me", node.login(anna()).await.access_token()).await.assert_text("anna, by jwt");
        }
    }
    shop.get("/me", here.access_token()).await.assert_invalid_token();
    shop.get("/me", shop.login(anna()).await.access_token()).await.assert_invalid_token();
}

async fn a_token_is_revoked_in_its_realm_alone(world: World) {
    for [shop, staff] in pairs(&world, |builder| builder).await {
        let tokens = shop.login(anna()).await;
        let id = token_id_of(tokens.access_token());
        in_time(staff.auth.revoke_token(&subject("anna"), id)).await.unwrap();
        shop.catch_up().await;
        shop.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        // Asked of the store, too.
        shop.store.always(Op::Page, auth_tests::Fault::Before);
        world.clock.advance(MINUTE);
        shop.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        in_time(shop.auth.revoke_token(&subject("anna"), id)).await.unwrap();
        shop.get("/me", tokens.access_token()).await.assert_invalid_token();
        shop.store.heal(Op::Page);
    }
}

async fn logins_are_limited_and_listed_apart(world: World) {
    let two = NonZeroU32::new(2).unwrap();
    for limit in [Limit::EvictOldest(two), Limit::Refuse(two)] {
        let limited = |builder: Builder<User>| builder.max_logins(limit);
        let shop = world.node_with(limited).await;
        let mut others = Vec::new();
        for another in OTHERS {
            others.push(world.node_with(|builder| another(limited(builder))).await);
        }
        let mut all = Vec::new();
        for node in others.iter().chain([&shop]) {
            in_time(node.auth.end_all_logins(&subject("anna"))).await.unwrap();
            let ids = [node.login(anna()).await, node.login(anna()).await].map(|tokens| tokens.login_id());
            all.push((node, ids));
        }
        for (node, ids) in all {
            let mut found = listed(node).await;
            found.sort();
            let mut ids = ids.to_vec();
            ids.sort();
            assert_eq!(found, ids);
            node.events.clear();
        }
        let third = in_time(shop.auth.login_tokens(auth_core::web::LoginAttempt::unknown(), anna())).await;
        assert_eq!(third.is_ok(), limit == Limit::EvictOldest(two));
        assert_eq!(listed(&shop).await.len(), 2);
        for other in &others {
            assert_eq!(listed(other).await.len(), 2);
        }
    }
}

async fn two_nodes_of_one_realm_are_one_service(world: World) {
    let named = world.node_with(|builder| builder.realm("https://shop.example shop")).await;
    let nodes = [world.node().await, named];
    for [here, there] in [[&nodes[0], &nodes[1]], [&nodes[1], &nodes[0]]] {
        let (tokens, cookie) = (here.login(anna()).await, here.sign_in("anna", "").await);
        there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        there.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        there.browser(Method::POST, "/cart/apples", &cookie).await.assert_empty(204);
        here.get_by_cookie("/cart", &cookie).await.assert_text("apples");
        world.clock.advance(MINUTE);
        let next = there.refresh(&refresh_of(&tokens)).await.unwrap();
        here.get("/me", next.access_token()).await.assert_text("anna, by jwt");
        there.bearer(Method::POST, "/auth/logout", next.access_token()).await.assert_empty(204);
        here.catch_up().await;
        here.get("/me", next.access_token()).await.assert_invalid_token();
        here.get_by_cookie("/me", &cookie).await.assert_text("anna, by session");
        there.browser(Method::POST, "/auth/logout", &cookie).await;
        here.catch_up().await;
        here.get_by_cookie("/me", &cookie).await.assert_invalid_session();
        assert_refused(&here.refresh(&refresh_of(&next)).await);
    }
}

async fn access_tokens_name_a_realm_that_has_a_name_of_its_own(world: World) {
    let default = world.node().await;
    let by_its_name = world.node_with(|builder| builder.realm("https://shop.example shop")).await;
    let customers = world.node_with(|builder| builder.realm("customers")).await;
    let staff = world.node_with(another_name).await;
    let nodes = [
        (&default, None),
        (&by_its_name, None),
        (&customers, Some("customers")),
        (&staff, Some("staff \"&\u{2603}")),
    ];
    for (node, realm) in nodes {
        let tokens = node.login(anna()).await;
        let refreshed = node.refresh(&refresh_of(&tokens)).await.unwrap();
        for tokens in [tokens, refreshed] {
            let claims = claims_of(tokens.access_token());
            assert_eq!(claims.get("realm").map(|realm| realm.as_str().unwrap()), realm);
            for (other, of) in nodes {
                let answer = other.get("/me", tokens.access_token()).await;
                match of == realm {
                    true => answer.assert_text("anna, by jwt"),
                    false => assert_not_valid(&answer),
                }
            }
        }
    }
    let wrong = |event: &AuditEvent| {
        matches!(event, AuditEvent::Refused { reason: RefusalReason::Token(VerifyError::RealmMismatch) })
    };
    assert!(customers.events.take().iter().any(wrong));
}

async fn nodes_of_one_named_realm_accept_each_others_tokens(world: World) {
    let nodes = [world.node_with(another_name).await, world.node_with(another_name).await];
    for [here, there] in [[&nodes[0], &nodes[1]], [&nodes[1], &nodes[0]]] {
        let tokens = here.login(anna()).await;
        there.get("/me", tokens.access_token()).await.assert_text("anna, by jwt");
        let next = there.refresh(&refresh_of(&tokens)).await.unwrap();
        here.get("/me", next.access_token()).await.assert_text("anna, by jwt");
        there.bearer(Method::POST, "/auth/logout", next.access_token()).await.assert_empty(204);
        here.catch_up().await;
        here.get("/me", next.access_token()).await.assert_invalid_token();
    }
}
