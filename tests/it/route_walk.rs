//! Every route of the table with every kind of caller: it admits exactly those that its access rule names.

use std::collections::BTreeMap;

use groundswell::http::{self, access::Access};
use groundswell::models::principal::{Principal, Role, Scope, Scopes};
use groundswell::store::accounts::users;
use groundswell::stream::Stream;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderValue;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::PATIENCE;
use crate::support::api_server::{ApiServer, Setup, address_of, read};
use crate::support::people::Person;

const TOKEN: &str = "0123456789abcdef";

/// Paths of live connections, which also accept tickets.
const LIVE: [&str; 2] = ["/ws", "/api/v1/events"];

/// One route of the table, with an address that it matches.
struct Route {
    method: Method,
    address: String,
    needs: Access,
}

fn routes() -> Vec<Route> {
    let routes: Vec<Route> = http::routes()
        .into_iter()
        .map(|rule| Route {
            method: rule.method.as_str().parse().unwrap(),
            address: address_of(rule.path),
            needs: rule.needs,
        })
        .collect();
    assert!(routes.len() > 150, "{}", routes.len());
    let n_open = routes.iter().filter(|route| route.needs == Access::Anyone).count();
    assert_eq!(
        n_open, 18,
        "health checks, the state of sign-in and the keys of tokens, with HEAD, deliveries, tokens, signing in and out, and links"
    );
    routes
}

async fn guarded() -> ApiServer {
    ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await
}

/// Headers that identify nobody: none, wrong ones, malformed ones, and some that other servers would accept.
fn headers_of_strangers() -> Vec<Vec<(&'static str, HeaderValue)>> {
    let text = HeaderValue::from_static;
    vec![
        vec![],
        vec![("authorization", text("Bearer 0123456789abcdeg"))],
        vec![("authorization", text("Bearer 0123456789ABCDEF"))],
        vec![("authorization", text("Bearer 0123456789abcdef0"))],
        // `me:wrong`, and the token as the name instead of the password.
        vec![("authorization", text("Basic bWU6d3Jvbmc="))],
        vec![("authorization", text("Basic MDEyMzQ1Njc4OWFiY2RlZjo="))],
        vec![("authorization", text("Basic !"))],
        vec![("authorization", text("Bearer"))],
        vec![("authorization", text("0123456789abcdef"))],
        vec![("authorization", text("Digest 0123456789abcdef"))],
        vec![("authorization", HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap())],
        vec![("sec-websocket-protocol", text("0123456789abcdef, bearer"))],
        vec![("sec-websocket-protocol", text("bearer"))],
        vec![("x-api-key", text("0123456789abcdef"))],
        vec![("cookie", text("token=0123456789abcdef; session=0123456789abcdef"))],
        vec![("x-groundswell-actor", text("operator")), ("x-forwarded-for", text("127.0.0.1"))],
    ]
}

