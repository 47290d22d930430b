//! Segments and base64url: one way of writing a token, and no other.

use auth_core::jwt::Algorithm;
use auth_core::jwt::VerifyError;
use auth_tests::forge::{ALGORITHMS, claims, claims_with, encode};

use auth_tests::problem;

use crate::target::Target;

/// JSON with spaces behind it, so that its base64url ends with `over` bits too many.
fn padded(json: &str, over: usize) -> String {
    let mut json = json.to_owned();
    while encode(&json).len() % 4 != over {
        json.push(' ');
    }
    encode(json)
}

#[tokio::test]
async fn a_token_has_three_segments_and_none_is_empty() {
    let target = Target::new(Algorithm::ES256).await;
    let honest = target.forger.honest();
    let [header, payload, signature] = honest.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    for token in [
        header.to_owned(),
        format!("{header}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!(".{honest}"),
        format!("{honest}."),
        format!("{honest}.."),
        format!("{honest}.{signature}"),
        format!("{honest}.{payload}.{signature}"),
        format!("{honest}.{honest}"),
        format!("{header}.{header}.{payload}.{signature}"),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "....".to_owned(),
        "a.b.c.d.e.f".to_owned(),
        ".".repeat(8000),
        "a.".repeat(4000),
    ] {
        target.refuses_any_jws(&token, &token, VerifyError::Malformed).await;
    }
    // As a JWS it has the form, and another signature.
    let without_payload = format!("{header}..{signature}");
    target.refuses("no payload", &without_payload, VerifyError::Malformed).await;
    target.jws_refuses("no payload", without_payload.as_bytes(), VerifyError::SignatureMismatch);
    target.refuses_the_request("empty", "", VerifyError::Malformed).await;
    target.refuses_any_jws("a word", "junk", VerifyError::Malformed).await;
}

/// RFC 7515 section 7.1: a JWS may sign nothing. A token may not.
#[tokio::test]
async fn a_signed_empty_payload_is_a_jws_and_no_token() {
    for algorithm in ALGORITHMS {
        let target = Target::new(algorithm).await;
        let empty = target.forger.sign(target.forger.header(), "");
        assert_eq!(target.keys.verify_jws(empty.as_bytes()), Ok(Vec::new()), "{empty}");
        target.refuses("signed", &empty, VerifyError::Malformed).await;
    }
}

#[tokio::test]
async fn padding_is_refused_in_every_segment_even_where_it_is_signed() {
    let target = Target::new(Algorithm::ES256).await;
    for over in [2, 3] {
        let header = padded(&target.forger.header(), over);
        let payload = padded(&claims().to_string(), over);
        let padding = "=".repeat(4 - over);
        target.accepts("spaces after JSON are JSON", &target.forger.sign_segments(&header, &payload)).await;
        let in_header = target.forger.sign_segments(&format!("{header}{padding}"), &payload);
        target.refuses_any_jws("header", &in_header, VerifyError::Malformed).await;
        let in_payload = target.forger.sign_segments(&header, &format!("{payload}{padding}"));
        target.refuses_any_jws("payload", &in_payload, VerifyError::Malformed).await;
    }
    let honest = target.forger.honest();
    target.refuses_any_jws("signature", &format!("{honest}=="), VerifyError::Malformed).await;
    target.refuses_any_jws("signature, once", &format!("{honest}="), VerifyError::Malformed).await;
}

#[tokio::test]
async fn unused_bits_are_zero_in_every_segment() {
    let target = Target::new(Algorithm::ES256).await;
    for over in [2, 3] {
        let header = padded(&target.forger.header(), over);
        let payload = padded(&claims().to_string(), over);
        let in_header = target.forger.sign_segments(&dirty(&header), &payload);
        target.refuses_any_jws("header", &in_header, VerifyError::Malformed).await;
        let in_payload = target.forger.sign_segments(&header, &dirty(&payload));
        target.refuses_any_jws("payload", &in_payload, VerifyError::Malformed).await;
    }
    let honest = target.forger.honest();
    for bit in 0..4 {
        let token = with_last_changed(&honest, 1 << bit);
        target.refuses_any_jws("signature", &token, VerifyError::Malformed).await;
    }
}

#[tokio::test]
async fn a_length_that_no_base64_has_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let header = padded(&target.forger.header(), 0);
    let payload = padded(&claims().to_string(), 0);
    let in_header = target.forger.sign_segments(&format!("{header}A"), &payload);
    target.refuses_any_jws("header", &in_header, VerifyError::Malformed).await;
    let in_payload = target.forger.sign_segments(&header, &format!("{payload}A"));
    target.refuses_any_jws("payload", &in_payload, VerifyError::Malformed).await;
    let in_signature = format!("{}AAA", target.forger.honest());
    target.refuses_any_jws("signature", &in_signature, VerifyError::Malformed).await;
}

