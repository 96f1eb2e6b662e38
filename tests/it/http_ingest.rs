//! What becomes of posts that are sent, good and bad.

use std::io::Write;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::front_door::{FrontDoor, Setup, read};
use crate::support::{PrivateServers, Space};

const JSON: &str = "application/json";
const POSTS: &str = "/api/v1/posts";

fn post(id: usize) -> Value {
    json!({"id": id.to_string(), "platform": "web", "text": "hello"})
}

/// A right post with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut post = post(1);
    post[field] = value;
    post
}

#[actix_web::test]
async fn a_post_an_array_and_lines_are_taken_in() {
    let door = FrontDoor::open(Setup::default()).await;
    let (status, answer) = door.post(POSTS, JSON, post(1).to_string()).await;
    assert_eq!((status, answer), (202, json!({"accepted": 1, "rejected": []})));
    let (status, answer) = door.post(POSTS, JSON, json!([post(2), post(3)]).to_string()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(2)));
    let lines = format!("{}\n{}\n", post(4), post(5));
    let (status, answer) = door.post(POSTS, "application/x-ndjson", lines).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(2)));
    assert_eq!(door.n_waiting().await, 5);
}

#[actix_web::test]
async fn a_compressed_body_is_read() {
    let door = FrontDoor::open(Setup::default()).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(post(1).to_string().as_bytes()).unwrap();
    let request =
        door.request(Method::POST, POSTS).header("content-type", JSON).header("content-encoding", "gzip");
    let (status, answer) = read(request.body(encoder.finish().unwrap()).send().await.unwrap()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer}");
}

#[actix_web::test]
async fn a_body_in_an_encoding_that_is_not_understood_is_refused_with_those_that_are() {
    let door = FrontDoor::open(Setup::default()).await;
    for encoding in ["br", "deflate", "zstd", "gzip, gzip"] {
        let request = door.request(Method::POST, POSTS).header("content-type", JSON);
        let response =
            request.header("content-encoding", encoding).body(post(1).to_string()).send().await.unwrap();
        assert_eq!(response.headers()["accept-encoding"], "gzip, identity", "{encoding}");
        let (status, answer) = read(response).await;
        assert_eq!((status, &answer["error"]["code"]), (415, &json!("unsupported_encoding")), "{encoding}");
    }
    assert_eq!(door.n_waiting().await, 0);
}

#[actix_web::test]
async fn a_wrong_post_is_refused_with_its_field_and_nothing_is_stored() {
    let door = FrontDoor::open(Setup::default()).await;
    for (body, status, code, field) in [
        (with("text", json!("")), 422, "empty", "text"),
        (with("text", json!("x".repeat(10_001))), 422, "too_long", "text"),
        (with("text", json!("a\u{0}b")), 422, "invalid_text", "text"),
        (with("text", json!(7)), 422, "wrong_type", "text"),
        (with("colour", json!("red")), 422, "unknown_field", "colour"),
        (with("source", json!("replay")), 422, "unknown_field", "source"),
        (with("engagement", json!({"likes": -1})), 422, "out_of_range", "engagement.likes"),
        (with("created_at", json!("1066-10-14T09:00:00Z")), 422, "created_at_out_of_range", "created_at"),
        (with("created_at", json!("9999-01-01T00:00:00Z")), 422, "created_at_out_of_range", "created_at"),
        (with("created_at", json!("yesterday")), 422, "invalid_time", "created_at"),
        (with("platform", json!("Not A Platform")), 422, "invalid_format", "platform"),
    ] {
        let (got, answer) = door.post(POSTS, JSON, body.to_string()).await;
        let error = &answer["error"];
        assert_eq!(
            (got, error["code"].as_str(), error["details"]["field"].as_str()),
            (status, Some(code), Some(field)),
            "{answer}"
        );
    }
    let (status, answer) = door.post(POSTS, JSON, r#"{"id":"1","platform":"web","text":"\ud800"}"#).await;
    assert_eq!(
        (status, &answer["error"]["details"]["field"]),
        (422, &json!("text")),
        "a lone surrogate: {answer}"
    );
    let trailing = format!("{} trailing", post(1));
    for body in ["", "{", "nonsense", &trailing, "\u{feff}{}"] {
        let (status, answer) = door.post(POSTS, JSON, body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("malformed_json")), "{body}: {answer}");
    }
    let (status, _) = door.post(POSTS, JSON, b"{\"id\":\"\xff\"}".as_slice()).await;
    assert_eq!(status, 400, "text that is no UTF-8");
    assert_eq!(door.n_waiting().await, 0);
}

