//! Exact sums by bucket, source, dimension and key.

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::Moment;
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::post::Source;
use crate::models::rollup::{Delta, Dimension, RollupKey, Sums};

/// Buckets older than this are merged into minutes. No window shorter than twice that shows finer steps.
pub const COMPACT_AFTER_SECONDS: i64 = 3 * 3_600;

/// Every row whose bucket starts at `since` or later, in no order: what a respawned stage rebuilds its windows from.
pub async fn live(store: &Store, since: Timestamp) -> Result<Vec<(RollupKey, Sums)>, StoreError> {
    const SQL: &str = "
        SELECT bucket, source, dimension::text, key, count, positive, neutral, negative, sentiment_micros, churn_micros,
            churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear, emotion_joy, emotion_neutral,
            emotion_sadness, emotion_surprise, late, revision
        FROM sentiment_rollups WHERE bucket >= $1";
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(SQL, &[&Moment(since)])).await;
    let rows = answered(client, outcome)?;
    rows.iter().map(|row| Ok((key_of(row)?, sums_of(row)?))).collect()
}

fn key_of(row: &Row) -> Result<RollupKey, StoreError> {
    let dimension: &str = row.try_get(2)?;
    let dimension = Dimension::ALL
        .into_iter()
        .find(|known| known.as_str() == dimension)
        .ok_or_else(|| StoreError::Internal { reason: format!("unknown dimension `{dimension}`") })?;
    let source = Source::new(row.try_get::<_, String>(1)?);
    Ok(RollupKey { bucket: row.try_get(0)?, source, dimension, key: row.try_get(3)? })
}

/// Adds a batch's contribution.
///
/// Every transaction takes the row locks in the order of `RollupKey`, which is that of the map and which `unnest` keeps;
/// otherwise two processes with the same keys would deadlock. Addition happens in the server, on the newest version of
/// the row, so no contribution is lost to another.
///
/// Answers the contribution with each row's revision after it, by which live windows recognise what they already contain
/// and notice what they missed.
pub(super) async fn add(transaction: &Transaction<'_>, mut delta: Delta) -> Result<Delta, StoreError> {
    const SQL: &str = "
        INSERT INTO sentiment_rollups AS rollup (bucket, source, dimension, key, count, positive, neutral, negative,
            sentiment_micros, churn_micros, churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear,
            emotion_joy, emotion_neutral, emotion_sadness, emotion_surprise, late, revision)
        SELECT bucket, source, dimension::rollup_dimension, key, c01, c02, c03, c04, c05, c06, c07, c08, c09, c10, c11,
            c12, c13, c14, c15, c16, c17
        FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
            $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[])
            AS added (bucket, source, dimension, key, c01, c02, c03, c04, c05, c06, c07, c08, c09, c10, c11, c12, c13,
                c14, c15, c16, c17)
        ON CONFLICT (bucket, source, dimension, key) DO UPDATE SET
            count = rollup.count + excluded.count,
            positive = rollup.positive + excluded.positive,
            neutral = rollup.neutral + excluded.neutral,
            negative = rollup.negative + excluded.negative,
            sentiment_micros = rollup.sentiment_micros + excluded.sentiment_micros,
            churn_micros = rollup.churn_micros + excluded.churn_micros,
            churn_high = rollup.churn_high + excluded.churn_high,
            toxicity_micros = rollup.toxicity_micros + excluded.toxicity_micros,
            emotion_anger = rollup.emotion_anger + excluded.emotion_anger,
            emotion_disgust = rollup.emotion_disgust + excluded.emotion_disgust,
            emotion_fear = rollup.emotion_fear + excluded.emotion_fear,
            emotion_joy = rollup.emotion_joy + excluded.emotion_joy,
            emotion_neutral = rollup.emotion_neutral + excluded.emotion_neutral,
            emotion_sadness = rollup.emotion_sadness + excluded.emotion_sadness,
            emotion_surprise = rollup.emotion_surprise + excluded.emotion_surprise,
            late = rollup.late + excluded.late,
            revision = rollup.revision + excluded.revision
        RETURNING bucket, source, dimension::text, key, revision";
    if delta.is_empty() {
        return Ok(delta);
    }
    let buckets: Vec<Moment> = delta.keys().map(|key| Moment(key.bucket)).collect();
    let sources: Vec<&str> = delta.keys().map(|key| key.source.as_str()).collect();
    let dimensions: Vec<&str> = delta.keys().map(|key| key.dimension.as_str()).collect();
    let keys: Vec<&str> = delta.keys().map(|key| key.key.as_str()).collect();
    let columns = columns_of(&delta);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&buckets, &sources, &dimensions, &keys];
    params.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &params).await?;
    for row in &rows {
        if let Some(sums) = delta.get_mut(&key_of(row)?) {
            sums.revision = row.try_get(4)?;
        }
    }
    Ok(delta)
}

/// How many numbers a [`Sums`] holds.
pub(super) const N_SUMS: usize = 17;

/// The sums of every row, column by column, in the table's order.
fn columns_of(delta: &Delta) -> [Vec<i64>; N_SUMS] {
    let mut columns: [Vec<i64>; N_SUMS] = Default::default();
    for sums in delta.values() {
        for (column, value) in columns.iter_mut().zip(to_array(sums)) {
            column.push(value);
        }
    }
    columns
}

/// A [`Sums`] in the order of the table's columns.
fn to_array(sums: &Sums) -> [i64; N_SUMS] {
    let [anger, disgust, fear, joy, neutral, sadness, surprise] = sums.emotions;
    [
        sums.count,
        sums.positive,
        sums.neutral,
        sums.negative,
        sums.sentiment_micros,
        sums.churn_micros,
        sums.churn_high,
        sums.toxicity_micros,
        anger,
        disgust,
        fear,
        joy,
        neutral,
        sadness,
        surprise,
        sums.late,
        sums.revision,
    ]
}

/// Reads a [`Sums`] from the last [`N_SUMS`] columns of a row, in the table's order.
pub(super) fn sums_of(row: &Row) -> Result<Sums, StoreError> {
    let first = row.len().saturating_sub(N_SUMS);
    let mut values = [0_i64; N_SUMS];
    for (i, value) in values.iter_mut().enumerate() {
        *value = row.try_get(first + i)?;
    }
    let [
        count,
        positive,
        neutral,
        negative,
        sentiment_micros,
        churn_micros,
        churn_high,
        toxicity_micros,
        rest @ ..,
    ] = values;
    let [emotions @ .., late, revision] = rest;
    Ok(Sums {
        count,
        positive,
        neutral,
        negative,
        sentiment_micros,
        churn_micros,
        churn_high,
        toxicity_micros,
        emotions,
        late,
        revision,
    })
}
