//! Ingest of valid and invalid posts.

use std::io::Write;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::{PrivateServers, Space, until};

const JSON: &str = "application/json";
const POSTS: &str = "/api/v1/posts";

fn post(id: usize) -> Value {
    json!({"id": id.to_string(), "platform": "web", "text": "hello"})
}

/// Returns a valid post with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut post = post(1);
    post[field] = value;
    post
}

#[actix_web::test]
async fn a_post_an_array_and_ndjson_are_accepted() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, answer) = api.post(POSTS, JSON, post(1).to_string()).await;
    assert_eq!((status, answer), (202, json!({"accepted": 1, "rejected": []})));
    let (status, answer) = api.post(POSTS, JSON, json!([post(2), post(3)]).to_string()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(2)));
    let lines = format!("{}\n{}\n", post(4), post(5));
    let (status, answer) = api.post(POSTS, "application/x-ndjson", lines).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(2)));
    assert_eq!(api.n_waiting().await, 5);
}

#[actix_web::test]
async fn a_compressed_body_is_accepted() {
    let api = ApiServer::open(Setup::default()).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(post(1).to_string().as_bytes()).unwrap();
    let request =
        api.request(Method::POST, POSTS).header("content-type", JSON).header("content-encoding", "gzip");
    let (status, answer) = read(request.body(encoder.finish().unwrap()).send().await.unwrap()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(1)), "{answer}");
}

#[actix_web::test]
async fn an_unsupported_encoding_is_rejected_with_the_supported_ones() {
    let api = ApiServer::open(Setup::default()).await;
    for encoding in ["br", "deflate", "zstd", "gzip, gzip"] {
        let request = api.request(Method::POST, POSTS).header("content-type", JSON);
        let response =
            request.header("content-encoding", encoding).body(post(1).to_string()).send().await.unwrap();
        assert_eq!(response.headers()["accept-encoding"], "gzip, identity", "{encoding}");
        let (status, answer) = read(response).await;
        assert_eq!((status, &answer["error"]["code"]), (415, &json!("unsupported_encoding")), "{encoding}");
    }
    assert_eq!(api.n_waiting().await, 0);
}

#[actix_web::test]
async fn an_invalid_post_is_rejected_with_its_field_and_not_stored() {
    let api = ApiServer::open(Setup::default()).await;
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
        let (got, answer) = api.post(POSTS, JSON, body.to_string()).await;
        let error = &answer["error"];
        assert_eq!(
            (got, error["code"].as_str(), error["details"]["field"].as_str()),
            (status, Some(code), Some(field)),
            "{answer}"
        );
    }
    let (status, answer) = api.post(POSTS, JSON, r#"{"id":"1","platform":"web","text":"\ud800"}"#).await;
    assert_eq!(
        (status, &answer["error"]["details"]["field"]),
        (422, &json!("text")),
        "a lone surrogate: {answer}"
    );
    let trailing = format!("{} trailing", post(1));
    for body in ["", "{", "nonsense", &trailing, "\u{feff}{}"] {
        let (status, answer) = api.post(POSTS, JSON, body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("malformed_json")), "{body}: {answer}");
    }
    let (status, _) = api.post(POSTS, JSON, b"{\"id\":\"\xff\"}".as_slice()).await;
    assert_eq!(status, 400, "text that is no UTF-8");
    assert_eq!(api.n_waiting().await, 0);
}

#[actix_web::test]
async fn an_invalid_post_does_not_affect_its_batch() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, answer) =
        api.post(POSTS, JSON, json!([post(1), with("text", json!("")), 7, post(2)]).to_string()).await;
    assert_eq!((status, &answer["accepted"]), (202, &json!(2)));
    let rejected = answer["rejected"].as_array().unwrap();
    assert_eq!((&rejected[0]["index"], &rejected[0]["field"]), (&json!(1), &json!("text")));
    assert_eq!((&rejected[1]["index"], &rejected[1]["code"]), (&json!(2), &json!("wrong_type")));
    let lines = format!("{}\n{{\n\n{}\n", post(3), post(4));
    let (status, answer) = api.post(POSTS, "application/x-ndjson", lines).await;
    assert_eq!((status, &answer["accepted"], &answer["rejected"][0]["index"]), (202, &json!(2), &json!(1)));
    assert_eq!(api.n_waiting().await, 4);
}

