//! Senders choose what posts are about: however many things that are, people are alerted, and rules can be changed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, TestApp, eventually, stays, until};

/// Products, all of which everybody hates. More than open in one turn.
const N_PRODUCTS: i64 = 3_000;

async fn hatred(sql: &tokio_postgres::Client) {
    const SQL: &str = "
        INSERT INTO sentiment_rollups (bucket, count, positive, neutral, negative, sentiment_micros, churn_micros,
            churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear, emotion_joy, emotion_neutral,
            emotion_sadness, emotion_surprise, late, revision, dimension, source, key)
        SELECT bucket, 30, 0, 0, 30, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 1, 'product', 'http', 'product ' || n
        FROM generate_series(1, $1::bigint) AS n, (SELECT date_bin('10 seconds', now(), '2000-01-01') AS bucket) AS at";
    sql.execute(SQL, &[&N_PRODUCTS]).await.unwrap();
}

async fn alerting(app: &Client) -> Value {
    app.get("/api/v1/system").await["alerting"].clone()
}

#[tokio::test]
async fn a_wave_of_products_is_alerted_and_rules_are_changed_and_deleted_meanwhile() {
    let app = TestApp::start().await;
    let sql = app.space.sql().await;
    let rule = json!({
        "name": "loud products", "metric": "volume", "scope": {"dimension": "product"}, "window_seconds": 600,
        "comparison": "above", "threshold": 10, "severity": "critical"
    });
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(app.post("/api/v1/alert-rules", &rule).await.unwrap().body);
    }
    hatred(&sql).await;
    eventually("it says that more are to come", async || {
        let told = alerting(&app).await;
        let names: Vec<&Value> = told["rules"].as_array()?.iter().map(|rule| &rule["name"]).collect();
        (told["left_out"]["waiting"].as_u64()? > 0 && names.contains(&&rule["name"])).then_some(())
    })
    .await;
    // In the midst of it: reading, changing and deleting rules waits for no turn.
    for rule in &made[..2] {
        let path = format!("/api/v1/alert-rules/{}", rule["id"].as_str().unwrap());
        assert_eq!(app.delete(&path).await, 204);
    }
    until("all are open, and nothing is left out", async || {
        let told = alerting(&app).await;
        // Of the rule that came with the program, and of the one that was not deleted.
        told["open_alerts"] == 2 * N_PRODUCTS
            && told["left_out"]["waiting"] == 0
            && told["left_out"]["updates"] == 0
    })
    .await;
    let metrics = app.text("/metrics").await;
    assert!(metrics.contains("groundswell_alert_left_out{what=\"no_room\"}"), "{metrics}");
    assert!(metrics.contains("groundswell_alert_turn_seconds_count"), "{metrics}");

    let path = format!("/api/v1/alert-rules/{}", made[2]["id"].as_str().unwrap());
    assert_eq!(app.delete(&path).await, 204);
    let of_rule = format!(
        "SELECT count(*) FROM sentiment_alerts WHERE state = 'open' AND rule_id <> '{}'",
        "01930000-0000-7000-8000-000000000002"
    );
    eventually("their alerts are withdrawn", async || {
        let n_open: i64 = sql.query_one(&of_rule, &[]).await.unwrap().get(0);
        (n_open == 0).then_some(())
    })
    .await;
    stays("the alerter lives", Duration::from_millis(500), async || app.stage("alerter").await.restarts == 0)
        .await;
}
