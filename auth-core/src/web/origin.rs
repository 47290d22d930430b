//! A web origin, in the form in which browsers write it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::config::ConfigError;

/// A web origin (RFC 6454): scheme, host and port, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// In lower case.
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Origin {
    /// Parses `https://app.example` or `https://app.example:8443`. A host with letters outside of ASCII is written in
    /// its ASCII form (RFC 5890, "punycode"): `https://xn--mnchen-3ya.example`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the text is not an origin, or has a path, query, fragment or user.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::read(text).ok_or_else(|| {
            if text.is_ascii() {
                ConfigError::new(
                    "trusted_origin",
                    "not an origin",
                    "write scheme and host, such as https://app.example",
                )
            } else {
                ConfigError::new(
                    "trusted_origin",
                    "the host is not ASCII",
                    "write its punycode form, such as https://xn--mnchen-3ya.example",
                )
            }
        })
    }

    /// `None` for `null` and for text that is not an origin.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::new(Scheme::read(scheme)?, authority)
    }

    /// The origin of an absolute URL, as in `Referer`.
    pub(super) fn of_url(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        Self::new(Scheme::read(scheme)?, rest.split(['/', '?', '#']).next()?)
    }

    /// Whether browsers keep `Secure` cookies of this origin: over HTTPS, or on localhost.
    pub(super) fn keeps_secure_cookies(&self) -> bool {
        self.scheme == Scheme::Https || self.host.is_loopback()
    }

    /// Whether `authority`, as in `Host`, is this host and port. Behind a proxy the scheme is not known, so a missing
    /// port is the default port of the origin's scheme.
    pub(super) fn is_at(&self, authority: &str) -> bool {
        Self::new(self.scheme, authority).is_some_and(|own| own == *self)
    }

    /// Whether pages of the origin are a secure context: over HTTPS, or on localhost.
    pub(crate) fn is_secure(&self) -> bool {
        let is_local = match &self.host {
            Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::V4(address) => address.is_loopback(),
            Host::V6(address) => address.is_loopback(),
        };
        self.scheme == Scheme::Https || is_local
    }

    fn new(scheme: Scheme, authority: &str) -> Option<Self> {
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (Host::V6(address.parse().ok()?), port)
            }
            None => {
                let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
                (Host::read(name)?, port)
            }
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => scheme.default_port(),
            Some("") => scheme.default_port(),
            // `u16` would parse `+443` too.
            Some(digits) if is_decimal(digits) => digits.parse().ok()?,
            _ => return None,
        };
        Some(Self { scheme, host, port })
    }
}

