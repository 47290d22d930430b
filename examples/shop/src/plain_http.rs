//! Pages that were opened without encryption.
//!
//! The session cookie is `Secure`: over plain HTTP browsers drop it, except from localhost. A sign-in would lead back to
//! the form without an explanation.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};

/// Whether the request comes from one of the shop's own pages in a browser that will drop a `Secure` cookie.
///
/// The browser's `Origin` tells this: behind a proxy that ends TLS it begins with `https`.
pub(crate) fn drops_secure_cookies(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(ORIGIN), text(HOST)) else { return false };
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    let Some(authority) = origin.authority() else { return false };
    origin.scheme_str() == Some("http")
        && authority.as_str().eq_ignore_ascii_case(host)
        && !is_this_machine(authority.host())
}

fn is_this_machine(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    let v6 = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || v6.and_then(|v6| v6.parse::<Ipv6Addr>().ok()).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn drops(origin: &'static str, host: &'static str) -> bool {
        let headers = [(ORIGIN, HeaderValue::from_static(origin)), (HOST, HeaderValue::from_static(host))];
        drops_secure_cookies(&HeaderMap::from_iter(headers))
    }

    #[test]
    fn only_plain_http_from_another_machine_drops_secure_cookies() {
        for (origin, host) in [
            ("http://shop.lan", "shop.lan"),
            ("http://shop.lan:3000", "Shop.lan:3000"),
            ("http://192.168.1.5:3000", "192.168.1.5:3000"),
            ("http://[2001:db8::1]:3000", "[2001:db8::1]:3000"),
            ("http://localhost.example", "localhost.example"),
        ] {
            assert!(drops(origin, host), "{origin}");
        }
        for (origin, host) in [
            ("https://shop.example", "shop.example"),
            ("http://localhost:3000", "localhost:3000"),
            ("http://shop.localhost:3000", "shop.localhost:3000"),
            ("http://127.0.0.1:3000", "127.0.0.1:3000"),
            ("http://[::1]:3000", "[::1]:3000"),
            // A page of another site, which is refused elsewhere.
            ("http://evil.example", "shop.lan"),
            ("null", "shop.lan"),
            ("", "shop.lan"),
        ] {
            assert!(!drops(origin, host), "{origin}");
        }
        assert!(!drops_secure_cookies(&HeaderMap::new()));
    }
}
