//! Topics, from the query that people write to the posts that are counted.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::test_app::TestApp;
use crate::support::until;

async fn send(api: &ApiServer, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = api.request(method, path).header("content-type", "application/json").body(body.to_string());
    read(request.header("x-groundswell-actor", "Ana").send().await.unwrap()).await
}

#[actix_web::test]
async fn a_topic_is_created_replaced_and_deleted() {
    let api = ApiServer::open(Setup::default()).await;
    let topic = json!({"name": " Nimbrel ", "kind": "brand", "query": "nimbrel OR #nimbrel"});
    let (status, made) = send(&api, Method::POST, "/api/v1/topics", &topic).await;
    assert_eq!(status, 201, "{made}");
    let is = |field: &str, value: Value| assert_eq!(made[field], value, "{field}");
    is("name", json!("Nimbrel"));
    is("is_ours", json!(true));
    is("tracks_churn", json!(true));
    is("enabled", json!(true));
    is("updated_by", json!("Ana"));
    let path = format!("/api/v1/topics/{}", made["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await, (200, made.clone()));
    assert_eq!(api.get("/api/v1/topics").await.1["items"], json!([made]));
    let twice = json!({"name": "NIMBREL", "kind": "issue", "query": "nimbrel"});
    let (status, refused) = send(&api, Method::POST, "/api/v1/topics", &twice).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("name_taken")));
    let wrong = json!({"name": "Shoes", "kind": "issue", "query": "shoes form:ana"});
    let (status, refused) = send(&api, Method::PUT, &path, &wrong).await;
    assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("query")));
    let message = "characters 7 to 14: unknown field `form:`; did you mean `from:`?";
    assert_eq!(refused["error"]["message"], json!(message));
    let other = json!({"name": "Shoes", "kind": "issue", "query": "shoes from:ana"});
    let (status, replaced) = send(&api, Method::PUT, &path, &other).await;
    assert_eq!((status, &replaced["name"], &replaced["is_ours"]), (200, &json!("Shoes"), &json!(false)));
    assert_eq!(send(&api, Method::DELETE, &path, &json!({})).await.0, 204);
    assert_eq!(send(&api, Method::DELETE, &path, &json!({})).await.0, 404);
    assert_eq!(send(&api, Method::PUT, &path, &other).await.0, 404);
}

#[actix_web::test]
async fn a_query_is_checked_and_says_where_it_is_wrong() {
    let api = ApiServer::open(Setup::default()).await;
    let check = async |query: &str| {
        let (status, checked) =
            send(&api, Method::POST, "/api/v1/topics/validate", &json!({"query": query})).await;
        assert_eq!(status, 200);
        checked
    };
    let valid = json!({"valid": true, "canonical": "a1 OR b1 AND c1", "hints": []});
    assert_eq!(check("a1 OR (b1 c1)").await, valid);
    let invalid = json!({
        "valid": false, "hints": [],
        "error": {"span": {"from": 3, "to": 7}, "message": "write at least four letters before `*`"}
    });
    assert_eq!(check("é, hat*").await, invalid);
    let (status, refused) =
        send(&api, Method::POST, "/api/v1/topics/preview", &json!({"query": "(a1"})).await;
    assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("query")));
}

#[tokio::test]
async fn new_posts_are_counted_under_the_topics_that_they_concern() {
    let app = TestApp::start().await;
    let text = |n: usize, text: &str| json!({"id": n.to_string(), "platform": "web", "text": text});
    app.publish(vec![text(0, "the Nimbrel buds hiss"), text(1, "nothing to see")]).await;
    app.space.assert_counted_once(2).await;
    let preview = app.post("/api/v1/topics/preview", &json!({"query": "nimbrel NEAR/0 buds"})).await.unwrap();
    assert_eq!(preview.status, 200);
    let counts = (&preview.body["posts_read"], &preview.body["posts_matched"]);
    assert_eq!(counts, (&json!(2), &json!(1)));
    assert_eq!(preview.body["items"][0]["post"]["id"], json!("0"));

    let topic = json!({"name": "Buds", "kind": "product", "query": "buds NEAR/3 hiss"});
    let made = app.post("/api/v1/topics", &topic).await.unwrap();
    assert_eq!(made.status, 201);
    let counted = async || {
        let products = app.get("/api/metrics/products?window=1h").await;
        let items = products["items"].as_array().unwrap();
        items.iter().find(|item| item["key"] == "Buds").and_then(|item| item["count"].as_u64())
    };
    assert_eq!(counted().await, None, "stored posts keep their products");
    let mut n = 2;
    until("a post is counted under its topic", async || {
        app.publish(vec![text(n, "my buds also hiss"), text(n + 1, "my buds are fine")]).await;
        n += 2;
        app.space.assert_counted_once(n as u64).await;
        counted().await.is_some()
    })
    .await;
    let found = app.get("/api/v1/posts?product=Buds").await;
    let texts = found["items"].as_array().unwrap().iter().map(|item| &item["post"]["text"]);
    assert!(texts.into_iter().all(|text| text == "my buds also hiss"), "{found}");
}
