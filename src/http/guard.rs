//! Middleware that checks hosts, origins and credentials.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError, web};
use sha2::{Digest, Sha256};

use super::dashboard;
use super::error::ApiError;
use super::state::AppState;

/// Paths that need no token: health checks of orchestrators and load balancers have none.
pub(super) const OPEN_PATHS: [&str; 3] = ["/health", "/livez", "/readyz"];

/// Paths that accept a ticket instead of the token, since browsers cannot set headers on live connections.
const TICKET_PATHS: [&str; 2] = ["/ws", "/api/v1/events"];

/// Host names this server answers to.
///
/// A page of another site can make a browser send requests here, even under a host name of its own that resolves to
/// 127.0.0.1 (DNS rebinding). It cannot choose the `Host` and `Origin` headers, so those decide.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    listen: SocketAddr,
    configured: Vec<String>,
}

impl AllowedHosts {
    /// Creates the list; `configured` holds additional names such as `dashboard.example.org`, optionally with a port.
    pub fn new(listen: SocketAddr, configured: &[String]) -> Self {
        let configured = configured.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        Self { listen, configured }
    }

    /// Returns whether a request with this `Host` header is meant for this server.
    ///
    /// Loopback names are accepted under any port, because containers map ports and no other site can own those names.
    pub fn admits_host(&self, host: &str) -> bool {
        let host = host.trim().to_ascii_lowercase();
        let name = without_port(&host);
        if self.configured.iter().any(|ours| *ours == host || *ours == name) {
            return true;
        }
        if name == "localhost" {
            return true;
        }
        let Ok(ip) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else {
            return false;
        };
        // An IP address cannot be rebound. When listening on all interfaces, every address is ours.
        ip.is_loopback() || ip == self.listen.ip() || self.listen.ip().is_unspecified()
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => authority,
    }
}

