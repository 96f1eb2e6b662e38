//! Tickets: one connection each, and for nothing else.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::support::front_door::{FrontDoor, Setup, read};

const TOKEN: &str = "0123456789abcdef";

async fn guarded() -> FrontDoor {
    FrontDoor::open(Setup { token: Some(TOKEN), ..Setup::default() }).await
}

async fn ticket_of(door: &FrontDoor) -> String {
    let request = door.request(Method::POST, "/api/v1/live/tickets").bearer_auth(TOKEN);
    let (status, answer) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 201, "{answer}");
    let expires_at: jiff::Timestamp = answer["expires_at"].as_str().unwrap().parse().unwrap();
    let seconds = expires_at.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((20..=30).contains(&seconds), "{seconds} s left");
    answer["ticket"].as_str().unwrap().to_owned()
}

/// The status that a socket is answered with; 101 when it opens.
async fn status_of_socket(door: &FrontDoor, query: &str) -> u16 {
    let address = format!("{}/ws{query}", door.url.replacen("http", "ws", 1));
    match tokio_tungstenite::connect_async(address).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// The status that an event stream is answered with; what it says is not waited for.
async fn status_of_events(door: &FrontDoor, query: &str) -> u16 {
    door.request(Method::GET, &format!("/api/v1/events{query}")).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_ticket_opens_one_socket_and_not_a_second() {
    let door = guarded().await;
    assert_eq!(status_of_socket(&door, "").await, 401);
    assert_eq!(status_of_socket(&door, "?ticket=").await, 401);
    assert_eq!(status_of_socket(&door, "?ticket=invented").await, 401);
    let (one, other) = (ticket_of(&door).await, ticket_of(&door).await);
    assert_eq!(status_of_socket(&door, &format!("?ticket={one}")).await, 101);
    assert_eq!(status_of_socket(&door, &format!("?ticket={one}")).await, 401);
    assert_eq!(status_of_socket(&door, &format!("?ticket={other}x")).await, 401);
    assert_eq!(status_of_socket(&door, &format!("?ticket={other}&ticket={other}")).await, 401);
    assert_eq!(status_of_socket(&door, &format!("?ticket={other}")).await, 101);
}

#[actix_web::test]
async fn a_ticket_opens_one_event_stream_and_is_no_unknown_parameter_there() {
    let door = guarded().await;
    assert_eq!(status_of_events(&door, "?feeds=alerts").await, 401);
    let query = format!("?feeds=alerts&ticket={}", ticket_of(&door).await);
    let status = status_of_events(&door, &query).await;
    assert!(status != 401 && status != 400, "{status}");
    assert_eq!(status_of_events(&door, &query).await, 401);
}

#[actix_web::test]
async fn a_ticket_opens_nothing_but_live_connections() {
    let door = guarded().await;
    let ticket = ticket_of(&door).await;
    for path in ["/api/v1/system", "/api/v1/posts", "/metrics", "/ws/", "/api/v1/events/x"] {
        let (status, _) = door.get(&format!("{path}?ticket={ticket}")).await;
        assert_eq!(status, 401, "{path}");
    }
    let again = door.request(Method::POST, &format!("/api/v1/live/tickets?ticket={ticket}"));
    assert_eq!(again.send().await.unwrap().status(), 401);
    // None of these used it up.
    assert_eq!(status_of_socket(&door, &format!("?ticket={ticket}")).await, 101);
}

#[actix_web::test]
async fn a_ticket_of_another_prefix_is_worth_nothing() {
    let (here, elsewhere) = (guarded().await, guarded().await);
    let ticket = ticket_of(&elsewhere).await;
    assert_eq!(status_of_socket(&here, &format!("?ticket={ticket}")).await, 401);
    assert_eq!(status_of_socket(&elsewhere, &format!("?ticket={ticket}")).await, 101);
}

#[actix_web::test]
async fn only_who_shows_the_token_gets_a_ticket() {
    let door = guarded().await;
    let (status, answer) = door.post("/api/v1/live/tickets", "application/json", "").await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthorized")));
    assert_eq!(answer["ticket"], Value::Null);
    let foreign = door.request(Method::POST, "/api/v1/live/tickets").bearer_auth(TOKEN);
    let refused = foreign.header("origin", "http://evil.example").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    // Where no token is configured everybody may come, with a ticket or without.
    let open = FrontDoor::open(Setup::default()).await;
    assert_eq!(open.post("/api/v1/live/tickets", "application/json", "").await.0, 201);
    assert_eq!(status_of_socket(&open, "").await, 101);
}
