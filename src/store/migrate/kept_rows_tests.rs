//! Rows of an old database, of migration 17 (commit ce960b0), which every later migration keeps.

use std::collections::BTreeMap;

use refinery::Target;

use super::embedded;
use crate::store::Store;
use crate::store::testing::{empty_store, execute, number};

/// Last migration of the old version.
const OLD: i32 = 17;

/// A row or more in each table that people or posts fill.
const ROWS: &str = "
    INSERT INTO models (name, version, hash) VALUES ('swift', '1', 'abc');
    INSERT INTO post_keys (platform, post_id, uuid, created_at)
    SELECT 'web', n::text, md5(n::text)::uuid, timestamptz '2025-11-01' + n * interval '7 minutes' FROM generate_series(1, 300) AS n;
    INSERT INTO social_media_posts (uuid, created_at, received_at, reach, platform, post_id, source, text, products, author_handle,
        likes, city)
    SELECT uuid, created_at, created_at, 10, platform, post_id, 'http', 'post ' || post_id || ' über Ärger', ARRAY['alpha'], 'ana',
        length(post_id), 'Oslo' FROM post_keys;
    INSERT INTO sentiment_analysis (uuid, created_at, score, confidence, anger, disgust, fear, joy, neutral, sadness, surprise,
        toxicity, churn_risk, virality, label, emotion, model)
    SELECT uuid, created_at, 0.25, 0.5, 0, 0, 0, 1, 0, 0, 0, 0.125, 0.75, 30, 'positive', 'joy', 1 FROM post_keys;
    INSERT INTO sentiment_rollups
    SELECT date_trunc('minute', created_at), 1, 1, 0, 0, 250000, 750000, 0, 125000, 0, 0, 0, 1, 0, 0, 0, 0, 1, dimension, 'http', key
    FROM post_keys, (VALUES ('overall'::rollup_dimension, ''), ('product', 'alpha'), ('city', 'Oslo')) AS of (dimension, key);
    INSERT INTO engagement_samples (uuid, sampled_at, created_at, likes)
    SELECT uuid, created_at + interval '1 hour', created_at, 5 FROM post_keys;
    INSERT INTO label_corrections (uuid, created_at, corrected_at, was_model, label, was_label, corrected_by, note)
    SELECT uuid, created_at, created_at, 1, 'negative', 'positive', 'Ana', 'irony' FROM post_keys LIMIT 5;
    INSERT INTO flagged_posts SELECT uuid, created_at FROM post_keys LIMIT 7;
    INSERT INTO saved_views VALUES (gen_random_uuid(), now(), now(), 'Oslo', 'explore', 'city=Oslo');
    INSERT INTO silences VALUES (gen_random_uuid(), now(), now() + interval '1 day', now(), NULL, 'product', NULL, 'alpha', 'known');
    INSERT INTO notification_channels (id, kind, enabled, name, minimum_severity, settings, sealed, sealed_by)
    VALUES (gen_random_uuid(), 'email', true, 'Team', 'warning', '{\"to\": [\"team@example.org\"]}', '', 'abc');
    INSERT INTO sentiment_alerts (id, value, threshold, count, opened_at, updated_at, rule, dimension, state, severity, key, title,
        posts, rule_id)
    SELECT gen_random_uuid(), 0.6, 0.5, 30, now(), now(), 'negativity', 'product', 'open', 'warning', 'alpha', 'a title', '[]', id
    FROM alert_rules WHERE dimension = 'product' AND metric = 'negative_share';
    INSERT INTO notifications (id, channel, alert, next_attempt_at, event, snapshot)
    SELECT gen_random_uuid(), channel.id, alert.id, now(), 'fired', '{}'
    FROM notification_channels AS channel, sentiment_alerts AS alert";

/// Tables of which no later migration changes a value.
const UNCHANGED: [&str; 10] = [
    "post_keys",
    "social_media_posts",
    "sentiment_analysis",
    "sentiment_rollups",
    "engagement_samples",
    "label_corrections",
    "flagged_posts",
    "saved_views",
    "silences",
    "models",
];

/// Returns the number of rows of each table.
async fn counts(store: &Store) -> BTreeMap<String, i64> {
    const TABLES: &str = "
        SELECT relname::text FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
            AND relname <> 'refinery_schema_history'";
    let mut counts = BTreeMap::new();
    for row in store.query(TABLES, &[]).await.unwrap() {
        let table: String = row.get(0);
        let n_rows = number(store, &format!("SELECT count(*) FROM {table}")).await;
        counts.insert(table, n_rows);
    }
    counts
}

/// Returns the names of a table's columns.
async fn columns(store: &Store, table: &str) -> Vec<String> {
    let sql = "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 AND table_schema = 'public'";
    store.query(sql, &[&table]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Returns the values of these columns in all rows, in an order that depends only on them.
async fn values(store: &Store, table: &str, columns: &[String]) -> String {
    let sql = format!(
        "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
            SELECT (SELECT jsonb_object_agg(name, value)::text FROM jsonb_each(to_jsonb(stored)) AS of (name, value)
                WHERE name = ANY ($1)) AS line
            FROM {table} AS stored) AS lines"
    );
    store.query_one(&sql, &[&columns]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_database_of_an_old_version_keeps_every_row() {
    let store = empty_store().await;
    let runner = embedded::migrations::runner().set_target(Target::Version(OLD));
    store.migrate_with(runner).await.unwrap();
    execute(&store, ROWS).await;
    let before = counts(&store).await;
    let mut kept = BTreeMap::new();
    for table in UNCHANGED {
        let columns = columns(&store, table).await;
        let values = values(&store, table, &columns).await;
        kept.insert(table, (columns, values));
    }
    store.migrate().await.unwrap();
    let after = counts(&store).await;
    for (table, n_rows) in &before {
        assert_eq!(after.get(table), Some(n_rows), "{table}");
    }
    assert!(before.values().sum::<i64>() > 2_000, "{before:?}");
    for (table, (columns, expected)) in &kept {
        assert_eq!(&values(&store, table, columns).await, expected, "{table}");
    }
}
