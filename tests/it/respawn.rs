//! Stages panic; what they held is delivered again, and everything goes on.

use std::time::Duration;

use jiff::Timestamp;

use crate::support::{Space, TestApp, posts, until};

#[tokio::test]
async fn every_stage_is_rebuilt_after_a_panic_under_load_and_nothing_is_lost_or_counted_twice() {
    let app = TestApp::start_with(&["--batch-size=20", "--posts-per-commit=20"]).await;
    // Slower than the load, so that every stage dies with its hands full.
    app.space.slow_down(Duration::from_millis(30)).await;
    let load = app.load();
    // First to last: whatever a ticket lost later would leave behind, no new ingester takes over.
    let stages: Vec<_> = app.stages().into_iter().rev().collect();
    assert!(
        ["ingester", "inference_pool", "aggregator", "alerter", "broadcaster"]
            .iter()
            .all(|stage| stages.contains(stage))
    );
    for stage in stages {
        let enough = load.n_accepted() + 300;
        until("the load is accepted", async || load.n_accepted() >= enough).await;
        app.kill(stage).await;
        app.until_rebuilt(stage, 1).await;
    }
    let n_sent = load.stop().await;
    app.space.full_speed().await;
    app.space.assert_counted_once(n_sent).await;
    for stage in app.stages() {
        assert_eq!(app.stage(stage).await.restarts, 1, "{stage}");
    }
    assert_eq!(app.space.backlog().await.dead, 0, "innocent posts are among the dead letters");
    until("it is ready again", async || app.readiness().await.is_some_and(|it| it.status == 200)).await;
}

#[tokio::test]
async fn what_an_aggregator_had_not_committed_when_it_died_is_delivered_again() {
    let app = TestApp::start_with(&["--batch-size=50"]).await;
    let sql = app.space.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE post_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    app.publish(posts(0..400)).await;
    until("the aggregator holds batches", async || app.stage("aggregator").await.in_flight >= 8).await;
    app.kill("aggregator").await;
    app.until_rebuilt("aggregator", 1).await;
    sql.batch_execute("ROLLBACK").await.unwrap();
    app.space.assert_counted_once(400).await;
    assert_eq!(app.space.backlog().await.dead, 0, "bystanders are among the dead letters");
}

#[tokio::test]
async fn a_rebuilt_live_metrics_stage_shows_the_window_that_its_predecessor_showed() {
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    socket.subscribe(&["metrics"]).await;
    app.publish(posts(0..120)).await;
    socket.window_of(120).await;
    app.kill("live_metrics").await;
    app.until_rebuilt("live_metrics", 1).await;
    let rebuilt_at = Timestamp::now();
    loop {
        let frame = socket.next_of("metrics:update").await;
        assert_eq!(frame["data"]["overall"]["count"], 120, "what was stored before is no longer shown");
        if frame["ts"].as_str().unwrap().parse::<Timestamp>().unwrap() > rebuilt_at {
            break;
        }
    }
    // Posts of before the death and of after it, together.
    app.publish(posts(120..150)).await;
    socket.window_of(150).await;
    app.space.assert_counted_once(150).await;
}

#[tokio::test]
async fn sockets_of_a_dead_broadcaster_are_told_to_come_again_and_hear_everything_new() {
    const TRY_AGAIN_LATER: u16 = 1013;
    let app = TestApp::start().await;
    let mut socket = app.socket().await;
    app.publish(posts(0..1)).await;
    assert_eq!(socket.next_of("message:new").await["data"]["post"]["id"], "0");
    app.kill("broadcaster").await;
    assert_eq!(socket.close_code().await, TRY_AGAIN_LATER);
    app.until_rebuilt("broadcaster", 1).await;
    let mut socket = app.socket().await;
    socket.subscribe(&["messages"]).await;
    app.publish(posts(1..2)).await;
    assert_eq!(socket.next_of("message:new").await["data"]["post"]["id"], "1");
}

#[tokio::test]
async fn a_stage_that_keeps_dying_ends_the_process_and_another_takes_over() {
    let space = Space::new().await;
    let mut app = TestApp::start_on(&space, &[]).await;
    app.publish(posts(0..100)).await;
    for n_deaths in 1..=5 {
        app.kill("inference_pool").await;
        if n_deaths < 5 {
            app.until_rebuilt("inference_pool", n_deaths).await;
        }
    }
    assert!(!app.until_ended().await, "it ended as if it had been told to");
    assert!(app.readiness().await.is_none(), "it still answers");
    let successor = TestApp::start_on(&space, &[]).await;
    successor.publish(posts(50..200)).await;
    space.assert_counted_once(200).await;
}

#[tokio::test]
async fn a_dead_stage_is_named_by_readyz_until_it_is_rebuilt() {
    let app = TestApp::start().await;
    // Each death makes the next wait longer, so that one of them is seen however busy the machine is.
    let mut n_deaths = 0;
    while !names(&app, "ingester").await {
        n_deaths += 1;
        assert!(n_deaths < 5, "readyz never named the ingester");
        let since = app.stage("ingester").await.restarts;
        app.kill("ingester").await;
        until("readyz names the ingester, or it is rebuilt", async || {
            names(&app, "ingester").await || app.stage("ingester").await.restarts > since
        })
        .await;
    }
    until("it is ready again", async || app.readiness().await.is_some_and(|it| it.status == 200)).await;
}

/// Whether it is not ready for this reason, others aside.
async fn names(app: &TestApp, what: &str) -> bool {
    let Some(answer) = app.readiness().await.filter(|answer| answer.status == 503) else {
        return false;
    };
    answer.body["reasons"].as_array().unwrap().iter().any(|reason| reason["what"] == what)
}

#[tokio::test]
async fn every_task_is_started_again_after_a_panic_and_shown() {
    let app = TestApp::start().await;
    let tasks: Vec<String> = app.tasks().into_iter().map(str::to_owned).collect();
    for task in ["health_monitor", "http_server", "listener", "metrics_upkeep", "socket_watchdog"] {
        assert!(tasks.iter().any(|known| known == task), "`{task}` is not among {tasks:?}");
    }
    for task in &tasks {
        app.kill(task).await;
        app.until_rebuilt(task, 1).await;
    }
    // What each of them is for works again: calls are answered, health is measured, news arrives.
    let mut socket = app.socket().await;
    socket.subscribe(&["messages"]).await;
    app.publish(posts(0..1)).await;
    assert_eq!(socket.next_of("message:new").await["data"]["post"]["id"], "0");
    until("it is ready again", async || app.readiness().await.is_some_and(|it| it.status == 200)).await;
    let measured_at = app.system().await.at;
    until("it is measured again", async || app.system().await.at > measured_at).await;
    assert!(app.text("/metrics").await.contains("groundswell_stage_restarts_total{stage=\"listener\"}"));
    for stage in app.stages() {
        assert_eq!(app.stage(stage).await.restarts, 0, "`{stage}` died of the death of a task");
    }
}
