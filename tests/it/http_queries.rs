//! Responses of the API about stored data.

use std::time::Duration;

use groundswell::models::alert::{AlertRule, Scope, Severity};
use groundswell::models::id::PostId;
use groundswell::models::post::{Post, ScoredPost, Source};
use groundswell::models::system_health::{DependencyHealth, StageHealth, StageState};
use groundswell::store::alerts::evaluation::{LeaderLease, LeaderRole};
use groundswell::store::alerts::{AlertSeries, NewAlert};
use groundswell::store::posts::record;
use groundswell::stream::DeadLetterRequest;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Setup, score};

const JSON: &str = "application/json";

/// Returns the `n`-th newest of the posts up to `newest`.
fn post(n: usize, newest: Timestamp, text: &str) -> ScoredPost {
    let micros = newest.as_microsecond() - i64::try_from(n).unwrap();
    let at = Timestamp::from_microsecond(micros).unwrap();
    let post = Post {
        uuid: PostId::now_v7(),
        id: n.to_string(),
        platform: "web".into(),
        text: text.into(),
        author: None,
        lang: Some("en".into()),
        created_at: at,
        received_at: at,
        original_created_at: None,
        source: Source::new("http"),
        connector: None,
        city: Some("Oslo".into()),
        country: Some("NO".into()),
        lat: Some(59.9),
        lon: Some(10.7),
        products: vec!["Solo".into()],
        topics: Vec::new(),
        channel: Some("support".into()),
        url: None,
        parent_id: None,
        reach: 1,
        engagement: None,
    };
    ScoredPost { post, score: score(0.5), awaits_correction: false }
}

/// Posts that are old enough for their bucket to be complete.
async fn server_with_posts(texts: &[&str]) -> ApiServer {
    let api = ApiServer::open(Setup::default()).await;
    let newest = Timestamp::now() - SignedDuration::from_secs(12);
    let batch: Vec<_> = texts.iter().enumerate().map(|(n, text)| post(n, newest, text)).collect();
    record::record(&api.store, &batch, &mut api.store.rollup_guard()).await.unwrap();
    api
}

#[actix_web::test]
async fn every_metrics_call_covers_the_stored_posts() {
    let api = server_with_posts(&["one", "two", "three"]).await;
    let (status, overall) = api.get("/api/metrics/overall?window=5m").await;
    assert_eq!(
        (status, &overall["count"], &overall["window"]["seconds"]),
        (200, &json!(3), &json!(300)),
        "{overall}"
    );
    assert_eq!(overall["sentiment"]["positive"], 3);
    for (call, key) in [("geo", "Oslo"), ("products", "Solo"), ("channels", "support"), ("platforms", "web")]
    {
        let (status, answer) = api.get(&format!("/api/metrics/{call}?window=5m")).await;
        assert_eq!((status, &answer["items"][0]["key"]), (200, &json!(key)), "{answer}");
        assert_eq!(answer["items"][0]["count"], 3, "{answer}");
    }
    let (_, geo) = api.get("/api/metrics/geo?window=5m").await;
    assert_eq!(geo["items"][0]["lat"], 59.9);
    let (_, emotions) = api.get("/api/metrics/emotions?window=5m").await;
    assert_eq!(emotions["items"].as_array().unwrap().len(), 7);
    let (_, trend) = api.get("/api/metrics/trend?window=5m&product=Solo").await;
    let counts = trend["items"].as_array().unwrap().iter().map(|step| step["count"].as_i64().unwrap());
    assert_eq!(counts.sum::<i64>(), 3);
    let (_, other) = api.get("/api/metrics/overall?window=5m&product=Duo").await;
    assert_eq!((&other["count"], &other["sentiment"]["average"]), (&json!(0), &Value::Null));
}

