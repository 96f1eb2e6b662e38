//! A database for each test, and posts to put into it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::NoTls;
use uuid::Uuid;

use super::{Store, StoreParams};
use crate::models::post::{Post, ScoredPost, Source};
use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};

/// How long the tests keep posts.
pub(crate) const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// A database of its own, migrated, with a pool on the test's runtime.
pub(crate) async fn test_store() -> Store {
    let store = empty_store().await;
    store.migrate().await.unwrap();
    store
}

/// A database of its own, without any table.
pub(crate) async fn empty_store() -> Store {
    let server = std::env::var("GROUNDSWELL_TEST_POSTGRES").unwrap();
    let name = format!("test_{}", Uuid::now_v7().simple());
    let (admin, connection) =
        tokio_postgres::connect(&format!("{server} dbname=postgres"), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    drop(admin);
    connection.await.unwrap().unwrap();
    let params = StoreParams { url: format!("{server} dbname={name}"), pool_size: 10, retention: RETENTION };
    Store::connect(params).await.unwrap()
}

/// Runs statements as they are.
pub(crate) async fn execute(store: &Store, sql: &str) {
    store.client().await.unwrap().batch_execute(sql).await.unwrap();
}

/// The first number that a query answers.
pub(crate) async fn number(store: &Store, sql: &str) -> i64 {
    store.client().await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
}

/// The `n`-th of a series of different posts, all alike in what does not depend on `n`. Written at `at`.
pub(crate) fn post(n: usize, at: Timestamp) -> ScoredPost {
    let label = [SentimentLabel::Positive, SentimentLabel::Neutral, SentimentLabel::Negative][n % 3];
    let share = |m: usize| (n * 37 % m) as f32 / m as f32;
    let emotions = EmotionScores::from_array([1, 2, 3, 5, 7, 11, 13].map(|k| share(k + 97)));
    ScoredPost {
        post: Post {
            uuid: Uuid::now_v7(),
            id: format!("id-{n}"),
            platform: ["twitter", "bluesky"][n % 2].to_owned(),
            text: format!(
                "I have waited {n} days for my parcel and nobody answers the phone, thanks for nothing"
            ),
            author: None,
            lang: Some("en".to_owned()),
            created_at: at,
            received_at: at,
            original_created_at: None,
            source: Source::new(["http", "replay", "synthetic"][n / 2 % 3]),
            city: (n % 4 != 0).then(|| format!("City {}", n % 4)),
            country: (n % 4 != 0).then(|| "DE".to_owned()),
            lat: (n % 4 != 0).then_some(50.0 + (n % 4) as f64),
            lon: (n % 4 != 0).then_some(10.0),
            products: ["alpha", "beta"][..n % 3].iter().map(|name| (*name).to_owned()).collect(),
            channel: (n % 5 != 0).then(|| ["support", "store"][n % 2].to_owned()),
            url: None,
            parent_id: None,
            reach: n as i64,
            engagement: None,
        },
        score: Score {
            sentiment: Sentiment { label, score: share(101) * 2.0 - 1.0, confidence: share(103) },
            emotion: Emotion {
                label: crate::models::score::EMOTIONS[emotions.strongest()].to_owned(),
                scores: emotions,
            },
            toxicity: share(107),
            churn_risk: share(109),
            virality: share(113) * 100.0,
            model: Arc::new(ModelId {
                name: "fake".to_owned(),
                version: "1".to_owned(),
                hash: "0".to_owned(),
            }),
        },
    }
}

/// `n` different posts written at `at`.
pub(crate) fn posts(n: usize, at: Timestamp) -> Vec<ScoredPost> {
    (0..n).map(|n| post(n, at)).collect()
}
