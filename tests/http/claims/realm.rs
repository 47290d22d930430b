//! The claim `realm`: whose token it is where issuer and audience do not tell.

use auth_core::__private::{Expected, Verifier};
use auth_core::jwt::{Algorithm, KeySet, VerifyError};
use auth_tests::forge::{Forger, claims_with};
use auth_tests::{NOW, ShopUser};
use serde_json::{Value, json};

/// A realm with a name of its own is named by its tokens, from the set on that brought it.
#[test]
fn a_token_names_the_realm_that_it_is_of() {
    let forger = Forger::new(Algorithm::ES256);
    let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    let verify = |expected: Option<&str>, ver: Option<u32>, realm: &Value| {
        let mut claims = claims_with("sid", json!("AAAAAAAAAAAAAAAAAAAAAA"));
        claims["epoch"] = json!(NOW.millis());
        claims["gen"] = json!([0, 0]);
        ver.into_iter().for_each(|ver| claims["ver"] = json!(ver));
        (!realm.is_null()).then(|| claims["realm"] = realm.clone());
        let verifier = Verifier::<ShopUser>::new(Expected {
            issuer: "https://shop.example".to_owned(),
            audience: "shop".to_owned(),
            realm: expected.map(str::to_owned),
            leeway: std::time::Duration::ZERO,
            max_length: 8192,
        });
        verifier.verify(&keys, forger.token(claims.to_string()).as_bytes(), NOW).map(|_| ())
    };
    let (none, staff) = (json!(null), json!("staff"));
    for ver in [None, Some(0), Some(1), Some(2), Some(3)] {
        assert_eq!(verify(None, ver, &none), Ok(()), "{ver:?}");
        assert_eq!(verify(Some("staff"), ver, &staff), Ok(()), "{ver:?}");
        for (expected, named) in
            [(None, "staff"), (Some("staff"), "Staff"), (Some("staff"), "staff "), (Some("staff"), "")]
        {
            assert_eq!(
                verify(expected, ver, &json!(named)),
                Err(VerifyError::RealmMismatch),
                "{ver:?}, {named}"
            );
        }
        // Tokens from before an update, which could not name it.
        let expected = if ver == Some(1) { Ok(()) } else { Err(VerifyError::RealmMismatch) };
        assert_eq!(verify(Some("staff"), ver, &none), expected, "{ver:?}");
        for odd in [json!(7), json!(["staff"]), json!({})] {
            assert_eq!(verify(Some("staff"), ver, &odd), Err(VerifyError::Malformed), "{ver:?}, {odd}");
        }
    }
}
