//! Doubtful posts are read again by a better model: each at most once, and every sum follows.

use std::time::Duration;

use groundswell::models::system_health::TiersHealth;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::{Client, Space, TestApp, eventually, judge_in_soak, post, stays, until};

/// A budget that even a machine that is busy with other tests keeps.
const CALM: [&str; 2] = ["--deep-model=fake", "--latency-budget=15s"];

/// What the two models read differently, each in a way of its own, and what they read alike.
const TEXTS: [&str; 5] =
    ["maybe I love it", "maybe I hate it", "cancel it, kidding", "I love it", "it is a phone"];

fn doubtful_posts(numbers: std::ops::Range<usize>) -> Vec<Value> {
    let numbered = |n: usize| {
        let mut post = post(n, TEXTS[n % TEXTS.len()]);
        post["product"] = json!(["alpha", "beta"][n % 2]);
        post
    };
    numbers.map(numbered).collect()
}

/// How a space's posts are scored now.
#[derive(Debug, Default, PartialEq, Eq)]
struct Scored {
    swift: i64,
    deep: i64,
    awaiting: i64,
    superseded: i64,
}

async fn scored(space: &Space) -> Scored {
    const SQL: &str = "
        SELECT count(*) FILTER (WHERE m.name = 'fake'), count(*) FILTER (WHERE m.name = 'fake-deep'),
            (SELECT count(*) FROM awaiting_correction), (SELECT count(*) FROM sentiment_analysis_history)
        FROM sentiment_analysis s JOIN models m ON m.id = s.model";
    let row = space.sql().await.query_one(SQL, &[]).await.unwrap();
    Scored { swift: row.get(0), deep: row.get(1), awaiting: row.get(2), superseded: row.get(3) }
}

async fn until_scored(space: &Space, expected: Scored) {
    let mut last = Scored::default();
    let reached = async || {
        last = scored(space).await;
        last == expected
    };
    until(&format!("the scores are {expected:?}"), reached).await;
}

async fn tiers(client: &Client) -> TiersHealth {
    client.system().await.tiers
}

async fn churn_alert(client: &Client, state: &str) -> Value {
    eventually(&format!("one churn alert is {state}"), async || {
        let found = client.get("/api/v1/alerts").await["items"].as_array().unwrap().clone();
        assert!(found.len() <= 1, "{found:?}");
        found.into_iter().find(|alert| alert["rule"] == "churn" && alert["state"] == state)
    })
    .await
}

#[tokio::test]
async fn in_quiet_times_every_post_ends_with_the_deep_model_and_every_sum_is_exact() {
    let app = TestApp::start_with(&CALM).await;
    for first in (0..200).step_by(20) {
        app.publish(doubtful_posts(first..first + 20)).await;
        // Quiet: what came before is done before more comes.
        let n_posts = i64::try_from(first).unwrap() + 20;
        until_scored(&app.space, Scored { deep: n_posts, superseded: n_posts, ..Scored::default() }).await;
    }
    app.space.assert_counted_once(200).await;
    app.space.assert_sums_exact().await;
    let since = Timestamp::now() - SignedDuration::from_mins(30);
    let window = eventually("the last half hour counts them", async || {
        let window = app.get(&format!("/api/metrics/overall?from={since}")).await;
        (window["count"] == 200).then_some(window)
    })
    .await;
    assert_eq!(window["sentiment"]["positive"], 80, "{window}");
    assert_eq!(window["churn"]["high"], 0, "nobody who is kidding leaves: {window}");

    let shown = eventually("the system tells the shares", async || {
        let is_told = |tiers: &TiersHealth| tiers.items.len() == 2 && tiers.items[1].posts == 200;
        Some(tiers(&app).await).filter(|tiers| is_told(tiers) && tiers.deep_per_second > 0.0)
    })
    .await;
    assert_eq!((shown.budget_ms, shown.overloaded, shown.awaiting), (15_000, false, 0));
    assert!(shown.without_deep.is_none());
    let names: Vec<_> = shown.items.iter().map(|item| (&*item.tier, &*item.model.name, item.share)).collect();
    assert_eq!(names, [("swift", "fake", 0.0), ("deep", "fake-deep", 1.0)]);
}

