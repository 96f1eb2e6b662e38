//! Middleware that checks hosts and origins, and finds out who makes a request.

use std::borrow::Cow;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError, web};
use jiff::Timestamp;

use super::access::{Refused, Undecided};
use super::accounts::cookies;
use super::client_address::ClientAddress;
use super::error::ApiError;
use super::extract::ActorName;
use super::refused_credentials;
use super::share::access;
use super::state::AppState;
use crate::auth::api_key::is_api_key;
use crate::auth::authenticator::Presented;
use crate::models::principal::Principal;

/// Paths of live connections, which accept a ticket instead of the token because browsers cannot set headers on them.
const TICKET_PATHS: [&str; 2] = ["/ws", "/api/v1/events"];

/// Path at which `Authorization: Basic` presents the id and secret of a client, as OAuth 2 demands.
const TOKEN_PATH: &str = "/api/v1/auth/token";

/// Ticket from the URL of a request, kept in its extensions until [`authenticate`] redeems it.
struct Ticket(String);

/// Middleware that rejects requests whose `Host` or `Origin` is not allowed. Runs before [`authenticate`] and all
/// handlers.
pub async fn check_origin(
    state: web::Data<AppState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Must come first: rejected requests are logged, and a ticket must not appear in a log.
    let ticket = take_ticket(&mut request);
    if let Some(ticket) = ticket {
        request.extensions_mut().insert(Ticket(ticket));
    }
    if let Err(refusal) = check_headers(&state, &request) {
        return Ok(request.into_response(refusal.error_response()));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn check_headers(state: &AppState, request: &ServiceRequest) -> Result<(), ApiError> {
    let hosts = &state.params.hosts;
    let headers = request.headers();
    let named = headers.get_all(header::HOST).map(header_text).collect::<Vec<_>>();
    let in_target = request.uri().authority().map(|authority| Cow::Borrowed(authority.as_str()));
    for host in named.iter().chain(&in_target) {
        if !hosts.admits_host(host) {
            return Err(ApiError::Foreign { header: "Host", value: host.clone().into_owned() });
        }
    }
    // Another program in between could judge the other one.
    if headers.get_all(header::AUTHORIZATION).count() > 1 {
        return Err(ApiError::invalid("Authorization", "must be given only once"));
    }
    for origin in headers.get_all(header::ORIGIN).map(header_text) {
        if !state.params.origins.admits(&origin, named.first().map(AsRef::as_ref)) {
            return Err(ApiError::Foreign { header: "Origin", value: origin.into_owned() });
        }
    }
    Ok(())
}

/// Middleware that finds out who makes the request, and keeps the [`Principal`] in its extensions for the access rules
/// of handlers (`http::access`). Restricts holders of share links to their view. Runs after [`check_origin`].
///
/// A caller without a valid credential is a stranger, who may only make calls that are open to anyone. So may a caller
/// whose credential cannot be verified because a server is away.
pub async fn authenticate(
    state: web::Data<AppState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let presents_any = (presented_tokens(request.headers()).next().is_some() && !presents_client(&request))
        || request.extensions().contains::<Ticket>();
    let client = request.extensions().get::<ClientAddress>().copied();
    match principal(&state, &mut request).await {
        Ok(Some(principal)) => {
            request.extensions_mut().insert(principal);
            if let Err(refusal) = name_actor(&state, &request, &principal).await {
                return Ok(request.into_response(refusal.error_response()));
            }
        }
        Ok(None) if presents_any => {
            refused_credentials::note(client);
            request.extensions_mut().insert(Refused);
        }
        Ok(None) => {}
        // Health checks and the dashboard's own files need no answer.
        Err(away @ ApiError::Unavailable { .. }) => {
            request.extensions_mut().insert(Undecided(away));
        }
        Err(refusal) => {
            if matches!(refusal, ApiError::ShareEnded) {
                refused_credentials::note(client);
            }
            return Ok(request.into_response(refusal.error_response()));
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// Keeps the name under which a change is recorded in the extensions of the request.
async fn name_actor(
    state: &AppState,
    request: &ServiceRequest,
    principal: &Principal,
) -> Result<(), ApiError> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    if let Some(name) = state.actor_names.of(principal.identity).await? {
        request.extensions_mut().insert(ActorName(name));
    }
    Ok(())
}

/// Returns who makes the request; `None` for a stranger.
///
/// Credentials count in this order: the operator's token, the first token that is presented, a session, and a ticket. A
/// wrong token, key or access token is never replaced by a lesser credential beside it, but a session that has
/// ended is.
async fn principal(state: &AppState, request: &mut ServiceRequest) -> Result<Option<Principal>, ApiError> {
    let token = state.params.token.as_ref();
    if token
        .is_some_and(|token| presented_tokens(request.headers()).any(|presented| token.matches(&presented)))
    {
        return Ok(Some(Principal::operator()));
    }
    // Even if the API is open, a share token opens only its view.
    let shared = presented_tokens(request.headers()).next().filter(|token| access::is_share_token(token));
    if let Some(presented) = shared.map(Cow::into_owned) {
        let link = access::admit(state, request, &presented).await?;
        return Ok(Some(Principal::share_holder(link)));
    }
    if state.authenticator.is_open() {
        return Ok(Some(Principal::local_operator()));
    }
    let now = Timestamp::now();
    if let Some(presented) = presented_tokens(request.headers()).next() {
        let Some(credential) = credential_of(&presented) else {
            return Ok(None);
        };
        return Ok(state.authenticator.authenticate(credential, now).await?);
    }
    let is_secure = cookies::is_secure(request.headers(), state.messenger.dashboard().as_deref());
    if let Some(cookie) = cookies::SESSION.read(request.headers(), is_secure)
        && let Some(principal) = state.authenticator.authenticate(Presented::Session(&cookie), now).await?
    {
        check_site(state, request)?;
        return Ok(Some(principal));
    }
    let ticket = request.extensions_mut().remove::<Ticket>();
    let Some(Ticket(ticket)) = ticket else {
        return Ok(None);
    };
    match state.live_tickets.redeem(&ticket).await? {
        Some(holder) => Ok(state.authenticator.recheck(holder).await?),
        None => Ok(None),
    }
}

/// Returns the kind of credential that a token is by its form; `None` if it is none that an account has.
fn credential_of(token: &str) -> Option<Presented<'_>> {
    if is_api_key(token) {
        return Some(Presented::ApiKey(token));
    }
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let n_dots = token.bytes().filter(|byte| *byte == b'.').count();
    (n_dots == 2 && token.split('.').all(is_part)).then_some(Presented::AccessToken(token))
}

/// Checks that a change in a session comes from a page of this server. A browser sends the cookie of a session by itself,
/// also when a page of another site makes it do so; it says which site that is.
///
/// # Errors
/// [`ApiError::CrossSite`] if the request may change something and does not say that it comes from this server.
fn check_site(state: &AppState, request: &ServiceRequest) -> Result<(), ApiError> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = request.headers();
    let host = headers.get(header::HOST).map(header_text);
    let is_own = match headers.get(header::ORIGIN).map(header_text) {
        Some(origin) => state.params.origins.is_own(&origin, host.as_deref()),
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    };
    if is_own { Ok(()) } else { Err(ApiError::CrossSite) }
}

/// Returns every token that the request presents: in `Authorization: Bearer`, as the password in `Authorization: Basic`
/// (for which browsers prompt), and in `Sec-WebSocket-Protocol: bearer, <token>`, since browsers cannot set headers on
/// WebSockets. URLs never carry the token, only tickets, because URLs end up in logs and browser histories.
fn presented_tokens(headers: &HeaderMap) -> impl Iterator<Item = Cow<'_, str>> {
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value| found_in(value, in_authorization));
    let protocol = headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| found_in(value, in_protocol));
    authorization.into_iter().chain(protocol)
}

