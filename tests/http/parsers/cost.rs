//! What an input costs: an allocator that counts, and the time that the thread had a processor, whatever else the machine
//! does.

use auth_core::__private::Origin;
use auth_core::__private::rotation::ParsedToken;
use auth_core::id::{LoginId, TokenId};
use auth_core::jwt::{Algorithm, KeyRing, KeySet, SigningKey};
use auth_core::store::ListCursor;
use auth_core::web::LocalPath;
use auth_tests::forge::{encode, peppers};
use auth_tests::{Call, Forger, NOW, Shop};
use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, REFERER, USER_AGENT};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

use crate::memory::{alone, measured};
use crate::target;

/// The sizes that are compared: sixteen times the bytes are sixteen times the work, not 256 times.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 16 * SMALL;
/// Between 16 and 256, with room for caches that do not hold what is larger.
const MOST_TIME: u64 = 90;
/// Below this nothing can be compared.
const LEAST_NANOSECONDS: u64 = 50_000;
/// What a request or a key costs whatever is in it, and how many bytes one byte of input may cost.
const BASE: usize = 96 * 1024;
const PER_BYTE: usize = 24;

/// What is repeated, for each parser: what it looks for.
const UNITS: [&str; 24] = [
    "a",
    "/",
    "../",
    "%2e/",
    ".",
    ":",
    "[",
    "{",
    "\"",
    "\\\"",
    ",",
    ";",
    "=",
    " ",
    "\t",
    "a=b; ",
    "__Host-id=a; ",
    "text/html;q=0,",
    "[[",
    r#"{"a":"#,
    "0",
    "-",
    "ä",
    "\u{202e}",
];

/// A parser, and what is around the repeated text.
struct Parser {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    parse: Box<dyn Fn(&str)>,
}

fn parser(
    name: &'static str,
    (before, after): (&'static str, &'static str),
    parse: impl Fn(&str) + 'static,
) -> Parser {
    Parser { name, before, after, parse: Box::new(parse) }
}

