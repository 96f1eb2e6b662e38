//! Redis delivers at least once; every post counts exactly once.

use std::time::Duration;

use groundswell::models::new_post::AcceptedPost;
use groundswell::models::new_post::{self, AcceptContext};
use groundswell::models::post::Source;
use jiff::Timestamp;

use crate::support::space::health_of;
use crate::support::{Space, TestApp, posts, redis, stays, until};

fn accepted(n_posts: u64) -> Vec<AcceptedPost> {
    let context = AcceptContext {
        now: Timestamp::now(),
        retention: Duration::from_secs(86_400),
        source: Source::new(Source::HTTP),
        connector: None,
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
async fn entries_for_a_newer_process_wait_for_it_amid_posts_that_are_stored() {
    let app = TestApp::start_with(&["--claim-idle-ms=3000", "--batch-size=20"]).await;
    let url = &app.space.redis_url;
    let stream = format!("{}social_posts_stream", app.space.prefix);
    let mut waiting = Vec::new();
    for n in 0..40_u64 {
        app.publish(posts(10 * n..10 * n + 10)).await;
        let sort: [&[u8]; 4] =
            if n % 2 == 0 { [b"v", b"2", b"x", b"y"] } else { [b"v", b"1", b"kind", b"job"] };
        waiting
            .push(redis::command(url, &[&[b"XADD".as_slice(), stream.as_bytes(), b"*"], &sort[..]].concat()));
    }
    until("they are told of, by version and kind", async || {
        let told = app.system().await.unknown_entries;
        let told: Vec<_> =
            told.iter().map(|it| (it.version.as_str(), it.kind.as_str(), it.waiting)).collect();
        told == [("1", "job", 20), ("2", "post", 20)]
    })
    .await;
    until("nothing else waits", async || app.space.backlog().await.length == 40).await;
    let backlog = app.space.backlog().await;
    assert_eq!((backlog.pending, backlog.dead), (40, 0));
    assert_eq!(app.stage("ingester").await.in_flight, 0, "they hold a place in flight");
    assert!(app.text("/metrics").await.contains("groundswell_unknown_entries"));

    // A newer process takes them over and settles them.
    for id in &waiting {
        let ours: [&[u8]; 3] = [stream.as_bytes(), b"groundswell", b"newer"];
        redis::command(url, &[&[b"XCLAIM".as_slice()], &ours[..], &[b"0", id.as_bytes()]].concat());
        redis::command(url, &[b"XACK", stream.as_bytes(), b"groundswell", id.as_bytes()]);
        redis::command(url, &[b"XDEL", stream.as_bytes(), id.as_bytes()]);
    }
    until("nothing is told of any more", async || app.system().await.unknown_entries.is_empty()).await;
    app.space.assert_counted_once(400).await;
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
    // Other tests wait for locks of their own databases.
    const WAITING: &str = "
        SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    until("the transaction waits for the lock", async || {
        sql.query_one(WAITING, &[]).await.unwrap().get::<_, i64>(0) > 0
    })
    .await;
    until("everything was read", async || health_of(&stream).await.pending == 200).await;
    stays("everything is pending while nothing is stored", Duration::from_millis(1_500), async || {
        let health = health_of(&stream).await;
        (health.length, health.pending) == (200, 200)
    })
    .await;
    sql.batch_execute("ROLLBACK").await.unwrap();
    app.space.assert_counted_once(200).await;
    stream.close().await;
}
