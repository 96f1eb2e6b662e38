//! What alert rules are judged by: the sums of everything of a kind over a window, one query for all rules that share it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use super::codec::Moment;
use super::rollups::sums_of;
use super::window::{MetricsFilter, MetricsQuery};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::evaluation::{Group, Measured, Step};

/// Things of a kind that are judged at once: those with the most posts. Senders choose the keys, and must not be able to
/// make an evaluation last longer than its interval.
const KEYS_MAX: i64 = 5_000;

/// Posts that may go far, of one window: the newest. So many at once are no news one by one.
const VIRAL_MAX: i64 = 10_000;

/// What to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Of what, and how far back.
    pub group: Group,
    /// Keys with fewer posts than this are left out, unless they are named.
    pub n_posts_min: i64,
    /// Keys that are wanted however few posts they have.
    pub keys: Vec<String>,
}

/// The sums of each key, by name; keys without posts are not among them.
pub async fn measure(
    store: &Store,
    question: &Question,
    now: Timestamp,
) -> Result<BTreeMap<String, Measured>, StoreError> {
    let Group { window_seconds, dimension, is_viral } = question.group;
    let MetricsQuery { from, to, .. } = MetricsQuery::last(window_seconds, now, MetricsFilter::default());
    let client = store.client().await?;
    let (from, to) = (Moment(from), Moment(to));
    let work = async {
        if is_viral {
            let statement = client.prepare_cached(VIRAL_SQL).await?;
            client.query(&statement, &[&dimension.as_str(), &from, &to, &VIRAL_MAX]).await
        } else {
            let statement = client.prepare_cached(SUMS_SQL).await?;
            let Question { n_posts_min, keys, .. } = question;
            client.query(&statement, &[&dimension.as_str(), &from, &to, n_posts_min, keys, &KEYS_MAX]).await
        }
    };
    let outcome = timeout(ANSWER_TIMEOUT, work).await;
    let mut found = BTreeMap::new();
    for row in answered(client, outcome)? {
        let measured = match is_viral {
            true => Measured::Viral { highest: row.try_get(1)?, count: row.try_get(2)? },
            false => Measured::Sums(sums_of(&row)?),
        };
        found.insert(row.try_get(0)?, measured);
    }
    Ok(found)
}

const SUMS_SQL: &str = "
    SELECT key, sum(count)::bigint, sum(positive)::bigint, sum(neutral)::bigint, sum(negative)::bigint,
        sum(sentiment_micros)::bigint, sum(churn_micros)::bigint, sum(churn_high)::bigint,
        sum(toxicity_micros)::bigint, sum(emotion_anger)::bigint, sum(emotion_disgust)::bigint,
        sum(emotion_fear)::bigint, sum(emotion_joy)::bigint, sum(emotion_neutral)::bigint,
        sum(emotion_sadness)::bigint, sum(emotion_surprise)::bigint, sum(late)::bigint, sum(revision)::bigint
    FROM sentiment_rollups
    WHERE dimension = $1::text::rollup_dimension AND bucket >= $2 AND bucket < $3
    GROUP BY key HAVING sum(count) >= $4::bigint OR key = ANY ($5)
    ORDER BY key = ANY ($5) DESC, sum(count) DESC LIMIT $6";

/// Goes by the index of posts that may go far.
const VIRAL_SQL: &str = "
    SELECT key, max(virality)::float8, count(*)
    FROM (
        SELECT uuid, created_at, virality FROM sentiment_analysis
        WHERE virality >= 60 AND created_at >= $2 AND created_at < $3 ORDER BY created_at DESC LIMIT $4
    ) AS score
    JOIN social_media_posts AS post USING (uuid, created_at)
    CROSS JOIN LATERAL unnest(CASE $1::text
        WHEN 'product' THEN post.products
        WHEN 'platform' THEN ARRAY[post.platform]
        WHEN 'channel' THEN ARRAY[coalesce(post.channel, '')]
        WHEN 'city' THEN ARRAY[coalesce(post.city, '')]
        ELSE ARRAY[''] END) AS key
    GROUP BY key";

