//! Tickets, each valid for one live connection.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::support::api_server::{ApiServer, Setup, read};

const TOKEN: &str = "0123456789abcdef";

async fn guarded() -> ApiServer {
    ApiServer::open(Setup { token: Some(TOKEN), ..Setup::default() }).await
}

async fn ticket_of(api: &ApiServer) -> String {
    let asked_at = jiff::Timestamp::now();
    let request = api.request(Method::POST, "/api/v1/live/tickets").bearer_auth(TOKEN);
    let (status, answer) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 201, "{answer}");
    let expires_at: jiff::Timestamp = answer["expires_at"].as_str().unwrap().parse().unwrap();
    let half_a_minute = jiff::SignedDuration::from_secs(30);
    assert!(expires_at > asked_at + half_a_minute - jiff::SignedDuration::from_secs(1), "{expires_at}");
    assert!(expires_at <= jiff::Timestamp::now() + half_a_minute, "{expires_at}");
    answer["ticket"].as_str().unwrap().to_owned()
}

/// Returns the status of a socket's handshake; 101 when it opens.
async fn status_of_socket(api: &ApiServer, query: &str) -> u16 {
    let address = format!("{}/ws{query}", api.url.replacen("http", "ws", 1));
    match tokio_tungstenite::connect_async(address).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// Returns the status of an event stream without waiting for its events.
async fn status_of_events(api: &ApiServer, query: &str) -> u16 {
    api.request(Method::GET, &format!("/api/v1/events{query}")).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_ticket_opens_a_single_socket() {
    let api = guarded().await;
    assert_eq!(status_of_socket(&api, "").await, 401);
    assert_eq!(status_of_socket(&api, "?ticket=").await, 401);
    assert_eq!(status_of_socket(&api, "?ticket=invented").await, 401);
    let (one, other) = (ticket_of(&api).await, ticket_of(&api).await);
    assert_eq!(status_of_socket(&api, &format!("?ticket={one}")).await, 101);
    assert_eq!(status_of_socket(&api, &format!("?ticket={one}")).await, 401);
    assert_eq!(status_of_socket(&api, &format!("?ticket={other}x")).await, 401);
    assert_eq!(status_of_socket(&api, &format!("?ticket={other}&ticket={other}")).await, 401);
    assert_eq!(status_of_socket(&api, &format!("?ticket={other}")).await, 101);
}

#[actix_web::test]
async fn a_ticket_opens_a_single_event_stream() {
    let api = guarded().await;
    assert_eq!(status_of_events(&api, "?feeds=alerts").await, 401);
    let query = format!("?feeds=alerts&ticket={}", ticket_of(&api).await);
    let status = status_of_events(&api, &query).await;
    assert!(status != 401 && status != 400, "{status}");
    assert_eq!(status_of_events(&api, &query).await, 401);
}

#[actix_web::test]
async fn a_ticket_opens_only_live_connections() {
    let api = guarded().await;
    let ticket = ticket_of(&api).await;
    for path in ["/api/v1/system", "/api/v1/posts", "/metrics", "/ws/", "/api/v1/events/x"] {
        let (status, _) = api.get(&format!("{path}?ticket={ticket}")).await;
        assert_eq!(status, 401, "{path}");
    }
    let again = api.request(Method::POST, &format!("/api/v1/live/tickets?ticket={ticket}"));
    assert_eq!(again.send().await.unwrap().status(), 401);
    // None of these consumed it.
    assert_eq!(status_of_socket(&api, &format!("?ticket={ticket}")).await, 101);
}

#[actix_web::test]
async fn a_ticket_of_another_prefix_is_not_valid() {
    let (here, elsewhere) = (guarded().await, guarded().await);
    let ticket = ticket_of(&elsewhere).await;
    assert_eq!(status_of_socket(&here, &format!("?ticket={ticket}")).await, 401);
    assert_eq!(status_of_socket(&elsewhere, &format!("?ticket={ticket}")).await, 101);
}

#[actix_web::test]
async fn only_a_caller_with_the_token_gets_a_ticket() {
    let api = guarded().await;
    let (status, answer) = api.post("/api/v1/live/tickets", "application/json", "").await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")));
    assert_eq!(answer["ticket"], Value::Null);
    let foreign = api.request(Method::POST, "/api/v1/live/tickets").bearer_auth(TOKEN);
    let refused = foreign.header("origin", "http://evil.example").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    // Without a configured token, tickets are optional.
    let open = ApiServer::open(Setup::default()).await;
    assert_eq!(open.post("/api/v1/live/tickets", "application/json", "").await.0, 201);
    assert_eq!(status_of_socket(&open, "").await, 101);
}
