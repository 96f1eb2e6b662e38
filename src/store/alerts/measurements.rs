//! Measurements for alert rules: sums by key over a window, in one query for all rules that share it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use crate::models::evaluation::{Group, KeyMeasurement, Step};
use crate::models::score::VIRALITY_HIGH;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::sum_columns::{self, Detail};
use crate::store::metrics::time_window::last_complete;
use crate::store::{Store, StoreError};

/// Maximum number of viral posts read per window, newest first. When there are more, individual posts no longer matter.
const VIRAL_MAX: i64 = 10_000;

/// Keys to measure over one window.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementQuery {
    /// Dimension and window to measure, and whether to measure virality.
    pub group: Group,
    /// Minimum number of posts for a key that is not in `keys`.
    pub n_posts_min: i64,
    /// Keys that are always measured, however few posts they have.
    pub keys: Vec<String>,
    /// Maximum number of other keys. Half of them are the largest keys; the other half rotates.
    pub n_others_max: usize,
    /// Key after which the rotation continues: the last rotating key of the previous measurement, empty at first.
    pub after: String,
}

/// Sums measured over one window, and the position of the rotation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurements {
    /// Sums by key; keys without posts are absent.
    pub by_key: BTreeMap<String, KeyMeasurement>,
    /// Number of keys that had enough posts but were left for a later measurement.
    pub n_deferred: u64,
    /// Last rotating key of this measurement; empty if no key rotated.
    pub last_key: String,
}

/// Measures one window. How long this takes depends on the number of keys with posts; the size of the result does not.
pub async fn measure(
    store: &Store,
    query: &MeasurementQuery,
    now: Timestamp,
) -> Result<Measurements, StoreError> {
    let Group { window_seconds, dimension, is_viral } = query.group;
    let (from, to) = last_complete(window_seconds, window_seconds, now);
    let (from, to) = (PgTimestamp(from), PgTimestamp(to));
    let limit = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let measure = async |client: &mut Object| {
        if is_viral {
            let statement = client.prepare_cached(&VIRAL_SQL).await?;
            client.query(&statement, &[&dimension.as_str(), &from, &to, &VIRAL_MAX]).await
        } else {
            let statement = client.prepare_cached(&SUMS_SQL).await?;
            let MeasurementQuery { n_posts_min, keys, n_others_max, after, .. } = query;
            let (n_largest, n_rotating) = (limit(n_others_max.div_ceil(2)), limit(n_others_max / 2));
            let is_about_each = *n_others_max > 0;
            let dimension = dimension.as_str();
            let values: [&(dyn ToSql + Sync); 9] =
                [&dimension, &from, &to, n_posts_min, keys, &n_largest, after, &n_rotating, &is_about_each];
            client.query(&statement, &values).await
        }
    };
    let mut measurements = Measurements::default();
    let mut last_place = 0;
    for row in store.run(measure).await? {
        let key: String = row.try_get(0)?;
        let measured = match is_viral {
            true => KeyMeasurement::Viral { highest: row.try_get(1)?, count: row.try_get(2)? },
            false => {
                let n_keys: i64 = row.try_get(1)?;
                measurements.n_deferred = u64::try_from(n_keys).unwrap_or_default();
                if let Some(place) = row.try_get::<_, Option<i64>>(2)?.filter(|place| *place > last_place) {
                    last_place = place;
                    measurements.last_key.clone_from(&key);
                }
                KeyMeasurement::Sums(sum_columns::read(&row)?)
            }
        };
        measurements.by_key.insert(key, measured);
    }
    let n_measured = u64::try_from(measurements.by_key.len()).unwrap_or(u64::MAX);
    measurements.n_deferred = measurements.n_deferred.saturating_sub(n_measured);
    Ok(measurements)
}

