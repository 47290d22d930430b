//! What the macros generate, without HTTP: policies as data, inclusion of roles, reading of scopes, claims in one pass.

use std::fmt;

use std::time::Duration;

use auth_core::claims::Claims;
use auth_core::claims::Registered;
use auth_core::extract::{Access, GuardArg as _};
use auth_core::requirement::{Condition, CsrfCheck, Grant, Quantifier, Requirement, Schemes};
use auth_core::role::Role as _;
use auth_core::route::GuardedArgs;
use auth_core::scope::Scope as _;
use auth_core::{Auth, Claims, NoRole, NoScope, Roles, Scopes, check, public, require_auth};
use auth_tests::{AppState, Permission, Role, ShopUser};
use axum::handler::Handler;
use serde::de::{self, DeserializeSeed as _, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::{Value, json};

#[test]
fn a_role_has_what_it_includes_and_nothing_above() {
    let roles = Roles::from(Role::Clerk);
    assert!(roles.has(Role::Clerk));
    assert!(roles.has(Role::Customer));
    assert!(!roles.has(Role::Admin));
    assert!(!roles.was_given(Role::Customer));
}

#[test]
fn inclusion_is_transitive_and_known_at_compile_time() {
    const GRANTS: &[u64] = <Role as auth_core::role::Role>::GRANTS;
    assert_eq!(GRANTS, [0b001, 0b011, 0b111]);
}

#[test]
fn names_and_indices_agree() {
    assert_eq!(Role::NAMES, ["customer", "clerk", "admin"]);
    assert_eq!(Permission::NAMES, ["orders:read", "orders:write"]);
    for (index, name) in (0_u32..).zip(Role::NAMES) {
        let role = Role::from_index(index).unwrap();
        assert_eq!((role.index(), role.name()), (index, *name));
    }
    assert_eq!(Role::from_index(3), None);
    assert_eq!(Permission::from_index(2), None);
}

#[test]
fn names_follow_the_order_of_variants_not_their_discriminants() {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
    #[repr(u8)]
    enum Level {
        High = 200,
        #[role(name = "boss")]
        VeryHigh = 7,
    }
    assert_eq!(Level::NAMES, ["high", "boss"]);
    assert_eq!((Level::High.index(), Level::VeryHigh.index()), (0, 1));
}

#[test]
fn sixty_four_variants_fill_the_set() {
    #[rustfmt::skip]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, auth_core::Role)]
    enum Many {
        R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, R13, R14, R15,
        R16, R17, R18, R19, R20, R21, R22, R23, R24, R25, R26, R27, R28, R29, R30, R31,
        R32, R33, R34, R35, R36, R37, R38, R39, R40, R41, R42, R43, R44, R45, R46, R47,
        R48, R49, R50, R51, R52, R53, R54, R55, R56, R57, R58, R59, R60, R61, R62,
        #[role(includes(R0, R62))] R63,
    }
    let all: Roles<Many> = (0..64).filter_map(Many::from_index).collect();
    assert_eq!(all.iter().count(), 64);
    assert!(Roles::from(Many::R63).has(Many::R0));
    assert!(!Roles::from(Many::R62).has(Many::R63));
}

#[test]
fn scopes_are_whole_tokens() {
    let scopes: Scopes<Permission> = serde_json::from_value(json!("orders:read unknown")).unwrap();
    assert!(scopes.has(Permission::ReadOrders));
    assert!(!scopes.has(Permission::WriteOrders));
    for text in ["orders:readwrite", "orders", "ORDERS:READ"] {
        let scopes: Scopes<Permission> = serde_json::from_value(json!(text)).unwrap();
        assert!(scopes.is_empty(), "{text}");
    }
}

#[test]
fn the_attributes_become_constants() {
    assert_eq!(ShopUser::ISSUER, Some("https://shop.example"));
    assert_eq!(ShopUser::AUDIENCE, Some("shop"));
    assert_eq!(ShopUser::TTL.as_secs(), 15 * 60);
    assert_eq!(ShopUser::MAX_TTL.as_secs(), 60 * 60);
}

#[test]
fn claims_without_attributes_have_the_documented_defaults() {
    #[derive(Claims)]
    struct Plain {
        #[claim(subject)]
        id: String,
    }
    fn has_none<C: Claims<Role = NoRole, Scope = NoScope>>(claims: &C) -> bool {
        claims.roles().is_empty() && claims.scopes().is_empty()
    }
    assert_eq!((Plain::ISSUER, Plain::AUDIENCE), (None, None));
    assert_eq!((Plain::TTL.as_secs(), Plain::MAX_TTL.as_secs()), (15 * 60, 60 * 60));
    let plain = Plain { id: "alice".to_owned() };
    assert!(has_none(&plain));
    assert_eq!(plain.subject().unwrap().as_str(), "alice");
}

#[test]
fn claims_are_written_under_their_wire_names() {
    let expected = json!({
        "sub": "7", "email": "a@shop.example", "nickname": "al", "roles": ["admin"], "scope": "orders:read",
    });
    assert_eq!(write(&alice()), expected);
}

#[test]
fn an_absent_option_is_left_out() {
    let user = ShopUser { nick: None, ..alice() };
    assert_eq!(write(&user).get("nickname"), None);
    assert_eq!(read(&write(&user)).unwrap(), user);
}

#[test]
fn what_is_written_reads_back() {
    assert_eq!(read(&write(&alice())).unwrap(), alice());
}

#[test]
fn an_invalid_subject_is_not_written() {
    #[derive(Claims)]
    struct Named {
        #[claim(subject)]
        name: String,
    }
    let mut serializer = serde_json::Serializer::new(Vec::new());
    let mut map = serializer.serialize_map(None).unwrap();
    assert!(Named { name: String::new() }.write(&mut map).is_err());
}

#[test]
fn unknown_and_registered_members_are_no_own_claims() {
    let mut payload = write(&alice());
    payload["iss"] = json!("https://shop.example");
    payload["exp"] = json!(4_102_444_800_u64);
    payload["something"] = json!({ "deep": [1, 2, 3] });
    assert_eq!(read(&payload).unwrap(), alice());
}

#[test]
fn a_missing_claim_is_refused() {
    for name in ["sub", "email", "roles", "scope"] {
        let mut payload = write(&alice());
        payload.as_object_mut().unwrap().remove(name).unwrap();
        assert!(read(&payload).is_err(), "{name}");
    }
}

#[test]
fn null_is_not_absent() {
    for name in ["sub", "email", "nickname", "roles", "scope"] {
        let mut payload = write(&alice());
        payload[name] = Value::Null;
        assert!(read(&payload).is_err(), "{name}");
    }
}

#[test]
fn a_claim_of_the_wrong_type_is_refused() {
    for (name, value) in [
        ("sub", json!(7)),
        ("sub", json!("seven")),
        ("email", json!(["a@shop.example"])),
        ("nickname", json!(1)),
        ("roles", json!("admin")),
        ("roles", json!([["admin"]])),
        ("scope", json!(["orders:read"])),
        ("exp", json!("tomorrow")),
    ] {
        let mut payload = write(&alice());
        payload[name] = value.clone();
        assert!(read(&payload).is_err(), "{name}: {value}");
    }
}

#[test]
fn a_claim_twice_is_refused() {
    let once = write(&alice()).to_string();
    for (name, value) in [
        ("sub", "\"7\""),
        ("email", "\"b@shop.example\""),
        ("nickname", "\"al\""),
        ("roles", "[]"),
        ("scope", "\"\""),
    ] {
        let twice = format!("{{\"{name}\":{value},{}", once.trim_start_matches('{'));
        assert!(read_text(&twice).is_err(), "{name}");
    }
    let unknown = format!("{{\"x\":1,\"x\":2,{}", once.trim_start_matches('{'));
    assert!(read_text(&unknown).is_err());
}

#[test]
fn a_name_with_escapes_is_the_same_name() {
    let text = write(&alice()).to_string().replace("\"email\"", "\"em\\u0061il\"");
    assert_eq!(read_text(&text).unwrap(), alice());
}

#[test]
fn raw_identifiers_have_their_plain_name_on_the_wire() {
    #[derive(Claims)]
    struct Raw {
        #[claim(subject)]
        r#fn: String,
        r#type: u8,
    }
    let written = write(&Raw { r#fn: "x".to_owned(), r#type: 3 });
    assert_eq!(written, json!({ "sub": "x", "type": 3 }));
}

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

    assert_eq!(access(both), Access::Required(Requirement::new(Schemes::SessionOrJwt)));
    assert_eq!(access(turned), access(both));
    assert_eq!(access(session), Access::Required(Requirement::new(Schemes::Session)));
    assert_eq!(access(jwt), Access::Required(Requirement::new(Schemes::Jwt)));
}

#[test]
fn bars_ask_for_any_and_ampersands_for_all() {
    #[require_auth(jwt, role(Role::Customer | Role::Admin))]
    async fn any(_: Auth<ShopUser>) {}
    #[require_auth(jwt, scope(Permission::ReadOrders & Permission::WriteOrders))]
    async fn all(_: Auth<ShopUser>) {}

    let any_role = Condition::Roles(Quantifier::Any, &[CUSTOMER, ADMIN]);
    let all_scopes = Condition::Scopes(Quantifier::All, &[READ, WRITE]);
    assert_eq!(access(any), Access::Required(Requirement::new(Schemes::Jwt).condition(any_role)));
    assert_eq!(access(all), Access::Required(Requirement::new(Schemes::Jwt).condition(all_scopes)));
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
    assert_eq!(access(handler), Access::Required(Requirement::new(Schemes::Jwt).condition(all)));
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
    assert_eq!(access(handler), Access::Required(requirement));
}

#[test]
fn an_optional_caller_and_everybody_are_told_apart() {
    #[require_auth(session)]
    async fn optional(_: Option<Auth<ShopUser>>) {}
    #[public]
    async fn open() {}

    assert_eq!(access(optional), Access::Optional(Requirement::new(Schemes::Session)));
    assert_eq!(access(open), Access::Public);
}

#[test]
fn a_proof_has_the_access_of_its_policy() {
    #[require_auth(session, role(Role::Admin))]
    struct Admin(Auth<ShopUser>);
    async fn handler(_: Admin) {}

    let admin = Condition::Roles(Quantifier::Any, &[ADMIN]);
    let expected = Access::Required(Requirement::new(Schemes::Session).condition(admin));
    assert_eq!(Admin::ACCESS, expected);
    assert_eq!(access(handler), expected);
}

#[test]
fn the_same_policy_may_stand_on_several_handlers_of_generic_claims() {
    #[require_auth(jwt)]
    async fn generic<C: Claims>(_: Auth<C>) {}

    assert_eq!(access(generic::<ShopUser>), Access::Required(Requirement::new(Schemes::Jwt)));
}

fn access<H, T>(_: H) -> Access
where
    H: Handler<T, AppState>,
    T: GuardedArgs,
{
    T::ACCESS
}

fn alice() -> ShopUser {
    ShopUser {
        id: 7,
        email: "a@shop.example".to_owned(),
        nick: Some("al".to_owned()),
        roles: Roles::from(Role::Admin),
        scopes: [Permission::ReadOrders].into_iter().collect(),
    }
}

fn write<C: Claims>(claims: &C) -> Value {
    let mut serializer = serde_json::Serializer::new(Vec::new());
    let mut map = serializer.serialize_map(None).unwrap();
    claims.write(&mut map).unwrap();
    map.end().unwrap();
    serde_json::from_slice(&serializer.into_inner()).unwrap()
}

fn read(payload: &Value) -> Result<ShopUser, serde_json::Error> {
    read_text(&payload.to_string())
}

fn read_text(payload: &str) -> Result<ShopUser, serde_json::Error> {
    struct Payload;

    impl<'de> de::DeserializeSeed<'de> for Payload {
        type Value = (Registered<'de>, ShopUser);

        fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Payload {
        type Value = (Registered<'de>, ShopUser);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a payload")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            ShopUser::read(map)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let (registered, user) = Payload.deserialize(&mut deserializer)?;
    assert_eq!(registered.sub(), user.id.to_string());
    Ok(user)
}
