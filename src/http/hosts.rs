//! Host names under which this server accepts requests.

use std::net::{IpAddr, SocketAddr};

/// Host names under which this server accepts requests.
///
/// A page on another site can make a browser send requests here, even under a host name of its own that resolves to
/// 127.0.0.1 (DNS rebinding). It cannot choose the `Host` and `Origin` headers, so these are checked.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    listen: SocketAddr,
    configured: Vec<String>,
}

impl AllowedHosts {
    /// Creates the list from the listening address and the configured names, such as `dashboard.example.org`, each with
    /// an optional port.
    pub fn new(listen: SocketAddr, configured: &[String]) -> Self {
        let configured = configured.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        Self { listen, configured }
    }

    /// Returns whether this server accepts requests with this `Host` header.
    ///
    /// Loopback names are accepted with any port, because containers map ports and no other site can own these names.
    pub fn admits_host(&self, host: &str) -> bool {
        let host = host.trim().to_ascii_lowercase();
        let Some(name) = without_port(&host) else {
            return false;
        };
        if self.configured.iter().any(|ours| *ours == host || *ours == name) {
            return true;
        }
        if name == "localhost" {
            return true;
        }
        let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let Ok(ip) = bracketed.unwrap_or(name).parse::<IpAddr>() else {
            return false;
        };
        // An IP address cannot be rebound. When listening on all interfaces, every address is ours.
        ip.is_loopback() || ip == self.listen.ip() || self.listen.ip().is_unspecified()
    }
}

/// Splits off the port. Returns `None` if what follows the name is not a port, so that nothing can hide there.
fn without_port(authority: &str) -> Option<&str> {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            (port.len() <= 5 && port.bytes().all(|digit| digit.is_ascii_digit())).then_some(name)
        }
        _ => Some(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str) -> AllowedHosts {
        AllowedHosts::new(listen.parse().unwrap(), &["Dash.example.org".to_owned()])
    }

    #[test]
    fn only_our_own_host_names_are_admitted() {
        let ours = hosts("127.0.0.1:8080");
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "dash.example.org:443"] {
            assert!(ours.admits_host(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1:8080",
            "",
            "127.0.0.1:8080, evil.example",
            "localhost:evil.example",
            "localhost:80@evil.example",
            "localhost:123456",
            "localhost, evil.example:80",
            "dash.example.org:443, evil.example",
            "[[::1]]:8080",
            "127.0.0.1]:8080",
        ] {
            assert!(!ours.admits_host(host), "{host}");
        }
    }

    #[test]
    fn listening_on_all_interfaces_admits_every_address_but_no_foreign_name() {
        let ours = hosts("0.0.0.0:8080");
        assert!(ours.admits_host("192.168.1.5:8080") && ours.admits_host("[2001:db8::1]:8080"));
        assert!(!ours.admits_host("evil.example:8080"));
    }
}
