//! A browser that does not read harms nobody but itself.

use serde_json::{Value, json};

use crate::support::{TestApp, until};

/// Frames of this size fill the buffers of a connection after a few hundred.
const TEXT_CHARS: usize = 10_000;

/// More bytes than the kernel holds for one connection, and more frames than may wait in a mailbox.
const N_POSTS: usize = 1_600;

const TRY_AGAIN_LATER: u16 = 1013;

fn long_post(n: usize) -> Value {
    // Three bytes a character.
    json!({"id": n.to_string(), "platform": "web", "text": format!("{n}{}", "愛".repeat(TEXT_CHARS - 10))})
}

#[tokio::test]
async fn one_browser_that_does_not_read_does_not_hold_up_the_others() {
    let app = TestApp::start().await;
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
        // At the pace of the pipeline, so that the feed is no sample.
        until("the stream is short", async || app.space.backlog().await.length < 200).await;
    }
    reading.await.expect("the healthy socket did not get every frame");
    app.space.assert_counted_once(N_POSTS.try_into().unwrap()).await;

    // It hears what was on its way when it was given up, and is then told to come again.
    let mut n_heard = 0;
    let code = loop {
        match slow.next().await {
            Ok(_) => n_heard += 1,
            Err(code) => break code,
        }
    };
    assert!(n_heard < N_POSTS, "it was given everything: nothing was ever full");
    assert_eq!(code, TRY_AGAIN_LATER);
    assert_eq!(app.stage("broadcaster").await.restarts, 0);
}