#[tokio::test]
async fn the_other_alphabet_is_refused_in_every_segment() {
    let target = Target::new(Algorithm::ES256).await;
    // `?~` and `>` make `_` and `-` at any of the three positions.
    let header = encode(target.forger.header().replace('}', r#","x":"??>>~~?>~??~>"}"#));
    let payload = encode(claims_with("x", "??>>~~?>~??~>".into()).to_string());
    let plain = |segment: &str| segment.replace('-', "+").replace('_', "/");
    assert!(plain(&header) != header && plain(&payload) != payload);
    target.accepts("url-safe", &target.forger.sign_segments(&header, &payload)).await;
    let in_header = target.forger.sign_segments(&plain(&header), &payload);
    target.refuses_any_jws("header", &in_header, VerifyError::Malformed).await;
    let in_payload = target.forger.sign_segments(&header, &plain(&payload));
    target.refuses_any_jws("payload", &in_payload, VerifyError::Malformed).await;
    let signed = loop {
        let signed = target.forger.honest();
        if signed.rsplit('.').next().unwrap().contains(['-', '_']) {
            break signed;
        }
    };
    let (message, signature) = signed.rsplit_once('.').unwrap();
    let in_signature = format!("{message}.{}", plain(signature));
    target.refuses_any_jws("signature", &in_signature, VerifyError::Malformed).await;
}

#[tokio::test]
async fn any_other_character_is_refused_anywhere() {
    let target = Target::new(Algorithm::ES256).await;
    let header = encode(target.forger.header());
    let payload = encode(claims().to_string());
    let honest = target.forger.sign_segments(&header, &payload);
    for character in [
        " ", "\t", "\n", "\r\n", "\0", "?", "*", "%41", "%", "\u{e9}", "\u{ff21}", ",", "{", "}", ":", "\"",
        "~", "\u{200b}",
    ] {
        let in_header = |at: usize| {
            let (before, after) = header.split_at(at);
            target.forger.sign_segments(&format!("{before}{character}{after}"), &payload)
        };
        let in_payload = |at: usize| {
            let (before, after) = payload.split_at(at);
            target.forger.sign_segments(&header, &format!("{before}{character}{after}"))
        };
        let tokens = [
            in_header(0),
            in_header(4),
            in_header(header.len()),
            in_payload(0),
            in_payload(4),
            in_payload(payload.len()),
            format!("{honest}{character}"),
            honest.replacen(&format!("{payload}."), &format!("{payload}.{character}"), 1),
        ];
        for (position, token) in tokens.iter().enumerate() {
            let row = format!("{character:?} at {position}");
            target.verifier_refuses(&row, token.as_bytes(), VerifyError::Malformed);
            target.jws_refuses(&row, token.as_bytes(), VerifyError::Malformed);
            let is_trimmed = matches!(character, " ") && token.starts_with(' ');
            if http::HeaderValue::from_bytes(token.as_bytes()).is_ok() && !is_trimmed {
                // RFC 6750 section 2.1: what no bearer token has makes the request malformed.
                let is_bearer = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
                let expected = match token.bytes().all(is_bearer) {
                    true => problem::invalid_token(),
                    false => problem::malformed(),
                };
                target.present(token).await.assert_is(&expected, &row);
            }
        }
    }
}

#[tokio::test]
async fn the_json_serialisations_are_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let honest = target.forger.honest();
    let [header, payload, signature] = honest.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let flattened = format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#);
    let general = format!(
        r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
    );
    target.refuses_the_request("flattened", &flattened, VerifyError::Malformed).await;
    target.refuses_the_request("general", &general, VerifyError::Malformed).await;
    let dotted =
        format!(r#"{{"a.b.c":1,"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#);
    target.refuses_the_request("with dots", &dotted, VerifyError::Malformed).await;
    let encoded = encode(flattened);
    target.refuses("encoded", &encoded, VerifyError::Malformed).await;
}

#[tokio::test]
async fn an_encrypted_a_nested_and_a_compressed_token_are_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let (alg, kid) = (target.forger.alg(), &target.forger.kid);
    let jwe = format!(
        "{}..{}.{}.{}",
        encode(r#"{"alg":"dir","enc":"A256GCM"}"#),
        encode("iv"),
        encode("x"),
        encode("tag")
    );
    target.refuses_any_jws("JWE", &jwe, VerifyError::Malformed).await;
    let nested = target.forger.honest();
    for (row, members) in
        [("zip", r#""zip":"DEF""#), ("zip null", r#""zip":null"#), ("enc", r#""enc":"A256GCM""#)]
    {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}",{members}}}"#);
        let token = target.forger.sign(header, claims().to_string());
        target.refuses_any_jws(row, &token, VerifyError::CriticalHeader).await;
    }
    for cty in ["JWT", "jwt", "application/json", ""] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}","cty":"{cty}"}}"#);
        let token = target.forger.sign(&header, claims().to_string());
        target.refuses(&header, &token, VerifyError::CriticalHeader).await;
        let token = target.forger.sign(&header, &nested);
        target.refuses("a token as payload", &token, VerifyError::CriticalHeader).await;
    }
    target.refuses("a token as payload, unsaid", &target.forger.token(&nested), VerifyError::Malformed).await;
}

#[tokio::test]
async fn whatever_is_critical_is_refused() {
    let target = Target::new(Algorithm::ES256).await;
    let (alg, kid) = (target.forger.alg(), &target.forger.kid);
    for members in [
        r#""crit":["exp"],"exp":1"#,
        r#""crit":["x"]"#,
        r#""crit":["x"],"x":true"#,
        r#""crit":[]"#,
        r#""crit":["alg"]"#,
        r#""crit":["typ","kid"]"#,
        r#""crit":"x""#,
        r#""crit":null"#,
        r#""crit":[1]"#,
        r#""crit":["b64"],"b64":true"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""\u0063rit":["x"]"#,
        r#""crit":["http://openbankingtest.org.uk/iat"],"http://openbankingtest.org.uk/iat":1"#,
    ] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}",{members}}}"#);
        let token = target.forger.sign(&header, claims().to_string());
        target.refuses_any_jws(members, &token, VerifyError::CriticalHeader).await;
        let raw = format!("{}.{}", encode(&header), claims().to_string().replace('.', ""));
        let unencoded = format!("{raw}.{}", encode(target.forger.signature(raw.as_bytes())));
        target.refuses_the_request(members, &unencoded, VerifyError::CriticalHeader).await;
    }
}

/// The segment with a bit set in those that its last character has too many.
fn dirty(segment: &str) -> String {
    with_last_changed(segment, 1)
}

fn with_last_changed(text: &str, bits: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = text.split_at(text.len() - 1);
    let value = ALPHABET.iter().position(|character| last.as_bytes()[0] == *character).unwrap();
    format!("{rest}{}", char::from(ALPHABET[value ^ bits]))
}
