use jiff::SignedDuration;

use super::*;
use crate::store::metrics::time_window::at;
use crate::store::testing::{self, record, test_store};

/// Stores three thousand posts within an hour; every third mentions the battery, more often in the second half.
#[tokio::test]
async fn a_search_with_too_many_hits_is_estimated_from_a_sample_and_says_so() {
    let store = test_store().await;
    let start = at(Timestamp::now().as_second().div_euclid(3_600) * 3_600 - 3_600);
    let mut batch = testing::posts(3_000, start);
    for (i, scored) in batch.iter_mut().enumerate() {
        scored.post.created_at = start + SignedDuration::from_millis(i as i64 * 1_200);
        let is_about_it = i % 4 == 0 || (i > 1_500 && i % 3 == 0);
        scored.post.text = if is_about_it { "the battery 🔋" } else { "something else" }.to_owned();
    }
    let exact: i64 = batch.iter().filter(|scored| scored.post.text.contains("battery")).count() as i64;
    for part in batch.chunks(500) {
        record(&store, part).await.unwrap();
    }
    let window = Window { from: start, to: start + SignedDuration::from_hours(1), seconds: 3_600 };
    let steps: Vec<Timestamp> = (0..12).map(|n| start + SignedDuration::from_mins(n * 5)).collect();
    let query = SumQuery { steps, read_limit: ReadLimit::Posts, ..SumQuery::whole(window) };
    for q in ["battery", "🔋", "battery 🔋"] {
        let filter = PostFilter { q: Some(q.to_owned()), ..PostFilter::default() };
        let whole = sum(&store, &filter, &query).await.unwrap();
        assert_eq!((total(&whole.groups).count, whole.sample), (exact, None), "{q}");

        let limits = SearchLimits { n_found: 100, n_sampled: 1_000 };
        let estimated = sum_of_hits(&store, &filter, (&query, limits)).await.unwrap();
        let sample = estimated.sample.unwrap();
        assert!((sample.share - 1.0 / 3.0).abs() < 0.01, "{sample:?}");
        let off = (total(&estimated.groups).count - exact) as f64 / exact as f64;
        assert!(off.abs() < 3.0 * sample.error, "{q}: {off} is beyond {sample:?}");
        assert_eq!(estimated.groups.len(), 12);

        // With few hits, or few posts, nothing is estimated.
        let limits = SearchLimits { n_found: 2_000, n_sampled: 3_000 };
        assert_eq!(sum_of_hits(&store, &filter, (&query, limits)).await.unwrap().sample, None);
    }
}

/// Checks that the number of hits that are read decides whether a search is complete, not the number that are counted.
#[tokio::test]
async fn a_search_with_too_many_hits_is_sampled_however_few_of_them_count() {
    let store = test_store().await;
    let start = at(Timestamp::now().as_second().div_euclid(3_600) * 3_600 - 3_600);
    let mut batch = testing::posts(600, start);
    for (i, scored) in batch.iter_mut().enumerate() {
        // Scattered over the hour, so that the slices of a sample represent all posts.
        scored.post.created_at = start + SignedDuration::from_millis(i as i64 * 2_654_435_761 % 3_600_000);
        // Each mentions two products, and a fifth are from one platform.
        scored.post.products = vec!["alpha".to_owned(), "beta".to_owned()];
        scored.post.platform = if i % 5 == 0 { "reddit" } else { "twitter" }.to_owned();
        scored.score.churn_risk = if i % 10 == 0 { 0.9 } else { 0.1 };
    }
    record(&store, &batch).await.unwrap();
    let window = Window { from: start, to: start + SignedDuration::from_hours(1), seconds: 3_600 };
    let whole = SumQuery { read_limit: ReadLimit::Posts, ..SumQuery::whole(window) };
    let by = |dimension| SumQuery { by: GroupBy::Dimension(dimension), ..whole.clone() };
    let only = |key: &str| SumQuery { keys: Some(vec![key.to_owned()]), ..by(Dimension::Platform) };
    let q = || Some("parcel".to_owned());
    let all = PostFilter { q: q(), ..PostFilter::default() };
    let risky = |least| PostFilter { q: q(), min_churn: Some(least), ..PostFilter::default() };
    let check = async |filter: &PostFilter, query: &SumQuery, n_found, (count, is_sampled)| {
        let limits = SearchLimits { n_found, n_sampled: 300 };
        let sums = sum_of_hits(&store, filter, (query, limits)).await.unwrap();
        assert_eq!(sums.sample.is_some(), is_sampled, "{filter:?}, {query:?}");
        let off: i64 = total(&sums.groups).count - count;
        assert!(off.abs() <= if is_sampled { count / 4 } else { 0 }, "{off} of {count}: {filter:?}");
    };
    check(&all, &only("reddit"), 599, (120, true)).await;
    check(&all, &only("reddit"), 600, (120, false)).await;
    check(&risky(0.5), &whole, 599, (60, true)).await;
    check(&risky(0.5), &whole, 600, (60, false)).await;
    check(&risky(0.95), &whole, 599, (0, true)).await;
    check(&all, &by(Dimension::Product), 600, (1_200, false)).await;
}
