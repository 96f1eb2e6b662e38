//! A post on its way from a request to everybody who looks.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{TestApp, eventually, post, posts};

#[tokio::test]
async fn a_post_reaches_a_browser_scored_and_counted() {
    let app = TestApp::start_with(&["--products=Alpha=alpha phone"]).await;
    let mut socket = app.socket().await;
    let sent = json!({
        "id": "1", "platform": "twitter", "text": "I love the Alpha phone", "channel": "support",
        "author": {"handle": "ann", "followers": 1200}, "geo": {"city": "Lyon", "country": "FR"},
    });
    app.publish(vec![sent]).await;
    let frame = socket.next_of("message:new").await;
    let (post, score) = (&frame["data"]["post"], &frame["data"]["score"]);
    assert_eq!((&post["id"], &post["source"], &post["city"]), (&"1".into(), &"http".into(), &"Lyon".into()));
    assert_eq!(post["products"], json!(["Alpha"]), "{post}");
    assert_eq!((&score["sentiment"]["label"], &score["model"]["name"]), (&"positive".into(), &"fake".into()));
    let window = socket.window_of(1).await;
    assert_eq!(window["overall"]["sentiment"]["positive"], 1);
    assert_eq!(window["products"][0]["key"], "Alpha");
    let stored = app.get(&format!("/api/v1/posts/{}", post["uuid"].as_str().unwrap())).await;
    assert_eq!(stored["post"]["text"], "I love the Alpha phone");
    app.space.assert_counted_once(1).await;
}

#[tokio::test]
async fn a_late_post_is_counted_in_the_minute_it_belongs_to_and_called_late() {
    let app = TestApp::start().await;
    let mut late = post("late", "I hate it");
    late["created_at"] = (Timestamp::now() - SignedDuration::from_mins(10)).to_string().into();
    app.publish(posts(0..10)).await;
    app.publish(vec![late]).await;
    app.space.assert_counted_once(11).await;
    let since = Timestamp::now() - SignedDuration::from_mins(30);
    let window = eventually("the last half hour counts it", async || {
        let window = app.get(&format!("/api/metrics/overall?from={since}")).await;
        (window["count"] == 11).then_some(window)
    })
    .await;
    assert_eq!(window["late"], 1, "{window}");
    let since = Timestamp::now() - SignedDuration::from_mins(5);
    let minutes = app.get(&format!("/api/metrics/overall?from={since}")).await;
    assert_eq!((&minutes["count"], &minutes["late"]), (&10.into(), &0.into()), "{minutes}");
}

#[tokio::test]
async fn what_is_accepted_is_exactly_what_is_counted_and_what_is_rejected_is_not() {
    let app = TestApp::start().await;
    let mut batch = posts(0..50);
    batch.insert(7, json!({"id": "bad", "platform": "web", "text": ""}));
    batch.insert(23, json!("no post at all"));
    batch.push(json!({"id": "bad", "platform": "web", "text": "x", "sentiment": "positive"}));
    let answer = app.post("/api/v1/posts", &batch.into()).await.unwrap();
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &50.into()));
    let indices: Vec<_> = answer.body["rejected"].as_array().unwrap().iter().map(|it| &it["index"]).collect();
    assert_eq!(indices, [7, 23, 52]);
    app.space.assert_counted_once(50).await;
}
