//! `Debug`, `Display` and `source` of everything that holds a secret.

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use auth_core::__private::rotation::ParsedToken;
use auth_core::__private::{Guard, NoChecks, OptionalGuard, Policy};
use auth_core::__private::{Requirement, Schemes};
use auth_core::login::Scheme;

use auth_core::extract::Rejection;
use auth_core::id::{LoginId, Position, Subject};
use auth_core::jwt::VerifyError;
use auth_core::jwt::{Algorithm, KeyRing, KeySet, SigningKey, VerifyingKey};
use auth_core::login::{Builder, LoginError, RefreshError};
use auth_core::refresh::Peppers;
use auth_core::store::memory::MemoryStore;
use auth_core::store::{
    Cursor, Document, Family, Ids, LogEntry, LoginStore as _, Mark, NewLogin, NewSession, Partition, Revoked,
    Rotation, SecretHash, SessionKey, SessionStore as _, StoreError,
};
use auth_core::testing::ManualClock;
use auth_core::web::LoginAttempt;
use auth_core::{Authenticator, ConfigError};
use auth_tests::forge::{ALGORITHMS, decode};
use auth_tests::shop::{builder, realm};
use auth_tests::{
    Call, Forged, Forger, NOW, Recorder, Shop, ShopUser, UNKNOWN_SESSION, in_time, session_of, user,
};
use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Secrets;
use crate::target::verifier;

const SECRET: &[u8; 64] = b"a secret of sixty-four bytes, as an HMAC key of HS512 has to be.";

#[test]
fn keys_show_their_name_and_nothing_else() {
    for algorithm in ALGORITHMS {
        let forger = Forger::new(algorithm);
        let private: String = forger.private.lines().filter(|line| !line.starts_with('-')).collect();
        let mut secrets =
            Secrets::default().text("the private key", &private).text("the private key", &forger.private);
        if let Ok(jwk) = serde_json::from_str::<serde_json::Value>(&forger.private) {
            secrets = secrets.bytes("the secret", &decode(jwk["k"].as_str().unwrap()));
        }
        let key = forger.signing_key();
        let set = KeySet::new([key.verifying_key().clone()]).unwrap();
        secrets.assert_hidden("SigningKey", &key);
        secrets.assert_hidden("VerifyingKey", key.verifying_key());
        secrets.assert_hidden("KeyRing", &forger.ring());
        set.verify_jws(forger.honest().as_bytes()).unwrap();
        secrets.assert_hidden("KeySet", &set);
        let shown = format!("{key:?}");
        assert_eq!(
            shown,
            format!("SigningKey {{ id: Some(KeyId({:?})), algorithm: {algorithm:?}, .. }}", forger.kid)
        );
    }
    let secrets = Secrets::default().bytes("the secret", SECRET).text("the secret", "a secret of sixty-four");
    let verifying = VerifyingKey::from_secret(SECRET, Algorithm::HS512).unwrap();
    secrets.assert_hidden("VerifyingKey", &verifying);
    secrets.assert_hidden("SigningKey", &SigningKey::from_secret(SECRET, Algorithm::HS512).unwrap());
    let kid = verifying.id().unwrap().as_str();
    let mac = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SECRET);
    assert!(
        !auth_tests::forge::encode(mac).starts_with(kid),
        "the name is no plain hash, which would help to guess"
    );
}

#[test]
fn peppers_and_refresh_tokens_show_nothing() {
    let peppers = Peppers::new(3, SECRET).unwrap();
    let secrets = Secrets::default().bytes("the pepper", SECRET).text("the pepper", "a secret of sixty-four");
    secrets.assert_hidden("Peppers", &peppers);
    assert_eq!(format!("{peppers:?}"), "Peppers { current: Pepper(3), older: [] }");
}