#[actix_web::test]
async fn an_invalid_parameter_is_rejected_by_name() {
    let api = ApiServer::open(Setup::default()).await;
    for (path, code, parameter) in [
        ("/api/metrics/overall?window=90s", "invalid_parameter", "window"),
        ("/api/metrics/overall?windows=60s", "unknown_parameter", "windows"),
        ("/api/metrics/geo?from=yesterday", "invalid_parameter", "from"),
        ("/api/metrics/geo?to=2026-05-01T12:00:00Z", "invalid_parameter", "to"),
        ("/api/metrics/trend?product=a%00b", "invalid_parameter", "product"),
        ("/api/v1/posts?limit=0", "invalid_parameter", "limit"),
        ("/api/v1/posts?limit=501", "invalid_parameter", "limit"),
        ("/api/v1/posts?label=angry", "invalid_parameter", "label"),
        ("/api/v1/posts?cursor=nonsense", "invalid_parameter", "cursor"),
        ("/api/v1/posts?page=2", "unknown_parameter", "page"),
        ("/api/v1/posts?q=a&q=b", "invalid_parameter", "q"),
        ("/api/v1/posts/not-a-uuid", "invalid_parameter", "id"),
        ("/api/v1/posts/export?format=xls", "invalid_parameter", "format"),
        ("/api/v1/alerts?state=closed", "invalid_parameter", "state"),
        ("/api/v1/dead-letters?cursor=x", "invalid_parameter", "cursor"),
        ("/api/v1/system?x=1", "unknown_parameter", "x"),
        ("/readyz?quiet", "unknown_parameter", "quiet"),
    ] {
        let (status, answer) = api.get(path).await;
        let error = &answer["error"];
        let said = (error["code"].as_str().unwrap(), error["details"]["parameter"].as_str().unwrap());
        assert_eq!((status, said), (400, (code, parameter)), "{path}: {answer}");
    }
    let (status, answer) = api.get("/api/metrics/overall?window=7d&product=a&city=b").await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("window_too_long")));
}

#[actix_web::test]
async fn posts_are_paged_searched_and_shown() {
    let api = server_with_posts(&["good morning", "good evening", "bad night"]).await;
    let (_, first) = api.get("/api/v1/posts?limit=2").await;
    assert_eq!(first["items"][0]["post"]["text"], "good morning");
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = api.get(&format!("/api/v1/posts?limit=2&cursor={cursor}")).await;
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
    let (_, found) = api.get("/api/v1/posts?q=good+-evening&label=positive&source=http&city=Oslo").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let uuid = found["items"][0]["post"]["uuid"].as_str().unwrap();
    let (status, one) = api.get(&format!("/api/v1/posts/{uuid}")).await;
    let listed = &found["items"][0];
    assert_eq!((status, &one["post"], &one["score"]), (200, &listed["post"], &listed["score"]));
    assert_eq!(one["history"], json!([]), "it was scored once");
    let (status, answer) = api.get("/api/v1/posts/00000000-0000-7000-8000-000000000000").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("not_found")));
}

#[actix_web::test]
async fn an_export_holds_every_post_and_no_formula() {
    let texts: Vec<String> = (0..1_500).map(|n| format!("=cmd|{n}")).collect();
    let api = server_with_posts(&texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let response = api.request(Method::GET, "/api/v1/posts/export?format=csv").send().await.unwrap();
    assert!(response.headers()["content-disposition"].to_str().unwrap().contains("attachment"));
    let table = response.text().await.unwrap();
    let rows: Vec<_> =
        csv::Reader::from_reader(table.as_bytes()).into_records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1_500);
    assert!(rows.iter().all(|row| row[6].starts_with("'=cmd|")));
    let lines = api.request(Method::GET, "/api/v1/posts/export?format=ndjson&q=cmd").send().await.unwrap();
    assert_eq!(lines.text().await.unwrap().lines().count(), 1_500);
}

