//! What a forged access token says.

use serde_json::{Value, json};

use crate::NOW;

/// The claims of an honest access token of user 7, a customer who may read orders.
pub fn claims() -> Value {
    let now = NOW.seconds();
    json!({
        "iss": "https://shop.example", "aud": "shop", "client_id": "shop", "sub": "7",
        "iat": now, "exp": now + 600, "jti": "ABEiM0RVZneImaq7zN3u_w", "auth_time": now,
        "email": "seven@shop.example", "roles": ["customer"], "scope": "orders:read",
    })
}

/// The honest claims with one changed.
pub fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(name.to_owned(), value);
    claims
}

/// The honest claims with one left out.
pub fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).expect("a claim that is there");
    claims
}

/// The text of the honest claims, in which `value` (any text, JSON or not) stands for a claim.
pub fn claims_with_text(name: &str, value: &str) -> String {
    claims_with(name, "@@@".into()).to_string().replace(r#""@@@""#, value)
}

/// The text of the honest claims with more members at the end.
pub fn claims_and(members: &str) -> String {
    let text = claims().to_string();
    format!("{},{members}}}", text.strip_suffix('}').unwrap())
}