/// Returns what `find` finds in the text of a header, without copying it where that is possible.
fn found_in(
    value: &header::HeaderValue,
    find: for<'a> fn(&'a str) -> Option<Cow<'a, str>>,
) -> Option<Cow<'_, str>> {
    match header_text(value) {
        Cow::Borrowed(text) => find(text),
        Cow::Owned(text) => find(&text).map(|found| Cow::Owned(found.into_owned())),
    }
}

/// Other schemes are not ours: a proxy may have left them there. Credentials of ours that cannot be read are a wrong
/// token, so that they count as one.
fn in_authorization(value: &str) -> Option<Cow<'_, str>> {
    let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Cow::Borrowed(credentials.trim()));
    }
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    is_basic.then(|| Cow::Owned(password_of(credentials.trim()).unwrap_or_default()))
}

fn in_protocol(value: &str) -> Option<Cow<'_, str>> {
    let mut offered = value.split(',').map(str::trim);
    if offered.next() == Some("bearer") { offered.next().map(Cow::Borrowed) } else { None }
}

/// Removes the ticket from the URL of a live connection, so that it is neither logged nor passed on. Returns `None` for
/// other paths and if there is more than one ticket.
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
    // The path is plain, and the rest of the query was already part of a valid URI.
    request.head_mut().uri = address.parse().unwrap_or_default();
    tickets.pop().filter(|_| tickets.is_empty())
}

