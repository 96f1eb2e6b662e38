//! What is said on a live socket, and how many there may be.

use serde_json::{Value, json};

use crate::support::{TestApp, posts, until};

fn offset(frame: &Value) -> (String, u64) {
    let (epoch, offset) = frame["id"].as_str().unwrap().split_once(':').unwrap();
    (epoch.to_owned(), offset.parse().unwrap())
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_then_answered_with_how_things_are() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    socket.say(json!({"op": "subscribe", "feeds": ["system", "metrics"], "since": "gone:17"})).await;
    let answer = socket.next_of("subscribed").await;
    assert_eq!(
        (&answer["data"]["feeds"], &answer["data"]["recovered"]),
        (&json!(["metrics", "system"]), &json!(false))
    );
    // What follows the acknowledgement is a fresh start, whatever came before it.
    let metrics = socket.next_of("metrics:initial").await;
    assert_eq!((&metrics["feed"], &metrics["data"]["overall"]["count"]), (&json!("metrics"), &json!(0)));
    let first = socket.next_of("system:update").await;
    assert_eq!(first["data"]["stages"][0]["stage"], "ingester");
    let second = socket.next_of("system:update").await;
    assert_ne!(first["data"]["at"], second["data"]["at"], "it is told again by itself");
}

#[tokio::test]
async fn a_filter_narrows_posts_and_leaves_the_sums_alone() {
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
async fn after_unsubscribing_nothing_more_of_the_feed_comes() {
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
async fn what_a_client_says_wrongly_is_named_and_it_stays_connected() {
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
async fn one_socket_more_than_configured_is_refused_until_another_leaves() {
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