#[actix_web::test]
async fn an_alert_is_listed_acknowledged_once_and_commented_on() {
    let api = ApiServer::open(Setup::default()).await;
    let found = NewAlert {
        members: Vec::new(),
        series: AlertSeries { rule: AlertRule::Churn, rule_id: None, metric: None, scope: Scope::overall() },
        rule_name: None,
        channels: Vec::new(),
        evidence: None,
        severity: Severity::Critical,
        title: "somebody is about to leave".into(),
        value: 0.9,
        threshold: 0.8,
        count: 1,
        at: Timestamp::now(),
        cooldown: Duration::ZERO,
        posts: Vec::new(),
    };
    let mut lead = LeaderLease::connect(&api.store, LeaderRole::Rules).await.unwrap();
    let mut turn = lead.begin().await.unwrap();
    let alert = turn.raise(&found).await.unwrap().into_alert().unwrap();
    let _ = turn.commit().await.unwrap();
    let (_, listed) = api.get("/api/v1/alerts?state=open&rule=churn").await;
    assert_eq!(listed["items"][0]["id"], json!(alert.id));
    let path = format!("/api/v1/alerts/{}/acknowledge", alert.id);
    let (status, first) = api.post(&path, JSON, "").await;
    assert_eq!(status, 200, "{first}");
    let (_, again) = api.post(&path, JSON, "").await;
    assert!(first["acknowledged_at"].is_string());
    assert_eq!(first["acknowledged_at"], again["acknowledged_at"]);
    let (_, shown) = api.get(&format!("/api/v1/alerts/{}", alert.id)).await;
    assert_eq!(
        (&shown["history"][0]["phase"], &shown["history"][1]["action"]),
        (&json!("firing"), &json!("acknowledged"))
    );
    assert_eq!(shown["history"].as_array().unwrap().len(), 2);
    let undone = api.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(undone.status(), 200);
    let undone: Value = undone.json().await.unwrap();
    assert!(undone["acknowledged_at"].is_null());
    assert!(undone["revision"].as_i64() > first["revision"].as_i64(), "{undone}");
    let comments = format!("/api/v1/alerts/{}/comments", alert.id);
    let (status, comment) = api.post(&comments, JSON, json!({"text": " on it "}).to_string()).await;
    assert_eq!((status, &comment["comment"]), (201, &json!("on it")), "{comment}");
    let (status, refused) = api.post(&comments, JSON, json!({"text": " "}).to_string()).await;
    assert_eq!((status, &refused["error"]["details"]["field"]), (422, &json!("text")), "{refused}");
    let (_, shown) = api.get(&format!("/api/v1/alerts/{}", alert.id)).await;
    assert_eq!((&shown["comments"], &shown["history"][3]["comment"]), (&json!(1), &json!("on it")));
    for (call, body) in [("acknowledge", String::new()), ("comments", json!({"text": "lost"}).to_string())] {
        let path = format!("/api/v1/alerts/00000000-0000-7000-8000-000000000000/{call}");
        assert_eq!(api.post(&path, JSON, body).await.0, 404, "{call}");
    }
}

#[actix_web::test]
async fn a_dead_letter_is_listed_and_replayed() {
    let api = ApiServer::open(Setup::default()).await;
    let post = json!({"id": "7", "platform": "web", "text": "poison"}).to_string();
    assert_eq!(api.post("/api/v1/posts", JSON, post).await.0, 202);
    let consumer = api.stream.consumer().await.unwrap();
    let read = consumer.read(1, Duration::from_secs(1)).await.unwrap();
    let request = DeadLetterRequest {
        id: read[0].id.clone(),
        reason: "it always fails".into(),
        attempts: 3,
        died_at: Timestamp::now(),
    };
    consumer.dead_letter(&request).await.unwrap();
    let (_, letters) = api.get("/api/v1/dead-letters").await;
    assert_eq!(letters["items"][0]["reason"], "it always fails", "{letters}");
    assert_eq!(api.n_waiting().await, 0);
    let replay = json!({"ids": [letters["items"][0]["id"]]}).to_string();
    let (status, answer) = api.post("/api/v1/dead-letters/replay", JSON, replay).await;
    assert_eq!((status, &answer["replayed"]), (200, &json!(1)));
    assert_eq!(api.n_waiting().await, 1);
    for wrong in ["{}", r#"{"ids":["x"]}"#, r#"{"ids":["1-0"],"all":true}"#] {
        let (status, answer) = api.post("/api/v1/dead-letters/replay", JSON, wrong).await;
        assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("ids")), "{wrong}");
    }
}