#[tokio::test]
async fn without_a_deep_model_the_fast_one_goes_on_and_the_system_says_why() {
    let app = TestApp::start_with(&["--deep-model=no-such-model"]).await;
    app.publish(doubtful_posts(0..20)).await;
    until_scored(&app.space, Scored { swift: 20, ..Scored::default() }).await;
    let shown = tiers(&app).await;
    assert_eq!((shown.items.len(), shown.budget_ms, shown.deep_per_second), (1, 0, 0.0));
    assert!(shown.without_deep.unwrap().contains("no-such-model"));
    assert!(!app.stages().contains(&"deep_pool"));
    let reloaded = app.post("/api/v1/models/reload", &Value::Null).await.unwrap();
    let why = reloaded.body["without_deep"].as_str().unwrap().to_owned();
    assert!(reloaded.status == 200 && why.contains("no-such-model") && why.contains("restart"), "{why}");
}

#[tokio::test]
async fn under_overload_everything_stays_with_the_fast_model_and_the_server_says_so() {
    let space = Space::new().await;
    // Nobody stores a post in half a millisecond.
    let app = TestApp::start_on(&space, &["--deep-model=fake", "--latency-budget=1ms"]).await;
    let mut n_sent = 0;
    until("it says that it is overloaded", async || {
        app.publish(doubtful_posts(n_sent..n_sent + 10)).await;
        n_sent += 10;
        tiers(&app).await.overloaded
    })
    .await;
    space.assert_counted_once(n_sent as u64).await;
    let n_posts = i64::try_from(n_sent).unwrap();
    assert_eq!(scored(&space).await, Scored { swift: n_posts, ..Scored::default() });
    space.assert_sums_exact().await;
}

#[tokio::test]
async fn a_backlog_keeps_posts_from_the_deep_model_until_it_is_gone() {
    /// Twice as many as are in flight, by the options below.
    const BACKLOG_MAX: u64 = 40;
    let space = Space::new().await;
    let options = [&CALM[..], &["--batch-size=10", "--batches-in-flight=2"]].concat();
    let app = TestApp::start_on(&space, &options).await;
    // Storing all of them takes half a minute, so most are unread when the overload is noticed.
    space.slow_down(Duration::from_secs(1)).await;
    app.publish(doubtful_posts(0..600)).await;
    let n_unread = eventually("it says that it is overloaded", async || {
        let system = app.system().await;
        let n_unread = system.stream.filter(|_| system.tiers.overloaded)?.lag;
        (n_unread > 2 * BACKLOG_MAX).then_some(n_unread)
    })
    .await;
    space.full_speed().await;
    space.assert_counted_once(600).await;
    until("the overload is over", async || !tiers(&app).await.overloaded).await;
    until("nothing awaits a correction", async || scored(&space).await.awaiting == 0).await;
    let Scored { swift: n_swift, .. } = scored(&space).await;
    // The overload lasts until no more than the usual backlog is unread.
    let n_swift_min = i64::try_from(n_unread - BACKLOG_MAX).unwrap();
    assert!(n_swift >= n_swift_min, "{n_swift} posts stayed with the fast model, of {n_unread} unread ones");
    judge_in_soak(n_swift > 300, &format!("cascade: {n_swift} of 600 posts stayed with the fast model"));

    app.publish(doubtful_posts(600..620)).await;
    until("new posts go on again", async || {
        let found = scored(&space).await;
        (found.swift, found.swift + found.deep, found.awaiting) == (n_swift, 620, 0)
    })
    .await;
    space.assert_sums_exact().await;
}