/// API token, kept as a digest so that it cannot reach a log and comparisons take constant time.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Digests the configured token.
    pub fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    fn is(&self, candidate: &str) -> bool {
        let candidate: [u8; 32] = Sha256::digest(candidate.as_bytes()).into();
        self.0.iter().zip(candidate).fold(0, |differences, (ours, theirs)| differences | (ours ^ theirs)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Ticket presented by a live connection instead of the token.
struct Ticket(String);

/// Middleware that rejects requests with a foreign `Host` or `Origin`; runs before all handlers.
pub async fn admit(
    state: web::Data<AppState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Comes first: rejected requests are logged, and a ticket must not appear in a log.
    let ticket = take_ticket(&mut request);
    if let Some(ticket) = ticket {
        request.extensions_mut().insert(Ticket(ticket));
    }
    if let Err(refusal) = check_names(&state, &request) {
        return Ok(request.into_response(refusal.error_response()));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn check_names(state: &AppState, request: &ServiceRequest) -> Result<(), ApiError> {
    let hosts = &state.params.hosts;
    let headers = request.headers();
    let named = headers.get_all(header::HOST).map(header_text).collect::<Vec<_>>();
    let in_target = request.uri().authority().map(|authority| authority.to_string());
    for host in named.iter().chain(&in_target) {
        if !hosts.admits_host(host) {
            return Err(ApiError::Foreign { header: "Host", value: host.clone() });
        }
    }
    for origin in headers.get_all(header::ORIGIN).map(header_text) {
        if !state.params.origins.admits(&origin, named.first().map(String::as_str)) {
            return Err(ApiError::Foreign { header: "Origin", value: origin });
        }
    }
    Ok(())
}

/// Middleware that rejects callers without the token; runs after [`check_origin`].
pub async fn guard(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(refusal) = check_token(&state, &request).await {
        return Ok(request.into_response(refusal.error_response()));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

async fn check_token(state: &AppState, request: &ServiceRequest) -> Result<(), ApiError> {
    let headers = request.headers();
    let Some(token) = &state.params.token else {
        return Ok(());
    };
    // The dashboard itself is open, because a page must load before it can ask a person for the token.
    let is_open =
        OPEN_PATHS.contains(&request.path()) || dashboard::is_asked_for(request.method(), request.path());
    if is_open || shown_tokens(headers).any(|shown| token.is(&shown)) {
        return Ok(());
    }
    let ticket = request.extensions_mut().remove::<Ticket>();
    if let Some(Ticket(ticket)) = ticket
        && state.live_tickets.redeem(&ticket).await?
    {
        return Ok(());
    }
    let browser = headers.get(header::ACCEPT).is_some_and(|accept| header_text(accept).contains("text/html"));
    Err(ApiError::Unauthorized { browser })
}

/// Returns every token that the request presents: `Authorization: Bearer`, the password of `Authorization: Basic`
/// (which browsers prompt for), and `Sec-WebSocket-Protocol: bearer, <token>` for WebSockets of browsers, which cannot
/// set headers. URLs end up in logs and histories, so they carry only tickets.
fn shown_tokens(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let authorization = headers.get(header::AUTHORIZATION).map(header_text).and_then(|value| {
        let (scheme, credentials) = value.split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(credentials.trim().to_owned()),
            "basic" => password_of(credentials.trim()),
            _ => None,
        }
    });
    let protocol = headers.get(header::SEC_WEBSOCKET_PROTOCOL).map(header_text).and_then(|value| {
        let mut offered = value.split(',').map(str::trim);
        (offered.next() == Some("bearer")).then(|| offered.next().map(str::to_owned)).flatten()
    });
    authorization.into_iter().chain(protocol)
}

/// Removes the ticket from the URL of a live connection, so that it is neither logged nor passed on. Returns `None` for
/// other paths and for more than one ticket.
fn take_ticket(request: &mut ServiceRequest) -> Option<String> {
    if !TICKET_PATHS.contains(&request.path()) {
        return None;
    }
    let (mut tickets, rest) = split_query(request.query_string());
    if tickets.is_empty() {
        return None;
    }
    let path = request.path();
    let address = if rest.is_empty() { path.to_owned() } else { format!("{path}?{rest}") };
    // Both paths are plain, and the rest of the query was part of a valid URI before.
    request.head_mut().uri = address.parse().unwrap_or_default();
    tickets.pop().filter(|_| tickets.is_empty())
}

/// Splits a query into its tickets and the rest.
fn split_query(query: &str) -> (Vec<String>, String) {
    let mut tickets = Vec::new();
    let mut rest = Vec::new();
    for part in query.split('&') {
        match form_urlencoded::parse(part.as_bytes()).next() {
            Some((name, value)) if name == "ticket" => tickets.push(value.into_owned()),
            _ => rest.push(part),
        }
    }
    (tickets, rest.join("&"))
}

fn password_of(basic: &str) -> Option<String> {
    use base64::Engine;
    let decoded = base64::engine::general_purpose::STANDARD.decode(basic).ok()?;
    String::from_utf8(decoded).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

fn header_text(value: &header::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    fn hosts(listen: &str) -> AllowedHosts {
        AllowedHosts::new(listen.parse().unwrap(), &["Dash.example.org".to_owned()])
    }

    #[test]
    fn only_our_own_host_names_are_admitted() {
        let ours = hosts("127.0.0.1:8080");
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "dash.example.org:443"] {
            assert!(ours.admits_host(host), "{host}");
        }
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1:8080", ""] {
            assert!(!ours.admits_host(host), "{host}");
        }
    }

    #[test]
    fn listening_on_all_interfaces_admits_every_address_but_no_foreign_name() {
        let ours = hosts("0.0.0.0:8080");
        assert!(ours.admits_host("192.168.1.5:8080") && ours.admits_host("[2001:db8::1]:8080"));
        assert!(!ours.admits_host("evil.example:8080"));
    }

    #[test]
    fn a_ticket_is_removed_from_the_url_of_live_connections_only() {
        let check = |uri: &str, ticket: Option<&str>, rest: &str| {
            let mut request = TestRequest::get().uri(uri).to_srv_request();
            assert_eq!(take_ticket(&mut request).as_deref(), ticket, "{uri}");
            assert_eq!(request.uri().to_string(), rest, "{uri}");
        };
        check("/ws?ticket=abc", Some("abc"), "/ws");
        check("/ws?a=1&ticket=abc&b=%20", Some("abc"), "/ws?a=1&b=%20");
        check("/ws?%74icket=a%62c", Some("abc"), "/ws");
        check("/api/v1/events?feeds=alerts&ticket=abc", Some("abc"), "/api/v1/events?feeds=alerts");
        check("/ws?ticket=abc&ticket=def", None, "/ws");
        check("/ws?tickets=abc", None, "/ws?tickets=abc");
        check("/ws", None, "/ws");
        check("/api/v1/posts?ticket=abc", None, "/api/v1/posts?ticket=abc");
    }

    #[test]
    fn a_token_is_found_in_each_of_three_headers() {
        let token = Token::new("s3cret");
        let shows = |name: header::HeaderName, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            shown_tokens(&headers).any(|shown| token.is(&shown))
        };
        assert!(shows(header::AUTHORIZATION, "Bearer s3cret"));
        assert!(shows(header::AUTHORIZATION, "bearer s3cret"));
        assert!(shows(header::AUTHORIZATION, "Basic bWU6czNjcmV0"));
        assert!(shows(header::SEC_WEBSOCKET_PROTOCOL, "bearer, s3cret"));
        assert!(!shows(header::SEC_WEBSOCKET_PROTOCOL, "s3cret"));
        assert!(!shows(header::AUTHORIZATION, "Bearer s3cre"));
        assert!(!shows(header::AUTHORIZATION, "s3cret"));
    }
}
