//! Who may ask, and what every answer carries.

use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, http};

use crate::support::front_door::{ALLOWED_ORIGIN, FrontDoor, Setup, read};

const TOKEN: &str = "0123456789abcdef";

#[actix_web::test]
async fn a_request_for_another_host_is_refused_everywhere() {
    let door = FrontDoor::open(Setup::default()).await;
    for path in ["/", "/livez", "/api/v1/system", "/metrics", "/openapi.json", "/docs/", "/ws", "/nowhere"] {
        let request = door.request(Method::GET, path).header("host", "evil.example");
        let (status, answer) = read(request.send().await.unwrap()).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("foreign_host")), "{path}");
    }
    let ours = door.request(Method::GET, "/livez").header("host", "dash.example.org");
    assert_eq!(ours.send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn a_page_of_another_site_is_refused_also_for_sockets() {
    let door = FrontDoor::open(Setup::default()).await;
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost:1",
        "https://dash.example.org",
        "https://pages.example.org.evil.example",
        "https://evilpages.example.org",
        "http://pages.example.org",
    ] {
        let request = door.request(Method::POST, "/api/v1/posts").header("origin", origin);
        let (status, answer) = read(request.body("{}").send().await.unwrap()).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("foreign_origin")), "{origin}");
        assert_eq!(socket_refusal(&door, "origin", origin).await, 403, "{origin}");
    }
    for origin in [door.url.as_str(), ALLOWED_ORIGIN] {
        let own = door.request(Method::GET, "/api/v1/system").header("origin", origin);
        assert_eq!(own.send().await.unwrap().status(), 200, "{origin}");
        let socket = tokio_tungstenite::connect_async(socket_request(&door, "origin", origin)).await;
        assert!(socket.is_ok(), "{origin}");
    }
    let two = door.request(Method::GET, "/api/v1/system").header("origin", ALLOWED_ORIGIN);
    assert_eq!(two.header("origin", "http://evil.example").send().await.unwrap().status(), 403);
}

/// The origin whose pages may read an answer.
fn shared(answer: &reqwest::Response) -> Option<String> {
    let origin = answer.headers().get("access-control-allow-origin");
    origin.map(|origin| origin.to_str().unwrap().to_owned())
}

#[actix_web::test]
async fn an_allowed_page_may_ask_beforehand_without_the_token_and_no_other_page_may() {
    let door = FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let beforehand = |origin: &str| {
        let asks = door.request(Method::OPTIONS, "/api/v1/live/tickets").header("origin", origin.to_owned());
        let asks = asks.header("access-control-request-method", "POST");
        asks.header("access-control-request-headers", "authorization").send()
    };
    let may = beforehand(ALLOWED_ORIGIN).await.unwrap();
    assert_eq!((may.status().as_u16(), shared(&may).as_deref()), (200, Some(ALLOWED_ORIGIN)));
    assert_eq!(may.headers()["access-control-allow-headers"], "authorization");
    assert!(!may.headers().contains_key("access-control-allow-credentials"));
    let own = beforehand(&door.url).await.unwrap();
    assert_eq!((shared(&own), read(own).await.0), (None, 400), "its own page has no need to ask");
    for origin in ["https://evil.example", "null", "https://pages.example.org.evil.example"] {
        let refused = beforehand(origin).await.unwrap();
        assert_eq!(shared(&refused), None, "{origin}");
        let (status, answer) = read(refused).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("foreign_origin")), "{origin}");
    }

    let asks = |method: &str, header: &'static str, value: &'static str| {
        let asks = door.request(Method::OPTIONS, "/api/v1/posts").header("origin", ALLOWED_ORIGIN);
        asks.header("access-control-request-method", method.to_owned()).header(header, value).send()
    };
    for (method, header, value, status, code) in [
        ("PATCH", "accept", "*/*", 400, "invalid_parameter"),
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
async fn an_allowed_page_may_read_its_answers_also_why_it_was_refused() {
    let door = FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let asks = || door.request(Method::POST, "/api/v1/live/tickets").header("origin", ALLOWED_ORIGIN);
    for (asks, status) in
        [(asks().bearer_auth(TOKEN), 201), (asks().bearer_auth("wrong"), 401), (asks(), 401)]
    {
        let answer = asks.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), shared(&answer).as_deref()), (status, Some(ALLOWED_ORIGIN)));
        assert!(answer.headers().contains_key("x-request-id"));
    }
    let own = door.request(Method::POST, "/api/v1/live/tickets").header("origin", door.url.as_str());
    assert_eq!(shared(&own.bearer_auth(TOKEN).send().await.unwrap()), None);
}