/// Splits a query string into its tickets and everything else.
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

/// Returns whether the request presents a client in `Authorization: Basic`, which its handler verifies.
fn presents_client(request: &ServiceRequest) -> bool {
    let authorization = request.headers().get(header::AUTHORIZATION).map(header_text).unwrap_or_default();
    let scheme = authorization.split(' ').next().unwrap_or_default();
    request.path() == TOKEN_PATH && scheme.eq_ignore_ascii_case("basic")
}

fn password_of(basic: &str) -> Option<String> {
    use base64::Engine;
    let decoded = base64::engine::general_purpose::STANDARD.decode(basic).ok()?;
    String::from_utf8(decoded).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

fn header_text(value: &header::HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::token::Token;
    use super::*;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

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
    fn a_token_is_a_key_or_an_access_token_by_its_form() {
        let check = |token: &str, expected: &str| {
            let found = match credential_of(token) {
                Some(Presented::ApiKey(_)) => "key",
                Some(Presented::AccessToken(_)) => "access token",
                Some(Presented::Session(_)) | None => "none",
            };
            assert_eq!(found, expected, "{token}");
        };
        check("gsk_0193_abc", "key");
        check("gsk_a.b.c", "key");
        check("eyJh.eyJz.c-_", "access token");
        check("a.b", "none");
        check("a.b.c.d", "none");
        check("a..c", "none");
        check("a.b.", "none");
        check("a.b.c!", "none");
        check("", "none");
        check("0123456789abcdef", "none");
    }

    #[test]
    fn a_token_is_found_in_each_of_three_headers() {
        let token = Token::new("s3cret");
        let presents = |name: header::HeaderName, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            presented_tokens(&headers).any(|presented| token.matches(&presented))
        };
        assert!(presents(header::AUTHORIZATION, "Bearer s3cret"));
        assert!(presents(header::AUTHORIZATION, "bearer s3cret"));
        assert!(presents(header::AUTHORIZATION, "Basic bWU6czNjcmV0"));
        assert!(presents(header::SEC_WEBSOCKET_PROTOCOL, "bearer, s3cret"));
        assert!(!presents(header::SEC_WEBSOCKET_PROTOCOL, "s3cret"));
        assert!(!presents(header::AUTHORIZATION, "Bearer s3cre"));
        assert!(!presents(header::AUTHORIZATION, "s3cret"));
    }

    #[test]
    fn credentials_that_cannot_be_read_are_a_wrong_token_and_other_schemes_are_none() {
        let presented = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            presented_tokens(&headers).map(Cow::into_owned).collect::<Vec<_>>()
        };
        for wrong in ["Bearer", "Bearer ", "basic", "Basic !", "Basic bWU"] {
            let tokens = presented(wrong);
            assert_eq!(tokens.len(), 1, "{wrong}");
            assert!(credential_of(&tokens[0]).is_none() && !access::is_share_token(&tokens[0]), "{wrong}");
        }
        for none in ["", "Digest username=\"x\"", "Negotiate YII=", "Token gsk_1"] {
            assert!(presented(none).is_empty(), "{none}");
        }
    }
}
