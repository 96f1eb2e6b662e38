//! Questions that ask for too much.

use serde_json::json;

use crate::support::Space;
use crate::support::api_server::{ApiServer, Setup};

#[actix_web::test]
async fn too_much_at_once_is_refused_and_what_is_wrong_is_named() {
    let api = ApiServer::open(Setup::default()).await;
    for (path, parameter) in [
        ("explore/series?tz=Mars/Olympus", "tz"),
        ("explore/series?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "from"),
        ("explore/series?window=30d&step=minute", "step"),
        ("explore/series?step=second", "step"),
        ("explore/series?dimension=city", "dimension"),
        ("explore/breakdown?by=mood", "by"),
        ("explore/breakdown?by=city&limit=501", "limit"),
        ("explore/breakdown?by=city&emotion=bliss", "emotion"),
        ("posts?order=virality", "from"),
        ("posts?order=rising&window=30d", "from"),
        ("posts?order=rising&window=7d&limit=201", "limit"),
        ("posts?order=virality&window=7d&cursor=00", "cursor"),
        ("posts?order=loudest", "order"),
        ("posts?min_virality=101", "min_virality"),
        ("posts/export?format=csv&min_churn=2", "min_churn"),
        ("posts/export?format=csv&format=ndjson", "format"),
        ("posts?label=negative&label_not=angry", "label_not"),
        ("explore/series?emotion_not=bliss", "emotion_not"),
        ("explore/series?min_churn=0.1&min_churn=0.2", "min_churn"),
        ("labels/export?format=xls", "format"),
    ] {
        let (status, answer) = api.get(&format!("/api/v1/{path}")).await;
        let named = answer["error"]["details"]["parameter"].as_str().unwrap_or_default();
        assert_eq!((status, named), (400, parameter), "{path}: {answer}");
    }
    let many: String = (0..21).map(|n| format!("&city_not=City+{n}")).collect();
    let (status, answer) = api.get(&format!("/api/v1/posts?limit=1{many}")).await;
    assert_eq!((status, &answer["error"]["details"]["parameter"]), (400, &json!("city_not")));
    let (status, answer) = api.get(&format!("/api/v1/explore/series?q={}", "x".repeat(501))).await;
    assert_eq!((status, &answer["error"]["details"]["parameter"]), (400, &json!("q")));
    for q in ["'; DROP TABLE models; --", "a' OR '1'='1", "\\", "!!!", "((((", "a <-> b", ":*", "%00x"] {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        for path in ["explore/series?window=24h", "explore/breakdown?by=author", "posts?limit=1"] {
            let (status, answer) = api.get(&format!("/api/v1/{path}&q={q}")).await;
            assert_eq!(status, 200, "{path} {q}: {answer}");
        }
    }
}

#[actix_web::test]
async fn a_range_with_too_many_posts_for_its_filter_is_refused_before_they_are_read() {
    let space = Space::new().await;
    let api = ApiServer::open_on(&space, Setup::default()).await;
    let many = "INSERT INTO sentiment_rollups (bucket, source, dimension, key, count, positive, neutral, negative,
            sentiment_micros, churn_micros, churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear,
            emotion_joy, emotion_neutral, emotion_sadness, emotion_surprise, late, revision)
        VALUES (date_trunc('minute', now()), 'http', 'overall', '', 100001, 0, 100001, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            100001, 0, 0, 0, 1)";
    space.sql().await.batch_execute(many).await.unwrap();
    let (status, answer) = api.get("/api/v1/explore/series?window=1h&label=negative").await;
    let error = &answer["error"];
    assert_eq!(
        (status, &error["code"], &error["details"]["limit"]),
        (400, &json!("window_too_long"), &json!(100_000))
    );
    let (status, answer) = api.get("/api/v1/explore/series?window=1h").await;
    assert_eq!((status, &answer["answered_from"]), (200, &json!("rollups")));
    assert_eq!(api.get("/api/v1/explore/series?window=1h&source=replay&label=negative").await.0, 200);
}
