//! Whether a client wants a page or JSON: the `Accept` header (RFC 9110 section 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// The maximum length of all `Accept` headers together. Browsers send about 150 bytes.
const MAX_LENGTH: usize = 4 * 1024;

/// Whether the client wants an HTML page rather than JSON: its `Accept` names `text/html`, with a quality that is not
/// zero and not below that of JSON. Browsers that open a page or send a form do; `*/*` and `text/*` are what programs
/// send.
///
/// A member of the list that does not have the form of RFC 9110 is ignored. If `Accept` is longer than 4 KiB, it is
/// ignored.
pub fn prefers_html(headers: &HeaderMap) -> bool {
    let values = || headers.get_all(ACCEPT).iter().map(http::HeaderValue::as_bytes);
    if values().map(<[u8]>::len).sum::<usize>() > MAX_LENGTH {
        return false;
    }
    let mut wanted = Wanted::default();
    values().flat_map(|value| split(value, b',')).filter_map(range).for_each(|range| wanted.note(range));
    wanted.html.is_some_and(|html| html > 0 && html >= wanted.json())
}

/// Thousandths: 1000 is `q=1`.
type Quality = u16;

/// The qualities of the ranges that matter. If a range occurs twice, the higher quality is used.
#[derive(Debug, Default)]
struct Wanted {
    html: Option<Quality>,
    json: Option<Quality>,
    problem: Option<Quality>,
    application: Option<Quality>,
    anything: Option<Quality>,
}

impl Wanted {
    fn note(&mut self, (kind, quality): (&[u8], Quality)) {
        let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
        let place = match () {
            () if is("text/html") => &mut self.html,
            () if is("application/json") => &mut self.json,
            () if is("application/problem+json") => &mut self.problem,
            () if is("application/*") => &mut self.application,
            () if is("*/*") => &mut self.anything,
            () => return,
        };
        *place = (*place).max(Some(quality));
    }

    /// The quality of the most specific range.
    fn json(&self) -> Quality {
        let general = self.application.or(self.anything);
        self.json.or(general).max(self.problem.or(general)).unwrap_or(0)
    }
}

/// A media range and its quality.
fn range(member: &[u8]) -> Option<(&[u8], Quality)> {
    let mut parts = split(member, b';').map(<[u8]>::trim_ascii);
    let kind = parts.next()?;
    let (main, sub) = halves(kind, b'/')?;
    if !is_token(main) || !is_token(sub) {
        return None;
    }
    let mut quality = None;
    for parameter in parts.filter(|parameter| !parameter.is_empty()) {
        let (name, value) = halves(parameter, b'=')?;
        let is_weight = name.eq_ignore_ascii_case(b"q");
        match is_weight {
            true if quality.is_some() => return None,
            true => quality = Some(weight(value)?),
            false if is_token(name) && (is_token(value) || is_quoted(value)) => {}
            false => return None,
        }
    }
    Some((kind, quality.unwrap_or(1000)))
}

/// A `qvalue`: 0 to 1, with at most three digits after the point.
fn weight(value: &[u8]) -> Option<Quality> {
    let (whole, digits) = halves(value, b'.').unwrap_or((value, b""));
    if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = digits.iter().chain(b"000").take(3);
    let thousandths = digits.fold(0, |sum, digit| sum * 10 + Quality::from(digit - b'0'));
    match (whole, thousandths) {
        (b"0", thousandths) => Some(thousandths),
        (b"1", 0) => Some(1000),
        _ => None,
    }
}

/// The parts between separators outside of quoted strings.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |byte| {
        match (is_quoted, is_escaped, *byte) {
            (true, true, _) => is_escaped = false,
            (true, false, b'\\') => is_escaped = true,
            (_, _, b'"') => is_quoted = !is_quoted,
            _ => {}
        }
        !is_quoted && *byte == separator
    })
}

fn halves(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (before, from) = text.split_at(memchr::memchr(separator, text)?);
    Some((before, from.get(1..)?))
}

fn is_token(text: &[u8]) -> bool {
    let is_token_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_token_byte)
}

/// Whether this is one quoted string: no quote but the last one is unescaped.
fn is_quoted(text: &[u8]) -> bool {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return false;
    };
    let mut is_escaped = false;
    let is_closed_early = inner.iter().any(|byte| {
        let closes = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        closes
    });
    !is_closed_early && !is_escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quality_is_at_most_1_with_at_most_three_digits() {
        for (text, quality) in
            [("0", 0), ("0.", 0), ("0.5", 500), ("0.05", 50), ("0.001", 1), ("1", 1000), ("1.000", 1000)]
        {
            assert_eq!(weight(text.as_bytes()), Some(quality), "{text}");
        }
        for bad in ["", ".5", "00", "1.001", "2", "-0", "0.0001", "0,5", "+1", "1e0", "0.5 "] {
            assert_eq!(weight(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_separator_in_a_quoted_string_separates_nothing() {
        let parts: Vec<_> = split(br#"a;x="b,\",c;d",e"#, b',').collect();
        assert_eq!(parts, [&br#"a;x="b,\",c;d""#[..], b"e"]);
        assert_eq!(range(br#"text/html;x="q=0;q=0";q=0.5"#), Some((&b"text/html"[..], 500)));
        assert_eq!(range(br#"text/html;x="open"#), None);
        assert_eq!(range(br#"text/html;x="a"b""#), None);
    }
}