#[actix_web::test]
async fn one_bad_post_does_not_spoil_its_batch() {
    let door = FrontDoor::open(Setup::default()).await;
    let (status, answer) =
        door.post(POSTS, JSON, json!([post(1), with("text", json!("")), 7, post(2)]).to_string()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(2)));
    let rejected = answer["rejected"].as_array().unwrap();
    assert_eq!((&rejected[0]["index"], &rejected[0]["field"]), (&json!(1), &json!("text")));
    assert_eq!((&rejected[1]["index"], &rejected[1]["code"]), (&json!(2), &json!("wrong_type")));
    let lines = format!("{}\n{{\n\n{}\n", post(3), post(4));
    let (status, answer) = door.post(POSTS, "application/x-ndjson", lines).await;
    assert_eq!((status, &answer["accepted"], &answer["rejected"][0]["index"]), (202, &json!(2), &json!(1)));
    assert_eq!(door.n_waiting().await, 4);
}

#[actix_web::test]
async fn ten_megabytes_and_a_million_elements_are_refused_with_the_limit() {
    let door = FrontDoor::open(Setup::default()).await;
    let (status, answer) = door.post(POSTS, JSON, vec![b' '; 10 * 1024 * 1024]).await;
    assert_eq!((status, &answer["error"]["details"]["limit"]), (413, &json!(8 * 1024 * 1024)), "{answer}");
    let million = format!("[{}1]", "1,".repeat(999_999));
    let (status, answer) = door.post(POSTS, JSON, million).await;
    assert_eq!((status, &answer["error"]["details"]["limit"]), (413, &json!(10_000)), "{answer}");
    assert_eq!(door.get("/livez").await.0, 200);
}

#[actix_web::test]
async fn what_does_not_say_that_it_is_json_is_refused() {
    let door = FrontDoor::open(Setup::default()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let (status, answer) = door.post(POSTS, kind, post(1).to_string()).await;
        assert_eq!((status, &answer["error"]["code"]), (415, &json!("unsupported_media_type")), "{kind}");
    }
}

#[actix_web::test]
async fn a_full_stream_refuses_posts_and_says_when_to_come_back() {
    let door = FrontDoor::open(Setup { high_water: 3, ..Setup::default() }).await;
    let all = json!([post(1), post(2), post(3)]).to_string();
    assert_eq!(door.post(POSTS, JSON, all).await.0, 202);
    let request = door.request(Method::POST, POSTS).header("content-type", JSON).body(post(4).to_string());
    let response = request.send().await.unwrap();
    let retry_after: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("busy")));
    assert!(retry_after > 0);
    assert_eq!(door.n_waiting().await, 3);
}

#[actix_web::test]
async fn without_redis_posts_are_refused_and_without_postgres_they_are_not() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let door = FrontDoor::open_on(&space, Setup::default()).await;
    servers.embedded.stop_redis().await.unwrap();
    let request = door.request(Method::POST, POSTS).header("content-type", JSON).body(post(1).to_string());
    let response = request.send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")));
    assert_eq!(door.get("/livez").await.0, 200, "liveness asks nobody");
    servers.embedded.start_redis().await.unwrap();
    servers.embedded.stop_postgres().await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while door.post(POSTS, JSON, post(2).to_string()).await.0 != 202 {
        assert!(std::time::Instant::now() < deadline, "ingest did not come back by itself");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (status, answer) = door.get("/api/metrics/overall").await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")), "{answer}");
    assert!(
        !answer.to_string().to_lowercase().contains("connect"),
        "what happened inside is not told: {answer}"
    );
    drop(door);
    servers.stop().await;
}
