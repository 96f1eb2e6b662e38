//! Cookies of sessions and devices.
//!
//! Over TLS a cookie has the prefix `__Host-`: a browser then accepts it only from this very host, so no site next to it
//! can set one. Scripts cannot read either cookie, and a browser sends none with requests of other sites.

use std::time::Duration;

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::stream::{DEVICE_LIFETIME, SESSION_LIFETIME};

/// Prefix of a cookie's name over TLS.
const HOST_PREFIX: &str = "__Host-";

/// A kind of cookie.
#[derive(Debug, Clone, Copy)]
pub struct CookieKind {
    /// Name without a prefix.
    pub name: &'static str,
    /// Time after which a browser forgets it.
    pub lifetime: Duration,
}

/// Cookie that holds a session.
pub const SESSION: CookieKind = CookieKind { name: "groundswell_session", lifetime: SESSION_LIFETIME };

/// Cookie that identifies a device on which somebody has signed in.
pub const DEVICE: CookieKind = CookieKind { name: "groundswell_device", lifetime: DEVICE_LIFETIME };

impl CookieKind {
    /// Returns the value that the request presents. One with the prefix takes precedence, and over TLS no other counts. If
    /// there are several with the same name, none counts, because one of them may come from a site next to this one.
    pub fn read(self, headers: &HeaderMap, is_secure: bool) -> Option<String> {
        let prefixed = format!("{HOST_PREFIX}{}", self.name);
        let values = |name: &str| {
            let lines = headers.get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
            let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
            let values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
            values.collect::<Vec<_>>()
        };
        let mut found = values(&prefixed);
        if found.is_empty() && !is_secure {
            found = values(self.name);
        }
        found.pop().filter(|_| found.is_empty())
    }

    /// Adds the cookie to a response. `is_secure` says whether the browser uses TLS.
    pub fn set(self, response: &mut HttpResponseBuilder, value: &str, is_secure: bool) {
        let (prefix, secure) = if is_secure { (HOST_PREFIX, "; Secure") } else { ("", "") };
        let (name, seconds) = (self.name, self.lifetime.as_secs());
        let cookie =
            format!("{prefix}{name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}");
        response.append_header((header::SET_COOKIE, cookie));
    }

    /// Makes the browser forget the cookie.
    pub fn clear(self, response: &mut HttpResponseBuilder) {
        for (prefix, secure) in [("", ""), (HOST_PREFIX, "; Secure")] {
            let cookie = format!("{prefix}{}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax{secure}", self.name);
            response.append_header((header::SET_COOKIE, cookie));
        }
    }
}

/// Returns whether the browser that makes the request uses TLS, which a proxy may terminate. The scheme of our page, which it
/// sends with every change, tells, and otherwise the proxy, or the public URL of the dashboard if the request is for its
/// host. Clients may claim what they like about their own cookies; another site cannot make a browser send these headers.
pub fn is_secure(headers: &HeaderMap, dashboard: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(&header::HOST);
    // The page of another site does not tell how the browser reaches this one.
    let page = text(&header::ORIGIN).and_then(|origin| origin.split_once("://"));
    if let Some((scheme, authority)) = page
        && host.is_some_and(|host| authority.eq_ignore_ascii_case(host.trim()))
    {
        return scheme == "https";
    }
    if let Some(scheme) = text(&header::X_FORWARDED_PROTO) {
        return scheme.trim().eq_ignore_ascii_case("https");
    }
    if let Some(forwarded) = text(&header::FORWARDED) {
        let mut pairs = forwarded.split([',', ';']).filter_map(|pair| pair.trim().split_once('='));
        let scheme = pairs.find(|(name, _)| name.eq_ignore_ascii_case("proto"));
        if let Some((_, scheme)) = scheme {
            return scheme.trim_matches('"').eq_ignore_ascii_case("https");
        }
    }
    let public_host = dashboard.and_then(|url| url.strip_prefix("https://")?.split('/').next());
    public_host.is_some() && public_host == host
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::HttpResponse;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn a_cookie_counts_if_no_other_has_its_name() {
        let check = |lines: &[&'static str], plain: Option<&str>, over_tls: Option<&str>| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            assert_eq!(SESSION.read(&headers, false).as_deref(), plain, "{lines:?}");
            assert_eq!(SESSION.read(&headers, true).as_deref(), over_tls, "{lines:?}");
        };
        check(&["groundswell_session=abc"], Some("abc"), None);
        check(&["a=1; groundswell_session=abc; b=2"], Some("abc"), None);
        check(&["a=1", "groundswell_session=abc"], Some("abc"), None);
        check(&["groundswell_session=abc; __Host-groundswell_session=def"], Some("def"), Some("def"));
        check(&["__Host-groundswell_session=abc; __Host-groundswell_session=def"], None, None);
        check(&["groundswell_session=abc; groundswell_session=def"], None, None);
        check(&["groundswell_session=abc", "groundswell_session=abc"], None, None);
        check(&["xgroundswell_session=abc; groundswell_session"], None, None);
        check(&["__Secure-groundswell_session=abc"], None, None);
        check(&[], None, None);
    }

    #[test]
    fn a_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
        let cookies = |is_secure: bool| {
            let mut response = HttpResponse::Ok();
            SESSION.set(&mut response, "abc", is_secure);
            let response = response.finish();
            response.headers().get(header::SET_COOKIE).unwrap().to_str().unwrap().to_owned()
        };
        let plain = "groundswell_session=abc; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax";
        assert_eq!(cookies(false), plain);
        assert_eq!(cookies(true), format!("__Host-{plain}; Secure"));
        let mut response = HttpResponse::Ok();
        DEVICE.clear(&mut response);
        assert_eq!(response.finish().headers().get_all(header::SET_COOKIE).count(), 2);
    }

    #[test]
    fn the_page_or_the_proxy_or_the_public_url_tells_whether_the_browser_uses_tls() {
        let dashboard = Some("https://dash.example.org/mood");
        let check = |lines: &[(&'static str, &'static str)], dashboard: Option<&str>, expected: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_secure(&headers, dashboard), expected, "{lines:?} {dashboard:?}");
        };
        check(&[("origin", "https://dash.example.org"), ("host", "dash.example.org")], None, true);
        check(&[("origin", "http://dash.example.org"), ("host", "dash.example.org")], None, false);
        check(&[("origin", "https://evil.example"), ("host", "127.0.0.1:8080")], None, false);
        check(&[("origin", "https://evil.example"), ("host", "dash.example.org")], dashboard, true);
        check(&[("origin", "http://dash.example.org"), ("host", "dash.example.org")], dashboard, false);
        check(&[("x-forwarded-proto", "https")], None, true);
        check(&[("x-forwarded-proto", "http"), ("host", "dash.example.org")], dashboard, false);
        check(&[("forwarded", "for=192.0.2.7; proto=\"https\"")], None, true);
        check(&[("forwarded", "for=192.0.2.7;proto=http")], None, false);
        check(&[("forwarded", "for=192.0.2.7"), ("host", "dash.example.org")], dashboard, true);
        check(&[("host", "dash.example.org")], dashboard, true);
        check(&[("host", "127.0.0.1:8080")], dashboard, false);
        check(&[("host", "dash.example.org")], Some("http://dash.example.org"), false);
        check(&[("host", "dash.example.org")], None, false);
        check(&[], dashboard, false);
    }
}
