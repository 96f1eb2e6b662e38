//! Operations and frames of live sockets, and their limit.

use serde_json::{Value, json};

use crate::support::{TestApp, posts, until};

fn offset(frame: &Value) -> (String, u64) {
    let (epoch, offset) = frame["id"].as_str().unwrap().split_once(':').unwrap();
    (epoch.to_owned(), offset.parse().unwrap())
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_followed_by_the_current_state() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    socket.say(json!({"op": "subscribe", "feeds": ["system", "metrics"], "since": "gone:17"})).await;
    let answer = socket.next_of("subscribed").await;
    assert_eq!(
        (&answer["data"]["feeds"], &answer["data"]["recovered"]),
        (&json!(["metrics", "system"]), &json!(false))
    );
    // After the acknowledgement comes a fresh start, whatever came before it.
    let metrics = socket.next_of("metrics:initial").await;
    assert_eq!((&metrics["feed"], &metrics["data"]["overall"]["count"]), (&json!("metrics"), &json!(0)));
    let first = socket.next_of("system:update").await;
    assert_eq!(first["data"]["stages"][0]["stage"], "ingester");
    let second = socket.next_of("system:update").await;
    assert_ne!(first["data"]["at"], second["data"]["at"], "it is told again by itself");
}

#[tokio::test]
async fn a_filter_applies_to_posts_and_not_to_metrics() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    let filter = json!({"city": "Oslo", "platform": "twitter"});
    socket.say(json!({"op": "subscribe", "feeds": ["messages", "metrics"], "filter": filter})).await;
    socket.next_of("subscribed").await;
    app.publish(posts(0..60)).await;
    let mut n_messages = 0;
    let mut newest = (String::new(), 0);
    loop {
        let frame = socket.next().await.unwrap();
        if frame["event"] == "message:new" {
            let post = &frame["data"]["post"];
            assert_eq!((&post["city"], &post["platform"]), (&json!("Oslo"), &json!("twitter")));
            let id = offset(&frame);
            assert!(id.1 > newest.1, "{id:?} follows {newest:?}");
            newest = id;
            n_messages += 1;
        }
        if frame["event"] == "metrics:update" && frame["data"]["overall"]["count"] == 60 {
            break;
        }
    }
    assert_eq!(n_messages, 10, "every sixth post is a tweet from Oslo");
}

#[tokio::test]
async fn an_unsubscribed_feed_is_no_longer_delivered() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    socket.say(json!({"op": "unsubscribe", "feeds": ["messages"]})).await;
    assert_eq!(socket.next_of("subscribed").await["data"]["feeds"], json!(["metrics", "alerts"]));
    app.publish(posts(0..10)).await;
    loop {
        let frame = socket.next().await.unwrap();
        assert_ne!(frame["event"], "message:new");
        if frame["event"] == "metrics:update" && frame["data"]["overall"]["count"] == 10 {
            return;
        }
    }
}

#[tokio::test]
async fn an_invalid_operation_is_reported_and_the_socket_stays_open() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    for (wrong, code, named) in [
        ("nonsense", "invalid_json", "JSON"),
        (r#"{"op":"dance"}"#, "unknown_op", "`dance`"),
        (r#"{"op":"subscribe","feeds":["weather"]}"#, "unknown_feed", "`weather`"),
        (r#"{"op":"subscribe","feeds":["alerts"],"filters":{}}"#, "unknown_field", "`filters`"),
        (r#"{"op":"subscribe","feeds":["alerts"],"filter":{"town":"Oslo"}}"#, "invalid_field", "`town`"),
        (r#"{"op":"subscribe","feeds":["alerts"],"since":"yesterday"}"#, "invalid_field", "`since`"),
    ] {
        socket.say(wrong).await;
        let error = socket.next_of("error").await["data"].clone();
        assert_eq!(error["code"], code, "{wrong}: {error}");
        assert!(error["message"].as_str().unwrap().contains(named), "{wrong}: {error}");
    }
    socket.say(r#"{"op":"ping"}"#).await;
    socket.next_of("pong").await;
}

#[tokio::test]
async fn a_socket_over_the_limit_is_rejected_until_another_closes() {
    let app = TestApp::start_with(&["--sockets-max=2"]).await;
    let (first, _second) = (app.socket().await, app.socket().await);
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/ws", app.address)).await;
    let Err(tokio_tungstenite::tungstenite::Error::Http(answer)) = refused else {
        panic!("a third socket was taken: {refused:?}");
    };
    assert_eq!(answer.status(), 503);
    let body: Value = serde_json::from_slice(answer.body().as_deref().unwrap_or_default()).unwrap();
    assert_eq!(
        (&body["error"]["code"], &body["error"]["details"]["limit"]),
        (&json!("too_many_sockets"), &json!(2))
    );
    until("both are counted", async || app.system().await.sockets.open == 2).await;
    drop(first);
    until("there is room again", async || {
        tokio_tungstenite::connect_async(format!("ws://{}/ws", app.address)).await.is_ok()
    })
    .await;
}
