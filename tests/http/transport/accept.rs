//! `Accept` decides between a page and JSON.

use auth_core::web::prefers_html;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

fn of(values: &[&[u8]]) -> bool {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(ACCEPT, HeaderValue::from_bytes(value).unwrap());
    }
    prefers_html(&headers)
}

fn is_html(accept: &str) -> bool {
    of(&[accept.as_bytes()])
}

#[test]
fn browsers_want_pages() {
    for accept in [
        "text/html",
        "TEXT/HTML",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
         application/signed-exchange;v=b3;q=0.7",
        "text/html, application/json",
        "application/json, text/html",
        "application/json;q=0.5, text/html;q=0.500",
        " text/html ; charset=utf-8 ; q=0.001",
        ", ,text/html,",
        "text/html;;q=1.",
        r#"text/html;x="a,b;q=0\",";Q=0.1"#,
        "text/html;q=0.2, text/html;q=0.9, */*;q=0.5",
        "text/html, */*;q=5, application/json;q=x",
        "application/json;q=0, application/problem+json;q=0.1, */*, text/html;q=0.1",
    ] {
        assert!(is_html(accept), "{accept}");
    }
    assert!(of(&[b"application/json;q=0.9", b"text/html"]), "two headers are one list");
}

#[test]
fn programs_get_json() {
    for accept in [
        "",
        "*/*",
        "text/*",
        "application/json",
        "application/xhtml+xml",
        "application/json, text/html;q=0.9",
        "application/problem+json, text/html;q=0.9",
        "text/html;q=0.9, application/*",
        "text/html;q=0.9, */*",
        "text/html;q=0",
        "text/html;q=0.000",
        "text/html;q=1.1",
        "text/html;q=.5",
        "text/html;q=-1",
        "text/html;q=1;q=1",
        "text/html;q",
        "text/html;=x",
        "text/html x",
        "text/ html",
        "text/html/x",
        "text/htmlx",
        "xtext/html",
        "text",
        r#""text/html""#,
        r#"x="text/html, text/html"#,
        r#"text/html;x="open, text/html"#,
    ] {
        assert!(!is_html(accept), "{accept}");
    }
    assert!(!of(&[]), "no header");
    assert!(!of(&[b"text/html\xff"]), "not ASCII");
}

#[test]
fn more_than_4_kib_are_not_read() {
    let fitting = format!("text/html,{}", "a".repeat(4096 - 10));
    assert!(is_html(&fitting));
    assert!(!is_html(&format!("{fitting}a")));
    assert!(!of(&[fitting.as_bytes(), b"a"]), "in two headers");
}

/// The kinds that matter, and some that do not.
const KINDS: [&str; 7] = [
    "text/html",
    "application/json",
    "application/problem+json",
    "application/*",
    "*/*",
    "text/*",
    "image/webp",
];

fn quality() -> impl Strategy<Value = (u16, String)> {
    (0..=1000_u16).prop_flat_map(|thousandths| {
        let exact = match thousandths {
            1000 => "1.000".to_owned(),
            less => format!("0.{less:03}"),
        };
        let short = exact.trim_end_matches('0').trim_end_matches('.').to_owned();
        let short = if short.is_empty() { "0".to_owned() } else { short };
        (Just(thousandths), prop::sample::select(vec![exact, short]))
    })
}

/// RFC 9110 by the book: for each kind of answer the most specific range that matches it.
fn by_the_book(ranges: &[(&str, u16)]) -> bool {
    let of = |names: &[&str]| {
        names.iter().find_map(|name| ranges.iter().filter(|(kind, _)| kind == name).map(|(_, q)| *q).max())
    };
    let json = of(&["application/json", "application/*", "*/*"]).unwrap_or(0);
    let problem = of(&["application/problem+json", "application/*", "*/*"]).unwrap_or(0);
    of(&["text/html"]).is_some_and(|html| html > 0 && html >= json.max(problem))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_most_specific_range_decides_however_it_is_written(
        ranges in prop::collection::vec((prop::sample::select(&KINDS[..]), quality(), any::<(bool, bool)>()), 0..7)
    ) {
        let written: Vec<String> = ranges
            .iter()
            .map(|(kind, (_, quality), (is_upper, has_parameter))| {
                let kind = if *is_upper { kind.to_uppercase() } else { (*kind).to_owned() };
                let parameter = if *has_parameter { r#";x="a,b\";q=1""# } else { "" };
                format!("{kind}{parameter} ;\tq={quality}")
            })
            .collect();
        let meant: Vec<(&str, u16)> = ranges.iter().map(|(kind, (q, _), _)| (*kind, *q)).collect();
        let expected = by_the_book(&meant);
        prop_assert_eq!(is_html(&written.join(", ")), expected, "{:?}", written);
        let headers: Vec<&[u8]> = written.iter().map(String::as_bytes).collect();
        prop_assert_eq!(of(&headers), expected, "{:?}", written);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            let headers = HeaderMap::from_iter([(ACCEPT, value)]);
            let names_html = bytes.windows(9).any(|part| part.eq_ignore_ascii_case(b"text/html"));
            prop_assert!(names_html || !prefers_html(&headers));
        }
    }

    #[test]
    fn what_is_cut_off_or_broken_is_no_page_that_was_not_asked_for(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "text/html", "text", "/", "*/*", ";", ",", "q=", "0", "1", ".", "\"", "\\", " ", "\t", "=", "é", "application/json",
        ]), 0..24)
    ) {
        let text = pieces.concat();
        prop_assert!(text.contains("text/html") || !is_html(&text), "{:?}", text);
    }
}