#[tokio::test]
async fn what_waits_when_the_server_is_killed_is_corrected_by_the_next_and_each_post_once() {
    const N_POSTS: usize = 60;
    const N: i64 = 60;
    let space = Space::new().await;
    let urls = [format!("--database-url={}", space.database_url), format!("--redis-url={}", space.redis_url)];
    let prefix = format!("--prefix={}", space.prefix);
    let options = [&CALM[..], &[&urls[0], &urls[1], &prefix]].concat();
    let held = space.hold_corrections().await;
    let mut server = Process::start(&options);
    let client = Client::new(server.ready().await);
    client.publish(doubtful_posts(0..N_POSTS)).await;
    space.assert_counted_once(N_POSTS as u64).await;
    let waiting = scored(&space).await;
    assert!(waiting.awaiting > 0, "{waiting:?}");
    assert_eq!(Scored { awaiting: 0, ..waiting }, Scored { swift: N, ..Scored::default() });
    server.kill().await;

    // Both take up what it left, and so would it, were it alive.
    drop(held);
    space.let_claims_run_out().await;
    let mut one = TestApp::start_on(&space, &CALM).await;
    let other = TestApp::start_on(&space, &CALM).await;
    one.leaves_others = true;
    let n_corrected = waiting.awaiting;
    let expected = Scored { swift: N - n_corrected, deep: n_corrected, awaiting: 0, superseded: n_corrected };
    until_scored(&space, expected).await;
    const TWICE: &str = "SELECT count(*) FROM sentiment_analysis WHERE revision > 2";
    assert_eq!(space.sql().await.query_one(TWICE, &[]).await.unwrap().get::<_, i64>(0), 0);
    space.assert_counted_once(N_POSTS as u64).await;
    space.assert_sums_exact().await;
    // A process whose window is older than a correction by another shows it soon after.
    until("the window is that of the corrected sums", async || {
        let mut socket = other.socket().await;
        socket.subscribe(&["metrics"]).await;
        let shown = socket.next_of("metrics:initial").await["data"]["overall"].take();
        // As much as the live windows of tests hold.
        let since = Timestamp::now() - SignedDuration::from_mins(14);
        let stored = other.get(&format!("/api/metrics/overall?from={since}")).await;
        stored["count"] == N && shown["sentiment"]["positive"] == stored["sentiment"]["positive"]
    })
    .await;
}

#[tokio::test]
async fn a_correction_reaches_a_browser_and_counts_no_post_twice() {
    let app = TestApp::start_with(&CALM).await;
    let mut socket = app.socket().await;
    socket.subscribe(&["messages", "metrics"]).await;
    app.publish(vec![post("1", "maybe I love it")]).await;
    let new = socket.next_of("message:new").await;
    let update = socket.next_of("message:update").await;
    assert_eq!(update["feed"], "messages");
    assert_eq!(new["data"]["post"], update["data"]["post"]);
    let said = |frame: &Value| {
        let score = &frame["data"]["score"];
        (score["model"]["name"].clone(), score["sentiment"]["label"].clone())
    };
    assert_eq!(said(&new), ("fake".into(), "neutral".into()));
    assert_eq!(said(&update), ("fake-deep".into(), "positive".into()));
    loop {
        let overall = socket.next_of("metrics:update").await["data"]["overall"].take();
        // The window holds complete buckets, so the post comes into it already corrected, or later.
        assert!(overall["count"].as_u64().unwrap() <= 1, "{overall}");
        if overall["sentiment"]["positive"] == 1 {
            assert_eq!(
                (&overall["sentiment"]["neutral"], &overall["emotions"]["joy"]),
                (&0.into(), &1.into())
            );
            break;
        }
    }
    let stored =
        app.get(&format!("/api/v1/posts/{}", update["data"]["post"]["uuid"].as_str().unwrap())).await;
    assert_eq!(stored["score"], update["data"]["score"]);
    assert_eq!(stored["history"][0]["score"], new["data"]["score"]);
}

#[tokio::test]
async fn a_post_that_breaks_the_deep_model_keeps_its_first_score_and_the_rest_is_corrected() {
    let app = TestApp::start_with(&CALM).await;
    let mut batch = doubtful_posts(0..39);
    batch.insert(17, post("poison", "maybe poison-deep"));
    app.publish(batch).await;
    until_scored(&app.space, Scored { swift: 1, deep: 39, awaiting: 0, superseded: 39 }).await;
    app.publish(doubtful_posts(39..59)).await;
    until_scored(&app.space, Scored { swift: 1, deep: 59, awaiting: 0, superseded: 59 }).await;
    assert_eq!(app.stage("deep_pool").await.restarts, 0, "a panic while scoring is no death of the stage");
    app.space.assert_sums_exact().await;
}