#[actix_web::test]
async fn ten_megabytes_and_a_million_elements_are_rejected_with_the_limit() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, answer) = api.post(POSTS, JSON, vec![b' '; 10 * 1024 * 1024]).await;
    assert_eq!((status, &answer["error"]["details"]["limit"]), (413, &json!(8 * 1024 * 1024)), "{answer}");
    let million = format!("[{}1]", "1,".repeat(999_999));
    let (status, answer) = api.post(POSTS, JSON, million).await;
    assert_eq!((status, &answer["error"]["details"]["limit"]), (413, &json!(10_000)), "{answer}");
    // Of lines, none is taken if there are too many, whatever the last ones are; otherwise all but those that cannot be
    // read.
    let mut lines: Vec<Vec<u8>> = (0..10_000).map(|id| post(id).to_string().into_bytes()).collect();
    lines.push(b"\xff\xfe".to_vec());
    let (status, answer) = api.post(POSTS, "application/x-ndjson", lines.join(&b'\n')).await;
    assert_eq!((status, &answer["error"]["details"]["limit"]), (413, &json!(10_000)), "{answer}");
    assert_eq!(api.n_waiting().await, 0);
    lines.remove(0);
    let (status, answer) = api.post(POSTS, "application/x-ndjson", lines.join(&b'\n')).await;
    let rejected: Vec<&Value> =
        answer["rejected"].as_array().unwrap().iter().map(|it| &it["index"]).collect();
    assert_eq!(
        (status, &answer["accepted"], rejected),
        (202, &json!(9_999), vec![&json!(9_999)]),
        "{answer}"
    );
    assert_eq!(api.n_waiting().await, 9_999);
    assert_eq!(api.get("/livez").await.0, 200);
}

#[actix_web::test]
async fn a_body_without_a_json_content_type_is_rejected() {
    let api = ApiServer::open(Setup::default()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let (status, answer) = api.post(POSTS, kind, post(1).to_string()).await;
        assert_eq!((status, &answer["error"]["code"]), (415, &json!("unsupported_media_type")), "{kind}");
    }
}

#[actix_web::test]
async fn a_full_stream_rejects_posts_with_retry_after() {
    let api = ApiServer::open(Setup { high_water: 3, ..Setup::default() }).await;
    let all = json!([post(1), post(2), post(3)]).to_string();
    assert_eq!(api.post(POSTS, JSON, all).await.0, 202);
    let request = api.request(Method::POST, POSTS).header("content-type", JSON).body(post(4).to_string());
    let response = request.send().await.unwrap();
    let retry_after: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("busy")));
    assert!(retry_after > 0);
    assert_eq!(api.n_waiting().await, 3);
}

#[actix_web::test]
async fn posts_are_rejected_without_redis_but_not_without_postgres() {
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let api = ApiServer::open_on(&space, Setup::default()).await;
    servers.embedded.stop_redis().await.unwrap();
    let request = api.request(Method::POST, POSTS).header("content-type", JSON).body(post(1).to_string());
    let response = request.send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")));
    assert_eq!(api.get("/livez").await.0, 200, "liveness asks nobody");
    servers.embedded.start_redis().await.unwrap();
    servers.embedded.stop_postgres().await.unwrap();
    until("ingest comes back by itself", async || api.post(POSTS, JSON, post(2).to_string()).await.0 == 202)
        .await;
    let (status, answer) = api.get("/api/metrics/overall").await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")), "{answer}");
    assert!(
        !answer.to_string().to_lowercase().contains("connect"),
        "what happened inside is not told: {answer}"
    );
    drop(api);
    servers.stop().await;
}