async fn ask(
    api: &ApiServer,
    (method, address): (&Method, &str),
    headers: &[(&'static str, HeaderValue)],
) -> Response {
    let mut request = api.request(method.clone(), address);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.send().await.unwrap()
}

/// Returns the status of a response and its error code. Does not wait for the end of an event stream.
async fn outcome(response: Response) -> (u16, Value) {
    if response.status() == 200 {
        return (200, Value::Null);
    }
    let (status, mut answer) = read(response).await;
    (status, answer["error"]["code"].take())
}

/// Returns whether the response of a handler is the reason for the status, not its access rule.
fn is_admitted((status, code): &(u16, Value)) -> bool {
    // A delivery without a signature.
    code == "bad_signature" || ![401, 403].contains(status)
}

/// What every principal may read, because it is about the caller.
const ABOUT_THE_CALLER: [&str; 2] = ["/api/v1/auth/me", "/api/v1/sessions"];

/// Changes that need less or more than an analyst with the scope to write; the start of their paths is enough.
const CHANGES: [(&str, &str, Access); 29] = [
    ("POST", "/api/v1/auth/token", Access::Anyone),
    ("POST", "/api/v1/api-keys", Access::Viewer),
    ("POST", "/api/v1/api-keys/{id}/rotate", Access::Owner(Scope::Read)),
    ("DELETE", "/api/v1/api-keys/{id}", Access::Owner(Scope::Read)),
    ("*", "/api/v1/clients*", Access::Admin),
    ("POST", "/api/v1/auth/login", Access::Anyone),
    ("POST", "/api/v1/auth/logout", Access::Anyone),
    ("POST", "/api/v1/auth/setup", Access::Anyone),
    ("POST", "/api/v1/auth/password", Access::Identified),
    ("DELETE", "/api/v1/sessions/{id}", Access::Identified),
    ("POST", "/api/v1/posts", Access::Ingest),
    ("POST", "/api/v1/score", Access::Analyze),
    ("POST", "/api/v1/live/tickets", Access::Viewer),
    ("POST", "/api/v1/sources/{id}/events", Access::Anyone),
    ("DELETE", "/api/v1/posts/{id}", Access::Admin),
    ("POST", "/api/v1/sources*", Access::Admin),
    ("PATCH", "/api/v1/sources*", Access::Admin),
    ("PUT", "/api/v1/sources*", Access::Admin),
    ("DELETE", "/api/v1/sources*", Access::Admin),
    ("*", "/api/v1/notification-channels*", Access::Admin),
    ("PUT", "/api/v1/signal-settings", Access::Admin),
    ("POST", "/api/v1/models/reload", Access::Admin),
    ("POST", "/api/v1/dead-letters/replay", Access::Admin),
    ("*", "/api/v1/users*", Access::Admin),
    ("*", "/api/v1/invitations*", Access::Admin),
    ("*", "/api/v1/audit*", Access::Admin),
    ("POST", "/api/v1/auth/invitation", Access::Anyone),
    ("POST", "/api/v1/auth/password-reset", Access::Anyone),
    ("PUT", "/api/v1/auth/password-reset", Access::Anyone),
];

#[test]
fn reading_needs_a_viewer_and_changing_an_analyst_unless_the_call_is_listed() {
    let is_for_admins = |path: &str| {
        ["/api/v1/users", "/api/v1/invitations", "/api/v1/audit"].iter().any(|start| path.starts_with(start))
    };
    for rule in http::routes() {
        let is_health = ["/health", "/livez", "/readyz"].contains(&rule.path);
        let matches = |pattern: &str, text: &str| match pattern.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => text == pattern,
        };
        let listed = CHANGES
            .iter()
            .find(|(method, path, _)| matches(method, rule.method.as_str()) && matches(path, rule.path));
        let expected = match (rule.method.as_str(), listed) {
            ("GET" | "HEAD", _) if is_health => Access::Anyone,
            ("GET" | "HEAD", _) if rule.path == "/api/v1/dead-letters" => Access::Analyst,
            ("GET" | "HEAD", _) if rule.path == "/api/v1/auth/state" => Access::Anyone,
            ("GET" | "HEAD", _) if rule.path == "/.well-known/jwks.json" => Access::Anyone,
            ("GET" | "HEAD", _) if rule.path == "/api/v1/clients" => Access::Admin,
            ("GET" | "HEAD", _) if rule.path == "/api/v1/api-keys/{id}/usage" => Access::Owner(Scope::Read),
            ("GET" | "HEAD", _) if ABOUT_THE_CALLER.contains(&rule.path) => Access::Identified,
            ("GET" | "HEAD", Some((.., Access::Admin))) if is_for_admins(rule.path) => Access::Admin,
            ("GET" | "HEAD", _) => Access::Viewer,
            (_, Some((.., access))) => *access,
            (_, None) => Access::Analyst,
        };
        assert_eq!(rule.needs, expected, "{} {}", rule.method, rule.path);
    }
}

#[actix_web::test]
async fn a_stranger_reaches_only_what_is_open_to_anyone() {
    let api = guarded().await;
    for headers in headers_of_strangers() {
        for Route { method, address, needs } in routes() {
            // A wrong parameter must not be reported to strangers either.
            let wrong = headers.is_empty().then(|| format!("{address}?unknown=1"));
            for address in [Some(address), wrong].into_iter().flatten() {
                let response = ask(&api, (&method, &address), &headers).await;
                let is_challenged = response.headers().contains_key("www-authenticate");
                let found = outcome(response).await;
                if needs == Access::Anyone {
                    assert!(is_admitted(&found), "{method} {address} with {headers:?}: {found:?}");
                    continue;
                }
                assert!(is_challenged, "{method} {address} with {headers:?}: {found:?}");
                let code = if method == Method::HEAD { Value::Null } else { json!("unauthorized") };
                assert_eq!(found, (401, code), "{method} {address} with {headers:?}");
            }
        }
    }
}

#[actix_web::test]
async fn a_stranger_learns_neither_the_paths_nor_the_methods_of_the_api() {
    let api = guarded().await;
    let mut methods: BTreeMap<String, Vec<Method>> = BTreeMap::new();
    for Route { method, address, .. } in routes() {
        methods.entry(address).or_default().push(method);
    }
    for (address, supported) in &methods {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if supported.contains(&method) {
                continue;
            }
            let refused = ask(&api, (&method, address), &[]).await;
            assert!(!refused.headers().contains_key("allow"), "{method} {address}");
            assert_eq!(outcome(refused).await, (401, json!("unauthorized")), "{method} {address}");
            let known = api.request(method.clone(), address).bearer_auth(TOKEN).send().await.unwrap();
            let allow = supported.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
            assert_eq!(known.headers()["allow"], allow, "{method} {address}");
            assert_eq!(outcome(known).await, (405, json!("method_not_allowed")), "{method} {address}");
        }
    }
    for address in ["/api/v1/nothing", "/nowhere", "/nowhere.js", "/docs/swagger-ui.css", "/health/x"] {
        let refused = ask(&api, (&Method::GET, address), &[]).await;
        assert_eq!(outcome(refused).await, (401, json!("unauthorized")), "{address}");
    }
}