#[tokio::test]
async fn what_a_login_hands_out_shows_no_credential() {
    let forger = Forger::new(Algorithm::ES256);
    let shop = Shop::with(forger.ring(), |builder| builder.peppers(Peppers::new(0, SECRET).unwrap())).await;
    let tokens = in_time(shop.auth.login_tokens(LoginAttempt::unknown(), user(7))).await.unwrap();
    let refresh = tokens.refresh_token().unwrap();
    let raw = decode(refresh.strip_prefix("ar1_").unwrap());
    let secrets = Secrets::default()
        .token("the access token", tokens.access_token())
        .token("the refresh token", refresh)
        .bytes("the refresh secret", &raw[24..56])
        .bytes("the tag", &raw[56..])
        .text("a claim", "mail-of-7");
    secrets.assert_hidden("Tokens", &tokens);
    let parsed = ParsedToken::parse(refresh, &Peppers::new(0, SECRET).unwrap()).unwrap();
    secrets.assert_hidden("ParsedToken", &parsed);

    let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    let verified = verifier().verify(&keys, tokens.access_token().as_bytes(), NOW).unwrap();
    secrets.assert_hidden("Verified", &verified);
    secrets.assert_hidden("Verifier", &verifier());
    secrets.assert_hidden("Authenticator", &shop.auth);
    let (logins, _) = in_time(shop.auth.logins(verified.subject(), None)).await.unwrap();
    for login in logins {
        secrets.assert_hidden("Login", &login);
        secrets.assert_not_in("Login as JSON", &serde_json::to_string(&login).unwrap());
    }
}

#[tokio::test]
async fn a_sign_in_shows_neither_the_cookie_before_nor_the_one_after() {
    let shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let before = shop.sign_in(7).await;
    let mut parts = parts(
        "POST",
        &[("cookie", &before), ("sec-fetch-site", "same-origin"), ("authorization", "Bearer hunter22")],
    );
    let attempt = LoginAttempt::from_request_parts(&mut parts, &()).await.unwrap();
    let secrets = Secrets::default()
        .cookie("the cookie", &before)
        .text("a header", "hunter22")
        .text("a claim", "mail-of-7");
    secrets.assert_hidden("LoginAttempt", &attempt);
    let signed_in = in_time(shop.auth.login_session(attempt, user(7))).await.unwrap();
    let shown = format!("{signed_in:?}");
    let response = axum::response::IntoResponse::into_response((signed_in, ""));
    let after = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let secrets = secrets.cookie("the new cookie", &after);
    secrets.assert_not_in("SignedIn", &shown);
    secrets.assert_hidden("the response", response.headers());
}

fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder()
        .method(method)
        .uri("/me?access_token=hunter33")
        .header("host", "shop.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// A policy by hand, to hold the proof types themselves.
struct AnyCaller;

impl Policy for AnyCaller {
    type Checks = NoChecks;
    const REQUIREMENT: &'static Requirement = &Requirement::new(Schemes::SessionOrJwt);
}

#[tokio::test]
async fn proofs_show_no_claim_and_no_credential() {
    let shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let (access, _) = shop.tokens(7).await;
    let cookie = shop.sign_in(7).await;
    let secrets = Secrets::default()
        .token("the token", &access)
        .cookie("the cookie", &cookie)
        .text("a claim", "mail-of-7");
    let bearer = format!("Bearer {access}");
    for headers in [[("authorization", bearer.as_str())], [("cookie", cookie.as_str())]] {
        let plain = |headers| {
            let mut parts = parts("GET", headers);
            parts.uri = http::Uri::from_static("/me");
            parts
        };
        let guard =
            Guard::<AnyCaller, ShopUser>::from_request_parts(&mut plain(&headers), &shop.auth).await.unwrap();
        secrets.assert_hidden("Guard", &guard);
        let auth = guard.__auth;
        assert_eq!(auth.email, "mail-of-7@shop.example");
        secrets.assert_hidden("Auth", &auth);
        let optional =
            OptionalGuard::<AnyCaller, ShopUser>::from_request_parts(&mut plain(&headers), &shop.auth)
                .await
                .unwrap();
        secrets.assert_hidden("OptionalGuard", &optional);
    }
}

#[tokio::test]
async fn rejections_show_the_reason_and_nothing_of_the_request() {
    let shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let cookie = shop.sign_in(7).await;
    let (unknown, bad) = (session_of("c2VjcmV0LXNlc3Npb24"), session_of("hunter22"));
    let secrets = Secrets::default()
        .cookie("the cookie", &cookie)
        .text("a credential", "hunter22")
        .text("the query", "hunter33")
        .text("an unknown session", "c2VjcmV0LXNlc3Npb24");
    for (headers, reason) in [
        (vec![], "NoCredential"),
        (vec![("authorization", "Bearer hunter22")], "MalformedRequest"),
        (vec![("authorization", "Basic hunter22")], "InvalidCredential"),
        (vec![("authorization", "Bearer hunter22"), ("authorization", "x")], "MalformedRequest"),
        (vec![("cookie", &unknown)], "InvalidCredential"),
        (vec![("cookie", UNKNOWN_SESSION)], "SessionOver"),
        (vec![("cookie", &bad)], "InvalidCredential"),
        (
            vec![
                ("cookie", &cookie),
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://hunter22.example"),
            ],
            "CrossSite",
        ),
    ] {
        let mut parts = parts("POST", &headers);
        let rejection: Rejection =
            Guard::<AnyCaller, ShopUser>::from_request_parts(&mut parts, &shop.auth).await.unwrap_err();
        assert_eq!(rejection.to_string(), format!("Rejection({reason})"), "{headers:?}");
        assert!(rejection.source().is_none());
        secrets.assert_hidden("Rejection", &rejection);
        let response = axum::response::IntoResponse::into_response(rejection);
        secrets.assert_hidden("the answer", &response);
    }
}

#[tokio::test]
async fn audit_events_hold_no_credential_and_no_claim_but_the_subject() {
    let heard = Recorder::default();
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let observer = heard.clone();
    let shop = Shop::with(ring, |builder| builder.observer(move |event| observer.hear(event))).await;
    let cookie = shop.sign_in(7).await;
    let (access, first) = shop.tokens(7).await;
    let mut secrets = Secrets::default().cookie("the cookie", &cookie).token("the access token", &access);
    let mut token = first.clone();
    for _ in 0..3 {
        secrets = secrets.token("a refresh token", &token);
        shop.clock.advance(Duration::from_secs(60));
        let tokens = in_time(shop.auth.refresh(&token, None)).await.unwrap();
        shop.me(tokens.access_token()).await;
        token = tokens.refresh_token().unwrap().to_owned();
    }
    assert!(
        matches!(in_time(shop.auth.refresh(&first, None)).await, Err(RefreshError::InvalidGrant)),
        "theft"
    );
    shop.me("a.junk.token").await;
    shop.me_by_cookie(&session_of("c2VjcmV0LXNlc3Npb25B")).await;
    Call::post("/login").cookie(&cookie).send(&shop.app).await;
    let secrets =
        secrets.token("a refresh token", &token).text("a claim", "mail-of-7").text("junk", "a.junk.token");
    let events = heard.take();
    let names = serde_json::to_string(&events).unwrap();
    for name in ["login_started", "rotated", "theft", "login_ended", "refused"] {
        assert!(names.contains(&format!(r#""event":"{name}""#)), "{name}: {names}");
    }
    secrets.assert_hidden("AuditEvent", &events);
    secrets.assert_not_in("AuditEvent as JSON", &names);
}

#[tokio::test]
async fn stores_and_their_rows_show_no_claim_no_data_and_no_hash() {
    let shop = Shop::new(KeyRing::generate(Algorithm::EdDSA).unwrap()).await;
    let store = MemoryStore::with_clock(shop.clock.clone());
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let on_store = Shop::on(Arc::new(store.clone()), &shop.clock, ring, |builder| builder).await;
    let cookie = on_store.sign_in(7).await;
    let filled =
        Call::post("/cart?goods=secret-goods").cookie(&cookie).same_origin().send(&on_store.app).await;
    filled.assert_ok("filled", "cart");
    let (_, refresh) = on_store.tokens(7).await;
    let id = decode(cookie.split_once('=').unwrap().1);
    let hash = SecretHash::of(&id);
    let secrets = Secrets::default()
        .cookie("the cookie", &cookie)
        .bytes("the hash", hash.as_bytes())
        .token("the refresh token", &refresh)
        .text("a claim", "mail-of-7")
        .text("data", "secret-goods");
    let (realm, key) = (realm::<ShopUser>(), SessionKey { partition: Partition::REALM, hash });
    let (session, login) = store.session(&realm, &key).await.unwrap().value.unwrap();
    secrets.assert_hidden("SessionKey", &key);
    secrets.assert_hidden("SessionRow", &session);
    secrets.assert_hidden("LiveLogin", &login);
    let subject = Subject::new("7").unwrap();
    let page = store.list(&realm, &subject, None, NonZeroU32::MAX).await.unwrap().value;
    assert_eq!(page.len(), 2);
    for login in page {
        secrets.assert_hidden("LoginRow", &login.row);
        secrets.assert_hidden("Family", &login.row.family);
    }
    secrets.assert_hidden("MemoryStore", &store);
    secrets.assert_hidden("MemorySnapshot", &store.snapshot());
    secrets.assert_hidden("SessionDataLayer", &on_store.auth.session_data_layer());
    secrets.assert_hidden("Authenticator", &on_store.auth);
    secrets.assert_hidden(
        "Builder",
        &builder(Forger::new(Algorithm::HS256).ring(), Arc::new(store), &shop.clock),
    );
}

#[test]
fn what_a_store_is_called_with_shows_no_claim_no_data_and_no_hash() {
    let secret = Forged::first([7; 16], 9).hash();
    let hash = SecretHash::of(b"a session id");
    let secrets = Secrets::default()
        .bytes("the secret's hash", secret.as_bytes())
        .bytes("the session's hash", hash.as_bytes())
        .text("a claim", "mail-of-7")
        .text("data", "secret-goods");
    let (login, key) = (LoginId::from_bytes([7; 16]), SessionKey { partition: Partition::REALM, hash });
    let presented = Position { generation: 0, branch: 0 };
    let time = Duration::from_secs(60);
    let new_login = NewLogin {
        id: login,
        subject: Subject::new("7").unwrap(),
        kind: Scheme::Jwt,
        lifetime: time,
        idle: time,
        retention: time,
        user_agent: None,
        address: None,
        claims: b"mail-of-7".to_vec(),
        secret: Some(secret),
        extra: b"secret-goods".to_vec(),
        replaces: None,
    };
    secrets.assert_hidden("NewLogin", &new_login);
    let new_session = NewSession { key, data: b"secret-goods".to_vec(), lifetime: time };
    secrets.assert_hidden("NewSession", &new_session);
    let (successor, nonce) = (secret, [1; 16]);
    let rotation =
        Rotation { login, presented, secret, successor, nonce, grace: time, idle: time, retention: time };
    secrets.assert_hidden("Rotation", &rotation);
    secrets.assert_hidden("Family", &Family::first(secret));
    secrets.assert_hidden("Document", &Document { version: 1, bytes: b"secret-goods".to_vec() });
    secrets.assert_hidden("Cursor", &Cursor::from_bytes(b"secret-goods".to_vec()));
    let revoked = Revoked::Session(key);
    secrets
        .assert_hidden("LogEntry", &LogEntry { mark: Mark::from_bytes([1; 16]), revoked, expires_at: NOW });
    secrets.assert_hidden("Ids", &Ids { session: Some(key), ..Ids::default() });
}

#[tokio::test]
async fn a_builder_and_its_authenticator_show_no_key() {
    let forger = Forger::new(Algorithm::HS256);
    let jwk: serde_json::Value = serde_json::from_str(&forger.private).unwrap();
    let secrets = Secrets::default()
        .bytes("the secret", &decode(jwk["k"].as_str().unwrap()))
        .bytes("the pepper", SECRET)
        .text("the pepper", "a secret of sixty-four");
    let builder = || {
        Authenticator::<ShopUser>::builder()
            .keys(forger.ring())
            .store(MemoryStore::new())
            .peppers(Peppers::new(0, SECRET).unwrap())
    };
    secrets.assert_hidden("Builder", &builder());
    secrets.assert_hidden("Authenticator", &builder().build().await.unwrap());
}

/// A mistake in a configuration is printed by `main`: the value is often a secret.
async fn refused(change: impl FnOnce(Builder<ShopUser>) -> Builder<ShopUser>) -> ConfigError {
    let ring = KeyRing::generate(Algorithm::ES256).unwrap();
    change(builder(ring, Arc::new(MemoryStore::new()), &ManualClock::new(NOW))).build().await.unwrap_err()
}

#[tokio::test]
async fn errors_of_configuration_do_not_repeat_the_value() {
    let secrets = Secrets::default().text("the value", "hunter22");
    let of_jwk = |jwk: &str| SigningKey::from_jwk_json(jwk).unwrap_err();
    let errors: Vec<ConfigError> = vec![
        VerifyingKey::from_secret(b"hunter22", Algorithm::HS256).unwrap_err(),
        SigningKey::from_secret(b"hunter22", Algorithm::HS256).unwrap_err(),
        SigningKey::from_pem("hunter22", Algorithm::ES256).unwrap_err(),
        VerifyingKey::from_pem("-----BEGIN hunter22-----\n-----END hunter22-----", Algorithm::ES256)
            .unwrap_err(),
        KeyRing::from_pem(
            "-----BEGIN PRIVATE KEY-----\nhunter22\n-----END PRIVATE KEY-----",
            Algorithm::ES256,
        )
        .unwrap_err(),
        of_jwk("hunter22"),
        of_jwk(r#"{"kty":"hunter22"}"#),
        of_jwk(r#"{"kty":"oct","k":"hunter22"}"#),
        of_jwk(r#"{"kty":"oct","k":"hunter22!"}"#),
        of_jwk(r#"{"kty":"oct","k":["hunter22"]}"#),
        of_jwk(r#"{"kty":"OKP","crv":"Ed25519","d":"hunter22","x":"hunter22"}"#),
        of_jwk(r#"{"kty":"oct","alg":"RS256","kid":"hunter22","k":"hunter22"}"#),
        KeySet::from_jwks_json("hunter22").unwrap_err(),
        KeySet::from_jwks_json(r#"{"keys":[{"kty":"oct","k":"hunter22"}]}"#).unwrap_err(),
        KeySet::from_jwks_json(r#"{"keys":["hunter22"]}"#).unwrap_err(),
        Peppers::new(0, b"hunter22").unwrap_err(),
        refused(|builder| builder.trusted_origin("hunter22")).await,
        refused(|builder| builder.session_cookie("hunter22;")).await,
    ];
    for error in errors {
        secrets.assert_hidden("ConfigError", &error);
        secrets.assert_not_in("ConfigError", &error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            secrets.assert_not_in("its cause", &format!("{error} {error:?}"));
            cause = error.source();
        }
    }
}

#[test]
fn errors_of_requests_are_of_fixed_words() {
    let cause = || StoreError::new("connection refused");
    assert_eq!(cause().to_string(), "the store failed or did not respond");
    assert_eq!(LoginError::from(cause()).to_string(), "the store failed or did not respond");
    assert_eq!(RefreshError::from(cause()).to_string(), "try again in a moment");
    assert_eq!(RefreshError::InvalidGrant.to_string(), "the refresh token is not accepted");
    assert_eq!(std::mem::size_of::<VerifyError>(), 1, "nothing of a token fits in");
    assert_eq!(
        "hunter22".parse::<auth_core::id::LoginId>().unwrap_err().to_string(),
        "not an identifier: expected 22 characters of base64url"
    );
    let subject = auth_core::id::Subject::new("hunter22\0").unwrap_err();
    assert!(!format!("{subject} {subject:?}").contains("hunter22"));
}
