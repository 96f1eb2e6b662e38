//! Origins of web pages, as sent in the `Origin` header.

use std::fmt;
use std::str::FromStr;

/// Origin of a page as browsers send it in the `Origin` header, such as `https://dash.example.org`.
///
/// Always in canonical form: lower case, without a path or a default port. Two origins are therefore equal if and only
/// if they are equal as strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Error for a text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an origin such as `https://dash.example.org` or `http://localhost:5173`, without a path or a `*`"
)]
pub struct NoOrigin;

impl Origin {
    /// Returns the origin in the form that browsers send.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let text = text.trim().to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or(NoOrigin)?;
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(NoOrigin),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port_of(port)?)),
            _ => (authority, None),
        };
        if !is_host(host) {
            return Err(NoOrigin);
        }
        Ok(Self(match port.filter(|port| *port != own_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }))
    }
}

fn port_of(text: &str) -> Result<u16, NoOrigin> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0).ok_or(NoOrigin)
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let origin = text.parse::<Origin>().ok();
        assert_eq!(origin.as_ref().map(Origin::as_str), expected, "{text}");
    }

    #[test]
    fn an_origin_is_normalised_to_the_form_that_browsers_send() {
        check("https://dash.example.org", Some("https://dash.example.org"));
        check(" HTTPS://Dash.Example.org:443 ", Some("https://dash.example.org"));
        check("http://localhost:80", Some("http://localhost"));
        check("http://localhost:5173", Some("http://localhost:5173"));
        check("http://[::1]:8080", Some("http://[::1]:8080"));
        check("http://[::1]", Some("http://[::1]"));
    }

    #[test]
    fn a_text_that_could_mean_several_origins_is_rejected() {
        for text in [
            "",
            "null",
            "*",
            "https://*",
            "https://*.example.org",
            "dash.example.org",
            "https://",
            "https://a/",
            "https://a/path",
            "https://a?b",
            "https://a#b",
            "https://user@a",
            "https://a b",
            "file://a",
            "ws://a",
            "https://a:",
            "https://a:x",
            "https://a:0",
            "https://a:+80",
            "https://a:65536",
            "https://[::1",
            "https://ä.de",
            "https://a,https://b",
        ] {
            check(text, None);
        }
    }
}