/// Statement that selects keys by their number of posts and then sums only the selected ones: the named keys, the
/// largest others, and the rotating others in byte order, those after the last rotating key before those up to it. The
/// third column is the place of a rotating key.
///
/// Counting costs a fraction of summing every column, and senders can name tens of thousands of keys. Named keys are
/// joined, because `= ANY` scans the whole array for each key.
static SUMS_SQL: LazyLock<String> = LazyLock::new(|| {
    const ROWS: &str = "dimension = $1::text::rollup_dimension AND bucket >= $2 AND bucket < $3";
    format!(
        "WITH named AS MATERIALIZED (SELECT DISTINCT unnest($5::text[]) AS key), counts AS MATERIALIZED (
            SELECT key, key IN (SELECT key FROM named) AS is_named, sum(count)::bigint AS count
            FROM sentiment_rollups
            WHERE {ROWS} AND ($9::bool OR key IN (SELECT key FROM named))
            GROUP BY key
            HAVING sum(count) >= $4::bigint OR key IN (SELECT key FROM named)
        ), largest AS MATERIALIZED (
            SELECT key FROM counts WHERE NOT is_named ORDER BY count DESC, key COLLATE \"C\" LIMIT $6
        ), rotating AS MATERIALIZED (
            SELECT key FROM counts WHERE NOT is_named AND key NOT IN (SELECT key FROM largest)
            ORDER BY key COLLATE \"C\" <= $7, key COLLATE \"C\" LIMIT $8
        ), selected AS (
            SELECT key, NULL::bigint AS place FROM counts WHERE is_named
            UNION ALL SELECT key, NULL FROM largest
            UNION ALL SELECT key, row_number() OVER (ORDER BY key COLLATE \"C\" <= $7, key COLLATE \"C\") FROM rotating
        )
        SELECT key, (SELECT count(*) FROM counts), place, {totals}
        FROM selected JOIN sentiment_rollups USING (key)
        WHERE {ROWS}
        GROUP BY key, place",
        totals = sum_columns::totals(Detail::All),
    )
});

static VIRAL_SQL: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT key, max(virality)::float8, count(*) FROM {} GROUP BY key", viral_posts_by_key("$4"))
});

/// Returns a subquery for at most `limit` of the newest highly viral posts between `$2` and `$3`, each once per key of
/// the dimension `$1`. It reads the partial index of viral posts.
fn viral_posts_by_key(limit: &str) -> String {
    format!(
        "(
            SELECT uuid, created_at, virality FROM sentiment_analysis
            WHERE virality >= {VIRALITY_HIGH} AND created_at >= $2 AND created_at < $3
            ORDER BY created_at DESC LIMIT {limit}
        ) AS score
        JOIN social_media_posts AS post USING (uuid, created_at)
        CROSS JOIN LATERAL unnest(CASE $1::text
            WHEN 'product' THEN post.products
            WHEN 'platform' THEN ARRAY[post.platform]
            WHEN 'channel' THEN ARRAY[coalesce(post.channel, '')]
            WHEN 'city' THEN ARRAY[coalesce(post.city, '')]
            ELSE ARRAY[''] END) AS key"
    )
}