impl Scheme {
    fn read(text: &str) -> Option<Self> {
        let is = |name| text.eq_ignore_ascii_case(name);
        if is("https") { Some(Self::Https) } else { is("http").then_some(Self::Http) }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Host {
    /// A name, or four decimal numbers. Browsers convert `127.1` and `0x7f000001` to addresses and never send them in
    /// this form, so a name whose last label is such a number is refused.
    fn read(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let last = name.rsplit('.').next()?.to_ascii_lowercase();
        if is_decimal(&last) {
            return text.parse().ok().map(Self::V4);
        }
        let is_hexadecimal =
            last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let is_name = name.split('.').all(is_label) && !is_hexadecimal;
        // A full stop at the end is kept: for browsers it is part of the origin.
        is_name.then(|| Self::Name(text.to_ascii_lowercase()))
    }

    /// Whether it is this machine: a loopback address, `localhost` or a name below it (RFC 6761).
    fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name == "localhost" || name.ends_with(".localhost")
            }
            Self::V4(address) => address.is_loopback(),
            Self::V6(address) => address.is_loopback(),
        }
    }
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_can_be_written_in_several_ways() {
        for (text, same) in [
            ("https://app.example", "HTTPS://APP.Example"),
            ("https://app.example", "https://app.example:443"),
            ("https://app.example", "https://app.example:"),
            ("https://app.example", "https://app.example:0443"),
            ("http://app.example", "http://app.example:80"),
            ("https://xn--mnchen-3ya.example", "https://XN--MNCHEN-3YA.example"),
            ("http://[::1]", "http://[0:0:0:0:0:0:0:1]:80"),
            ("http://[2001:DB8::a]:1", "http://[2001:db8:0::A]:1"),
            ("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]"),
        ] {
            assert!(Origin::read(text).is_some(), "{text}");
            assert_eq!(Origin::read(text), Origin::read(same), "{text} and {same}");
        }
    }

    #[test]
    fn another_scheme_host_or_port_is_another_origin() {
        for (text, other) in [
            ("https://app.example", "http://app.example"),
            ("https://app.example", "http://app.example:443"),
            ("https://app.example", "https://app.example:8443"),
            ("https://app.example", "https://app.example."),
            ("https://app.example", "https://app.example:0"),
            ("http://127.0.0.1", "http://[::ffff:127.0.0.1]"),
            ("http://127.0.0.1", "http://localhost"),
            ("http://app_1", "http://app-1"),
        ] {
            let (origin, other) = (Origin::read(text).unwrap(), Origin::read(other).unwrap());
            assert_ne!(origin, other);
        }
    }

    #[test]
    fn secure_cookies_are_kept_over_https_and_on_localhost() {
        for (text, keeps) in [
            ("https://app.example", true),
            ("https://127.0.0.1", true),
            ("http://localhost:3000", true),
            ("http://LOCALHOST.", true),
            ("http://app.localhost:3000", true),
            ("http://127.0.0.1:3000", true),
            ("http://127.8.9.10", true),
            ("http://[::1]:3000", true),
            ("http://app.example", false),
            ("http://192.168.1.5:3000", false),
            ("http://notlocalhost", false),
            ("http://localhost.example", false),
            ("http://[::2]", false),
            ("http://[::ffff:127.0.0.1]", false),
        ] {
            assert_eq!(Origin::read(text).unwrap().keeps_secure_cookies(), keeps, "{text}");
        }
    }

    #[test]
    fn the_origin_of_a_url_is_the_part_before_its_path() {
        let app = Origin::read("https://app.example");
        for url in [
            "https://app.example",
            "https://app.example/",
            "https://APP.example:443/a/b?c=d#e",
            "https://app.example?x",
            "https://app.example#x",
            "https://app.example/https://evil.example/",
        ] {
            assert_eq!(Origin::of_url(url), app, "{url}");
        }
        for url in [
            "",
            "/",
            "app.example/",
            "https:app.example/",
            "https:///app.example/",
            "https://app.example\\.evil.example/",
        ] {
            assert_eq!(Origin::of_url(url), None, "{url}");
        }
        for url in ["https://evil.example/https://app.example/", "https://evil.example?https://app.example"] {
            assert_eq!(Origin::of_url(url), Origin::read("https://evil.example"), "{url}");
        }
        assert_eq!(Origin::of_url("https://app.example@evil.example/"), None);
        assert_eq!(Origin::of_url("android-app://app.example/"), None);
    }

    #[test]
    fn text_that_no_browser_sends_as_an_origin_is_refused() {
        for host in [
            "",
            ".",
            "..",
            ".example",
            "app..example",
            "app.example..",
            "app.example:+443",
            "app.example:-1",
            "app.example: 443",
            "app.example:443 ",
            "app.example:4:3",
            "app.example:65536",
            "app.example:x",
            "app.example:443/",
            ":443",
            "@app.example",
            "user@app.example",
            "user:word@app.example",
            "app.example@evil.example",
            "app.example\\",
            "app.example\\.evil.example",
            "\\app.example",
            "/app.example",
            "app.example/",
            "app.example?",
            "app.example#",
            "app%2eexample",
            "app\t.example",
            " app.example",
            "app.example\0",
            "*.example",
            "a,b",
            "münchen.example",
            "app。example",
            "127.1",
            "127.0.0.1.",
            "127.0.0.01",
            "127.0.0.256",
            "2130706433",
            "0x7f000001",
            "0X7F.0.0.0X1",
            "app.0x",
            "app.1",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]443",
            "[::1]]",
            "[[::1]]",
            "[]",
            "[127.0.0.1]",
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "x[::1]",
        ] {
            assert_eq!(Origin::read(&format!("https://{host}")), None, "{host:?}");
            assert!(!Origin::read("https://app.example").unwrap().is_at(host), "{host:?}");
        }
        for text in [
            "null",
            "app.example",
            "//app.example",
            "https:app.example",
            "https:/app.example",
            "https:\\\\app.example",
            "https:///app.example",
            " https://app.example",
            "https ://app.example",
            "ws://app.example",
            "ftp://app.example",
            "://app.example",
            "https://https://app.example",
        ] {
            assert_eq!(Origin::read(text), None, "{text:?}");
        }
    }
}
