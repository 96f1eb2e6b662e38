//! What is unusual is told once, with what it goes by, though nobody configured a rule; what is usual is not.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, read};
use crate::support::{Client, PATIENCE, Space, TestApp, eventually, post};

/// Three days of some thirty posts in five minutes, two thirds of them about phones and the others about cases, a sixth
/// negative.
async fn remember_steady_days(space: &Space) {
    const SQL: &str = "
        INSERT INTO sentiment_rollups (bucket, source, dimension, key, count, positive, neutral, negative, sentiment_micros,
            churn_micros, churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear, emotion_joy,
            emotion_neutral, emotion_sadness, emotion_surprise, late, revision)
        SELECT minute, 'http', dimension::rollup_dimension, key, n, 0, n - n / 6, n / 6, n * 50000, 0, 0, 0,
            0, 0, 0, 0, n, 0, 0, 0, 1
        FROM generate_series(date_trunc('minute', now()) - interval '3 days', now() + interval '30 minutes',
                interval '1 minute') AS minute,
            LATERAL (SELECT 5 + extract(minute FROM minute)::bigint * 7 % 4 AS phones) AS made,
            LATERAL (VALUES ('overall', '', phones + 3), ('platform', 'web', phones + 3), ('product', 'phone', phones),
                ('product', 'case', 3)) AS of (dimension, key, n)";
    space.sql().await.execute(SQL, &[]).await.unwrap();
}

/// Posts about phones that were written four minutes ago, so that they have left the window of five in a minute.
fn burst(n_posts: usize) -> Vec<Value> {
    let created_at = Timestamp::now() - SignedDuration::from_secs(240);
    let mut posts: Vec<Value> = (0..n_posts).map(|n| post(n, "the battery of my phone explodes")).collect();
    for post in &mut posts {
        post["product"] = json!("phone");
        post["created_at"] = json!(created_at.to_string());
    }
    posts
}

async fn spikes(client: &Client) -> Vec<Value> {
    let all = client.get("/api/v1/alerts").await["items"].as_array().unwrap().clone();
    all.into_iter().filter(|alert| alert["rule"] == "spike").collect()
}

async fn until_judged(app: &TestApp, n_times: u64) {
    let judged = app.stage("signal_watcher").await.handled + n_times;
    eventually("the series are judged", async || {
        (app.stage("signal_watcher").await.handled >= judged).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_burst_is_told_once_with_what_it_goes_by_and_is_over_when_it_is_and_a_steady_feed_is_not() {
    let space = Space::new().await;
    remember_steady_days(&space).await;
    space.record_notifications().await;
    let mut one = TestApp::start_on(&space, &["--signals-every-s=1"]).await;
    let other = TestApp::start_on(&space, &["--signals-every-s=1"]).await;
    one.leaves_others = true;
    // Something to compare the words with.
    let earlier = Timestamp::now() - SignedDuration::from_mins(50);
    let usual = (1_000..1_060).map(|n| {
        let mut post = post(n, "my phone has a lovely screen");
        (post["product"], post["created_at"]) = (json!("phone"), json!(earlier.to_string()));
        post
    });
    one.publish(usual.collect()).await;
    until_judged(&one, 6).await;
    assert_eq!(spikes(&other).await, [Value::Null; 0]);

    one.publish(burst(200)).await;
    let raised = eventually("the burst is told", async || spikes(&other).await.pop()).await;
    assert_eq!(raised["scope"], json!({"dimension": "product", "key": "phone"}), "{raised}");
    assert_eq!((&raised["metric"], &raised["rule_id"]), (&json!("volume"), &Value::Null), "{raised}");
    let series = raised["evidence"]["series"].as_array().unwrap();
    let last = series.last().unwrap();
    assert!(series.len() > 30 && last["value"].as_f64() > last["high"].as_f64(), "{raised}");
    let terms: Vec<&str> = raised["evidence"]["terms"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|term| term["term"].as_str())
        .collect();
    assert!(terms.contains(&"battery") && !terms.contains(&"phone"), "{terms:?}");
    assert_eq!(raised["posts"][0]["text"], "the battery of my phone explodes");
    assert_eq!(raised["posts"].as_array().unwrap().len(), 20);
    let (n_opened, n_notified) = space.notified_as_they_opened().await;
    assert_eq!(n_opened, n_notified, "people will be told of each, whatever dies");

    let asked_at = Instant::now();
    let resolved = loop {
        let found = spikes(&one).await;
        assert_eq!(found.len(), 1, "{found:?}");
        if found[0]["state"] == "resolved" {
            break found;
        }
        assert!(asked_at.elapsed() < 3 * PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(resolved[0]["id"], raised["id"]);
}

#[tokio::test]
async fn settings_are_kept_and_wrong_ones_are_refused_by_name() {
    let api = ApiServer::open(Setup::default()).await;
    let address = "/api/v1/signal-settings";
    let put = async |settings: &Value| {
        let request = api.request(Method::PUT, address).json(settings);
        read(request.send().await.unwrap()).await
    };
    assert_eq!(api.get(address).await, (200, json!({"sensitivity": "balanced", "minimum_volume": 30})));
    let changed = json!({"sensitivity": "high", "minimum_volume": 50});
    assert_eq!(put(&changed).await, (200, changed.clone()));
    for (wrong, field) in [
        (json!({"sensitivity": "wild", "minimum_volume": 50}), "sensitivity"),
        (json!({"sensitivity": "low", "minimum_volume": 9}), "minimum_volume"),
    ] {
        let (status, answer) = put(&wrong).await;
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!(field)), "{answer}");
    }
    assert_eq!(api.get(address).await, (200, changed));
}
