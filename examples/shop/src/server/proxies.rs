//! The address of the client behind a proxy.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `X-Forwarded-For` is trusted: none, unless the operator names them. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Proxies(Arc<[IpAddr]>);

impl Proxies {
    /// These proxies. Each of them must append the address of its peer to `X-Forwarded-For`.
    pub(crate) fn new(trusted: &[IpAddr]) -> Self {
        Self(trusted.iter().map(IpAddr::to_canonical).collect())
    }

    /// The sender of the request: the peer, or if that is a proxy, the last address in `X-Forwarded-For` that is not a
    /// proxy. The addresses before it may be the client's invention.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trust(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        for text in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            let address = str::from_utf8(text).ok().and_then(|text| text.trim().parse::<IpAddr>().ok());
            let Some(address) = address else { break };
            client = SocketAddr::new(address, 0);
            if !self.trust(address) {
                break;
            }
        }
        client
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let proxies = Proxies::new(&["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()]);
        let values = forwarded.iter().map(|value| (X_FORWARDED_FOR, HeaderValue::from_static(value)));
        let headers = HeaderMap::from_iter(values.collect::<Vec<_>>());
        proxies.client(SocketAddr::new(peer.parse().unwrap(), 1), &headers).ip().to_string()
    }

    #[test]
    fn only_a_named_proxy_is_trusted() {
        assert_eq!(client("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn addresses_that_the_client_sends_are_not_trusted() {
        assert_eq!(client("10.0.0.1", &["203.0.113.5, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.5, junk"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.2"]), "10.0.0.2");
    }
}
