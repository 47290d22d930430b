//! A path of the same site as the target of a redirect.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A path on this site, with or without a query. The parameter `next` may have no other value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

const MAX_LENGTH: usize = 2048;

/// The characters that are escaped in a query value.
const QUERY_VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl LocalPath {
    /// `None` unless the text begins with a single `/` and has no backslash, space, control or non-ASCII character,
    /// and no segment `.` or `..`, also not written with `%2e`: a browser that resolves `/a/..//evil.example` leaves
    /// the site.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= MAX_LENGTH
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let path = text.split(['?', '#']).next()?;
        (is_plain && !path.split('/').any(is_dots)).then(|| Self(text.to_owned()))
    }

    /// The path and query, unchanged.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or_default()
    }

    /// `login_page?next=this`.
    pub(crate) fn as_next_of(&self, login_page: &Self) -> String {
        let separator = if login_page.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}next={}", login_page.0, utf8_percent_encode(&self.0, QUERY_VALUE))
    }
}

/// Whether browsers treat the segment as `.` or `..` (WHATWG URL).
fn is_dots(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(segment.as_str(), "." | "..")
}

impl std::fmt::Display for LocalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_own_site_are_accepted() {
        for good in [
            "/",
            "/account",
            "/a/b?c=d&e=%2F",
            "/@x",
            "/a//b",
            "/.well-known/x",
            "/.../a",
            "/a..",
            "/a?b=/../c#/./",
        ] {
            assert_eq!(LocalPath::parse(good).map(|path| path.0).as_deref(), Some(good));
        }
        for bad in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "https:evil.example",
            "https://evil.example",
            "/\\evil.example",
            "\\/evil",
            "/a\\b",
            "/\t/evil.example",
            "/ a",
            "/ä",
            "/a\r\nSet-Cookie: x",
            "/.//evil",
            "/.",
            "/..",
            "/a/./b",
            "/a/../b?c",
            "/a/..#c",
            "/%2e",
            "/a/%2E%2e/b",
            "/a/.%2E//b",
            "javascript:alert(1)",
        ] {
            assert_eq!(LocalPath::parse(bad), None, "{bad:?}");
        }
        assert_eq!(LocalPath::parse(&format!("/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn next_is_escaped_as_one_value() {
        let next = LocalPath::parse("/orders?page=2&all").unwrap();
        let login = LocalPath::parse("/login").unwrap();
        assert_eq!(next.as_next_of(&login), "/login?next=/orders%3Fpage%3D2%26all");
    }
}