/// Returns the steps of one key, or of the `n_keys` largest keys, oldest first.
pub async fn steps(store: &Store, query: &StepsQuery) -> Result<Vec<Step>, StoreError> {
    static SUMS: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH largest AS (
                SELECT key FROM sentiment_rollups
                WHERE dimension = $1::text::rollup_dimension AND bucket >= $2 AND bucket < $3
                    AND ($4::text IS NULL OR key = $4) AND (key <> '' OR $1 = 'overall')
                GROUP BY key ORDER BY sum(count) DESC LIMIT $5)
            SELECT key,
                date_bin($6::float8 * interval '1 second', bucket, '2000-01-01 00:00:00+00'::timestamptz) AS step, {}
            FROM sentiment_rollups JOIN largest USING (key)
            WHERE dimension = $1::text::rollup_dimension AND bucket >= $2 AND bucket < $3
            GROUP BY key, step ORDER BY step",
            sum_columns::totals(Detail::All)
        )
    });
    static VIRAL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT key,
                date_bin($6::float8 * interval '1 second', created_at, '2000-01-01 00:00:00+00'::timestamptz) AS step,
                max(virality)::float8, count(*)
            FROM {}
            WHERE ($4::text IS NULL OR key = $4) AND (key <> '' OR $1 = 'overall')
            GROUP BY key, step ORDER BY step",
            viral_posts_by_key("$5")
        )
    });
    let Group { dimension, is_viral, .. } = query.group;
    let (from, to) = (PgTimestamp(query.from), PgTimestamp(query.to));
    let limit = if is_viral { VIRAL_MAX } else { query.n_keys };
    let sql = if is_viral { &VIRAL } else { &SUMS };
    let (dimension, seconds) = (dimension.as_str(), query.step_seconds as f64);
    let values: [&(dyn ToSql + Sync); 6] = [&dimension, &from, &to, &query.key, &limit, &seconds];
    let mut found = Vec::new();
    for row in store.query(sql, &values).await? {
        let measured = match is_viral {
            true => KeyMeasurement::Viral { highest: row.try_get(2)?, count: row.try_get(3)? },
            false => KeyMeasurement::Sums(sum_columns::read(&row)?),
        };
        found.push(Step { at: row.try_get(1)?, key: row.try_get(0)?, measured });
    }
    Ok(found)
}

/// Time range, step length and keys of the past steps to read.
#[derive(Debug, Clone, PartialEq)]
pub struct StepsQuery {
    /// Dimension to read, and whether to measure virality. The window is not used.
    pub group: Group,
    /// Key to read; `None` for the largest keys.
    pub key: Option<String>,
    /// Maximum number of keys to read. Does not apply to virality.
    pub n_keys: i64,
    /// Length of a step in seconds: a multiple of the bucket width, or of a minute where buckets have already been
    /// merged.
    pub step_seconds: i64,
    /// Start of the first step, on a step boundary.
    pub from: Timestamp,
    /// End of the last step, exclusive, on a step boundary.
    pub to: Timestamp,
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::models::rollup::Dimension;
    use crate::store::testing::record;
    use crate::store::testing::{self, test_store};

    fn group(dimension: Dimension, is_viral: bool) -> Group {
        Group { window_seconds: 300, dimension, is_viral }
    }

    async fn counts(store: &Store, query: MeasurementQuery, now: Timestamp) -> Vec<(String, i64)> {
        let measured = measure(store, &query, testing::complete_after(now)).await.unwrap().by_key.into_iter();
        let count = |measured| match measured {
            KeyMeasurement::Sums(sums) => sums.count,
            KeyMeasurement::Viral { count, .. } => count,
        };
        measured.map(|(key, measured)| (key, count(measured))).collect()
    }

    #[tokio::test]
    async fn each_key_has_the_sums_of_its_window_and_those_with_few_posts_only_when_named() {
        let store = test_store().await;
        let now = Timestamp::now();
        record(&store, &testing::posts(30, now)).await.unwrap();
        let old = testing::post(99, now - SignedDuration::from_mins(20));
        record(&store, &[old]).await.unwrap();
        let products = |n_posts_min, keys: &[&str]| MeasurementQuery {
            group: group(Dimension::Product, false),
            n_posts_min,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            n_others_max: 100,
            after: String::new(),
        };
        let alpha = ("alpha".to_owned(), 20);
        let beta = ("beta".to_owned(), 10);
        assert_eq!(
            counts(&store, products(0, &[]), now).await,
            [(String::new(), 10), alpha.clone(), beta.clone()]
        );
        assert_eq!(counts(&store, products(11, &[]), now).await, std::slice::from_ref(&alpha));
        assert_eq!(counts(&store, products(11, &["beta", "none"]), now).await, [alpha, beta.clone()]);
        let only_named = MeasurementQuery { n_others_max: 0, ..products(0, &["beta"]) };
        assert_eq!(counts(&store, only_named, now).await, [beta]);
    }

