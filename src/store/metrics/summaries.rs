//! Summaries for the metrics API, read from rollups if possible, otherwise from posts.

use std::collections::HashMap;

use jiff::Timestamp;

pub use super::sum_query::POSTS_WINDOW_SECONDS_MAX;
use super::sum_query::{Group, GroupBy, SumQuery, sum, total};
pub use super::time_window::{MetricsFilter, MetricsQuery};
use super::time_window::{at, edge_of, step_of, window_of};
use crate::models::metrics::{
    Breakdown, Breakdowns, Emotions, KeyCount, Overall, StepProgress, Summary, Trend, TrendPoint,
};
use crate::models::rollup::{Dimension, Sums};
use crate::models::score::EMOTIONS;
use crate::store::{Store, StoreError};

/// Maximum number of items in a breakdown, largest first. Senders choose the names of cities and products, and may
/// invent a million.
pub const BREAKDOWN_ITEMS_MAX: usize = 1_000;

/// Returns the summary of all posts in a window.
///
/// Like the other functions in this module, it fails with `BadWindow`, and with `WindowTooLong` if the filters require
/// reading posts. This is the case if they name more than one of product, platform, channel and city, or one of these
/// in a breakdown by another. Results that are read from posts use the number of posts as `revision`.
pub async fn overall(store: &Store, query: &MetricsQuery) -> Result<Overall, StoreError> {
    let window = window_of(query.from, query.to, Timestamp::now())?;
    let grouped = sum(store, &query.filter.clone().into(), &SumQuery::whole(window)).await?;
    Ok(Overall { window, summary: Summary::from(&total(&grouped.groups)) })
}

