//! Recount of the posts, for tests and benchmarks that prove that the rollups are exact.

use crate::store::{Store, StoreError};

/// Sums a column in millionths, each value rounded half away from zero like `models::rollup` does. `round` of PostgreSQL
/// rounds a half to the nearest even number.
macro_rules! sum_of_micros {
    ($column:literal) => {
        concat!("sum(trunc(", $column, "::float8 * 1e6 + 0.5 * sign(", $column, "))::bigint)")
    };
}

const DIFFERENCES: &str = concat!(
    "
    WITH counted AS (
        SELECT date_trunc('minute', post.created_at) AS minute, post.source, place.dimension, place.key,
            count(*) AS count,
            count(*) FILTER (WHERE label = 'positive') AS positive,
            count(*) FILTER (WHERE label = 'neutral') AS neutral,
            count(*) FILTER (WHERE label = 'negative') AS negative,
            ",
    sum_of_micros!("score"),
    " AS sentiment_micros,
            ",
    sum_of_micros!("churn_risk"),
    " AS churn_micros,
            count(*) FILTER (WHERE churn_risk >= 0.8::real) AS churn_high,
            ",
    sum_of_micros!("toxicity"),
    " AS toxicity_micros,
            count(*) FILTER (WHERE emotion = 'anger') AS anger,
            count(*) FILTER (WHERE emotion = 'joy') AS joy,
            count(*) FILTER (WHERE emotion = 'neutral') AS calm
        FROM social_media_posts AS post
        JOIN sentiment_analysis USING (uuid, created_at)
        CROSS JOIN LATERAL (
            SELECT 'overall' AS dimension, '' AS key
            UNION ALL SELECT 'city', coalesce(post.city, '')
            UNION ALL SELECT 'channel', coalesce(post.channel, '')
            UNION ALL SELECT 'platform', post.platform
            UNION ALL SELECT 'product', unnest(CASE WHEN post.products = '{}' THEN ARRAY[''] ELSE post.products END)
        ) AS place
        GROUP BY 1, 2, 3, 4
    ), rolled_up AS (
        SELECT date_trunc('minute', bucket) AS minute, source, dimension::text, key,
            sum(count)::bigint, sum(positive)::bigint, sum(neutral)::bigint, sum(negative)::bigint,
            sum(sentiment_micros), sum(churn_micros), sum(churn_high)::bigint, sum(toxicity_micros),
            sum(emotion_anger)::bigint, sum(emotion_joy)::bigint, sum(emotion_neutral)::bigint
        FROM sentiment_rollups GROUP BY 1, 2, 3, 4
        -- A row remains when all of its posts have been erased.
        HAVING sum(count) <> 0 OR sum(sentiment_micros) <> 0 OR sum(churn_micros) <> 0
    )
    SELECT 'only counted: ' || row_to_json(it)::text FROM (TABLE counted EXCEPT TABLE rolled_up) AS it
    UNION ALL
    SELECT 'only rolled up: ' || row_to_json(it)::text FROM (TABLE rolled_up EXCEPT TABLE counted) AS it"
);

/// Returns, as text, the rows in which the rollups of a minute differ from a recount of the stored posts with their
/// current scores; empty if the rollups are exact. PostgreSQL counts all posts, which takes long if there are many.
///
/// # Errors
/// If PostgreSQL rejects the statement.
pub async fn differences(store: &Store) -> Result<Vec<String>, StoreError> {
    // Takes longer than the response timeout allows, so it uses a dedicated connection.
    let client = store.dedicated().await?;
    client.batch_execute("SET statement_timeout = 0").await?;
    let rows = client.query(DIFFERENCES, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::posts::record::record;
    use crate::store::testing::{now_in_micros, posts, test_store};

    #[tokio::test]
    async fn rollups_are_exact_where_a_score_lies_between_two_millionths() {
        let store = test_store().await;
        let mut batch = posts(8, now_in_micros());
        // Odd multiples of 1/128 end in half a millionth.
        for (scored, n) in batch.iter_mut().zip([-7.0_f32, -5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 7.0]) {
            scored.score.sentiment.score = n / 128.0;
            (scored.score.churn_risk, scored.score.toxicity) = (n.abs() / 128.0, n.abs() / 128.0);
        }
        record(&store, &batch, &mut store.rollup_guard()).await.unwrap();
        assert_eq!(differences(&store).await.unwrap(), [""; 0]);
        let wrong =
            "UPDATE sentiment_rollups SET toxicity_micros = toxicity_micros + 1 WHERE dimension = 'overall'";
        crate::store::testing::execute(&store, wrong).await;
        // The posts have three sources, and each row is listed as it is and as it should be.
        assert_eq!(differences(&store).await.unwrap().len(), 6);
    }
}