#[actix_web::test]
async fn with_a_token_health_is_open_and_what_tells_of_the_posts_is_not() {
    let door = FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    for path in ["/health", "/livez", "/readyz"] {
        assert_eq!(door.get(path).await.0, 200, "{path}");
    }
    for path in
        ["/metrics", "/api/v1/system", "/api/v1/posts", "/openapi.json", "/docs/", "/health/x", "/nowhere"]
    {
        let response = door.request(Method::GET, path).send().await.unwrap();
        assert!(response.headers().contains_key("www-authenticate"), "{path}");
        let (status, answer) = read(response).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")), "{path}");
    }
    let shown = door.request(Method::GET, "/api/v1/system").bearer_auth(TOKEN);
    assert_eq!(shown.send().await.unwrap().status(), 200);
    let by_a_person = door.request(Method::GET, "/api/v1/system").basic_auth("anybody", Some(TOKEN));
    assert_eq!(by_a_person.send().await.unwrap().status(), 200);
    let wrong = door.request(Method::GET, "/api/v1/system").bearer_auth("0123456789abcdeg");
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let in_the_address = door.request(Method::GET, &format!("/api/v1/system?token={TOKEN}"));
    assert_eq!(in_the_address.send().await.unwrap().status(), 401);
}

#[actix_web::test]
async fn with_a_token_the_dashboard_itself_is_open_so_that_it_can_ask_for_it() {
    let door = FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    for path in ["/", "/explore?window=1h", "/alerts", "/system"] {
        let response = door.request(Method::GET, path).header("accept", "text/html").send().await.unwrap();
        // A server that was built without the dashboard says so.
        assert!([200, 503].contains(&response.status().as_u16()), "{path}");
        let posted = door.request(Method::POST, path).send().await.unwrap();
        assert_eq!(posted.status(), 401, "{path}");
    }
}

#[actix_web::test]
async fn with_a_token_no_call_is_open() {
    let door = FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    let described = door.request(Method::GET, "/openapi.json").bearer_auth(TOKEN).send().await.unwrap();
    let (_, described) = read(described).await;
    let paths = described["paths"].as_object().unwrap();
    let mut n_calls = 0;
    for (path, methods) in paths {
        if ["/health", "/livez", "/readyz"].contains(&path.as_str()) {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let path = path.replace("{id}", "018f0000-0000-7000-8000-000000000000");
            let refused = door.request(method.clone(), &path).send().await.unwrap();
            assert_eq!(refused.status(), 401, "{method} {path}");
            n_calls += 1;
        }
    }
    assert!(n_calls > 40, "only {n_calls} calls are described");
    // Written in another way, an address is no other.
    for path in [
        "//",
        "/%61pi/v1/system",
        "/api/v1/system/",
        "/API/v1/system",
        "/explore/x",
        "/index.html/",
        "/ws?x=/",
    ] {
        let (status, _) = door.get(path).await;
        assert_eq!(status, 401, "{path}");
    }
    assert_eq!(socket_refusal(&door, "x-request-id", "a").await, 401);
}

#[actix_web::test]
async fn a_browser_shows_its_token_on_a_socket_as_a_protocol() {
    let door = FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await;
    assert_eq!(socket_refusal(&door, "sec-websocket-protocol", "bearer, wrong").await, 401);
    let request = socket_request(&door, "sec-websocket-protocol", &format!("bearer, {TOKEN}"));
    let (_, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "bearer");
}

#[actix_web::test]
async fn every_answer_carries_an_id_and_keeps_browsers_safe() {
    let door = FrontDoor::open(Setup::default()).await;
    for path in ["/livez", "/nowhere.txt", "/api/v1/posts?limit=0", "/"] {
        let response = door.request(Method::GET, path).header("x-request-id", "mine-7").send().await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["x-request-id"], "mine-7", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert!(
            headers["content-security-policy"].to_str().unwrap().contains("default-src 'self'"),
            "{path}"
        );
    }
    let response = door.request(Method::GET, "/livez").send().await.unwrap();
    assert!(response.headers()["x-request-id"].len() > 20);
}

#[actix_web::test]
async fn an_address_or_method_that_does_not_exist_is_refused_in_the_error_form() {
    let door = FrontDoor::open(Setup::default()).await;
    let (status, answer) = door.get("/api/v1/nothing").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")));
    let response = door.request(Method::DELETE, "/api/v1/posts").send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET, HEAD, POST");
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (405, &json!("method_not_allowed")));
    let response = door.request(Method::HEAD, "/livez").send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[actix_web::test]
async fn one_socket_too_many_and_a_request_that_is_none_are_refused_before_the_upgrade() {
    let door = FrontDoor::open(Setup { sockets_max: 0, ..Setup::default() }).await;
    assert_eq!(socket_refusal(&door, "x-request-id", "a").await, 503);
    let door = FrontDoor::open(Setup::default()).await;
    let (status, answer) = door.get("/ws").await;
    assert_eq!((status, &answer["error"]["code"]), (426, &json!("upgrade_required")));
}

fn socket_request(door: &FrontDoor, header: &'static str, value: &str) -> http::Request<()> {
    let address = format!("{}/ws", door.url.replacen("http", "ws", 1));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert(header, value.parse().unwrap());
    request
}

/// The status with which a socket is refused.
async fn socket_refusal(door: &FrontDoor, header: &'static str, value: &str) -> u16 {
    match tokio_tungstenite::connect_async(socket_request(door, header, value)).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("the socket was not refused: {other:?}"),
    }
}