#[actix_web::test]
async fn an_operator_is_refused_nowhere() {
    for token in [None, Some(TOKEN)] {
        let api = ApiServer::open(Setup { token, ..Setup::default() }).await;
        for Route { method, address, .. } in routes() {
            let mut request = api.request(method.clone(), &address);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let found = outcome(request.send().await.unwrap()).await;
            assert!(is_admitted(&found), "{method} {address}: {found:?}");
        }
    }
}

#[actix_web::test]
async fn without_a_token_a_wrong_credential_does_not_shut_the_local_operator_out() {
    let api = ApiServer::open(Setup::default()).await;
    for headers in headers_of_strangers() {
        for address in ["/api/v1/system", "/api/v1/dead-letters", "/metrics"] {
            let found = outcome(ask(&api, (&Method::GET, address), &headers).await).await;
            assert_eq!(found, (200, Value::Null), "{address} with {headers:?}");
        }
    }
}

#[actix_web::test]
async fn the_holder_of_a_share_link_only_reaches_routes_of_viewers_that_the_view_includes() {
    for token in [None, Some(TOKEN)] {
        let api = ApiServer::open(Setup { token, ..Setup::default() }).await;
        let body =
            json!({"name": "Weekly", "page": "explore", "query": "window=1h", "expires_in_seconds": 3_600});
        let made = api.request(Method::POST, "/api/v1/share-links").bearer_auth(TOKEN).json(&body);
        let (_, made) = read(made.send().await.unwrap()).await;
        let holder = made["token"].as_str().unwrap();
        let foreign = format!("{}{}", &holder[..38], "A".repeat(holder.len() - 38));
        let mut n_reached = 0;
        for Route { method, address, needs } in routes() {
            let asks = |token: &str| api.request(method.clone(), &address).bearer_auth(token).send();
            let (status, code) = outcome(asks(holder).await.unwrap()).await;
            if status == 200 {
                assert_eq!(needs, Access::Viewer, "{method} {address}");
                n_reached += 1;
            } else {
                let expected = if method == Method::HEAD { Value::Null } else { json!("not_shared") };
                assert_eq!((status, code), (403, expected), "{method} {address}");
            }
            assert_eq!(outcome(asks(&foreign).await.unwrap()).await.0, 403, "{method} {address}");
        }
        assert_eq!(n_reached, 8, "four calls, each with GET and HEAD");
    }
}