#[actix_web::test]
async fn texts_are_scored_on_demand_in_their_order() {
    let api = ApiServer::open(Setup::default()).await;
    let (status, one) = api.post("/api/v1/score", JSON, r#"{"text":"hello"}"#).await;
    assert_eq!(
        (status, &one["sentiment"]["label"], &one["model"]["name"]),
        (200, &json!("positive"), &json!("fake"))
    );
    let (_, many) = api.post("/api/v1/score", JSON, r#"{"texts":["a","bb"]}"#).await;
    assert_eq!(many["scores"].as_array().unwrap().len(), 2);
    let too_many = json!({"texts": vec!["a"; 257]}).to_string();
    let (status, answer) = api.post("/api/v1/score", JSON, too_many).await;
    assert_eq!((status, &answer["error"]["details"]["limit"]), (413, &json!(256)));
    let (status, answer) = api.post("/api/v1/score", JSON, r#"{"texts":["a",""]}"#).await;
    assert_eq!((status, &answer["error"]["details"]["field"]), (422, &json!("texts[1]")));
    let (status, _) = api.post("/api/v1/score", JSON, "{").await;
    assert_eq!(status, 400);
}

#[actix_web::test]
async fn readiness_reports_what_is_missing_and_liveness_does_not_depend_on_it() {
    let api = ApiServer::open(Setup::default()).await;
    assert_eq!(api.get("/readyz").await, (200, json!({"ready": true})));
    api.change_health(|health| {
        health.postgres = DependencyHealth { reachable: false, error: Some("it was stopped".into()) };
    });
    assert_eq!(api.get("/readyz").await, (503, json!({"ready": false})));
    let (status, answer) = api.get("/readyz?verbose").await;
    assert_eq!((status, &answer["reasons"][0]["what"]), (503, &json!("postgres")));
    assert_eq!((api.get("/livez").await.0, api.get("/health").await.0), (200, 200));
    let (_, system) = api.get("/api/v1/system").await;
    assert_eq!(system["postgres"]["reachable"], false);
}

#[actix_web::test]
async fn a_stale_measurement_is_not_ready_and_stages_that_are_not_essential_do_not_matter() {
    let api = ApiServer::open(Setup::default()).await;
    api.age_health(Duration::from_secs(60));
    let (status, answer) = api.get("/readyz?verbose").await;
    assert_eq!((status, &answer["reasons"][0]["what"]), (503, &json!("health_monitor")));
    let why = answer["reasons"][0]["why"].as_str().unwrap();
    assert!(why.contains("last measured 6"), "{why}");
    api.age_health(Duration::ZERO);
    let down = |essential| StageHealth {
        stage: "a task".into(),
        state: StageState::BackingOff,
        generation: 1,
        restarts: 0,
        handled: 0,
        failed: 0,
        in_flight: 0,
        last_progress_at: None,
        essential,
    };
    api.change_health(|health| health.tasks = vec![down(false)]);
    assert_eq!(api.get("/readyz").await.0, 200);
    api.change_health(|health| health.tasks = vec![down(true)]);
    let (status, answer) = api.get("/readyz?verbose").await;
    assert_eq!((status, &answer["reasons"][0]["what"]), (503, &json!("a task")));
}

#[actix_web::test]
async fn the_openapi_document_the_metrics_and_the_dashboard_are_served() {
    let api = ApiServer::open(Setup::default()).await;
    let (_, document) = api.get("/openapi.json").await;
    assert!(document["paths"]["/api/v1/posts"]["post"].is_object());
    for (path, kind) in
        [("/docs/", "text/html"), ("/docs", "text/html"), ("/metrics", "text/plain"), ("/", "text/html")]
    {
        let response = api.request(Method::GET, path).send().await.unwrap();
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
    }
}

/// Guards an assumption of these tests: the posts above must lie within the shortest window.
#[actix_web::test]
async fn the_shortest_window_is_the_last_minute() {
    let api = server_with_posts(&["now"]).await;
    let (_, overall) = api.get("/api/metrics/overall").await;
    assert_eq!((&overall["window"]["seconds"], &overall["count"]), (&json!(60), &json!(1)));
    let hour_ago = Timestamp::now().checked_sub(SignedDuration::from_hours(1)).unwrap();
    let (_, since) = api.get(&format!("/api/metrics/overall?from={hour_ago}")).await;
    assert_eq!(since["count"], 1, "{since}");
}
