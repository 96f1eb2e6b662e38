//! Access control and the headers of every response.

use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, http};

use crate::support::api_server::{ALLOWED_ORIGIN, ApiServer, Setup, read};

const TOKEN: &str = "0123456789abcdef";

#[actix_web::test]
async fn a_request_for_a_foreign_host_is_rejected_on_every_path() {
    let api = ApiServer::open(Setup::default()).await;
    for path in ["/", "/livez", "/api/v1/system", "/metrics", "/openapi.json", "/docs/", "/ws", "/nowhere"] {
        let request = api.request(Method::GET, path).header("host", "evil.example");
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("foreign_host")), "{path}");
    }
    for ours in ["dash.example.org", "127.0.0.1:18101"] {
        let ours = api.request(Method::GET, "/livez").header("host", ours);
        assert_eq!(ours.send().await.unwrap().status(), 200);
    }
    let two_names = api.request(Method::GET, "/livez").header("host", "127.0.0.1:18101, evil.example");
    assert_eq!(two_names.send().await.unwrap().status(), 403);
}

#[actix_web::test]
async fn a_foreign_origin_is_rejected_for_sockets_too() {
    let api = ApiServer::open(Setup::default()).await;
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://dash.example.org",
        "https://pages.example.org.evil.example",
        "https://evilpages.example.org",
        "http://pages.example.org",
    ] {
        let request = api.request(Method::POST, "/api/v1/posts").header("origin", origin);
        let (status, answer) = read(request.body("{}").send().await.unwrap()).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("foreign_origin")), "{origin}");
        assert_eq!(socket_refusal(&api, "origin", origin).await, 403, "{origin}");
    }
    for origin in [api.url.as_str(), ALLOWED_ORIGIN] {
        let own = api.request(Method::GET, "/api/v1/system").header("origin", origin);
        assert_eq!(own.send().await.unwrap().status(), 200, "{origin}");
        let socket = tokio_tungstenite::connect_async(socket_request(&api, "origin", origin)).await;
        assert!(socket.is_ok(), "{origin}");
    }
    let two = api.request(Method::GET, "/api/v1/system").header("origin", ALLOWED_ORIGIN);
    assert_eq!(two.header("origin", "http://evil.example").send().await.unwrap().status(), 403);
}

/// Returns the origin whose pages may read a response.
fn shared(answer: &reqwest::Response) -> Option<String> {
    let origin = answer.headers().get("access-control-allow-origin");
    origin.map(|origin| origin.to_str().unwrap().to_owned())
}

#[actix_web::test]
async fn an_allowed_origin_may_send_a_preflight_without_the_token_and_no_other_may() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let beforehand = |origin: &str| {
        let asks = api.request(Method::OPTIONS, "/api/v1/live/tickets").header("origin", origin.to_owned());
        let asks = asks.header("access-control-request-method", "POST");
        asks.header("access-control-request-headers", "authorization").send()
    };
    let may = beforehand(ALLOWED_ORIGIN).await.unwrap();
    assert_eq!((may.status().as_u16(), shared(&may).as_deref()), (200, Some(ALLOWED_ORIGIN)));
    assert_eq!(may.headers()["access-control-allow-headers"], "authorization");
    assert!(!may.headers().contains_key("access-control-allow-credentials"));
    let own = beforehand(&api.url).await.unwrap();
    assert_eq!((shared(&own), read(own).await.0), (None, 400), "its own page has no need to ask");
    for origin in ["https://evil.example", "null", "https://pages.example.org.evil.example"] {
        let refused = beforehand(origin).await.unwrap();
        assert_eq!(shared(&refused), None, "{origin}");
        let (status, answer) = read(refused).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("foreign_origin")), "{origin}");
    }

    let asks = |method: &str, header: &'static str, value: &'static str| {
        let asks = api.request(Method::OPTIONS, "/api/v1/posts").header("origin", ALLOWED_ORIGIN);
        asks.header("access-control-request-method", method.to_owned()).header(header, value).send()
    };
    for (method, header, value, status, code) in [
        ("TRACE", "accept", "*/*", 400, "invalid_parameter"),
        ("POST", "host", "evil.example", 403, "foreign_host"),
        ("POST", "origin", "https://evil.example", 403, "foreign_origin"),
    ] {
        let refused = asks(method, header, value).await.unwrap();
        assert_eq!(shared(&refused), None, "{method} {header} {value}");
        let (refused, answer) = read(refused).await;
        assert_eq!((refused, &answer["error"]["code"]), (status, &json!(code)), "{answer}");
    }
}