/// Headers that the browser of a person sends from a page of the server.
fn headers_of(api: &ApiServer, cookie: &str) -> Vec<(&'static str, HeaderValue)> {
    let cookie = format!("groundswell_session={cookie}");
    vec![("cookie", cookie.parse().unwrap()), ("origin", api.url.parse().unwrap())]
}

/// Returns cookies that sign nobody in any more, each with the reason.
async fn cookies_without_access(api: &ApiServer, elsewhere: &Stream) -> Vec<(&'static str, String)> {
    let person = async || Person::new(&api.store, &api.stream, Role::Admin).await;
    let (expired, revoked, disabled, archived, foreign) =
        (person().await, person().await, person().await, person().await, person().await);
    let month_ago = Timestamp::now() - SignedDuration::from_hours(30 * 24);
    let expired = Person::sign_in(expired.user, &api.stream, month_ago).await;
    api.stream.sessions().end(revoked.session.id).await.unwrap();
    users::set_active(&api.store, disabled.user.id, false, Timestamp::now()).await.unwrap();
    let archive = format!("UPDATE users SET archived_at = now() WHERE id = '{}'", archived.user.id);
    api.space.sql().await.batch_execute(&archive).await.unwrap();
    let foreign = Person::sign_in(foreign.user, elsewhere, Timestamp::now()).await;
    api.standings.forget();
    vec![
        ("expired", expired.cookie),
        ("revoked", revoked.cookie),
        ("disabled", disabled.cookie),
        ("archived", archived.cookie),
        ("foreign", foreign.cookie),
    ]
}

#[actix_web::test]
async fn a_person_reaches_what_the_role_permits_until_the_access_ends() {
    let (api, elsewhere) = (ApiServer::open(Setup::default()).await, ApiServer::open(Setup::default()).await);
    let mut people = Vec::new();
    for role in Role::ALL {
        people.push(Person::new(&api.store, &api.stream, role).await.user);
    }
    let without_access = cookies_without_access(&api, &elsewhere.stream).await;
    api.open_access.refresh().await.unwrap();
    let (mut n_admitted, mut n_refused) = (0, 0);
    for Route { method, address, needs } in routes() {
        for user in &people {
            let principal =
                Principal { role: user.role, scopes: Scopes::of(user.role), ..Principal::operator() };
            let may = needs.requirement().is_none_or(|(role, scope)| principal.may(role, scope));
            // A session of its own: one of the calls ends the session.
            let person = Person::sign_in(user.clone(), &api.stream, Timestamp::now()).await;
            let response = ask(&api, (&method, &address), &headers_of(&api, &person.cookie)).await;
            let found = outcome(response).await;
            if may {
                assert!(is_admitted(&found), "{method} {address} as {:?}: {found:?}", user.role);
                n_admitted += 1;
                continue;
            }
            let code = if method == Method::HEAD { Value::Null } else { json!("forbidden") };
            assert_eq!(found, (403, code), "{method} {address} as {:?}", user.role);
            n_refused += 1;
        }
        for (reason, cookie) in &without_access {
            let found = outcome(ask(&api, (&method, &address), &headers_of(&api, cookie)).await).await;
            if needs == Access::Anyone {
                assert!(is_admitted(&found), "{method} {address}, {reason}: {found:?}");
                continue;
            }
            let code = if method == Method::HEAD { Value::Null } else { json!("unauthorized") };
            assert_eq!(found, (401, code), "{method} {address}, {reason}");
        }
    }
    assert!(n_admitted > 300 && n_refused > 60, "{n_admitted} admitted, {n_refused} refused");
}

