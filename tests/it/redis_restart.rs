//! Redis goes away under load and comes back.

use std::time::Duration;

use crate::support::{PrivateServers, Space, TestApp, in_soak, stays, until};

#[tokio::test]
async fn while_redis_is_away_posts_are_refused_and_afterwards_everything_catches_up_by_itself() {
    let away = in_soak(Duration::from_secs(30), Duration::from_secs(6));
    let servers = PrivateServers::start().await;
    let space = Space::all_of(servers.embedded.endpoints());
    let app = TestApp::start_on(&space, &[]).await;
    let load = app.load();
    for n in 1..=2 {
        let n_before = load.n_accepted();
        until("the load is accepted", async || load.n_accepted() > n_before + 500).await;
        let n_refused = load.n_answered(503);
        servers.embedded.stop_redis().await.unwrap();
        until("readyz names redis and nothing else", async || {
            app.readiness().await.is_some_and(|answer| {
                let reasons = answer.body["reasons"].as_array().cloned().unwrap_or_default();
                answer.status == 503 && reasons.len() == 1 && reasons[0]["what"] == "redis"
            })
        })
        .await;
        until("posts are answered 503", async || load.n_answered(503) > n_refused + 5).await;
        let n_accepted = load.n_accepted();
        stays("posts are refused", away, async || load.n_accepted() == n_accepted).await;
        servers.embedded.start_redis().await.unwrap();
        until("it is ready again", async || app.readiness().await.is_some_and(|it| it.status == 200)).await;
        println!("redis restart: {n} of 2, away for {away:?}");
    }
    let n_sent = load.stop().await;
    space.assert_counted_once(n_sent).await;
    assert_eq!(space.backlog().await.dead, 0, "innocent posts are among the dead letters");
    for stage in app.stages() {
        assert_eq!(app.stage(stage).await.restarts, 0, "`{stage}` died of redis being away");
    }
    // Live news is heard again as well.
    let mut socket = app.socket().await;
    app.publish(vec![crate::support::post("after", "I love it")]).await;
    assert_eq!(socket.next_of("message:new").await["data"]["post"]["id"], "after");
    drop(app);
    servers.stop().await;
}
