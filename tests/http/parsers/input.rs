//! What a client may send: pieces that parsers look for, in any order, with any bytes between them.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What separates, begins or ends something in one of the formats.
const PIECES: [&str; 44] = [
    " ",
    "\t",
    ",",
    ";",
    "=",
    "==",
    ".",
    "..",
    "/",
    "//",
    "\\",
    "?",
    "#",
    "@",
    ":",
    "::",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "%",
    "%2e",
    "%2F",
    "%00",
    "*/*",
    "q=",
    "0",
    "00000000000000000000000",
    "-1",
    "1e400",
    "9223372036854775808",
    "null",
    "true",
    "a",
    "A",
    "Z-_",
    "ä",
    "\u{202e}",
    "\u{7f}",
    "\0",
    "\r\n",
    "\u{85}",
    "ﬀ",
];

/// Texts with such pieces and these.
pub(super) fn text(special: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(&PIECES[..]).prop_map(str::to_owned),
        3 => select(special).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[A-Za-z0-9_-]{1,30}",
    ];
    prop_oneof![vec(piece.clone(), 0..12).prop_map(|pieces| pieces.concat()), repeated(piece)]
}

/// The same few pieces hundreds of times.
fn repeated(piece: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (vec(piece, 1..4), 1_usize..400).prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

/// Bytes that a header may have: such texts in any encoding, without what HTTP itself keeps out.
pub(super) fn header(special: &'static [&'static str]) -> impl Strategy<Value = Bytes> {
    let any_bytes = vec(any::<u8>(), 0..60);
    prop_oneof![6 => text(special).prop_map(String::into_bytes), 1 => any_bytes].prop_map(|mut bytes| {
        bytes.retain(|byte| *byte == b'\t' || (*byte >= 32 && *byte != 127));
        Bytes::from(bytes)
    })
}

/// A part of a path or query as it comes in a URI.
pub(super) fn uri_part(special: &'static [&'static str]) -> impl Strategy<Value = String> {
    text(special).prop_map(|text| {
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(byte);
        text.bytes().filter(is_allowed).map(char::from).collect()
    })
}

/// JSON and what nearly is.
pub(super) fn json(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        Just("1e400".to_owned()),
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        text(names).prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    let value = leaf.prop_recursive(5, 40, 6, move |inner| {
        let member = (select(names), inner.clone()).prop_map(|(name, value)| format!("{name:?}:{value}"));
        prop_oneof![
            vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    prop_oneof![6 => value.clone(), 1 => text(names), 1 => (value, text(names)).prop_map(|(a, b)| [a, b].concat())]
}
