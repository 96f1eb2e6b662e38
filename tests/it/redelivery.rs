//! Redis delivers at least once; every post counts exactly once.

use std::time::Duration;

use groundswell::models::new_post::{self, AcceptContext};
use groundswell::models::post::{AcceptedPost, Source};
use jiff::Timestamp;

use crate::support::{Space, TestApp, posts, stays, until};

fn accepted(n_posts: u64) -> Vec<AcceptedPost> {
    let context = AcceptContext {
        now: Timestamp::now(),
        retention: Duration::from_secs(86_400),
        source: Source::new(Source::HTTP),
    };
    let accept = |post: serde_json::Value| {
        let post = new_post::parse(post.to_string().as_bytes()).unwrap();
        new_post::accept(post, &context).unwrap()
    };
    posts(0..n_posts).into_iter().map(accept).collect()
}

#[tokio::test]
async fn what_a_dead_process_had_read_is_taken_over_and_counted_once() {
    let space = Space::new().await;
    let stream = space.stream().await;
    stream.producer().publish(&accepted(700)).await.unwrap();
    let dead = stream.consumer().await.unwrap();
    dead.create_group().await.unwrap();
    let n_read = dead.read(400, Duration::from_millis(100)).await.unwrap().len();
    assert_eq!((n_read, stream.health().await.unwrap().pending), (400, 400));
    // Gone without a word: it neither acknowledges nor leaves.
    drop(dead);
    stream.close().await;

    let app = TestApp::start_on(&space, &[]).await;
    space.assert_counted_once(700).await;
    assert_eq!(app.space.backlog().await.dead, 0);
}

#[tokio::test]
async fn a_post_that_is_stored_and_delivered_again_is_not_counted_again() {
    let app = TestApp::start().await;
    app.publish(posts(0..500)).await;
    app.space.assert_counted_once(500).await;
    // As after a crash between commit and acknowledgement: everything again, with some news in between.
    app.publish(posts(0..600)).await;
    app.publish(posts(0..600)).await;
    app.space.assert_counted_once(600).await;
}

#[tokio::test]
async fn a_post_sent_again_at_another_time_is_the_same_post() {
    let app = TestApp::start().await;
    let mut moved = posts(0..10);
    for post in &mut moved {
        post["created_at"] = (Timestamp::now() - jiff::SignedDuration::from_hours(30)).to_string().into();
    }
    app.publish(posts(0..10)).await;
    app.publish(moved).await;
    app.space.assert_counted_once(10).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_transaction_has_committed() {
    let app = TestApp::start().await;
    let stream = app.space.stream().await;
    let sql = app.space.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE post_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    app.publish(posts(0..200)).await;
    until("the transaction waits for the lock", async || {
        let row = sql.query_one("SELECT count(*) FROM pg_locks WHERE NOT granted", &[]).await.unwrap();
        row.get::<_, i64>(0) > 0
    })
    .await;
    stays("everything is pending while nothing is stored", Duration::from_millis(1_500), async || {
        let health = stream.health().await.unwrap();
        (health.length, health.pending) == (200, 200)
    })
    .await;
    sql.batch_execute("ROLLBACK").await.unwrap();
    app.space.assert_counted_once(200).await;
    stream.close().await;
}