#[tokio::test]
async fn a_post_for_which_the_runtime_fell_short_is_read_again_later() {
    let app = TestApp::start_with(&CALM).await;
    let mut batch = doubtful_posts(0..19);
    batch.insert(7, post("short", "maybe poison-once"));
    app.publish(batch).await;
    until_scored(&app.space, Scored { swift: 1, deep: 19, awaiting: 1, superseded: 19 }).await;
    app.space.let_claims_run_out().await;
    until_scored(&app.space, Scored { deep: 20, superseded: 20, ..Scored::default() }).await;
    app.space.assert_sums_exact().await;
}

#[tokio::test]
async fn a_deep_pool_that_dies_loses_no_correction() {
    let app = TestApp::start_with(&CALM).await;
    let held = app.space.hold_corrections().await;
    app.publish(doubtful_posts(0..40)).await;
    app.space.assert_counted_once(40).await;
    app.kill("aggregator").await;
    app.kill("deep_pool").await;
    app.until_rebuilt("deep_pool", 1).await;
    app.until_rebuilt("aggregator", 1).await;
    drop(held);
    app.space.let_claims_run_out().await;
    until_scored(&app.space, Scored { deep: 40, superseded: 40, ..Scored::default() }).await;
    app.space.assert_sums_exact().await;
}

/// Lets the churn rule alert on a single post.
async fn every_post_is_news(app: &TestApp) {
    let all = "UPDATE alert_rules SET threshold = 0, clear_threshold = 0 WHERE metric = 'churn_high'";
    app.space.sql().await.execute(all, &[]).await.unwrap();
}

#[tokio::test]
async fn a_correction_resolves_the_alert_it_empties_and_opens_the_one_that_was_missed() {
    let app = TestApp::start_with(&CALM).await;
    let mut socket = app.socket().await;
    socket.subscribe(&["alerts"]).await;
    every_post_is_news(&app).await;
    let held = app.space.hold_corrections().await;
    app.publish(vec![post("kidding", "cancel it, kidding")]).await;
    let open = churn_alert(&app, "open").await;
    stays("it is open", Duration::from_millis(300), async || churn_alert(&app, "open").await == open).await;
    drop(held);
    let resolved = churn_alert(&app, "resolved").await;
    assert_eq!((&resolved["id"], &resolved["opened_at"]), (&open["id"], &open["opened_at"]));
    assert_eq!(socket.next_of("alert:churn").await["data"]["id"], open["id"]);
    assert_eq!(socket.next_of("alert:resolved").await["data"]["id"], open["id"]);
    app.space.assert_sums_exact().await;

    // Of another product, for which nobody was told a moment ago.
    let mut missed = post("missed", "maybe I will cancel");
    missed["product"] = "alpha".into();
    app.publish(vec![missed]).await;
    let raised = socket.next_of("alert:churn").await;
    assert_eq!(raised["data"]["scope"]["key"], "alpha", "{raised}");
}

#[tokio::test]
async fn texts_are_scored_by_the_best_model_in_time() {
    let app = TestApp::start_with(&CALM).await;
    let ask = async |wish: Value| {
        let answer = app.post("/api/v1/score", &wish).await.unwrap();
        (answer.status, answer.body["model"]["name"].clone())
    };
    let text = "maybe I love it";
    assert_eq!(ask(json!({"text": text})).await, (200, "fake-deep".into()));
    assert_eq!(ask(json!({"text": text, "budget_ms": 20_000})).await, (200, "fake-deep".into()));
    assert_eq!(ask(json!({"text": text, "budget_ms": 0})).await, (200, "fake".into()));
    // What the deep model cannot read, the fast one still can.
    assert_eq!(ask(json!({"text": "poison-deep"})).await, (200, "fake".into()));
    assert_eq!(ask(json!({"text": text, "budget_ms": 60_001})).await.0, 422);
}
