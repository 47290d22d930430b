//! What the derive of claims makes: constants, writing, and reading in one pass.

use std::fmt;

use auth_core::__private::{NoRole, NoScope};
use auth_core::__private::{OtherMembers as _, Registered};
use auth_core::claims::Claims;
use auth_core::{Claims, Roles};
use auth_tests::{Permission, Role, ShopUser};
use serde::de::{self, DeserializeSeed as _, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::{Value, json};

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
        type Value = (String, ShopUser);

        fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Payload {
        type Value = (String, ShopUser);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a payload")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            let mut others = Registered::default();
            let user = ShopUser::read(map, &mut others)?;
            Ok((others.subject::<A::Error>()?.to_owned(), user))
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let (subject, user) = Payload.deserialize(&mut deserializer)?;
    assert_eq!(subject, user.id.to_string());
    Ok(user)
}
