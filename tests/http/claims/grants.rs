//! Roles and scopes: exact names, of their JSON type; a name that nobody knows grants nothing.

use auth_core::__private::{Expected, Verifier};
use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeySet};
use auth_tests::forge::claims_with;
use auth_tests::problem::Problem;
use auth_tests::{Call, NOW, Permission, Role, ShopUser, problem};
use serde_json::{Value, json};

use crate::target::{Target, verifier};

/// What a route answers to a token with that claim.
async fn answers(target: &Target, path: &str, name: &str, value: &Value, expected: Option<&Problem>) {
    let token = target.forger.token(claims_with(name, value.clone()).to_string());
    let answer = Call::get(path).bearer(&token).send(&target.shop.app).await;
    match expected {
        None => answer.assert_ok("7 by jwt", &value.to_string()),
        Some(expected) => answer.assert_is(expected, &value.to_string()),
    }
}

#[tokio::test]
async fn only_the_exact_scope_grants() {
    let target = Target::new(Algorithm::ES256).await;
    for scope in [
        "",
        "orders:read",
        "orders",
        "orders:",
        "orders:writ",
        "orders:writes",
        "orders:readwrite",
        "orders:writeorders:write",
        "Orders:Write",
        "ORDERS:WRITE",
        "orders:write,orders:read",
        "orders:write;",
        "*",
        "orders:*",
        "admin",
        "write orders",
        "orders : write",
    ] {
        answers(&target, "/write", "scope", &json!(scope), Some(&problem::no_write_scope())).await;
    }
    for scope in ["orders:write", "orders:read orders:write", "x orders:write y", "orders:write orders:write"]
    {
        answers(&target, "/write", "scope", &json!(scope), None).await;
    }
}

#[tokio::test]
async fn a_scope_that_is_no_list_of_tokens_with_single_spaces_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    for scope in [
        json!("orders:write "),
        json!(" orders:write"),
        json!("orders:read  orders:write"),
        json!(" "),
        json!("orders:read\torders:write"),
        json!("orders:write\t"),
        json!("orders:read\norders:write"),
        json!("orders:read\u{a0}orders:write"),
        json!("orders:write\0"),
        json!("\"orders:write\""),
        json!("orders\\:write"),
        json!("\u{43e}rders:write"),
        json!("orders:wr\u{456}te"),
        json!("orders:write\u{200b}"),
        json!("\u{ff4f}rders:write"),
        json!(["orders:write"]),
        json!([]),
        json!({ "orders:write": true }),
        json!(null),
        json!(true),
        json!(1),
    ] {
        let token = target.forger.token(claims_with("scope", scope.clone()).to_string());
        target.refuses(&scope.to_string(), &token, VerifyError::Malformed).await;
    }
}

#[tokio::test]
async fn only_the_exact_role_grants() {
    let target = Target::new(Algorithm::ES256).await;
    for roles in [
        json!([]),
        json!(["customer"]),
        json!(["clerk"]),
        json!(["Admin"]),
        json!(["ADMIN"]),
        json!(["admin "]),
        json!([" admin"]),
        json!(["admin\0"]),
        json!(["admin\n"]),
        json!(["administrator"]),
        json!(["admi"]),
        json!(["admin,clerk"]),
        json!(["admin clerk"]),
        json!(["root", "superuser", "*", ""]),
        json!(["\u{430}dmin"]),
        json!(["adm\u{131}n"]),
        json!(["ad\u{200b}min"]),
    ] {
        answers(&target, "/admin", "roles", &roles, Some(&problem::forbidden())).await;
    }
    answers(&target, "/admin", "roles", &json!(["admin"]), None).await;
    answers(&target, "/admin", "roles", &json!(["nobody", "admin"]), None).await;
    answers(&target, "/clerk", "roles", &json!(["admin"]), None).await;
    answers(&target, "/clerk", "roles", &json!(["clerk", "clerk"]), None).await;
    answers(&target, "/clerk", "roles", &json!(["customer"]), Some(&problem::forbidden())).await;
}

#[tokio::test]
async fn roles_that_are_no_list_of_names_are_refused() {
    let target = Target::new(Algorithm::ES256).await;
    for roles in [
        json!("admin"),
        json!(""),
        json!("[\"admin\"]"),
        json!(null),
        json!(true),
        json!(2),
        json!({ "admin": true }),
        json!({ "0": "admin" }),
        json!([["admin"]]),
        json!(["admin", ["clerk"]]),
        json!(["admin", null]),
        json!(["admin", 1]),
        json!([2]),
        json!([{ "name": "admin" }]),
        json!([true]),
    ] {
        let token = target.forger.token(claims_with("roles", roles.clone()).to_string());
        target.refuses(&roles.to_string(), &token, VerifyError::Malformed).await;
    }
}

#[tokio::test]
async fn ten_thousand_roles_are_above_the_limit_and_harmless_below_it() {
    let target = Target::new(Algorithm::ES256).await;
    let roles: Vec<String> = (0..10_000).map(|at| format!("role-{at}")).collect();
    let token = target.forger.token(claims_with("roles", json!(roles)).to_string());
    target.refuses("10,000", &token, VerifyError::TooLarge).await;
    let generous = Verifier::<ShopUser>::new(Expected {
        issuer: "https://shop.example".to_owned(),
        audience: "shop".to_owned(),
        realm: None,
        leeway: std::time::Duration::ZERO,
        max_length: 1 << 20,
    });
    let verified = generous.verify(&target.keys, token.as_bytes(), NOW).unwrap();
    assert!(verified.claims().roles.is_empty(), "unknown names grant nothing");
}

#[test]
fn what_is_granted_is_what_is_named() {
    let forger = auth_tests::forge::Forger::new(Algorithm::EdDSA);
    let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    let mut claims = claims_with("roles", json!(["clerk", "unknown"]));
    claims["scope"] = json!("orders:write unknown");
    let verified = verifier().verify(&keys, forger.token(claims.to_string()).as_bytes(), NOW).unwrap();
    let user = verified.claims();
    assert!(user.roles.has(Role::Clerk) && user.roles.has(Role::Customer) && !user.roles.has(Role::Admin));
    assert!(user.roles.was_given(Role::Clerk) && !user.roles.was_given(Role::Customer));
    assert!(user.scopes.has(Permission::WriteOrders) && !user.scopes.has(Permission::ReadOrders));
    assert_eq!((user.roles.iter().count(), user.scopes.iter().count()), (1, 1));
}
