//! The token that is measured: about 500 bytes, eleven claims.
#![expect(clippy::unwrap_used, reason = "a benchmark fails loudly")]
#![allow(dead_code, unreachable_pub, reason = "each benchmark uses a part")]

use std::time::Duration;

use auth_core::__private::{Expected, Verifier};
use auth_core::clock::Timestamp;
use auth_core::id::LoginId;
use auth_core::jwt::{Algorithm, KeySet, SigningKey};
use auth_core::login::Scheme;
use auth_core::store::{Created, LoginStore, NewLogin, Realm, SecretHash};
use auth_core::{Claims, Role, Roles};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

pub const ISSUER: &str = "https://id.shop.example";
pub const AUDIENCE: &str = "shop";
pub const NOW: i64 = 1_800_000_000;
pub const EPOCH: u64 = 1_800_000_001_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Role)]
pub enum ShopRole {
    Customer,
    #[role(includes(Customer))]
    Clerk,
}

#[derive(Debug, Claims)]
#[claims(issuer = "https://id.shop.example", audience = "shop")]
pub struct User {
    #[claim(subject)]
    pub id: String,
    pub email: String,
    #[claim(roles)]
    pub roles: Roles<ShopRole>,
}

/// The same claims for the peer.
#[derive(Debug, Deserialize)]
pub struct PeerUser {
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub exp: u64,
    pub iat: u64,
    pub jti: String,
    pub sid: String,
    pub auth_time: u64,
    pub epoch: u64,
    pub email: String,
    pub roles: Vec<String>,
}

pub struct Subject {
    pub key: SigningKey,
    pub keys: KeySet,
    pub verifier: Verifier<User>,
    pub token: String,
    pub message: String,
    pub signature: Vec<u8>,
    pub peer_key: jsonwebtoken::DecodingKey,
    pub peer_validation: jsonwebtoken::Validation,
}

impl Subject {
    pub fn new(algorithm: Algorithm) -> Self {
        Self::with_key(algorithm, NOW)
    }

    pub fn with_key(algorithm: Algorithm, now: i64) -> Self {
        let secret = [7; 64];
        let key = match algorithm {
            Algorithm::HS256 => SigningKey::from_secret(&secret, algorithm).unwrap(),
            _ => SigningKey::generate(algorithm).unwrap(),
        };
        let kid = key.verifying_key().id().unwrap().to_string();
        let header = serde_json::json!({ "alg": format!("{algorithm:?}"), "typ": "at+jwt", "kid": kid });
        let payload = serde_json::json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "0193d5c4-8a52-7f3e-9b60", "exp": now + 900, "iat": now,
            "jti": "WVuaPcwLKtKvu4GJwpVzEg", "sid": "LUwq6QMBRFtlVV_8HfVycw", "auth_time": now, "epoch": EPOCH,
            "email": "alice.liddell@shop.example", "roles": ["clerk"],
        });
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(payload.to_string())
        );
        let signature = key.sign(message.as_bytes()).unwrap();
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
        let mut peer_validation = jsonwebtoken::Validation::new(algorithm);
        peer_validation.set_issuer(&[ISSUER]);
        peer_validation.set_audience(&[AUDIENCE]);
        peer_validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let keys = KeySet::new([key.verifying_key().clone()]).unwrap();
        let public = serde_json::to_value(keys.public_jwks()).unwrap();
        let peer_key = match public.pointer("/keys/0") {
            Some(jwk) => {
                let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
                jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap()
            }
            None => jsonwebtoken::DecodingKey::from_secret(&secret),
        };
        let expected = Expected {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            realm: None,
            leeway: Duration::from_secs(5),
            max_length: 8192,
        };
        Self {
            verifier: Verifier::new(expected),
            key,
            keys,
            token,
            message,
            signature,
            peer_key,
            peer_validation,
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_seconds(NOW + 1)
    }
}

/// The fastest of many rounds of a closure, each of `calls` calls: on a shared machine the rest is noise.
pub fn fastest(rounds: u32, calls: u32, mut call: impl FnMut()) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    let start = std::time::Instant::now;
    (0..rounds)
        .map(|_| {
            let begin = start();
            (0..calls).for_each(|_| call());
            begin.elapsed() / calls
        })
        .min()
        .unwrap_or_default()
}

/// The realm of logins that are made without an [`Authenticator`](auth_core::Authenticator).
pub fn realm() -> Realm {
    Realm::new("bench").unwrap()
}

pub fn login_id(number: u32) -> LoginId {
    LoginId::from_bytes(u128::from(number).to_be_bytes())
}

/// A login for tokens that outlives the benchmark, made with the secret `0`.
pub async fn create_login(store: &impl LoginStore, number: u32, subject: &str) {
    let login = NewLogin {
        id: login_id(number),
        subject: auth_core::id::Subject::new(subject).unwrap(),
        kind: Scheme::Jwt,
        lifetime: LONG,
        idle: LONG,
        retention: Duration::from_secs(3600),
        user_agent: None,
        address: None,
        claims: b"{\"sub\":\"bench\"}".to_vec(),
        secret: Some(SecretHash::of(b"0")),
        extra: Vec::new(),
        replaces: None,
    };
    let ticket = store.ticket(&realm(), &login.subject).await.unwrap().value;
    let made = store.create(&realm(), &ticket, &login, None, None).await.unwrap().value;
    assert!(matches!(made, Created::Made { .. }));
}

pub const LONG: Duration = Duration::from_secs(100_000_000);