#[actix_web::test]
async fn an_allowed_origin_may_read_responses_and_errors() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let asks = || api.request(Method::POST, "/api/v1/live/tickets").header("origin", ALLOWED_ORIGIN);
    for (asks, status) in
        [(asks().bearer_auth(TOKEN), 201), (asks().bearer_auth("wrong"), 401), (asks(), 401)]
    {
        let answer = asks.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), shared(&answer).as_deref()), (status, Some(ALLOWED_ORIGIN)));
        assert!(answer.headers().contains_key("x-request-id"));
    }
    let own = api.request(Method::POST, "/api/v1/live/tickets").header("origin", api.url.as_str());
    assert_eq!(shared(&own.bearer_auth(TOKEN).send().await.unwrap()), None);
}

#[actix_web::test]
async fn with_a_token_only_health_checks_stay_open() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    for path in ["/health", "/livez", "/readyz"] {
        assert_eq!(api.get(path).await.0, 200, "{path}");
    }
    for path in
        ["/metrics", "/api/v1/system", "/api/v1/posts", "/openapi.json", "/docs/", "/health/x", "/nowhere"]
    {
        let response = api.request(Method::GET, path).send().await.unwrap();
        assert!(response.headers().contains_key("www-authenticate"), "{path}");
        let (status, answer) = read(response).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")), "{path}");
    }
    let shown = api.request(Method::GET, "/api/v1/system").bearer_auth(TOKEN);
    assert_eq!(shown.send().await.unwrap().status(), 200);
    let by_a_person = api.request(Method::GET, "/api/v1/system").basic_auth("anybody", Some(TOKEN));
    assert_eq!(by_a_person.send().await.unwrap().status(), 200);
    let wrong = api.request(Method::GET, "/api/v1/system").bearer_auth("0123456789abcdeg");
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let in_the_address = api.request(Method::GET, &format!("/api/v1/system?token={TOKEN}"));
    assert_eq!(in_the_address.send().await.unwrap().status(), 401);
}

#[actix_web::test]
async fn a_refused_bearer_is_told_apart_from_a_missing_one() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let asks = || api.request(Method::GET, "/api/v1/system");
    let invalid = r#"Bearer error="invalid_token""#;
    let key = format!("gsk_{}_{}", "0".repeat(32), "A".repeat(43));
    for (asks, challenge) in [
        (asks().bearer_auth("wrong"), invalid),
        (asks().bearer_auth(key), invalid),
        (asks().bearer_auth("eyJh.eyJz.c"), invalid),
        (asks(), "Bearer"),
        (asks().header("accept", "text/html"), r#"Basic realm="enter the token as the password""#),
    ] {
        let refused = asks.send().await.unwrap();
        assert_eq!(refused.headers()["www-authenticate"], challenge);
        let (status, answer) = read(refused).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")), "{challenge}");
    }
}

#[actix_web::test]
async fn two_authorization_headers_are_rejected() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    for [first, second] in [[TOKEN, "wrong"], ["wrong", TOKEN], [TOKEN, TOKEN]] {
        let request = api.request(Method::GET, "/api/v1/system");
        let request = request.header("authorization", format!("Bearer {first}"));
        let request = request.header("authorization", format!("Bearer {second}"));
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!(
            (status, &answer["error"]["details"]["parameter"]),
            (400, &json!("Authorization")),
            "{answer}"
        );
    }
}

#[actix_web::test]
async fn with_a_token_the_dashboard_itself_stays_open_to_prompt_for_it() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    for path in ["/", "/explore?window=1h", "/alerts", "/system"] {
        let response = api.request(Method::GET, path).header("accept", "text/html").send().await.unwrap();
        // A server built without the dashboard answers with a notice.
        assert!([200, 503].contains(&response.status().as_u16()), "{path}");
        let posted = api.request(Method::POST, path).send().await.unwrap();
        assert_eq!(posted.status(), 401, "{path}");
    }
}

