//! Addresses of clients, also behind proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage as _, HttpRequest};
use ipnet::IpNet;

use crate::models::proxy::ForwardedHeader;

/// Address of the client that made a request, kept in the request's extensions. An IPv4 address is never written as an
/// IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Returns the address from which a request came; `None` for one that did not come over the network.
    pub fn of(request: &HttpRequest) -> Option<IpAddr> {
        request.extensions().get::<Self>().map(|client| client.0)
    }

    /// Returns the address that stands for the client's connection to the internet: the network of 64 bits for IPv6,
    /// within which a client can choose its address for each request.
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        }
    }
}

/// Proxies whose word counts about where a request came from.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// Creates the list from the configuration.
    pub const fn new(networks: Vec<IpNet>, header: ForwardedHeader) -> Self {
        Self { networks, header }
    }

    /// Returns the client of a request: the peer, or, if that is a trusted proxy, the last address in the header that is
    /// not one. Anything before that address was sent by the client, who can write anything there.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return ClientAddress(client);
        }
        let values = headers.get_all(self.header.as_str()).filter_map(|value| value.to_str().ok());
        let values: Vec<&str> = values.collect();
        let named = values.iter().flat_map(|value| split_outside_quotes(value, b','));
        let named: Vec<&str> = named.collect();
        for element in named.into_iter().rev() {
            // Behind an address that is hidden or malformed, nothing can be trusted.
            let Some(address) = self.address_in(element) else { break };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        ClientAddress(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn address_in(&self, element: &str) -> Option<IpAddr> {
        match self.header {
            ForwardedHeader::XForwardedFor => parse_address(element.trim()),
            ForwardedHeader::Forwarded => {
                let pairs = split_outside_quotes(element, b';').into_iter();
                let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
                let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
                parse_address(node.trim_matches('"'))
            }
        }
    }
}

/// Parses an address, which some proxies send with a port or in brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Splits the text at a separator, except within double quotes.
fn split_outside_quotes(text: &str, separator: u8) -> Vec<&str> {
    let mut is_quoted = false;
    let parts = text.split(|character: char| {
        is_quoted ^= character == '"';
        !is_quoted && character == char::from(separator)
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn client(header: ForwardedHeader, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        TrustedProxies::new(networks.into(), header).client(peer.parse().unwrap(), &map).0.to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let check = |peer: &str, values: &[&str], expected: &str| {
            let headers: Vec<_> = values.iter().map(|value| ("x-forwarded-for", *value)).collect();
            assert_eq!(client(ForwardedHeader::XForwardedFor, peer, &headers), expected, "{peer} {values:?}");
        };
        check("192.0.2.1", &[], "192.0.2.1");
        // Not from a trusted proxy.
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("192.0.2.1", &["10.1.1.1"], "192.0.2.1");
        // From one.
        check("10.1.1.1", &["198.51.100.7"], "198.51.100.7");
        check("10.1.1.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7");
        check("10.1.1.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7");
        check("10.1.1.1", &["10.9.9.9, 198.51.100.7"], "198.51.100.7");
        // Through two.
        check("10.1.1.1", &["203.0.113.9, 198.51.100.7, 10.2.2.2"], "198.51.100.7");
        check("10.1.1.1", &["203.0.113.9, 198.51.100.7", "10.2.2.2"], "198.51.100.7");
        // Without a client before the proxies.
        check("10.1.1.1", &[], "10.1.1.1");
        check("10.1.1.1", &["10.3.3.3, 10.2.2.2"], "10.3.3.3");
        // Malformed.
        check("10.1.1.1", &["198.51.100.7, unknown"], "10.1.1.1");
        check("10.1.1.1", &["198.51.100.7, , 10.2.2.2"], "10.2.2.2");
        check("10.1.1.1", &["198.51.100.7\"", "\"10.2.2.2"], "10.1.1.1");
        check("10.1.1.1", &[""], "10.1.1.1");
        // Other forms.
        check("10.1.1.1", &["198.51.100.7:4711"], "198.51.100.7");
        check("10.1.1.1", &["[2001:db8:2::1]:4711"], "2001:db8:2::1");
        check("10.1.1.1", &["[2001:db8:2::1]"], "2001:db8:2::1");
        check("2001:db8:1::5", &["2001:db8:2::1"], "2001:db8:2::1");
        check("::ffff:10.1.1.1", &["::ffff:198.51.100.7"], "198.51.100.7");
    }

    #[test]
    fn only_the_configured_header_counts() {
        let both = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(client(ForwardedHeader::Forwarded, "10.1.1.1", &both), "198.51.100.7");
        assert_eq!(client(ForwardedHeader::XForwardedFor, "10.1.1.1", &both), "203.0.113.9");
    }

    #[test]
    fn the_standard_header_is_read() {
        let check = |value: &str, expected: &str| {
            let headers = [("forwarded", value)];
            assert_eq!(client(ForwardedHeader::Forwarded, "10.1.1.1", &headers), expected, "{value}");
        };
        check("for=198.51.100.7", "198.51.100.7");
        check("proto=https; For=\"198.51.100.7:4711\" ;by=10.1.1.1", "198.51.100.7");
        check("for=203.0.113.9, for=198.51.100.7;proto=http, for=10.2.2.2", "198.51.100.7");
        check("for=\"[2001:db8:2::1]:4711\"", "2001:db8:2::1");
        check("for=203.0.113.9;by=\"a,for=192.0.2.1\"", "203.0.113.9");
        check("for=unknown", "10.1.1.1");
        check("for=198.51.100.7, for=_hidden", "10.1.1.1");
        check("proto=https", "10.1.1.1");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let network = |text: &str| ClientAddress(text.parse().unwrap()).network().to_string();
        assert_eq!(network("2001:db8:2:3:4:5:6:7"), "2001:db8:2:3::");
        assert_eq!(network("2001:db8:2:4::1"), "2001:db8:2:4::");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
