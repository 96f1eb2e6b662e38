//! What the metrics calls answer: from rollups where they can, else from the posts themselves.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;

use super::codec::Moment;
use super::rollups::{COMPACT_AFTER_SECONDS, sums_of};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::metrics::{
    Breakdown, Breakdowns, Emotions, KeyCount, Overall, Summary, Trend, TrendPoint, Window,
};
use crate::models::rollup::{BUCKET_SECONDS, Dimension, Sums};
use crate::models::score::EMOTIONS;

/// The longest window answered from posts. A day of them is read in seconds, a week no longer.
pub const POSTS_WINDOW_SECONDS_MAX: i64 = 86_400;

/// Most items of a breakdown, the most spoken of first. Senders choose cities and products, and may invent a million.
pub const BREAKDOWN_ITEMS_MAX: usize = 1_000;

/// Width of a minute bucket, which fine buckets become when they are compacted.
const MINUTE_SECONDS: i64 = 60;

/// Widths of a trend's steps. The first that makes at most [`TREND_STEPS_MAX`] steps is taken: 10 s for five minutes, a
/// minute for an hour, 15 minutes for a day, 2 hours for a week.
const TREND_STEPS_SECONDS: [i64; 9] = [10, 60, 300, 900, 3_600, 7_200, 21_600, 86_400, 604_800];

/// More points than this are not told apart on a chart.
const TREND_STEPS_MAX: i64 = 100;

/// Which posts to count.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsQuery {
    /// Start of the window by event time, inclusive; rounded down to a bucket's edge.
    pub from: Timestamp,
    /// Its end, exclusive; rounded up.
    pub to: Timestamp,
    /// Which posts within it.
    pub filter: MetricsFilter,
}

/// Filters that are absent let everything pass. `""` picks the posts that name none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsFilter {
    /// A product they speak of.
    pub product: Option<String>,
    /// Their platform.
    pub platform: Option<String>,
    /// Their channel.
    pub channel: Option<String>,
    /// Their city.
    pub city: Option<String>,
    /// Where they came in.
    pub source: Option<String>,
}

impl MetricsQuery {
    /// The last `seconds`, ending with the bucket in which `now` lies, so that the window is exactly that long.
    pub fn last(seconds: i64, now: Timestamp, filter: MetricsFilter) -> Self {
        let edge = if seconds > COMPACT_AFTER_SECONDS / 2 { MINUTE_SECONDS } else { BUCKET_SECONDS };
        let to = round_up(now.as_second() + 1, edge);
        Self { from: at(to.saturating_sub(seconds)), to: at(to), filter }
    }
}

/// Everything about the posts of a window.
///
/// This and the others fail with `WindowTooLong` where the filters need the posts themselves, that is with more than one
/// of product, platform, channel and city, or with one of them and a breakdown by another; and with `BadWindow`.
/// Answers from posts give the number of posts as `revision`.
pub async fn overall(store: &Store, query: &MetricsQuery) -> Result<Overall, StoreError> {
    let window = window_of(query, Timestamp::now())?;
    let groups = sum(store, &query.filter, &Cut::whole(window)).await?;
    Ok(Overall { window, summary: Summary::from(&total(&groups)) })
}

/// One summary for each city, product, channel or platform, the most spoken of first.
pub async fn breakdown(store: &Store, query: &MetricsQuery, by: Dimension) -> Result<Breakdowns, StoreError> {
    let window = window_of(query, Timestamp::now())?;
    let mut groups = sum(store, &query.filter, &Cut { by: Some(by), ..Cut::whole(window) }).await?;
    groups.sort_by(|a, b| b.sums.count.cmp(&a.sums.count).then_with(|| a.key.cmp(&b.key)));
    groups.truncate(BREAKDOWN_ITEMS_MAX);
    let places = if by == Dimension::City { places_of(store, &groups).await? } else { HashMap::new() };
    let items = groups
        .into_iter()
        .map(|group| {
            let (lat, lon) = places.get(&group.key).copied().unzip();
            Breakdown { lat, lon, summary: Summary::from(&group.sums), key: group.key }
        })
        .collect();
    Ok(Breakdowns { window, items })
}

/// How many posts felt what.
pub async fn emotions(store: &Store, query: &MetricsQuery) -> Result<Emotions, StoreError> {
    let window = window_of(query, Timestamp::now())?;
    let counts = total(&sum(store, &query.filter, &Cut::whole(window)).await?).emotions;
    let items =
        EMOTIONS.iter().zip(counts).map(|(key, count)| KeyCount { key: (*key).to_owned(), count }).collect();
    Ok(Emotions { window, items })
}

/// The window in steps, oldest first. Steps without posts are present; the last may be cut short.
pub async fn trend(store: &Store, query: &MetricsQuery) -> Result<Trend, StoreError> {
    let now = Timestamp::now();
    let window = window_of(query, now)?;
    let step_seconds = step_of(window, edge_of(window.from, now));
    let groups =
        sum(store, &query.filter, &Cut { step_seconds: Some(step_seconds), ..Cut::whole(window) }).await?;
    let by_step: HashMap<i64, Sums> = groups.into_iter().map(|group| (group.step, group.sums)).collect();
    let n_steps = (window.seconds + step_seconds - 1) / step_seconds;
    let items = (0..n_steps)
        .map(|step| TrendPoint {
            from: at(window.from.as_second() + step * step_seconds),
            summary: Summary::from(&by_step.get(&step).copied().unwrap_or_default()),
        })
        .collect();
    Ok(Trend { window, step_seconds, items })
}

