//! Posts and authors that people erase.

use groundswell::erasure::Eraser;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{TestApp, post, posts, until};

/// Counts the posts of the newest complete buckets, and those in the list.
async fn counted(app: &TestApp) -> (Value, Value) {
    let overall = app.get("/api/metrics/overall?window=5m").await;
    let listed = app.get("/api/v1/posts?limit=100").await;
    (overall["count"].clone(), json!(listed["items"].as_array().unwrap().len()))
}

#[tokio::test]
async fn an_erased_post_is_gone_from_every_count_and_every_live_window() {
    let app = TestApp::start().await;
    app.publish(posts(0..12)).await;
    app.space.assert_counted_once(12).await;
    let mut socket = app.socket().await;
    socket.subscribe(&["metrics"]).await;
    socket.window_of(12).await;

    let listed = app.get("/api/v1/posts?product=beta").await;
    for item in listed["items"].as_array().unwrap() {
        let path = format!("/api/v1/posts/{}", item["post"]["uuid"].as_str().unwrap());
        assert_eq!(app.delete(&path).await, 204);
        assert_eq!(app.try_get(&path).await.unwrap().status, 404);
        assert_eq!(app.delete(&path).await, 404);
    }
    assert_eq!(app.delete("/api/v1/posts/1").await, 400);
    let live = socket.window_of(8).await;
    let keys = |window: &Value| -> Vec<String> {
        let items = window["products"].as_array().unwrap().iter();
        items.map(|item| item["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&live), ["alpha", "gamma"]);
    let products = app.get("/api/metrics/products?window=5m").await;
    assert_eq!(products["items"].as_array().unwrap().len(), 2, "{products}");
    until("the newest bucket is complete", async || counted(&app).await == (json!(8), json!(8))).await;

    // Sent again, they stay erased.
    app.publish(posts(0..14)).await;
    until("the new posts are stored", async || counted(&app).await == (json!(10), json!(10))).await;
    app.space.assert_counted_once(10).await;
    app.space.assert_sums_exact().await;
}

#[tokio::test]
async fn an_erased_author_has_no_posts_and_those_that_were_on_the_stream_are_swept() {
    let app = TestApp::start().await;
    let by = |id: &str, author: Value| {
        let mut post = post(id, "I love it");
        post["author"] = author;
        post
    };
    let mut sent: Vec<Value> = (0..1_100).map(|n| by(&format!("a{n}"), json!({"handle": "ann"}))).collect();
    sent.push(by("b", json!({"id": "7", "handle": "Ann"})));
    sent.push(by("c", json!({"handle": "bob"})));
    app.publish(sent).await;
    app.space.assert_counted_once(1_102).await;
    let eraser = Eraser::new(app.space.store().await, app.space.stream().await.updates());
    let mut socket = app.socket().await;
    socket.subscribe(&["metrics"]).await;
    socket.window_of(1_102).await;

    assert_eq!(eraser.sweep(Timestamp::UNIX_EPOCH).await.unwrap(), 0);
    assert_eq!(eraser.erase_author("web", "ann", Timestamp::now()).await.unwrap(), 1_100);
    app.space.assert_counted_once(2).await;
    socket.window_of(2).await;
    assert_eq!(eraser.erase_author("web", "7", Timestamp::now()).await.unwrap(), 1);
    assert_eq!(
        eraser.erase_posts("web", &["c".to_owned(), "d".to_owned(), "c".to_owned()]).await.unwrap(),
        1
    );
    app.space.assert_counted_once(0).await;

    // Posts that were on the stream when their author was erased are swept once they are stored; those that follow stay.
    let held = app.space.sql().await;
    held.batch_execute("BEGIN; LOCK TABLE post_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    app.publish(vec![by("d", json!({"handle": "bob"})), by("e", json!({"handle": "zoe"}))]).await;
    assert_eq!(eraser.erase_author("web", "zoe", Timestamp::now()).await.unwrap(), 0);
    app.publish(vec![by("f", json!({"handle": "zoe"}))]).await;
    drop(held);
    app.space.assert_counted_once(2).await;
    let an_hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    assert_eq!(eraser.sweep(Timestamp::now()).await.unwrap(), 0, "nobody was erased since");
    assert_eq!(eraser.sweep(an_hour_ago).await.unwrap(), 1);
    app.space.assert_counted_once(1).await;
    app.space.assert_sums_exact().await;
}
