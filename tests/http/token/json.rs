//! Header and payload as JSON: an object, each name once, UTF-8, bounded.

use auth_core::__private::{Expected, Verifier};
use auth_core::clock::Timestamp;
use auth_core::jwt::Algorithm;
use auth_core::jwt::VerifyError;
use auth_tests::forge::{claims, claims_and, claims_with_text, encode};
use auth_tests::{NOW, ShopUser};

use crate::target::Target;

#[tokio::test]
async fn a_member_of_the_header_twice_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let (alg, kid) = (target.forger.alg(), &target.forger.kid);
    for twice in [
        format!(r#""alg":"{alg}""#),
        r#""alg":"none""#.to_owned(),
        r#""typ":"at+jwt""#.to_owned(),
        format!(r#""kid":"{kid}""#),
        format!(r#""\u0061lg":"{alg}""#),
        r#""t\u0079p":"at+jwt""#.to_owned(),
        format!(r#""k\u0069d":"{kid}""#),
        r#""x":1,"x":1"#.to_owned(),
        r#""x":1,"\u0078":1"#.to_owned(),
        r#""":1,"":1"#.to_owned(),
        r#""jwk":{},"jwk":{}"#.to_owned(),
    ] {
        let honest = format!(r#""alg":"{alg}","typ":"at+jwt","kid":"{kid}""#);
        for header in [format!("{{{honest},{twice}}}"), format!("{{{twice},{honest}}}")] {
            let token = target.forger.sign(&header, claims().to_string());
            target.refuses_any_jws(&header, &token, VerifyError::Malformed).await;
        }
    }
}

#[tokio::test]
async fn a_member_of_the_payload_twice_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    for name in claims().as_object().unwrap().keys() {
        let value = &claims()[name];
        let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        for twice in [format!(r#""{name}":{value}"#), format!(r#""{escaped}":{value}"#)] {
            target.refuses(&twice, &target.forger.token(claims_and(&twice)), VerifyError::Malformed).await;
        }
    }
    for twice in [
        r#""x":1,"x":1"#,
        r#""x":1,"x":2"#,
        r#""x":1,"\u0078":1"#,
        r#""":1,"":1"#,
        r#""nbf":1,"nbf":1"#,
        r#""sid":"AAAAAAAAAAAAAAAAAAAAAA","sid":"AAAAAAAAAAAAAAAAAAAAAA""#,
        r#""epoch":1,"epoch":1"#,
        r#""gen":[1,0],"gen":[1,0]"#,
        r#""nickname":"a","nickname":"a""#,
    ] {
        target.refuses(twice, &target.forger.token(claims_and(twice)), VerifyError::Malformed).await;
    }
    let once = target.forger.token(claims_and(r#""x":1,"X":1,"Exp":"not exp","nickname":"a""#));
    target.accepts("names are compared byte for byte", &once).await;
}

#[tokio::test]
async fn a_payload_that_is_no_object_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let honest = claims().to_string();
    for payload in [
        "[]".to_owned(),
        format!("[{honest}]"),
        r#""text""#.to_owned(),
        serde_json::Value::from(honest.clone()).to_string(),
        "1".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        "{}".to_owned(),
        " ".to_owned(),
        "{".to_owned(),
        honest.trim_end_matches('}').to_owned(),
        format!("{honest}{honest}"),
        format!("{honest},"),
        format!("{honest}\0"),
        format!("{honest}x"),
        format!("\u{feff}{honest}"),
        format!("/* */{honest}"),
        honest.replace('"', "'"),
        honest.replace('}', ",}"),
        claims_with_text("x", "NaN"),
        claims_with_text("x", "01"),
        claims_with_text("x", "undefined"),
    ] {
        target.refuses(&payload, &target.forger.token(&payload), VerifyError::Malformed).await;
    }
    target.accepts("white space around is JSON", &target.forger.token(format!(" \n{honest}\t "))).await;
}

#[tokio::test]
async fn a_header_that_is_no_object_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let honest = target.forger.header();
    for header in [
        "[]".to_owned(),
        format!("[{honest}]"),
        r#""ES256""#.to_owned(),
        "1".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        format!("{honest}{honest}"),
        format!("{honest}\0"),
        format!("\u{feff}{honest}"),
        honest.trim_end_matches('}').to_owned(),
    ] {
        let token = target.forger.sign(&header, claims().to_string());
        target.refuses_any_jws(&header, &token, VerifyError::Malformed).await;
    }
}

/// RFC 7515 section 5.2 and RFC 7519 section 7.2: the octets are UTF-8, wherever in the object they are.
#[tokio::test]
async fn bad_utf8_is_refused_wherever_it_is() {
    let target = Target::new(Algorithm::ES256).await;
    for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc3"] {
        for at in ["email", "nickname", "unknown"] {
            let text = claims_with_text(at, r#""@""#);
            let (before, after) = text.split_once(r#""@""#).unwrap();
            let payload = [before.as_bytes(), b"\"", bad, b"\"", after.as_bytes()].concat();
            target.refuses(at, &target.forger.token(payload), VerifyError::Malformed).await;
        }
        let named = claims_and(r#""@@":1"#);
        let (before, after) = named.split_once("@@").unwrap();
        let payload = [before.as_bytes(), bad, after.as_bytes()].concat();
        target.refuses("a name", &target.forger.token(payload), VerifyError::Malformed).await;
        let honest = target.forger.header();
        let open = honest.strip_suffix('}').unwrap();
        for (before, after) in [(r#","x":""#, r#""}"#), (r#","x":{"y":["#, r#""]}}"#), (r#",""#, r#"":1}"#)] {
            let header = [open.as_bytes(), before.as_bytes(), bad, after.as_bytes()].concat();
            let token = target.forger.sign(header, claims().to_string());
            target.refuses_any_jws(before, &token, VerifyError::Malformed).await;
        }
    }
}

#[tokio::test]
async fn nul_is_refused_raw_and_in_a_subject_also_escaped() {
    let target = Target::new(Algorithm::ES256).await;
    for (name, value) in
        [("sub", "\"7\0\""), ("sub", r#""7\u0000""#), ("email", "\"a\0b\""), ("x", "\"\0\""), ("x", "\0")]
    {
        let payload = claims_with_text(name, value);
        target.refuses(name, &target.forger.token(payload), VerifyError::Malformed).await;
    }
    for iss in [r#""https://shop.example\u0000""#, r#""https://shop.example\u0000.evil.example""#] {
        let token = target.forger.token(claims_with_text("iss", iss));
        target.refuses(iss, &token, VerifyError::IssuerMismatch).await;
    }
}

#[tokio::test]
async fn too_many_members_are_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let unknown = |count: usize| (0..count).map(|at| format!(r#""x{at}":0"#)).collect::<Vec<_>>().join(",");
    target.accepts("60", &target.forger.token(claims_and(&unknown(60)))).await;
    target.refuses("65", &target.forger.token(claims_and(&unknown(65))), VerifyError::Malformed).await;
    target.refuses("10,000", &target.forger.token(claims_and(&unknown(10_000))), VerifyError::TooLarge).await;
    let open = target.forger.header();
    let header = |count| format!("{},{}}}", open.strip_suffix('}').unwrap(), unknown(count));
    target.accepts("60", &target.forger.sign(header(60), claims().to_string())).await;
    let many = target.forger.sign(header(65), claims().to_string());
    target.refuses_any_jws("65", &many, VerifyError::Malformed).await;
    let too_many = target.forger.sign(header(10_000), claims().to_string());
    target.refuses("10,000", &too_many, VerifyError::TooLarge).await;
    target.jws_refuses("10,000", too_many.as_bytes(), VerifyError::Malformed);
}

#[tokio::test]
async fn a_token_above_the_limit_is_refused_unread() {
    let target = Target::new(Algorithm::ES256).await;
    for (row, payload) in [
        ("a string of 1 MB", claims_with_text("email", &format!("\"{}\"", "a".repeat(1 << 20)))),
        ("10,000 levels", claims_with_text("x", &nested(10_000))),
        ("a number of 1 MB", claims_with_text("exp", &"9".repeat(1 << 20))),
    ] {
        target.refuses(row, &target.forger.token(payload), VerifyError::TooLarge).await;
    }
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","x":"{}"}}"#, "a".repeat(1 << 20));
    let token = target.forger.sign(header, claims().to_string());
    target.refuses_any_jws("a header of 1 MB", &token, VerifyError::TooLarge).await;
    target.refuses("a megabyte of dots", &".".repeat(1 << 20), VerifyError::TooLarge).await;
    for length in [8191, 8192, 8193, 8194] {
        let token = format!("{}.{}.{}", "a".repeat(10), "b".repeat(length - 98), "c".repeat(86));
        assert_eq!(token.len(), length);
        let because = if length > 8192 { VerifyError::TooLarge } else { VerifyError::Malformed };
        target.refuses("around the limit", &token, because).await;
    }
}

/// With the limit raised far above what anybody needs, nesting still costs no stack.
#[tokio::test]
async fn deep_nesting_is_bounded_work_whatever_the_limit() {
    let target = Target::new(Algorithm::ES256).await;
    let verifier = Verifier::<ShopUser>::new(Expected {
        issuer: "https://shop.example".to_owned(),
        audience: "shop".to_owned(),
        realm: None,
        leeway: std::time::Duration::ZERO,
        max_length: 1 << 20,
    });
    let verify = |payload: String, now: Timestamp| {
        verifier.verify(&target.keys, target.forger.token(payload).as_bytes(), now).map(|_| "accepted")
    };
    for at in ["sub", "aud", "roles", "scope", "email", "exp", "gen", "iss"] {
        let payload = claims_with_text(at, &nested(100_000));
        assert_eq!(verify(payload, NOW), Err(VerifyError::Malformed), "{at}");
    }
    assert_eq!(verify(nested(100_000), NOW), Err(VerifyError::Malformed), "the payload itself");
    let objects = format!("{}1{}", r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
    assert_eq!(verify(objects, NOW), Err(VerifyError::Malformed), "the payload itself");
    // Where nobody looks, depth is no mistake; what counts is that it is skipped without recursion.
    assert_eq!(verify(claims_with_text("x", &nested(100_000)), NOW), Ok("accepted"));
    assert_eq!(
        verify(claims_with_text("x", &"[".repeat(100_000)), NOW),
        Err(VerifyError::Malformed),
        "never closed"
    );
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn a_known_header_is_no_way_around_anything() {
    let target = Target::new(Algorithm::ES256).await;
    target.accepts("so the header is known", &target.forger.honest()).await;
    let known = encode(target.forger.header());
    let payload = encode(claims().to_string());
    let forged = format!("{known}.{payload}.{}", encode([1; 64]));
    target.refuses_any_jws("known header", &forged, VerifyError::SignatureMismatch).await;
    let as_plain_jws = target.forger.sign(r#"{"alg":"ES256"}"#, claims().to_string());
    assert!(target.keys.verify_jws(as_plain_jws.as_bytes()).is_ok());
    target.refuses("a header known for another purpose", &as_plain_jws, VerifyError::TypeMismatch).await;
}
