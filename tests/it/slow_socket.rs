//! A browser that does not read affects no other.

use serde_json::{Value, json};

use crate::support::{TestApp, until};

/// Frames of this size fill the buffers of a connection after a few hundred.
const TEXT_CHARS: usize = 10_000;

/// More bytes than the kernel buffers for one connection, and more frames than an outbox holds.
const N_POSTS: usize = 1_600;

fn long_post(n: usize) -> Value {
    // Three bytes per character.
    json!({"id": n.to_string(), "platform": "web", "text": format!("{n}{}", "愛".repeat(TEXT_CHARS - 10))})
}

#[tokio::test]
async fn a_stalled_browser_does_not_delay_the_others() {
    // Generous for a slow machine: the test is about what is queued, not for how long.
    let app = TestApp::start_with(&["--socket-stall-s=600"]).await;
    let mut slow = app.socket().await;
    let mut healthy = app.socket().await;
    slow.subscribe(&["messages"]).await;
    healthy.subscribe(&["messages"]).await;
    let reading = tokio::spawn(async move {
        let mut n_read = 0;
        while n_read < N_POSTS {
            healthy.next_of("message:new").await;
            n_read += 1;
        }
        healthy
    });
    for first in (0..N_POSTS).step_by(50) {
        app.publish((first..first + 50).map(long_post).collect()).await;
        // At the pace of the pipeline, so that the feed is not sampled.
        until("the stream is short", async || app.space.backlog().await.length < 200).await;
    }
    reading.await.expect("the healthy socket did not get every frame");
    app.space.assert_counted_once(N_POSTS.try_into().unwrap()).await;

    // It receives what was sent or queued, and learns how many posts it missed.
    let (mut n_heard, mut n_skipped) = (0, 0);
    while n_heard + n_skipped < N_POSTS {
        let frame = slow.next().await.expect("it was sent away");
        match frame["event"].as_str().unwrap() {
            "message:new" => n_heard += 1,
            "message:skipped" => n_skipped += frame["data"]["too_slow"].as_u64().unwrap() as usize,
            _ => {}
        }
    }
    assert!(n_skipped > 0, "it was given everything: nothing was ever full");
    assert_eq!(n_heard + n_skipped, N_POSTS, "{n_heard} heard");
    assert_eq!(app.stage("broadcaster").await.restarts, 0);
}
