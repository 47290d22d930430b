//! What else is signed by the same key is no access token (RFC 9068 section 4, RFC 8725 section 3.11).

use auth_core::jwt::Algorithm;
use auth_core::jwt::VerifyError;
use auth_tests::forge::{claims, claims_with};
use auth_tests::{Call, problem, session_of};
use http::StatusCode;
use serde_json::json;

use crate::target::Target;

#[tokio::test]
async fn only_at_jwt_is_the_type_of_an_access_token() {
    let target = Target::new(Algorithm::ES256).await;
    let kid = &target.forger.kid;
    for typ in [
        "JWT",
        "jwt",
        "",
        "id_token",
        "id+jwt",
        "dpop+jwt",
        "refresh+jwt",
        "rt+jwt",
        "logout+jwt",
        "secevent+jwt",
        "token-introspection+jwt",
        "oauth-authz-req+jwt",
        "application/jwt",
        "application/application/at+jwt",
        "text/at+jwt",
        "at+jwt ",
        " at+jwt",
        "at+jwt;v=1",
        "at+jwt\0",
        "at jwt",
        "at-jwt",
        "at",
        "xat+jwt",
        "\u{430}t+jwt",
        "at+sd-jwt",
    ] {
        let header = json!({ "alg": "ES256", "typ": typ, "kid": kid }).to_string();
        target
            .refuses(typ, &target.forger.sign(header, claims().to_string()), VerifyError::TypeMismatch)
            .await;
    }
    let missing = json!({ "alg": "ES256", "kid": kid }).to_string();
    target
        .refuses("no typ", &target.forger.sign(missing, claims().to_string()), VerifyError::TypeMismatch)
        .await;
    for typ in [json!(null), json!(1), json!(["at+jwt"]), json!({})] {
        let header = json!({ "alg": "ES256", "typ": typ, "kid": kid }).to_string();
        target
            .refuses(
                &typ.to_string(),
                &target.forger.sign(header, claims().to_string()),
                VerifyError::Malformed,
            )
            .await;
    }
    for typ in ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+JWT"] {
        let header = json!({ "alg": "ES256", "typ": typ, "kid": kid }).to_string();
        target.accepts(typ, &target.forger.sign(header, claims().to_string())).await;
    }
}

/// Tokens of the same issuer for the same user with all the claims of an access token, and then some.
#[tokio::test]
async fn an_id_token_and_a_dpop_proof_are_no_access_tokens() {
    let target = Target::new(Algorithm::ES256).await;
    let kid = &target.forger.kid;
    let mut id_token = claims_with("nonce", json!("n-0S6_WzA2Mj"));
    id_token["azp"] = json!("shop");
    id_token["at_hash"] = json!("77QmUPtjPfzWtF2AnpK9RQ");
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid }).to_string();
    target
        .refuses("id token", &target.forger.sign(header, id_token.to_string()), VerifyError::TypeMismatch)
        .await;
    let jwk = target.forger.public_jwk();
    let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": jwk }).to_string();
    let mut proof = claims_with("htm", json!("GET"));
    proof["htu"] = json!("https://shop.example/me");
    target
        .refuses("DPoP proof", &target.forger.sign(header, proof.to_string()), VerifyError::TypeMismatch)
        .await;
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_the_reverse() {
    let target = Target::new(Algorithm::ES256).await;
    let (access, refresh) = target.shop.tokens(7).await;
    target.refuses("refresh token", &refresh, VerifyError::Malformed).await;
    let dotted = format!("{refresh}.{refresh}.{refresh}");
    target.refuses("refresh token with dots", &dotted, VerifyError::Malformed).await;
    let refreshed =
        Call::post("/auth/refresh").json(&json!({ "refresh_token": access })).send(&target.shop.app).await;
    assert_eq!(refreshed.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refreshed.value()["error"], "invalid_grant");
    let as_cookie = session_of(&access);
    target
        .shop
        .me_by_cookie(&as_cookie)
        .await
        .assert_is(&problem::invalid_cookie(), "access token as a cookie");
    let session = target.shop.sign_in(7).await.replace(&session_of(""), "");
    target.refuses("session id", &session, VerifyError::Malformed).await;
}