/// How to divide a window.
struct Cut {
    window: Window,
    by: Option<Dimension>,
    step_seconds: Option<i64>,
}

impl Cut {
    fn whole(window: Window) -> Self {
        Self { window, by: None, step_seconds: None }
    }
}

/// A part of a window, and what it adds up to.
struct Group {
    step: i64,
    key: String,
    sums: Sums,
}

fn total(groups: &[Group]) -> Sums {
    let mut total = Sums::default();
    groups.iter().for_each(|group| total.add(&group.sums));
    total
}

/// Which rollup rows hold the answer.
#[derive(Debug, PartialEq, Eq)]
struct Rows<'a> {
    dimension: Dimension,
    key: Option<&'a str>,
}

/// The rollup rows that hold the answer, if any do.
///
/// A row knows one dimension beside its source. A breakdown by product of one product's posts also names the others
/// they speak of, which no row knows.
fn rows_for(filter: &MetricsFilter, by: Option<Dimension>) -> Option<Rows<'_>> {
    let named = [
        (Dimension::Product, filter.product.as_deref()),
        (Dimension::Platform, filter.platform.as_deref()),
        (Dimension::Channel, filter.channel.as_deref()),
        (Dimension::City, filter.city.as_deref()),
    ];
    let mut named = named.into_iter().filter_map(|(dimension, key)| Some((dimension, key?)));
    let Some((dimension, key)) = named.next() else {
        return Some(Rows { dimension: by.unwrap_or(Dimension::Overall), key: None });
    };
    let fits = match by {
        None | Some(Dimension::Overall) => true,
        Some(Dimension::Product) => false,
        Some(by) => by == dimension,
    };
    (fits && named.next().is_none()).then_some(Rows { dimension, key: Some(key) })
}

async fn sum(store: &Store, filter: &MetricsFilter, cut: &Cut) -> Result<Vec<Group>, StoreError> {
    if let Some(rows) = rows_for(filter, cut.by) {
        return sum_rollups(store, &rows, filter.source.as_deref(), cut).await;
    }
    if cut.window.seconds > POSTS_WINDOW_SECONDS_MAX {
        let seconds_max = POSTS_WINDOW_SECONDS_MAX;
        return Err(StoreError::WindowTooLong { seconds: cut.window.seconds, seconds_max });
    }
    sum_posts(store, filter, cut).await
}

async fn sum_rollups(
    store: &Store,
    rows: &Rows<'_>,
    source: Option<&str>,
    cut: &Cut,
) -> Result<Vec<Group>, StoreError> {
    const SQL: &str = "
        SELECT coalesce((extract(epoch FROM bucket)::bigint - extract(epoch FROM $1::timestamptz)::bigint)
                / $6::bigint, 0) AS step,
            CASE WHEN $7::bool THEN key ELSE '' END AS part,
            sum(count)::bigint, sum(positive)::bigint, sum(neutral)::bigint, sum(negative)::bigint,
            sum(sentiment_micros)::bigint, sum(churn_micros)::bigint, sum(churn_high)::bigint,
            sum(toxicity_micros)::bigint, sum(emotion_anger)::bigint, sum(emotion_disgust)::bigint,
            sum(emotion_fear)::bigint, sum(emotion_joy)::bigint, sum(emotion_neutral)::bigint,
            sum(emotion_sadness)::bigint, sum(emotion_surprise)::bigint, sum(late)::bigint, sum(revision)::bigint
        FROM sentiment_rollups
        WHERE bucket >= $1 AND bucket < $2 AND dimension = $3::text::rollup_dimension
            AND ($4::text IS NULL OR key = $4) AND ($5::text IS NULL OR source = $5)
        GROUP BY step, part";
    let window = cut.window;
    let params: [&(dyn ToSql + Sync); 7] = [
        &Moment(window.from),
        &Moment(window.to),
        &rows.dimension.as_str(),
        &rows.key,
        &source,
        &cut.step_seconds,
        &cut.by.is_some(),
    ];
    groups(store, SQL, &params).await
}

