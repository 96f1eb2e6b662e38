//! Sites whose pages may call the API, and CORS.

use actix_cors::Cors;
use actix_web::http::{Method, header};
use actix_web::middleware::Condition;

use super::response_headers::{RATE_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_RESET, REQUEST_ID};
use crate::models::web_origin::Origin;

/// Number of seconds for which a browser may cache a preflight response.
const REMEMBERED_SECONDS: usize = 600;

/// Origins of other sites whose pages may call the API, in addition to this server's own pages.
///
/// Origins must match exactly: a different scheme, a different port or a single extra letter makes a different site.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins(Vec<Origin>);

impl AllowedOrigins {
    /// Creates the list from the configuration.
    pub fn new(configured: &[Origin]) -> Self {
        Self(configured.to_vec())
    }

    /// Returns whether a page with this `Origin` may send requests to this `Host`, which must be one of our names.
    ///
    /// Our own pages have the host as their origin, with either scheme, because a proxy may terminate TLS. The origin
    /// `null` of sandboxed frames and files could be anyone's, so it is rejected.
    pub fn admits(&self, origin: &str, host: Option<&str>) -> bool {
        self.is_own(origin, host) || self.is_allowed(origin)
    }

    /// Returns whether the origin is that of our own pages under this `Host`.
    pub fn is_own(&self, origin: &str, host: Option<&str>) -> bool {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        authority.zip(host).is_some_and(|(page, server)| page.eq_ignore_ascii_case(server.trim()))
    }

    /// Returns middleware that lets pages from the allowed origins read our responses (CORS, WHATWG Fetch Standard,
    /// section 3.3). It also responds to preflight requests, which carry no token.
    ///
    /// Credentials stored by the browser are never accepted; a page presents the token itself.
    pub fn sharing(&self) -> Condition<Cors> {
        let allowed = self.clone();
        let cors = Cors::default()
            .allowed_origin_fn(move |origin, _| {
                origin.to_str().is_ok_and(|origin| allowed.is_allowed(origin))
            })
            .allowed_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_any_header()
            .expose_headers([REQUEST_ID, header::RETRY_AFTER, header::CONTENT_DISPOSITION])
            .expose_headers([RATE_LIMIT, RATE_LIMIT_REMAINING, RATE_LIMIT_RESET])
            .max_age(REMEMBERED_SECONDS);
        Condition::new(!self.0.is_empty(), cors)
    }

    fn is_allowed(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed.as_str() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(origin: &str, host: Option<&str>) -> bool {
        let allowed = ["https://dash.example.org", "http://localhost:5173"].map(|text| text.parse().unwrap());
        AllowedOrigins::new(&allowed).admits(origin, host)
    }

    #[test]
    fn own_pages_and_allowed_origins_are_admitted() {
        assert!(admits("http://localhost:8080", Some("localhost:8080")));
        assert!(admits("https://groundswell.example", Some("Groundswell.example")));
        assert!(admits("https://dash.example.org", Some("127.0.0.1:8080")));
        assert!(admits("http://localhost:5173", Some("127.0.0.1:8080")));
    }

    #[test]
    fn an_origin_that_resembles_an_allowed_one_is_rejected() {
        for origin in [
            "http://dash.example.org",
            "https://dash.example.org:8443",
            "https://dash.example.org.evil.example",
            "https://evil.example/https://dash.example.org",
            "https://evildash.example.org",
            "https://sub.dash.example.org",
            "https://dash.example.or",
            "https://dash.example.org/",
            "https://dash.example.org@evil.example",
            "https://evil.example#dash.example.org",
            "https://dash.example.org https://evil.example",
            "http://localhost:51730",
            "http://localhost",
            "null",
            "",
            "*",
            "file://",
            "localhost:8080",
            "ftp://localhost:8080",
            "chrome-extension://localhost:8080",
            "http://localhost:8080.evil.example",
            "http://localhost:80801",
        ] {
            assert!(!admits(origin, Some("localhost:8080")), "{origin}");
        }
        assert!(!admits("http://localhost:8080", None));
        assert!(!admits("null", Some("null")));
        assert!(!admits("", Some("")));
    }
}
