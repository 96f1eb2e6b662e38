//! Compares two periods: in total, and by the dimensions that can explain a difference.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::breakdown::sum_query_of;
use super::series::ExploreQuery;
use super::sum_query::{GroupedSums, ReadLimit, SumQuery, sum, total};
use super::time_window::window_of;
use crate::models::explanation::{ComparedKey, ComparedPeriods};
use crate::models::explore::BreakdownBy;
use crate::models::metrics::Window;
use crate::store::posts::filter::PostFilter;
use crate::store::{Store, StoreError};

/// Maximum number of keys read for each dimension and period, largest first. Senders choose the names of cities and
/// products.
const KEYS_MAX: usize = 1_000;

/// Compares a range with another period or, if none is given, with the preceding period of the same length.
///
/// The sums are those of [`super::series::series`] and [`super::breakdown::breakdown`]. Fails as they do.
pub async fn compare(
    store: &Store,
    query: &ExploreQuery,
    with: Option<(Timestamp, Timestamp)>,
) -> Result<ComparedPeriods, StoreError> {
    let now = Timestamp::now();
    let range = query.range(now)?;
    let compared_with = match with {
        Some((from, to)) => window_of(from, to, now)?,
        None => query.range_before(range),
    };
    let filter = &query.filter;
    let (in_range, in_other) =
        (whole(store, filter, range).await?, whole(store, filter, compared_with).await?);
    let mut keys = Vec::new();
    for by in dimensions_left(filter) {
        keys.extend(compare_keys(store, filter, by, (range, compared_with)).await?);
    }
    Ok(ComparedPeriods {
        range,
        compared_with,
        answered_from: in_range.from,
        sample: in_range.sample.or(in_other.sample),
        now: total(&in_range.groups),
        before: total(&in_other.groups),
        keys,
    })
}

/// Returns the dimensions in which posts may differ: those for which the filter does not select a single value.
fn dimensions_left(filter: &PostFilter) -> Vec<BreakdownBy> {
    let all = [
        (BreakdownBy::Product, &filter.product),
        (BreakdownBy::Channel, &filter.channel),
        (BreakdownBy::City, &filter.city),
        (BreakdownBy::Platform, &filter.platform),
    ];
    all.into_iter().filter_map(|(by, keys)| (keys.any_of.len() != 1).then_some(by)).collect()
}

async fn whole(store: &Store, filter: &PostFilter, window: Window) -> Result<GroupedSums, StoreError> {
    sum(store, filter, &SumQuery { read_limit: ReadLimit::Posts, ..SumQuery::whole(window) }).await
}

async fn compare_keys(
    store: &Store,
    filter: &PostFilter,
    by: BreakdownBy,
    (range, compared_with): (Window, Window),
) -> Result<Vec<ComparedKey>, StoreError> {
    let count = async |window, keys| {
        let sum_query = SumQuery { keys, ..sum_query_of(by, window, KEYS_MAX) };
        let groups = sum(store, filter, &sum_query).await?.groups;
        Ok::<_, StoreError>(
            groups.into_iter().map(|group| (group.key, group.sums.count)).collect::<HashMap<_, _>>(),
        )
    };
    let (mut now, mut before) = (count(range, None).await?, count(compared_with, None).await?);
    // A key that is absent from a full list may still have posts.
    if now.len() == KEYS_MAX {
        now.extend(count(range, Some(missing(&before, &now))).await?);
    }
    if before.len() == KEYS_MAX {
        before.extend(count(compared_with, Some(missing(&now, &before))).await?);
    }
    let names: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let of = |counts: &HashMap<String, i64>, key: &String| counts.get(key).copied().unwrap_or_default();
    let compared = names.into_iter().map(|key| ComparedKey {
        by,
        now: of(&now, key),
        before: of(&before, key),
        key: key.clone(),
    });
    Ok(compared.collect())
}

fn missing(all: &HashMap<String, i64>, from: &HashMap<String, i64>) -> Vec<String> {
    all.keys().filter(|key| !from.contains_key(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::store::posts::key_filter::KeyFilter;
    use crate::store::testing::{self, record, test_store};

    #[tokio::test]
    async fn a_dimension_is_compared_key_by_key_even_where_a_key_is_gone() {
        let store = test_store().await;
        let to = Timestamp::from_second(Timestamp::now().as_second() / 60 * 60 - 600).unwrap();
        let minute = SignedDuration::from_mins(1);
        let in_city = |n: usize, at: Timestamp, city: &str| {
            let mut scored = testing::post(n, at);
            scored.post.city = Some(city.to_owned());
            scored.post.products = Vec::new();
            scored
        };
        let mut batch: Vec<_> = (0..5).map(|n| in_city(n, to - minute, "Oslo")).collect();
        batch.extend((5..8).map(|n| in_city(n, to - minute * 2, "Turku")));
        record(&store, &batch).await.unwrap();
        let query = ExploreQuery {
            from: to - minute,
            to,
            zone: TimeZone::UTC,
            filter: PostFilter { platform: KeyFilter::only("twitter"), ..PostFilter::default() },
            week_starts: jiff::civil::Weekday::Monday,
            compare: None,
        };
        let compared = compare(&store, &query, None).await.unwrap();
        assert_eq!((compared.now.count, compared.before.count), (3, 1));
        let city =
            |key: &str, now, before| ComparedKey { by: BreakdownBy::City, key: key.to_owned(), now, before };
        let cities: Vec<ComparedKey> =
            compared.keys.iter().filter(|found| found.by == BreakdownBy::City).cloned().collect();
        assert_eq!(cities, [city("Oslo", 3, 0), city("Turku", 0, 1)]);
        assert!(compared.keys.iter().all(|found| found.by != BreakdownBy::Platform));
        let product = compared.keys.iter().find(|found| found.by == BreakdownBy::Product).unwrap();
        assert_eq!((product.key.as_str(), product.now, product.before), ("", 3, 1));
        let swapped = compare(&store, &query, Some((to - minute * 3, to - minute))).await.unwrap();
        assert_eq!((swapped.before.count, swapped.compared_with.seconds), (1, 120));
    }
}
