//! PostgreSQL goes away under load and comes back.

use std::time::Duration;

use crate::support::{PrivateServers, Space, TestApp, in_soak, stays, until};

#[tokio::test]
async fn while_postgres_is_away_posts_wait_in_the_stream_up_to_its_mark_and_afterwards_all_are_stored() {
    let away = in_soak(Duration::from_secs(30), Duration::from_secs(6));
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let app = TestApp::start_on(&space, &["--high-water=2000", "--batch-size=100"]).await;
    let load = app.load();
    for n in 1..=2 {
        let n_before = load.n_accepted();
        until("the load is accepted", async || load.n_accepted() > n_before + 500).await;
        servers.embedded.stop_postgres().await.unwrap();
        let n_accepted = load.n_accepted();
        until("readyz names postgres and nothing else", async || {
            app.readiness().await.is_some_and(|answer| {
                let reasons = answer.body["reasons"].as_array().cloned().unwrap_or_default();
                answer.status == 503 && reasons.len() == 1 && reasons[0]["what"] == "postgres"
            })
        })
        .await;
        until("posts are still accepted", async || load.n_accepted() > n_accepted).await;
        let n_refused = load.n_answered(429);
        until("posts are answered 429 at the mark", async || load.n_answered(429) > n_refused).await;
        let length = space.backlog().await.length;
        assert!((1_900..=2_000).contains(&length), "the stream holds {length} at a mark of 2000");
        stays("posts wait in the stream", away, async || space.backlog().await.length <= 2_000).await;
        servers.embedded.start_postgres().await.unwrap();
        until("it is ready again", async || app.readiness().await.is_some_and(|it| it.status == 200)).await;
        println!("postgres restart: {n} of 2, away for {away:?}");
    }
    assert_eq!(load.n_answered(503), 0, "posts were refused although redis was there");
    let n_sent = load.stop().await;
    space.assert_counted_once(n_sent).await;
    assert_eq!(space.backlog().await.dead, 0, "innocent posts are among the dead letters");
    for stage in app.stages() {
        assert_eq!(app.stage(stage).await.restarts, 0, "`{stage}` died of postgres being away");
    }
    drop(app);
    servers.stop().await;
}
