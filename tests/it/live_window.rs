//! How much of the newest past is live.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{TestApp, eventually, post, redis};

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
        app.publish(vec![written(1, 2), written(2, 200), written(3, 800)]).await;
        app.space.assert_counted_once(3).await;
        let says_so = |live: &Value| {
            let told = live["window"]["seconds"].as_i64().unwrap();
            (seconds..seconds + 10).contains(&told)
        };
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
