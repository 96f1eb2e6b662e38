//! Addresses that outgoing requests may reach.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks that are not part of the public internet. URLs configured by users cannot reach them unless the operator
/// allows it. Otherwise anyone who can create a channel could make this server talk to services that only it can reach,
/// such as cloud metadata, databases and routers.
///
/// Covers IANA's registries of special-purpose addresses (RFC 6890 and its successors), multicast, and addresses that
/// embed another address.
const SPECIAL_PURPOSE: [&str; 34] = [
    "0.0.0.0/8",         // this network
    "10.0.0.0/8",        // private
    "100.64.0.0/10",     // carriers' NAT
    "127.0.0.0/8",       // loopback
    "169.254.0.0/16",    // link-local, cloud metadata
    "172.16.0.0/12",     // private
    "192.0.0.0/24",      // protocol assignments
    "192.0.2.0/24",      // documentation
    "192.31.196.0/24",   // AS112
    "192.52.193.0/24",   // AMT
    "192.88.99.0/24",    // 6to4 relays
    "192.168.0.0/16",    // private
    "192.175.48.0/24",   // AS112
    "198.18.0.0/15",     // benchmarks
    "198.51.100.0/24",   // documentation
    "203.0.113.0/24",    // documentation
    "224.0.0.0/4",       // multicast
    "240.0.0.0/4",       // reserved, broadcast
    "::/96",             // unspecified, loopback, v4-compatible
    "::ffff:0:0/96",     // v4-mapped, where it was not unwrapped
    "::ffff:0:0:0/96",   // v4-translated
    "64:ff9b::/96",      // NAT64
    "64:ff9b:1::/48",    // NAT64, local
    "100::/64",          // discard
    "100:0:0:1::/64",    // dummy
    "2001::/23",         // protocol assignments, Teredo, benchmarks, ORCHID
    "2001:db8::/32",     // documentation
    "2002::/16",         // 6to4
    "2620:4f:8000::/48", // AS112
    "3fff::/20",         // documentation
    "5f00::/16",         // segment routing
    "fc00::/7",          // unique local
    "fe80::/9",          // link-local, site-local
    "ff00::/8",          // multicast
];

/// Returns whether an address is part of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    let address = unwrapped(address);
    let is_in_use = match address {
        IpAddr::V4(_) => true,
        // The only block assigned so far is 2000::/3.
        IpAddr::V6(v6) => v6.octets().first().is_some_and(|first| first & 0xe0 == 0x20),
    };
    is_in_use && !SPECIAL_PURPOSE.iter().filter_map(|text| subnet(text)).any(|it| it.contains(&address))
}

/// Returns the IPv4 address inside an IPv4-mapped IPv6 address, because the kernel connects to it over IPv4.
fn unwrapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Parses a network such as `10.0.0.0/8` or `fd00::/8`, or a single address.
fn subnet(text: &str) -> Option<IpNet> {
    let text = text.replace(['[', ']'], "");
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Networks and hosts that the operator allows in addition to the public internet, even over unencrypted HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowlist {
    subnets: Vec<IpNet>,
    hosts: Vec<String>,
}

impl Allowlist {
    /// Parses networks such as `10.0.0.0/8`, addresses and host names. The error is the first entry that is none of
    /// these.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut allowed = Self::default();
        for entry in entries.into_iter().map(str::trim).filter(|entry| !entry.is_empty()) {
            if let Some(network) = subnet(entry) {
                allowed.subnets.push(network);
            } else if is_host_name(entry) {
                allowed.hosts.push(canonical_host(entry));
            } else {
                return Err(entry.to_owned());
            }
        }
        Ok(allowed)
    }

    /// Adds the entries of another list, so that both are allowed.
    pub fn add(&mut self, other: Self) {
        self.subnets.extend(other.subnets);
        self.hosts.extend(other.hosts);
    }

    /// Returns whether a connection to this address is allowed if the URL names this host.
    pub fn admits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.allows_host(host) || self.allows_address(address)
    }

    /// Returns whether the operator allows this host name, whatever it resolves to.
    pub fn allows_host(&self, host: &str) -> bool {
        let host = canonical_host(host);
        self.hosts.contains(&host)
    }

    /// Returns whether the operator allows this address.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let address = unwrapped(address);
        self.subnets.iter().any(|subnet| subnet.contains(&address))
    }
}

fn is_host_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && text.chars().any(|c| c.is_ascii_alphabetic())
}

/// Returns a host name in lower case, without a final dot.
fn canonical_host(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str], expected: bool) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(is_public(address), expected, "{text}");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        check(&["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"], true);
        check(&["192.0.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "::ffff:8.8.8.8"], true);
        check(&["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2003::1"], true);
    }

    #[test]
    fn special_purpose_addresses_are_not_public() {
        check(&["0.0.0.0", "0.1.2.3", "10.1.2.3", "127.0.0.1", "127.255.255.254", "169.254.169.254"], false);
        check(&["172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"], false);
        check(
            &["192.0.0.170", "192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.255"],
            false,
        );
        check(&["192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"], false);
        check(
            &["::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1"],
            false,
        );
        check(&["64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:db8::1"], false);
        check(
            &["2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1"],
            false,
        );
        check(&["ff02::1", "4000::1", "1::1"], false);
    }

    #[test]
    fn every_special_network_parses() {
        assert!(SPECIAL_PURPOSE.iter().all(|text| subnet(text).is_some()));
    }

    #[test]
    fn the_operator_can_allow_subnets_and_hosts() {
        let allowed = Allowlist::parse(["10.0.0.0/8", "fd00::/8", "192.168.1.7", "Hooks.Internal"]).unwrap();
        let admits = |host: &str, address: &str| allowed.admits(host, address.parse().unwrap());
        assert!(admits("any", "10.200.0.1") && admits("any", "fd00::1") && admits("any", "::ffff:10.0.0.1"));
        assert!(admits("any", "192.168.1.7") && !admits("any", "192.168.1.8"));
        assert!(admits("hooks.internal.", "127.0.0.1") && !admits("evil.hooks.internal", "127.0.0.1"));
        assert!(admits("any", "8.8.8.8") && !admits("any", "11.0.0.1".replace("11", "127").as_str()));
        assert!(Allowlist::parse(["0.0.0.0/0"]).unwrap().admits("any", "10.0.0.1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "http://x", "a b", "10.0.0.0/x", "1.2.3"] {
            assert!(Allowlist::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
