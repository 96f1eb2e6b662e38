//! Several processes share one Redis and one PostgreSQL.

use serde_json::json;

use crate::support::{Space, TestApp, posts, until};

#[tokio::test]
async fn two_processes_share_the_work_and_count_each_post_once() {
    let space = Space::new().await;
    let mut one = TestApp::start_on(&space, &["--batch-size=50"]).await;
    let other = TestApp::start_on(&space, &["--batch-size=50"]).await;
    one.leaves_others = true;
    let (mut to_one, mut to_other) = (one.socket().await, other.socket().await);
    to_one.subscribe(&["metrics"]).await;
    to_other.subscribe(&["metrics"]).await;
    // The same posts to both, so that each is likely to meet what the other stores.
    for first in (0..3_000).step_by(500) {
        one.publish(posts(first..first + 500)).await;
        other.publish(posts(first..first + 500)).await;
    }
    space.assert_counted_once(3_000).await;
    for app in [&one, &other] {
        until("each has stored some", async || app.stage("aggregator").await.handled > 0).await;
    }
    // Both show what both have stored.
    for socket in [&mut to_one, &mut to_other] {
        socket.window_of(3_000).await;
    }
    other.publish(posts(3_000..4_000)).await;
    drop(one);
    other.publish(posts(4_000..5_000)).await;
    space.assert_counted_once(5_000).await;
}

#[tokio::test]
async fn a_process_that_only_answers_leaves_the_stream_to_others() {
    let space = Space::new().await;
    let front = TestApp::start_on(&space, &["--roles=web"]).await;
    front.publish(posts(0..100)).await;
    let stages = front.stages();
    for absent in ["ingester", "aggregator", "trend_counter", "housekeeper"] {
        assert!(!stages.contains(&absent), "{absent}: {stages:?}");
    }
    assert!(stages.contains(&"inference_pool"), "{stages:?}");
    let scored = front.post("/api/v1/score", &json!({ "text": "I love it" })).await.unwrap();
    assert_eq!((scored.status, scored.body["sentiment"]["label"].as_str()), (200, Some("positive")));
    assert_eq!(space.backlog().await.lag, 100);
    let back = TestApp::start_on(&space, &["--roles=ingest,alert"]).await;
    space.assert_counted_once(100).await;
    until("both are ready", async || {
        let mut answers = [front.readiness().await, back.readiness().await].into_iter().flatten();
        answers.all(|answer| answer.status == 200)
    })
    .await;
}
