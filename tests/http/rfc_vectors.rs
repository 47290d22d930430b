//! The examples of the RFCs, byte for byte.

use auth_core::jwt::VerifyError;
use auth_core::jwt::{KeyRing, KeySet, SigningKey, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The payload of RFC 7515 appendices A.1 to A.3 and A.5, with its line breaks.
const PAYLOAD: &[u8] = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

const PAYLOAD_SEGMENT: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// Signs with the private half of `jwk` and compares with the token; verifies the token with `jwk` as a set.
fn assert_signs(jwk: &str, token: &str, payload: &[u8]) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = SigningKey::from_jwk_json(jwk).unwrap();
    let signed = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()).unwrap());
    assert_eq!(signed, signature, "the signature is deterministic");
    assert_verifies(jwk, token, payload);
}

fn assert_verifies(jwk: &str, token: &str, payload: &[u8]) {
    let keys = set(jwk).unwrap();
    assert_eq!(keys.verify_jws(token.as_bytes()), Ok(payload.to_vec()));
    let by_ring = KeySet::new([verifying(jwk)]).unwrap();
    let cut = token.strip_suffix(|_: char| true).unwrap();
    assert!(by_ring.verify_jws(cut.as_bytes()).is_err());
    let other =
        token.replacen("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Uj", 1).replacen("RXhhbXBsZSBv", "RXhhbXBsZSBw", 1);
    assert_ne!(other, token);
    assert_eq!(by_ring.verify_jws(other.as_bytes()), Err(VerifyError::SignatureMismatch));
}

fn set(jwk: &str) -> Result<KeySet, auth_core::ConfigError> {
    KeySet::from_jwks_json(&format!(r#"{{"keys":[{jwk}]}}"#))
}

fn verifying(jwk: &str) -> VerifyingKey {
    set(jwk).unwrap().keys()[0].clone()
}

#[test]
fn rfc_7515_a1_hs256() {
    let jwk = r#"{"kty":"oct",
        "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD_SEGMENT}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    assert_signs(jwk, &token, PAYLOAD);
    assert_eq!(verifying(jwk).thumbprint(), None, "the thumbprint of a secret is not published");
}

const RSA: &str = concat!(
    r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL"#,
    "-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2",
    "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FR",
    r#"WyuXpoQ","e":"AQAB","#,
    r#""d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-p"#,
    "WJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehN",
    "YTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
    r#"","p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2"#,
    r#"KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc","#,
    r#""q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB"#,
    r#"-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc","#,
    r#""dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAkt"#,
    r#"V2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0","#,
    r#""dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3"#,
    r#"_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU","#,
    r#""qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJto"#,
    r#"OPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}"#,
);

#[test]
fn rfc_7515_a2_rs256() {
    let signature = concat!(
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ",
        "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e",
        "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    assert_signs(RSA, &format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD_SEGMENT}.{signature}"), PAYLOAD);
}

#[test]
fn rfc_7515_a3_es256() {
    let jwk = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    let message = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD_SEGMENT}");
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert_verifies(jwk, &format!("{message}.{signature}"), PAYLOAD);
    let own =
        URL_SAFE_NO_PAD.encode(SigningKey::from_jwk_json(jwk).unwrap().sign(message.as_bytes()).unwrap());
    assert_verifies(jwk, &format!("{message}.{own}"), PAYLOAD);
}

/// ES512 is not supported: its key is passed over in a set (RFC 7517 section 5), alone it is a mistake that is said, and
/// its token is refused by every other key.
#[test]
fn rfc_7515_a4_es512_is_ignored() {
    let jwk = r#"{"kty":"EC","crv":"P-521",
        "x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
        "d":"AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C"}"#;
    let token = concat!(
        "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.",
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt",
        "AG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
    );
    assert_eq!(set(jwk).unwrap_err().field(), "keys");
    assert_eq!(SigningKey::from_jwk_json(jwk).unwrap_err().field(), "private key");
    let both = KeySet::from_jwks_json(&format!(r#"{{"keys":[{jwk},{RSA}]}}"#)).unwrap();
    assert_eq!(both.keys().len(), 1);
    assert_eq!(both.verify_jws(token.as_bytes()), Err(VerifyError::AlgorithmMismatch));
}

#[test]
fn rfc_7515_a5_an_unsecured_jws_is_refused() {
    let token = format!("eyJhbGciOiJub25lIn0.{PAYLOAD_SEGMENT}.");
    let keys = set(RSA).unwrap();
    assert_eq!(keys.verify_jws(token.as_bytes()), Err(VerifyError::Malformed));
    assert_eq!(keys.verify_jws(format!("{token}AA").as_bytes()), Err(VerifyError::AlgorithmMismatch));
}

/// RFC 7515 appendix E: `crit` names something that is understood nowhere.
#[test]
fn rfc_7515_e_a_negative_example_of_crit_is_refused() {
    let token = "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
    let keys = set(RSA).unwrap();
    assert_eq!(keys.verify_jws(token.as_bytes()), Err(VerifyError::Malformed));
    assert_eq!(keys.verify_jws(format!("{token}AA").as_bytes()), Err(VerifyError::CriticalHeader));
}

const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
    "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn rfc_8037_a1_and_a2_the_public_key_belongs_to_the_private_one() {
    let key = SigningKey::from_jwk_json(ED25519).unwrap();
    let public = serde_json::to_value(KeyRing::new(key).unwrap().public_jwks()).unwrap()["keys"][0].clone();
    assert_eq!(public["kty"], "OKP");
    assert_eq!(public["crv"], "Ed25519");
    assert_eq!(public["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert!(public.get("d").is_none());
}

#[test]
fn rfc_8037_a3_thumbprint() {
    let key = SigningKey::from_jwk_json(ED25519).unwrap();
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(key.verifying_key().thumbprint().as_deref(), Some(thumbprint));
    assert_eq!(
        key.verifying_key().id().map(|id| id.as_str()),
        Some(thumbprint),
        "a key without a name is called so"
    );
}

#[test]
fn rfc_8037_a4_and_a5_eddsa() {
    let token = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    assert_signs(ED25519, token, b"Example of Ed25519 signing");
}

#[test]
fn rfc_7638_3_1_thumbprint() {
    let jwk = concat!(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebW"#,
        "KRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0",
        "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8",
        r#"awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
    );
    let key = verifying(jwk);
    assert_eq!(key.thumbprint().as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    assert_eq!(key.id().map(|id| id.as_str()), Some("2011-04-29"), "its own name stays");
}