    #[tokio::test]
    async fn with_too_many_keys_the_largest_are_measured_each_time_and_the_others_rotate() {
        let store = test_store().await;
        let now = Timestamp::now();
        let mut batch = testing::posts(40, now);
        for (i, scored) in batch.iter_mut().enumerate() {
            // Thirty with one post each, two with four, and one with two.
            let product = match i {
                0..30 => format!("product {i:02}"),
                30..38 => format!("large {}", i % 2),
                _ => "named".to_owned(),
            };
            scored.post.products = vec![product];
        }
        record(&store, &batch).await.unwrap();
        let mut query = MeasurementQuery {
            group: group(Dimension::Product, false),
            n_posts_min: 1,
            keys: vec!["named".to_owned()],
            n_others_max: 4,
            after: String::new(),
        };
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..15 {
            let measurements = measure(&store, &query, testing::complete_after(now)).await.unwrap();
            let (mut each_time, others): (Vec<_>, Vec<_>) =
                measurements.by_key.into_keys().partition(|key| !key.starts_with("product"));
            each_time.sort();
            assert_eq!(each_time, ["large 0", "large 1", "named"]);
            assert_eq!((others.len(), measurements.n_deferred), (2, 28));
            seen.extend(others);
            query.after = measurements.last_key;
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 30, "each had its turn once");
        let measurements = measure(&store, &query, testing::complete_after(now)).await.unwrap();
        assert!(measurements.by_key.contains_key("product 00"), "and then they begin anew");
    }

    #[tokio::test]
    async fn only_viral_posts_are_read_for_virality() {
        let store = test_store().await;
        let now = Timestamp::now();
        let mut batch = testing::posts(30, now);
        for (i, scored) in batch.iter_mut().enumerate() {
            scored.post.products = vec!["alpha".to_owned()];
            scored.score.virality = if i < 3 { 70.0 + i as f32 } else { 59.0 };
        }
        record(&store, &batch).await.unwrap();
        let query = MeasurementQuery {
            group: group(Dimension::Product, true),
            n_posts_min: 0,
            keys: Vec::new(),
            n_others_max: 100,
            after: String::new(),
        };
        let found = measure(&store, &query, testing::complete_after(now)).await.unwrap().by_key;
        assert_eq!(
            found,
            BTreeMap::from([("alpha".to_owned(), KeyMeasurement::Viral { highest: 72.0, count: 3 })])
        );
        let mut sql = VIRAL_SQL.clone();
        for (i, value) in
            ["'product'", "'2026-11-21T00:00:00Z'", "'2026-11-21T01:00:00Z'", "10"].iter().enumerate()
        {
            sql = sql.replace(&format!("${}", i + 1), value);
        }
        let client = store.client().await.unwrap();
        client.batch_execute("SET enable_seqscan = off").await.unwrap();
        let rows = client.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
        let plan: String = rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect();
        assert!(plan.contains("virality") && !plan.contains("Seq Scan on sentiment_analysis"), "{plan}");
    }

    #[tokio::test]
    async fn past_minutes_add_up_to_their_window() {
        let store = test_store().await;
        let now = Timestamp::now();
        record(&store, &testing::posts(30, now)).await.unwrap();
        let (from, to) = (now - SignedDuration::from_hours(1), now + SignedDuration::from_mins(1));
        let group = group(Dimension::Product, false);
        let query = StepsQuery { group, key: None, n_keys: 1, step_seconds: 60, from, to };
        let found = steps(&store, &query).await.unwrap();
        assert_eq!((found.len(), found[0].key.as_str()), (1, "alpha"));
        let named = steps(&store, &StepsQuery { key: Some("beta".to_owned()), ..query }).await.unwrap();
        assert_eq!((named.len(), named[0].key.as_str()), (1, "beta"));
    }
}
