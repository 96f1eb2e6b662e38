//! How much of the newest past is live.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{TestApp, eventually, post, redis, stays};

/// A post written so long ago.
fn written(id: u32, seconds_ago: i64) -> Value {
    let mut post = post(id, "I love it");
    post["created_at"] = json!(Timestamp::now() - SignedDuration::from_secs(seconds_ago));
    post
}

#[tokio::test]
async fn a_longer_live_window_holds_older_posts_and_says_how_long_it_is_on_sockets_and_in_redis() {
    for (setting, seconds, expected) in [("60s", 60, 1), ("5m", 300, 2), ("15m", 900, 3)] {
        let app = TestApp::start_with(&[&format!("--live-window={setting}")]).await;
        app.publish(vec![written(1, 12), written(2, 200), written(3, 800)]).await;
        app.space.assert_counted_once(3).await;
        let says_so = |live: &Value| live["window"]["seconds"] == seconds;
        eventually("the frame holds them", async || {
            let frame = app.socket().await.next_of("metrics:initial").await["data"].take();
            (frame["overall"]["count"] == expected && says_so(&frame)).then_some(())
        })
        .await;
        eventually("redis holds them", async || {
            let key = format!("{}sentiment:overall", app.space.prefix);
            let told = redis::command(&app.space.redis_url, &[b"GET", key.as_bytes()]);
            let live: Value = serde_json::from_str(&told).ok()?;
            (live["count"] == expected && says_so(&live)).then_some(())
        })
        .await;
    }
}

/// The posts of eighty seconds past and of half a minute ahead, thirty a second, so that they are stored before the window
/// reaches them. Two buckets pass while the window is read.
#[tokio::test]
async fn a_steady_source_shows_the_same_count_at_any_moment_by_rest_and_by_socket() {
    let app = TestApp::start().await;
    let now = Timestamp::now();
    // They go on for longer than storing and watching them takes, even on a busy machine.
    let steady = (0..4_500_i64).map(|n| {
        let mut post = post(n, "I love it");
        post["created_at"] = json!(now + SignedDuration::from_millis(n * 1_000 / 30 - 80_000));
        post
    });
    app.publish(steady.collect()).await;
    app.space.assert_counted_once(4_500).await;
    let mut socket = app.socket().await;
    socket.subscribe(&["metrics"]).await;
    stays("1,800 posts in 60 seconds", Duration::from_secs(21), async || {
        let rest = app.get("/api/metrics/overall?window=60s").await;
        let trend = app.get("/api/metrics/trend?window=5m").await;
        let frame = socket.next().await.unwrap()["data"].take();
        let is_steady = |answer: &Value| {
            let count = answer["count"].as_i64().unwrap();
            (1_782..=1_818).contains(&count)
        };
        let are_complete = trend["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["complete"] == true && step["seconds"] == 10.0);
        let newest = frame["trend"]["items"].as_array().unwrap().last().unwrap();
        is_steady(&rest)
            && is_steady(&frame["overall"])
            && are_complete
            && rest["window"]["seconds"] == 60
            && frame["window"]["seconds"] == 60
            && newest["seconds"].as_f64().unwrap() <= 10.0
    })
    .await;
}
