//! Presence and JSON type: what is missing or of another type is refused, never "absent" and never converted.

use auth_core::jwt::Algorithm;
use auth_core::jwt::VerifyError;
use auth_tests::NOW;
use auth_tests::forge::{claims_and, claims_with, claims_with_text, claims_without};
use serde_json::json;

use crate::target::Target;

/// Values that are no whole number of seconds, as JSON text.
const NO_DATE: [&str; 22] = [
    r#""1800000000""#,
    r#""""#,
    "null",
    "true",
    "false",
    "[]",
    "[1800000000]",
    "{}",
    "1.5",
    "1800000000.0",
    "1.8e9",
    "18E8",
    "1e400",
    "-1e400",
    "-1",
    "-0.0",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "253402300800",
    "340282366920938463463374607431768211456",
];

/// Values that are no string.
const NO_TEXT: [&str; 10] =
    ["null", "true", "1", "-1", "1.5", "1e400", "[]", r#"["7"]"#, "{}", r#"{"a":"b"}"#];

#[tokio::test]
async fn a_date_is_a_whole_number_of_seconds_up_to_the_year_9999() {
    let target = Target::new(Algorithm::ES256).await;
    for name in ["exp", "iat", "nbf", "auth_time"] {
        for value in NO_DATE {
            let token = target.forger.token(claims_with_text(name, value));
            target.refuses(&format!("{name}: {value}"), &token, VerifyError::Malformed).await;
        }
    }
}

#[tokio::test]
async fn a_text_claim_is_a_string() {
    let target = Target::new(Algorithm::ES256).await;
    for name in ["iss", "sub", "jti", "client_id", "sid", "email", "nickname", "scope", "realm"] {
        for value in NO_TEXT {
            let token = target.forger.token(claims_with_text(name, value));
            target.refuses(&format!("{name}: {value}"), &token, VerifyError::Malformed).await;
        }
    }
}

#[tokio::test]
async fn a_required_claim_is_there() {
    let target = Target::new(Algorithm::ES256).await;
    for name in ["iss", "aud", "sub", "exp", "iat", "jti", "email", "roles", "scope"] {
        let token = target.forger.token(claims_without(name).to_string());
        target.refuses(&format!("without {name}"), &token, VerifyError::Malformed).await;
    }
    for name in ["client_id", "auth_time"] {
        let token = target.forger.token(claims_without(name).to_string());
        target.accepts(&format!("without {name}"), &token).await;
    }
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    let target = Target::new(Algorithm::ES256).await;
    for iss in [
        "",
        "https://shop.example/",
        "https://shop.exampl",
        "https://shop.example.evil.example",
        "https://Shop.example",
        "HTTPS://shop.example",
        "http://shop.example",
        "https://shop.example ",
        " https://shop.example",
        "https://shop.example#",
        "https://shop.example\0",
        "https://sh\u{43e}p.example",
        "https://shop.example\u{200b}",
        "shop.example",
        "null",
    ] {
        let token = target.forger.token(claims_with("iss", json!(iss)).to_string());
        target.refuses(iss, &token, VerifyError::IssuerMismatch).await;
    }
}

#[tokio::test]
async fn the_audience_names_this_service_byte_for_byte() {
    let target = Target::new(Algorithm::ES256).await;
    for aud in [
        json!(""),
        json!("Shop"),
        json!("SHOP"),
        json!("sho"),
        json!("shop2"),
        json!("shop "),
        json!(" shop"),
        json!("shop,other"),
        json!("other shop"),
        json!("*"),
        json!("sh\u{43e}p"),
        json!([]),
        json!(["other"]),
        json!(["Shop", "sho", "shop "]),
        json!(["s", "h", "o", "p"]),
        json!([""]),
    ] {
        let token = target.forger.token(claims_with("aud", aud.clone()).to_string());
        target.refuses(&aud.to_string(), &token, VerifyError::AudienceMismatch).await;
    }
    let too_many: Vec<_> = (0..65).map(|at| format!("a{at}")).chain(["shop".to_owned()]).collect();
    for aud in [
        json!(null),
        json!(true),
        json!(1),
        json!(1.5),
        json!({}),
        json!({ "shop": "shop" }),
        json!([["shop"]]),
        json!(["shop", 1]),
        json!(["shop", null]),
        json!([null]),
        json!([{ "shop": 1 }]),
        json!(too_many),
    ] {
        let token = target.forger.token(claims_with("aud", aud.clone()).to_string());
        target.refuses(&aud.to_string(), &token, VerifyError::Malformed).await;
    }
    for aud in [json!("shop"), json!(["shop"]), json!(["other", "shop"]), json!(["shop", "shop"])] {
        let token = target.forger.token(claims_with("aud", aud.clone()).to_string());
        target.accepts(&aud.to_string(), &token).await;
    }
}

#[tokio::test]
async fn a_subject_is_of_the_claims_type() {
    let target = Target::new(Algorithm::ES256).await;
    for sub in ["", "-7", "7.0", "seven", "18446744073709551616", "7\n", "7 ", " 7", "0x7", "\u{0667}"] {
        let token = target.forger.token(claims_with("sub", json!(sub)).to_string());
        target.refuses(&format!("{sub:?}"), &token, VerifyError::Malformed).await;
    }
}

/// A subject is revoked by its name; another way of writing it must not be another subject.
#[tokio::test]
async fn a_subject_has_one_name_however_it_was_written() {
    let target = Target::new(Algorithm::ES256).await;
    for sub in ["7", "07", "+7"] {
        let token = target.forger.token(claims_with("sub", json!(sub)).to_string());
        let verified = target.verifier.verify(&target.keys, token.as_bytes(), NOW).unwrap();
        assert_eq!((verified.subject().as_str(), verified.claims().id), ("7", 7), "{sub}");
        target.present(&token).await.assert_ok("7 by jwt", sub);
    }
}

#[tokio::test]
async fn the_claims_that_tie_a_token_to_its_login_are_of_their_types() {
    let target = Target::new(Algorithm::ES256).await;
    let good = "AAAAAAAAAAAAAAAAAAAAAA";
    for (name, value) in [
        ("sid", format!("\"{}\"", &good[1..])),
        ("sid", format!("\"{good}A\"")),
        ("sid", format!("\"{good}==\"")),
        ("sid", r#""AAAAAAAAAAAAAAAAAAAAAB""#.to_owned()),
        ("sid", r#""AAAAAAAAAA/AAAAAAAAAAA""#.to_owned()),
        ("sid", r#""""#.to_owned()),
        ("epoch", "-1".to_owned()),
        ("epoch", "1.5".to_owned()),
        ("epoch", "null".to_owned()),
        ("epoch", r#""1""#.to_owned()),
        ("epoch", "18446744073709551616".to_owned()),
        ("gen", "1".to_owned()),
        ("gen", "null".to_owned()),
        ("gen", "[]".to_owned()),
        ("gen", "[1]".to_owned()),
        ("gen", "[1,2,3]".to_owned()),
        ("gen", "[-1,0]".to_owned()),
        ("gen", "[4294967296,0]".to_owned()),
        ("gen", "[0,65536]".to_owned()),
        ("gen", r#"["0","0"]"#.to_owned()),
        ("jti", r#""""#.to_owned()),
    ] {
        let token = target.forger.token(claims_with_text(name, &value));
        target.refuses(&format!("{name}: {value}"), &token, VerifyError::Malformed).await;
    }
    let foreign = target.forger.token(claims_with("jti", json!("a name that is not ours")).to_string());
    target.accepts("a foreign jti is any text", &foreign).await;
}

/// Tokens that name a set of claims have all that this library has ever written into tokens of that set. Tokens that name
/// none are from before the sets, or of another issuer, and need not have them.
#[tokio::test]
async fn a_token_of_a_claim_set_has_the_claims_of_that_set() {
    let target = Target::new(Algorithm::ES256).await;
    let epoch = json!(NOW.millis());
    let login = [
        ("client_id", json!("shop")),
        ("sid", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("auth_time", json!(NOW.seconds())),
        ("epoch", epoch),
        ("gen", json!([0, 0])),
    ];
    let with = |ver: serde_json::Value, without: Option<&str>| {
        let mut claims = claims_with("ver", ver);
        login.iter().for_each(|(name, value)| claims[*name] = value.clone());
        without.map(|name| claims.as_object_mut().unwrap().remove(name).unwrap());
        target.forger.token(claims.to_string())
    };
    for ver in [1, 2, u32::MAX] {
        target.accepts(&format!("set {ver}"), &with(json!(ver), None)).await;
        for (missing, _) in &login {
            let row = format!("set {ver} without {missing}");
            target.refuses(&row, &with(json!(ver), Some(missing)), VerifyError::Malformed).await;
        }
    }
    for (missing, value) in &login {
        target.accepts(&format!("of no set, without {missing}"), &with(json!(0), Some(missing))).await;
        let mut claims = claims_with(missing, value.clone());
        claims.as_object_mut().unwrap().remove(*missing).unwrap();
        target.accepts(&format!("no `ver`, no {missing}"), &target.forger.token(claims.to_string())).await;
    }
    for ver in [json!(null), json!("1"), json!(-1), json!(1.5), json!([1]), json!(4_294_967_296_u64)] {
        target.refuses(&format!("ver: {ver}"), &with(ver, None), VerifyError::Malformed).await;
    }
}

#[tokio::test]
async fn names_of_claims_are_compared_byte_for_byte() {
    let target = Target::new(Algorithm::ES256).await;
    for (name, other) in [
        ("exp", "Exp"),
        ("exp", "EXP"),
        ("exp", "exp "),
        ("exp", "e\u{445}p"),
        ("iss", "issuer"),
        ("sub", "SUB"),
        ("email", "e\u{2010}mail"),
        ("roles", "role"),
    ] {
        let value = auth_tests::forge::claims()[name].clone();
        let mut claims = claims_without(name);
        claims.as_object_mut().unwrap().insert(other.to_owned(), value);
        let token = target.forger.token(claims.to_string());
        target.refuses(other, &token, VerifyError::Malformed).await;
    }
    target
        .accepts(
            "what nobody knows is nothing",
            &target.forger.token(claims_and(r#""admin":true,"is_admin":1"#)),
        )
        .await;
}