/// Each step of the keys with the most posts, at most `n_keys` of them, or of the one that is named; oldest first.
pub async fn steps(store: &Store, past: &Past) -> Result<Vec<Step>, StoreError> {
    const SUMS: &str = "
        WITH largest AS (
            SELECT key FROM sentiment_rollups
            WHERE dimension = $1::text::rollup_dimension AND bucket >= $2 AND bucket < $3
                AND ($4::text IS NULL OR key = $4) AND (key <> '' OR $1 = 'overall')
            GROUP BY key ORDER BY sum(count) DESC LIMIT $5)
        SELECT key, date_bin($6::float8 * interval '1 second', bucket, '2000-01-01 00:00:00+00'::timestamptz) AS step,
            sum(count)::bigint, sum(positive)::bigint, sum(neutral)::bigint, sum(negative)::bigint,
            sum(sentiment_micros)::bigint, sum(churn_micros)::bigint, sum(churn_high)::bigint,
            sum(toxicity_micros)::bigint, sum(emotion_anger)::bigint, sum(emotion_disgust)::bigint,
            sum(emotion_fear)::bigint, sum(emotion_joy)::bigint, sum(emotion_neutral)::bigint,
            sum(emotion_sadness)::bigint, sum(emotion_surprise)::bigint, sum(late)::bigint, sum(revision)::bigint
        FROM sentiment_rollups JOIN largest USING (key)
        WHERE dimension = $1::text::rollup_dimension AND bucket >= $2 AND bucket < $3
        GROUP BY key, step ORDER BY step";
    const VIRAL: &str = "
        SELECT key, date_bin($6::float8 * interval '1 second', created_at, '2000-01-01 00:00:00+00'::timestamptz) AS step,
            max(virality)::float8, count(*)
        FROM (
            SELECT uuid, created_at, virality FROM sentiment_analysis
            WHERE virality >= 60 AND created_at >= $2 AND created_at < $3 ORDER BY created_at DESC LIMIT $5
        ) AS score
        JOIN social_media_posts AS post USING (uuid, created_at)
        CROSS JOIN LATERAL unnest(CASE $1::text
            WHEN 'product' THEN post.products
            WHEN 'platform' THEN ARRAY[post.platform]
            WHEN 'channel' THEN ARRAY[coalesce(post.channel, '')]
            WHEN 'city' THEN ARRAY[coalesce(post.city, '')]
            ELSE ARRAY[''] END) AS key
        WHERE ($4::text IS NULL OR key = $4) AND (key <> '' OR $1 = 'overall')
        GROUP BY key, step ORDER BY step";
    let Group { dimension, is_viral, .. } = past.group;
    let (from, to) = (Moment(past.from), Moment(past.to));
    let limit = if is_viral { VIRAL_MAX } else { past.n_keys };
    let sql = if is_viral { VIRAL } else { SUMS };
    let client = store.client().await?;
    let (dimension, seconds) = (dimension.as_str(), past.step_seconds as f64);
    let values: [&(dyn ToSql + Sync); 6] = [&dimension, &from, &to, &past.key, &limit, &seconds];
    let outcome = timeout(ANSWER_TIMEOUT, client.query(sql, &values)).await;
    let mut found = Vec::new();
    for row in answered(client, outcome)? {
        let measured = match is_viral {
            true => Measured::Viral { highest: row.try_get(2)?, count: row.try_get(3)? },
            false => Measured::Sums(sums_of(&row)?),
        };
        found.push(Step { at: row.try_get(1)?, key: row.try_get(0)?, measured });
    }
    Ok(found)
}

/// Which steps of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Of what; its window does not matter.
    pub group: Group,
    /// Of which; all of them where absent.
    pub key: Option<String>,
    /// Of how many, at most.
    pub n_keys: i64,
    /// How long a step is: a whole number of buckets, of whole minutes where those are merged already.
    pub step_seconds: i64,
    /// From when on, on the edge of a step.
    pub from: Timestamp,
    /// Until when, on the edge of a step.
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

    async fn counts(store: &Store, question: Question, now: Timestamp) -> Vec<(String, i64)> {
        let measured = measure(store, &question, now).await.unwrap().into_iter();
        let count = |measured| match measured {
            Measured::Sums(sums) => sums.count,
            Measured::Viral { count, .. } => count,
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
        let products = |n_posts_min, keys: &[&str]| Question {
            group: group(Dimension::Product, false),
            n_posts_min,
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        let alpha = ("alpha".to_owned(), 20);
        let beta = ("beta".to_owned(), 10);
        assert_eq!(
            counts(&store, products(0, &[]), now).await,
            [(String::new(), 10), alpha.clone(), beta.clone()]
        );
        assert_eq!(counts(&store, products(11, &[]), now).await, std::slice::from_ref(&alpha));
        assert_eq!(counts(&store, products(11, &["beta", "none"]), now).await, [alpha, beta]);
    }

    #[tokio::test]
    async fn of_posts_that_may_go_far_only_those_are_read() {
        let store = test_store().await;
        let now = Timestamp::now();
        let mut batch = testing::posts(30, now);
        for (i, scored) in batch.iter_mut().enumerate() {
            scored.post.products = vec!["alpha".to_owned()];
            scored.score.virality = if i < 3 { 70.0 + i as f32 } else { 59.0 };
        }
        record(&store, &batch).await.unwrap();
        let question = Question { group: group(Dimension::Product, true), n_posts_min: 0, keys: Vec::new() };
        let found = measure(&store, &question, now).await.unwrap();
        assert_eq!(
            found,
            BTreeMap::from([("alpha".to_owned(), Measured::Viral { highest: 72.0, count: 3 })])
        );
        let mut sql = VIRAL_SQL.to_owned();
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
    async fn minutes_of_the_past_add_up_to_their_window() {
        let store = test_store().await;
        let now = Timestamp::now();
        record(&store, &testing::posts(30, now)).await.unwrap();
        let (from, to) = (now - SignedDuration::from_hours(1), now + SignedDuration::from_mins(1));
        let group = group(Dimension::Product, false);
        let past = Past { group, key: None, n_keys: 1, step_seconds: 60, from, to };
        let found = steps(&store, &past).await.unwrap();
        assert_eq!((found.len(), found[0].key.as_str()), (1, "alpha"));
        let named = steps(&store, &Past { key: Some("beta".to_owned()), ..past }).await.unwrap();
        assert_eq!((named.len(), named[0].key.as_str()), (1, "beta"));
    }
}