fn texts() -> Vec<Parser> {
    let forger = Forger::new(Algorithm::ES256);
    let keys = || KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    let (verifier, peppers) = (target::verifier(), peppers());
    let (keys, same) = (keys(), keys());
    let around = ("", "");
    vec![
        parser("a local path", ("/", ""), |text| drop(LocalPath::parse(text))),
        parser("an origin", ("https://", ""), |text| drop(Origin::parse(text))),
        parser("a login id", around, |text| _ = text.parse::<LoginId>()),
        parser("a token id", around, |text| _ = TokenId::of_jti(text)),
        parser("a cursor", ("1.", ""), |text| _ = text.parse::<ListCursor>()),
        parser("a refresh token", ("ar1_", ""), move |text| drop(ParsedToken::parse(text, &peppers))),
        parser("an access token", around, move |text| drop(verifier.verify(&keys, text.as_bytes(), NOW))),
        parser("a signed text", ("e30.", ".AA"), move |text| drop(same.verify_jws(text.as_bytes()))),
        parser("a set of keys", (r#"{"keys":["#, "]}"), |text| drop(KeySet::from_jwks_json(text))),
        parser("a member of a key", (r#"{"kty":"EC","x":""#, "\"}"), |text| {
            drop(SigningKey::from_jwk_json(text))
        }),
    ]
}

/// The claims and the header of tokens whose signature is good, which only those with the key can make: up to what is
/// looked at.
fn signed() -> Vec<Parser> {
    let forger = Forger::new(Algorithm::HS256);
    let keys = KeySet::new([forger.signing_key().verifying_key().clone()]).unwrap();
    vec![parser("the header of a signed text", (r#"{"alg":"HS256","x":""#, "\"}"), move |text| {
        drop(keys.verify_jws(format!("{}.e30.{}", encode(text), encode([1; 32])).as_bytes()));
    })]
}

/// A shop, and a request with the text at one place.
fn requests() -> Vec<Parser> {
    type Request = fn(Call, &[u8]) -> Call;

    let places: [(&'static str, &'static str, &'static str, Request); 10] = [
        ("Authorization", "/me", "Bearer ", |call, text| call.header(AUTHORIZATION, text)),
        ("Cookie", "/me", "", |call, text| call.header(COOKIE, text)),
        ("Origin", "/login", "https://", |call, text| call.header(ORIGIN, text)),
        ("Referer", "/login", "https://", |call, text| call.header(REFERER, text)),
        ("Host", "/login", "", |call, text| {
            call.without(HOST).header(HOST, text).header(ORIGIN, "https://a.example")
        }),
        ("User-Agent", "/tokens", "", |call, text| call.header(USER_AGENT, text)),
        ("Accept", "/me", "", |call, text| call.header(ACCEPT, text)),
        ("a refresh cookie", "/auth/refresh", "__Host-refresh=", |call, text| {
            call.header(COOKIE, text).same_origin()
        }),
        ("a body", "/auth/refresh", r#"{"refresh_token":""#, |call, text| {
            call.header(CONTENT_TYPE, "application/json").body(Body::from(text.to_vec()))
        }),
        ("a content type", "/auth/refresh", "", |call, text| {
            call.header(CONTENT_TYPE, text).body(Body::from("{}"))
        }),
    ];
    let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ring = KeyRing::generate(Algorithm::EdDSA).unwrap();
    let shop = runtime.block_on(Shop::with(ring, |builder| builder.refresh_cookie().login_page("/enter")));
    let world = std::rc::Rc::new((runtime, shop));
    places
        .into_iter()
        .map(|(name, path, before, request)| {
            let world = world.clone();
            parser(name, (before, ""), move |text| {
                let (runtime, shop) = &*world;
                let is_get = path == "/me";
                let call = if is_get { Call::get(path) } else { Call::post(path) };
                let answer = runtime.block_on(request(call, &sendable(text)).send(&shop.app));
                assert!(!answer.status.is_server_error(), "{answer:?}");
            })
        })
        .collect()
}

/// Without what HTTP keeps out.
fn sendable(text: &str) -> Vec<u8> {
    text.bytes().filter(|byte| *byte == b'\t' || (*byte >= 32 && *byte != 127)).collect()
}

fn input(parser: &Parser, unit: &str, size: usize) -> String {
    [parser.before, &unit.repeat(size / unit.len()), parser.after].concat()
}

/// How long this thread had a processor, in nanoseconds.
fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The least of several times: what disturbs makes it longer, nothing makes it shorter.
fn least_time(parser: &Parser, text: &str) -> u64 {
    let time = |_| {
        let start = processor_time();
        (parser.parse)(text);
        processor_time() - start
    };
    (0..3).map(time).min().unwrap()
}

#[test]
fn no_parser_allocates_out_of_proportion() {
    alone(|| {
        for parser in texts().into_iter().chain(signed()).chain(requests()) {
            for unit in UNITS {
                let text = input(&parser, unit, LARGE);
                (parser.parse)(&text);
                let ((), bytes, _) = measured(|| (parser.parse)(&text));
                let most = BASE + PER_BYTE * text.len();
                assert!(bytes < most, "{}, {unit:?}: {bytes} bytes for {}", parser.name, text.len());
            }
        }
    });
}

/// What it takes for that unit, and the most that it may take, in nanoseconds.
fn times(parser: &Parser, unit: &str) -> (u64, u64) {
    let [small, large] = [SMALL, LARGE].map(|size| least_time(parser, &input(parser, unit, size)));
    (large, MOST_TIME * small.max(LEAST_NANOSECONDS))
}

#[test]
fn no_parser_takes_time_out_of_proportion() {
    auth_tests::watch_this_test();
    for parser in texts().into_iter().chain(signed()).chain(requests()) {
        for unit in UNITS {
            let (time, most) = times(&parser, unit);
            assert!(time < most, "{}, {unit:?}: {time} ns instead of {most}", parser.name);
        }
    }
}

/// The comparison notices what it is for.
#[test]
fn time_that_grows_with_the_square_is_out_of_proportion() {
    let square = parser("a square", ("", ""), |text| {
        let sum = |from: usize| text.as_bytes()[from..].iter().fold(0_u8, |sum, byte| sum ^ byte);
        std::hint::black_box((0..text.len()).step_by(64).map(sum).fold(0, |sum, part| sum ^ part));
    });
    let (time, most) = times(&square, "a");
    assert!(time > most, "{time} ns are allowed: {most}");
}