/// Returns a summary for each city, product, channel or platform, largest first.
pub async fn breakdown(store: &Store, query: &MetricsQuery, by: Dimension) -> Result<Breakdowns, StoreError> {
    let window = window_of(query.from, query.to, Timestamp::now())?;
    let n_parts_max = i64::try_from(BREAKDOWN_ITEMS_MAX).ok();
    let sum_query = SumQuery { by: GroupBy::Dimension(by), n_parts_max, ..SumQuery::whole(window) };
    let groups = sum(store, &query.filter.clone().into(), &sum_query).await?.groups;
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

/// Returns the number of posts by strongest emotion.
pub async fn emotions(store: &Store, query: &MetricsQuery) -> Result<Emotions, StoreError> {
    let window = window_of(query.from, query.to, Timestamp::now())?;
    let counts =
        total(&sum(store, &query.filter.clone().into(), &SumQuery::whole(window)).await?.groups).emotions;
    let items =
        EMOTIONS.iter().zip(counts).map(|(key, count)| KeyCount { key: (*key).to_owned(), count }).collect();
    Ok(Emotions { window, items })
}

/// Returns a summary for each step of the window, oldest first. Steps without posts are included; the last step may be
/// cut short.
pub async fn trend(store: &Store, query: &MetricsQuery) -> Result<Trend, StoreError> {
    let now = Timestamp::now();
    let window = window_of(query.from, query.to, now)?;
    let step_seconds = step_of(window, edge_of(window.from, now));
    let n_steps = (window.seconds + step_seconds - 1) / step_seconds;
    let steps = (0..n_steps).map(|step| at(window.from.as_second() + step * step_seconds)).collect();
    let sum_query = SumQuery { steps, ..SumQuery::whole(window) };
    let grouped = sum(store, &query.filter.clone().into(), &sum_query).await?;
    let by_step: HashMap<usize, Sums> =
        grouped.groups.into_iter().map(|group| (group.step, group.sums)).collect();
    let summary = |step| Summary::from(&by_step.get(&step).copied().unwrap_or_default());
    let items = sum_query.steps.iter().copied().enumerate().map(|(step, from)| {
        let to = at(from.as_second() + step_seconds).min(window.to);
        TrendPoint { from, progress: StepProgress::of((from, to), now), summary: summary(step) }
    });
    let items = items.collect();
    Ok(Trend { window, step_seconds, items })
}

async fn places_of(store: &Store, groups: &[Group]) -> Result<HashMap<String, (f64, f64)>, StoreError> {
    const SQL: &str = "SELECT city, lat, lon FROM places WHERE city = ANY ($1)";
    let cities: Vec<&str> = groups.iter().map(|group| group.key.as_str()).collect();
    let rows = store.query(SQL, &[&cities]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;
    use crate::models::post::ScoredPost;
    use crate::models::rollup::bucket_of;
    use crate::store::testing::record;
    use crate::store::testing::{self, test_store};

    /// Returns the parts of a breakdown that a post counts towards, as the contract defines them; none if the filter
    /// excludes the post.
    fn parts(scored: &ScoredPost, query: &MetricsQuery, by: Dimension) -> Vec<String> {
        let (post, filter) = (&scored.post, &query.filter);
        let passes = |requested: &Option<String>, has: &str| {
            requested.as_deref().is_none_or(|requested| requested == has)
        };
        let (city, channel) =
            (post.city.clone().unwrap_or_default(), post.channel.clone().unwrap_or_default());
        let mut products = post.products.clone();
        if products.is_empty() {
            products.push(String::new());
        }
        let bucket = bucket_of(post.created_at);
        let counts = passes(&filter.source, post.source.as_str())
            && passes(&filter.platform, &post.platform)
            && passes(&filter.channel, &channel)
            && passes(&filter.city, &city)
            && filter.product.as_ref().is_none_or(|requested| products.contains(requested))
            && bucket >= query.from
            && bucket < query.to;
        if !counts {
            return Vec::new();
        }
        match by {
            Dimension::Overall => vec![String::new()],
            Dimension::City => vec![city],
            Dimension::Product => products,
            Dimension::Channel => vec![channel],
            Dimension::Platform => vec![post.platform.clone()],
        }
    }

    fn brute_force(batch: &[ScoredPost], query: &MetricsQuery, by: Dimension) -> HashMap<String, Summary> {
        let mut sums: HashMap<String, Sums> = HashMap::new();
        for scored in batch {
            for part in parts(scored, query, by) {
                sums.entry(part).or_default().add(&Sums::of(scored));
            }
        }
        sums.iter().map(|(key, sums)| (key.clone(), Summary::from(sums))).collect()
    }

    /// Clears the revision, which depends on how the posts were divided into batches.
    fn without_revision(summary: Summary) -> Summary {
        Summary { revision: 0, ..summary }
    }

    fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
        proptest::option::of(proptest::sample::select(values).prop_map(str::to_owned))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_result_equals_counting_posts_individually() {
        let store = test_store().await;
        let now = Timestamp::now();
        let mut batch: Vec<_> =
            (0..150).map(|n| testing::post(n, now - SignedDuration::from_millis(n as i64 * 3_331))).collect();
        for (n, scored) in batch.iter_mut().enumerate() {
            // Halves of a millionth, which both sides must round alike; and late posts.
            scored.score.sentiment.score = if n % 5 == 0 { (n as f32 - 75.0) / 128.0 } else { 0.1 };
            scored.score.churn_risk = if n % 7 == 0 { 0.8 } else { (n % 10) as f32 / 128.0 };
            scored.post.received_at = scored.post.created_at + SignedDuration::from_secs(n as i64 % 200);
        }
        for part in batch.chunks(40) {
            record(&store, part).await.unwrap();
        }
        let filters = (
            one_of(&["alpha", "beta", "gamma", ""]),
            one_of(&["twitter", "bluesky"]),
            one_of(&["support", "store", ""]),
            one_of(&["City 1", "City 3", "Atlantis", ""]),
            one_of(&["http", "replay", "synthetic"]),
        );
        let strategy = (filters, 1..60_i64, proptest::sample::select(Dimension::ALL.as_slice()));
        let handle = tokio::runtime::Handle::current();
        let check = move || {
            let mut runner =
                TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
            let outcome =
                runner.run(&strategy, |((product, platform, channel, city, source), n_buckets, by)| {
                    let filter = MetricsFilter { product, platform, channel, city, source };
                    let query = MetricsQuery::last(n_buckets * 10, testing::complete_after(now), filter);
                    let (found, total, trend) = handle
                        .block_on(async {
                            tokio::try_join!(
                                breakdown(&store, &query, by),
                                overall(&store, &query),
                                trend(&store, &query)
                            )
                        })
                        .unwrap();
                    let found: HashMap<String, Summary> = found
                        .items
                        .into_iter()
                        .map(|item| (item.key, without_revision(item.summary)))
                        .collect();
                    prop_assert_eq!(found, brute_force(&batch, &query, by));
                    let expected = brute_force(&batch, &query, Dimension::Overall).remove("");
                    let expected = expected.unwrap_or_else(|| Summary::from(&Sums::default()));
                    prop_assert_eq!(without_revision(total.summary), expected.clone());
                    prop_assert_eq!(trend.items.len() as i64, n_buckets);
                    let in_trend: i64 = trend.items.iter().map(|step| step.summary.count).sum();
                    prop_assert_eq!(in_trend, expected.count);
                    Ok(())
                });
            outcome.unwrap();
        };
        tokio::task::spawn_blocking(check).await.unwrap();
    }

    #[tokio::test]
    async fn two_filters_allow_at_most_a_day() {
        let store = test_store().await;
        let now = Timestamp::now();
        let name = || Some("alpha".to_owned());
        let two = MetricsFilter { product: name(), platform: name(), ..MetricsFilter::default() };
        let day = MetricsQuery::last(86_400, now, two.clone());
        assert_eq!(overall(&store, &day).await.unwrap().summary.count, 0);
        let week = MetricsQuery::last(604_800, now, two);
        let error = overall(&store, &week).await.unwrap_err();
        assert!(matches!(error, StoreError::WindowTooLong { seconds: 604_800, seconds_max: 86_400 }));
        let one = MetricsFilter { product: name(), source: name(), ..MetricsFilter::default() };
        let week = MetricsQuery::last(604_800, now, one);
        assert_eq!(trend(&store, &week).await.unwrap().items.len(), 84);
        assert!(breakdown(&store, &week, Dimension::City).await.is_err());
    }

    #[tokio::test]
    async fn the_first_location_of_a_city_stands() {
        let store = test_store().await;
        let now = Timestamp::now();
        record(&store, &testing::posts(8, now)).await.unwrap();
        let mut moved = testing::post(9, now);
        moved.post.lat = Some(-10.0);
        record(&store, &[moved]).await.unwrap();
        let query = MetricsQuery::last(60, testing::complete_after(now), MetricsFilter::default());
        let geo = breakdown(&store, &query, Dimension::City).await.unwrap().items;
        let places: HashMap<_, _> =
            geo.iter().map(|item| (item.key.as_str(), (item.lat, item.lon))).collect();
        assert_eq!(places["City 1"], (Some(51.0), Some(10.0)));
        assert_eq!(places[""], (None, None));
        assert!(geo.windows(2).all(|pair| pair[0].summary.count >= pair[1].summary.count));
        let products = breakdown(&store, &query, Dimension::Product).await.unwrap().items;
        assert!(products.iter().all(|item| item.lat.is_none()));
    }
}