#[actix_web::test]
async fn live_connections_open_for_people_until_their_access_ends() {
    let (api, elsewhere) = (ApiServer::open(Setup::default()).await, ApiServer::open(Setup::default()).await);
    let people = [
        Person::new(&api.store, &api.stream, Role::Viewer).await,
        Person::new(&api.store, &api.stream, Role::Admin).await,
    ];
    let without_access = cookies_without_access(&api, &elsewhere.stream).await;
    api.open_access.refresh().await.unwrap();
    for path in LIVE {
        // This server has no live delivery, which event streams need from the start.
        let opened = if path == "/ws" { 101 } else { 503 };
        for person in &people {
            let headers = headers_of(&api, &person.cookie);
            assert_eq!(open_live(&api, path, &headers).await, opened, "{path}");
            let tickets = ask(&api, (&Method::POST, "/api/v1/live/tickets"), &headers).await;
            let (_, issued) = read(tickets).await;
            let address = format!("{path}?ticket={}", issued["ticket"].as_str().unwrap());
            assert_eq!(open_live(&api, &address, &[]).await, opened, "{path}");
            assert_eq!(open_live(&api, &address, &[]).await, 401, "{path}");
        }
        for (reason, cookie) in &without_access {
            assert_eq!(open_live(&api, path, &headers_of(&api, cookie)).await, 401, "{path}, {reason}");
        }
        // A ticket opens nothing once the session that it was issued in has ended.
        let person = Person::new(&api.store, &api.stream, Role::Viewer).await;
        let headers = headers_of(&api, &person.cookie);
        let (_, issued) = read(ask(&api, (&Method::POST, "/api/v1/live/tickets"), &headers).await).await;
        let address = format!("{path}?ticket={}", issued["ticket"].as_str().unwrap());
        api.stream.sessions().end(person.session.id).await.unwrap();
        assert_eq!(open_live(&api, &address, &[]).await, 401, "{path}");
    }
}

/// Returns the status of a request that opens a live connection.
async fn open_live(api: &ApiServer, address: &str, headers: &[(&'static str, HeaderValue)]) -> u16 {
    let handshake = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let mut all = headers.to_vec();
    if address.starts_with("/ws") {
        all.extend(handshake.map(|(name, value)| (name, HeaderValue::from_static(value))));
    }
    ask(api, (&Method::GET, address), &all).await.status().as_u16()
}

#[actix_web::test]
async fn live_connections_open_for_principals_and_not_for_strangers() {
    let api = guarded().await;
    let open = async |address: &str, headers: &[(&'static str, HeaderValue)]| {
        open_live(&api, address, headers).await
    };
    for path in LIVE {
        for headers in headers_of_strangers() {
            for query in ["", "?ticket=", "?ticket=invented", "?token=0123456789abcdef"] {
                assert_eq!(open(&format!("{path}{query}"), &headers).await, 401, "{path}{query} {headers:?}");
            }
        }
        // This server has no live delivery, which event streams need from the start.
        let opened = if path == "/ws" { 101 } else { 503 };
        let bearer = ("authorization", HeaderValue::from_static("Bearer 0123456789abcdef"));
        assert_eq!(open(path, &[bearer]).await, opened, "{path}");
        let issued = api.request(Method::POST, "/api/v1/live/tickets").bearer_auth(TOKEN);
        let (_, issued) = read(issued.send().await.unwrap()).await;
        let address = format!("{path}?ticket={}", issued["ticket"].as_str().unwrap());
        assert_eq!(open(&address, &[]).await, opened, "{path}");
        assert_eq!(open(&address, &[]).await, 401, "{path}");
    }
}

#[actix_web::test]
async fn a_stranger_is_refused_before_the_body_arrives() {
    let api = guarded().await;
    let server = api.url.strip_prefix("http://").unwrap();
    let mut n_refused = 0;
    for Route { method, address, needs } in routes() {
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
        if !has_body || needs == Access::Anyone {
            continue;
        }
        // The body is announced and never sent.
        let head = format!(
            "{method} {address}?unknown=1 HTTP/1.1\r\nhost: {server}\r\ncontent-type: application/json\r\n\
             content-length: 1000\r\n\r\n"
        );
        let mut connection = TcpStream::connect(server).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut status_line = [0; 12];
        let received = tokio::time::timeout(PATIENCE, connection.read_exact(&mut status_line)).await;
        received.unwrap().unwrap();
        assert_eq!(&status_line, b"HTTP/1.1 401", "{method} {address}");
        n_refused += 1;
    }
    assert!(n_refused > 40, "{n_refused}");
}
