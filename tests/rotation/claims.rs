//! Claims are loaded anew at each refresh.

use auth_core::Scopes;
use auth_core::audit::AuditEvent;
use auth_core::store::EndReason;
use auth_tests::shop::refresh_of;
use auth_tests::{
    Call, Directory, HOUR, Permission, User, World, admin, anna, bert, claims_of, on_both_stores, problem,
    subject,
};
use http::Method;
use serde_json::json;

on_both_stores!(
    a_refresh_brings_the_claims_as_they_are_now,
    a_refresh_grants_no_more_than_the_source,
    a_larger_scope_that_a_client_asks_for_is_not_granted,
    a_disabled_user_loses_all_logins_at_the_refresh,
    a_source_that_is_down_ends_nothing,
    a_source_that_answers_with_another_subject_is_refused,
    without_a_source_the_claims_stay_as_they_were,
);

async fn a_refresh_brings_the_claims_as_they_are_now(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with_source(&directory).await;
    let first = node.login(anna()).await;
    node.get("/admin", first.access_token()).await.assert_insufficient();
    directory.put(admin());
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    assert_eq!(claims_of(next.access_token())["roles"], json!(["admin"]));
    node.get("/admin", next.access_token()).await.assert_text("anna, by jwt");
    // The row knows them too.
    let stored: serde_json::Value =
        serde_json::from_slice(&node.row(&refresh_of(&next)).await.unwrap().claims).unwrap();
    assert_eq!(stored["roles"], json!(["admin"]));
}

async fn a_refresh_grants_no_more_than_the_source(world: World) {
    let all: Scopes<Permission> = [Permission::ReadOrders, Permission::WriteOrders].into_iter().collect();
    let directory = Directory::of([User { scopes: all, ..anna() }]);
    let node = world.node_with_source(&directory).await;
    // What the application says at the sign-in only names the subject.
    let first = node.login(anna()).await;
    assert_eq!(claims_of(first.access_token())["scope"], "orders:read orders:write");
    let order = |access: String| async { node.bearer(Method::POST, "/orders", &{ access }).await };
    order(first.access_token().to_owned()).await.assert_text("anna, by jwt");
    directory.put(anna());
    let next = node.refresh(&refresh_of(&first)).await.unwrap();
    assert_eq!(claims_of(next.access_token())["scope"], "orders:read");
    let refused = order(next.access_token().to_owned()).await;
    refused.assert_is(&problem::no_write_scope(), "");
}

async fn a_larger_scope_that_a_client_asks_for_is_not_granted(world: World) {
    let node = world.node().await;
    let first = refresh_of(&node.login(anna()).await);
    let body = json!({ "refresh_token": first, "scope": "orders:read orders:write", "roles": ["admin"] });
    let call = Call::post("/auth/refresh?scope=orders:write").json(&body);
    let claims = claims_of(&node.send(call).await.member("access_token"));
    assert_eq!((&claims["scope"], &claims["roles"]), (&json!("orders:read"), &json!(["customer"])));
}

async fn a_disabled_user_loses_all_logins_at_the_refresh(world: World) {
    let directory = Directory::of([anna(), bert()]);
    let node = world.node_with_source(&directory).await;
    let (first, other) = (node.login(anna()).await, node.login(anna()).await);
    let (session, stranger) = (node.sign_in("anna", "").await, node.login(bert()).await);
    node.get_by_cookie("/me", &session).await.assert_text("anna, by session");
    node.events.clear();
    directory.remove("anna");
    node.post_refresh(&refresh_of(&first)).await.assert_invalid_grant();
    assert!(node.logins_of("anna").await.is_empty());
    for tokens in [&first, &other] {
        node.get("/me", tokens.access_token()).await.assert_invalid_token();
        node.post_refresh(&refresh_of(tokens)).await.assert_invalid_grant();
    }
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
    node.get("/me", stranger.access_token()).await.assert_text("bert, by jwt");
    let ended = |event: &AuditEvent| {
        matches!(event, AuditEvent::LoginsEnded { count: 3, spared: None, reason: EndReason::SubjectEnded, subject }
            if subject.as_str() == "anna")
    };
    assert_eq!(node.events.count(ended), 1);
    // Enabled again, nothing comes back.
    directory.put(anna());
    node.post_refresh(&refresh_of(&first)).await.assert_invalid_grant();
    node.get_by_cookie("/me", &session).await.assert_invalid_session();
}

async fn a_source_that_is_down_ends_nothing(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with_source(&directory).await;
    let first = refresh_of(&node.login(anna()).await);
    directory.set_down(true);
    for _ in 0..3 {
        node.post_refresh(&first).await.assert_unavailable();
        world.clock.advance(HOUR);
    }
    directory.set_down(false);
    let reply = node.post_refresh(&first).await;
    node.get("/me", &reply.member("access_token")).await.assert_text("anna, by jwt");
    assert_eq!(node.logins_of("anna").await.len(), 1);
}

async fn a_source_that_answers_with_another_subject_is_refused(world: World) {
    let directory = Directory::of([anna()]);
    let node = world.node_with_source(&directory).await;
    let first = refresh_of(&node.login(anna()).await);
    directory.put_as("anna", bert());
    node.post_refresh(&first).await.assert_unavailable();
    directory.put(anna());
    let reply = node.post_refresh(&first).await;
    assert_eq!(claims_of(&reply.member("access_token"))["sub"], "anna");
}

async fn without_a_source_the_claims_stay_as_they_were(world: World) {
    let node = world.node().await;
    let mut token = refresh_of(&node.login(anna()).await);
    for _ in 0..3 {
        world.clock.advance(HOUR);
        let tokens = node.refresh(&token).await.unwrap();
        let claims = claims_of(tokens.access_token());
        assert_eq!((&claims["roles"], &claims["scope"]), (&json!(["customer"]), &json!("orders:read")));
        assert_eq!(claims["sub"], json!(subject("anna")));
        token = refresh_of(&tokens);
    }
}