#[actix_web::test]
async fn with_a_token_no_call_is_open() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let described = api.request(Method::GET, "/openapi.json").bearer_auth(TOKEN).send().await.unwrap();
    let (_, described) = read(described).await;
    let paths = described["paths"].as_object().unwrap();
    let mut n_calls = 0;
    for (path, methods) in paths {
        if ["/health", "/livez", "/readyz"].contains(&path.as_str()) {
            continue;
        }
        for (method, call) in methods.as_object().unwrap() {
            // Signing in, the public keys, and webhooks, which carry secrets of their own.
            if call["security"] == json!([]) {
                continue;
            }
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let path = path.replace("{id}", "018f0000-0000-7000-8000-000000000000");
            let refused = api.request(method.clone(), &path).send().await.unwrap();
            assert_eq!(refused.status(), 401, "{method} {path}");
            n_calls += 1;
        }
    }
    assert!(n_calls > 40, "only {n_calls} calls are described");
    // Alternative spellings of a path do not bypass the check.
    for path in [
        "//",
        "/%61pi/v1/system",
        "/api/v1/system/",
        "/API/v1/system",
        "/explore/x",
        "/index.html/",
        "/ws?x=/",
    ] {
        let (status, _) = api.get(path).await;
        assert_eq!(status, 401, "{path}");
    }
    assert_eq!(socket_refusal(&api, "x-request-id", "a").await, 401);
}

#[actix_web::test]
async fn a_browser_presents_its_token_as_a_subprotocol_of_a_socket() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    assert_eq!(socket_refusal(&api, "sec-websocket-protocol", "bearer, wrong").await, 401);
    let request = socket_request(&api, "sec-websocket-protocol", &format!("bearer, {TOKEN}"));
    let (_, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "bearer");
}

#[actix_web::test]
async fn every_response_carries_an_id_and_security_headers() {
    let api = ApiServer::open(Setup::default()).await;
    for path in ["/livez", "/nowhere.txt", "/api/v1/posts?limit=0", "/"] {
        let response = api.request(Method::GET, path).header("x-request-id", "mine-7").send().await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-request-id"], "mine-7", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
    }
    let documentation = api.request(Method::GET, "/docs/index.html").send().await.unwrap();
    let policy = documentation.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("style-src 'self' 'unsafe-inline'") && !policy.contains("script-src"),
        "{policy}"
    );
    let response = api.request(Method::GET, "/livez").send().await.unwrap();
    assert!(response.headers()["x-request-id"].len() > 20);
}

#[actix_web::test]
async fn an_unknown_path_or_method_is_rejected_in_the_error_format() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, answer) = api.get("/api/v1/nothing").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")));
    let response = api.request(Method::DELETE, "/api/v1/posts").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET, HEAD, POST");
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (405, &json!("method_not_allowed")));
    let response = api.request(Method::HEAD, "/livez").send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[actix_web::test]
async fn a_socket_over_the_limit_and_an_invalid_handshake_are_rejected_before_the_upgrade() {
    let api = ApiServer::open(Setup { sockets_max: 0, ..Setup::default() }).await;
    assert_eq!(socket_refusal(&api, "x-request-id", "a").await, 503);
    let api = ApiServer::open(Setup::default()).await;
    let (status, answer) = api.get("/ws").await;
    assert_eq!((status, &answer["error"]["code"]), (426, &json!("upgrade_required")));
}

#[actix_web::test]
async fn a_client_that_accepts_compression_can_read_why_its_handshake_is_refused() {
    let api = ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let handshake = api.request(Method::GET, "/ws?ticket=zzz").header("accept-encoding", "gzip");
    let handshake = handshake.header("connection", "Upgrade").header("upgrade", "websocket");
    let handshake = handshake.header("sec-websocket-version", "13");
    let handshake = handshake.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let refused = handshake.send().await.unwrap();
    assert!(!refused.headers().contains_key("content-encoding"), "{:?}", refused.headers());
    let (status, answer) = read(refused).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")), "{answer}");
}

fn socket_request(api: &ApiServer, header: &'static str, value: &str) -> http::Request<()> {
    let address = format!("{}/ws", api.url.replacen("http", "ws", 1));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert(header, value.parse().unwrap());
    request
}

/// Returns the status with which a socket is rejected.
async fn socket_refusal(api: &ApiServer, header: &'static str, value: &str) -> u16 {
    match tokio_tungstenite::connect_async(socket_request(api, header, value)).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("the socket was not refused: {other:?}"),
    }
}
