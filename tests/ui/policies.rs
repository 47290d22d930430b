//! What the attributes of handlers make: policies as data.

use std::time::Duration;

use auth_core::__private::GuardedHandler;
use auth_core::__private::{Access, GuardArg};
use auth_core::__private::{Condition, CsrfCheck, Grant, Quantifier, Requirement, Schemes};
use auth_core::claims::Claims;
use auth_core::{Auth, check, public, require_auth};
use auth_tests::{AppState, Permission, Role, ShopUser};

const CUSTOMER: Grant = Grant::new(0, "customer");
const CLERK: Grant = Grant::new(1, "clerk");
const ADMIN: Grant = Grant::new(2, "admin");
const READ: Grant = Grant::new(0, "orders:read");
const WRITE: Grant = Grant::new(1, "orders:write");

#[test]
fn a_scheme_alone_asks_nothing_else() {
    #[require_auth(session | jwt)]
    async fn both(_: Auth<ShopUser>) {}
    #[require_auth(jwt | session)]
    async fn turned(_: Auth<ShopUser>) {}
    #[require_auth(session)]
    async fn session(_: Auth<ShopUser>) {}
    #[require_auth(claims = ShopUser, jwt)]
    async fn jwt() {}

    assert_eq!(access(both), required(Requirement::new(Schemes::SessionOrJwt)));
    assert_eq!(access(turned), access(both));
    assert_eq!(access(session), required(Requirement::new(Schemes::Session)));
    assert_eq!(access(jwt), required(Requirement::new(Schemes::Jwt)));
}

#[test]
fn bars_ask_for_any_and_ampersands_for_all() {
    #[require_auth(jwt, role(Role::Customer | Role::Admin))]
    async fn any(_: Auth<ShopUser>) {}
    #[require_auth(jwt, scope(Permission::ReadOrders & Permission::WriteOrders))]
    async fn all(_: Auth<ShopUser>) {}

    let any_role = Condition::Roles(Quantifier::Any, &[CUSTOMER, ADMIN]);
    let all_scopes = Condition::Scopes(Quantifier::All, &[READ, WRITE]);
    assert_eq!(access(any), required(Requirement::new(Schemes::Jwt).condition(any_role)));
    assert_eq!(access(all), required(Requirement::new(Schemes::Jwt).condition(all_scopes)));
}

#[test]
fn commas_mean_and_and_groups_keep_their_parentheses() {
    #[check]
    async fn first(_: &Auth<ShopUser>) -> bool {
        true
    }
    #[check]
    async fn second(_: &Auth<ShopUser>) -> bool {
        true
    }
    #[require_auth(
        jwt,
        role(Role::Clerk),
        any(check(self::rules::third), all(scope(Permission::ReadOrders), check(second)), role(Role::Admin)),
        check(first),
        role(Role::Clerk)
    )]
    async fn handler(_: Auth<ShopUser>) {}

    const INNER: &[Condition] = &[Condition::Scopes(Quantifier::Any, &[READ]), Condition::Check(1, "second")];
    const ANY: &[Condition] = &[
        Condition::Check(0, "self::rules::third"),
        Condition::All(INNER),
        Condition::Roles(Quantifier::Any, &[ADMIN]),
    ];
    let all = Condition::All(&[
        Condition::Roles(Quantifier::Any, &[CLERK]),
        Condition::Any(ANY),
        Condition::Check(2, "first"),
        Condition::Roles(Quantifier::Any, &[CLERK]),
    ]);
    assert_eq!(access(handler), required(Requirement::new(Schemes::Jwt).condition(all)));
}

mod rules {
    use super::*;

    #[check]
    pub(super) async fn third(_: &Auth<ShopUser>) -> bool {
        true
    }
}

#[test]
fn bounds_and_switches_are_in_the_requirement() {
    #[require_auth(session, fresh("1h30m"), revocation(within = "500ms"), csrf(off))]
    async fn handler(_: Auth<ShopUser>) {}

    let requirement = Requirement::new(Schemes::Session)
        .fresh(Duration::from_secs(90 * 60))
        .revocation(Duration::from_millis(500))
        .csrf(CsrfCheck::Off);
    assert_eq!(access(handler), required(requirement));
}

#[test]
fn an_optional_caller_and_everybody_are_told_apart() {
    #[require_auth(session)]
    async fn optional(_: Option<Auth<ShopUser>>) {}
    #[public]
    async fn open() {}

    assert_eq!(access(optional), Access::Optional(kept(Requirement::new(Schemes::Session))));
    assert_eq!(access(open), Access::Public);
}

#[test]
fn a_proof_has_the_access_of_its_policy() {
    #[require_auth(session, role(Role::Admin))]
    struct Admin(Auth<ShopUser>);
    async fn handler(_: Admin) {}

    let admin = Condition::Roles(Quantifier::Any, &[ADMIN]);
    let expected = required(Requirement::new(Schemes::Session).condition(admin));
    assert_eq!(<Admin as GuardArg>::ACCESS, expected);
    assert_eq!(access(handler), expected);
}

#[test]
fn the_same_policy_may_stand_on_several_handlers_of_generic_claims() {
    #[require_auth(jwt)]
    async fn generic<C: Claims>(_: Auth<C>) {}

    assert_eq!(access(generic::<ShopUser>), required(Requirement::new(Schemes::Jwt)));
}

fn required(requirement: Requirement) -> Access {
    Access::Required(kept(requirement))
}

fn kept(requirement: Requirement) -> &'static Requirement {
    Box::leak(Box::new(requirement))
}

fn access<H, T>(_: H) -> Access
where
    H: GuardedHandler<T, AppState>,
{
    H::ACCESS
}