/// Counts posts one by one, just as `models::rollup` did when they were stored: halves of a millionth are rounded away
/// from zero, and a post counts once in each of its products.
async fn sum_posts(store: &Store, filter: &MetricsFilter, cut: &Cut) -> Result<Vec<Group>, StoreError> {
    const SQL: &str = "
        SELECT coalesce((floor(extract(epoch FROM post.created_at))::bigint
                - extract(epoch FROM $1::timestamptz)::bigint) / $9::bigint, 0) AS step,
            part.key,
            count(*),
            count(*) FILTER (WHERE score.label = 'positive'),
            count(*) FILTER (WHERE score.label = 'neutral'),
            count(*) FILTER (WHERE score.label = 'negative'),
            sum(trunc(score.score::float8 * 1000000 + sign(score.score) * 0.5))::bigint,
            sum(trunc(score.churn_risk::float8 * 1000000 + 0.5))::bigint,
            count(*) FILTER (WHERE score.churn_risk >= 0.8::real),
            sum(trunc(score.toxicity::float8 * 1000000 + 0.5))::bigint,
            count(*) FILTER (WHERE score.emotion = 'anger'),
            count(*) FILTER (WHERE score.emotion = 'disgust'),
            count(*) FILTER (WHERE score.emotion = 'fear'),
            count(*) FILTER (WHERE score.emotion = 'joy'),
            count(*) FILTER (WHERE score.emotion = 'neutral'),
            count(*) FILTER (WHERE score.emotion = 'sadness'),
            count(*) FILTER (WHERE score.emotion = 'surprise'),
            count(*) FILTER (WHERE post.received_at >= date_trunc('minute', post.created_at) + interval '65 seconds'),
            count(*)
        FROM social_media_posts AS post
        JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at
        CROSS JOIN LATERAL unnest(CASE $3::text
            WHEN 'city' THEN ARRAY[coalesce(post.city, '')]
            WHEN 'channel' THEN ARRAY[coalesce(post.channel, '')]
            WHEN 'platform' THEN ARRAY[post.platform]
            WHEN 'product' THEN CASE WHEN post.products = '{}' THEN ARRAY[''] ELSE post.products END
            ELSE ARRAY['']
        END) AS part (key)
        WHERE post.created_at >= $1 AND post.created_at < $2
            AND score.created_at >= $1 AND score.created_at < $2
            AND ($4::text IS NULL OR CASE $4 WHEN '' THEN post.products = '{}' ELSE $4 = ANY (post.products) END)
            AND ($5::text IS NULL OR post.platform = $5)
            AND ($6::text IS NULL OR coalesce(post.channel, '') = $6)
            AND ($7::text IS NULL OR coalesce(post.city, '') = $7)
            AND ($8::text IS NULL OR post.source = $8)
        GROUP BY step, part.key";
    let window = cut.window;
    let params: [&(dyn ToSql + Sync); 9] = [
        &Moment(window.from),
        &Moment(window.to),
        &cut.by.unwrap_or(Dimension::Overall).as_str(),
        &filter.product,
        &filter.platform,
        &filter.channel,
        &filter.city,
        &filter.source,
        &cut.step_seconds,
    ];
    groups(store, SQL, &params).await
}

/// Not a cached statement: planned with the values at hand, filters that are absent vanish, and days outside the window
/// are not looked at.
async fn groups(store: &Store, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Group>, StoreError> {
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(sql, params)).await;
    let rows = answered(client, outcome)?;
    rows.iter()
        .map(|row| Ok(Group { step: row.try_get(0)?, key: row.try_get(1)?, sums: sums_of(row)? }))
        .collect()
}

async fn places_of(store: &Store, groups: &[Group]) -> Result<HashMap<String, (f64, f64)>, StoreError> {
    const SQL: &str = "SELECT city, lat, lon FROM places WHERE city = ANY ($1)";
    let cities: Vec<&str> = groups.iter().map(|group| group.key.as_str()).collect();
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(SQL, &[&cities])).await;
    let rows = answered(client, outcome)?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

/// The window on bucket edges, so that every bucket lies wholly inside or outside.
fn window_of(query: &MetricsQuery, now: Timestamp) -> Result<Window, StoreError> {
    let edge = edge_of(query.from, now);
    let from = query.from.as_second().div_euclid(edge) * edge;
    // A moment within a second ends after it.
    let to = round_up(query.to.as_second() + i64::from(query.to.subsec_nanosecond() > 0), edge);
    // Postgres knows fewer years than the calendar does.
    if from >= to || from < 0 || at(to).as_second() != to {
        return Err(StoreError::BadWindow);
    }
    Ok(Window { from: at(from), to: at(to), seconds: to - from })
}

/// Rows of old times may be minutes; a window that begins within one would lose or gain the rest of it.
fn edge_of(from: Timestamp, now: Timestamp) -> i64 {
    let fine = SignedDuration::from_secs(COMPACT_AFTER_SECONDS / 2);
    if now.duration_since(from) > fine { MINUTE_SECONDS } else { BUCKET_SECONDS }
}

fn step_of(window: Window, edge: i64) -> i64 {
    let fits = |step: &&i64| **step >= edge && window.seconds <= **step * TREND_STEPS_MAX;
    TREND_STEPS_SECONDS.iter().find(fits).copied().unwrap_or_else(|| {
        // Years: whole days, as many as make the allowed number of steps.
        round_up(window.seconds / TREND_STEPS_MAX + 1, 86_400)
    })
}

fn round_up(seconds: i64, edge: i64) -> i64 {
    (seconds + edge - 1).div_euclid(edge) * edge
}

/// A moment from seconds. Out of range only for seconds that `window_of` refuses.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
