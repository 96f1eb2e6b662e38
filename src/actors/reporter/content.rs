//! Reads the content of a report. Every number comes from the queries behind the API.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::models::alert::{EvidenceTerm, Scope};
use crate::models::explore::BreakdownBy;
use crate::models::metrics::Window;
use crate::models::post::{PostOrder, ScoredPost};
use crate::models::report::{Period, ReportFilter};
use crate::models::rollup::Dimension;
use crate::reports::content::{Content, PeriodAlerts, RisenTerms, TopPosts};
use crate::store::metrics::breakdown::breakdown;
use crate::store::metrics::series::{self, CompareTo, ExploreQuery};
use crate::store::metrics::summaries::MetricsFilter;
use crate::store::posts::filter::PostFilter;
use crate::store::posts::list::{self, PostsQuery, RANKED_RANGE_MAX};
use crate::store::{Store, StoreError, alerts};
use crate::trends::contrast::{TermCounts, distinctive_terms};

/// Maximum number of rows per breakdown.
const KEYS_MAX: usize = 10;

/// Maximum number of posts in a report.
const POSTS_MAX: usize = 10;

/// Maximum number of alerts in a report.
const ALERTS_MAX: usize = 20;

/// Maximum number of terms in a report.
const TERMS_MAX: usize = 15;

/// Number of slices of a period from which posts are sampled for its terms.
const SLICES: i32 = 12;

/// Maximum number of posts sampled per slice.
const POSTS_PER_SLICE: usize = 100;

/// Report to read.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Name of the report.
    pub name: &'a str,
    /// Posts that the report covers.
    pub filter: &'a ReportFilter,
    /// Time zone of the report.
    pub zone: TimeZone,
    /// Period that the report covers.
    pub period: Period,
    /// Public URL of the dashboard, if one is configured.
    pub dashboard: Option<String>,
}

/// Reads the content of a report.
///
/// # Errors
/// If PostgreSQL is unavailable, or the filter requires counting more posts than are allowed.
pub async fn read(store: &Store, subject: Subject<'_>) -> Result<Content, StoreError> {
    let Subject { name, filter, zone, period: Period { from, to }, dashboard } = subject;
    let read_at = Timestamp::now();
    let posts = posts_matching(filter);
    let query = ExploreQuery {
        from,
        to,
        zone: zone.clone(),
        week_starts: Weekday::Monday,
        filter: posts.clone(),
        compare: Some(CompareTo::Previous),
    };
    let (total, before) = series::totals(store, &query).await?;
    let alone = ExploreQuery { compare: None, ..query.clone() };
    let series = series::series(store, &alone, None).await?.items;
    let mut breakdowns = Vec::new();
    for by in unfixed(filter) {
        breakdowns.push(breakdown(store, &query, by, KEYS_MAX).await?);
    }
    Ok(Content {
        name: name.to_owned(),
        filter: filter.clone(),
        series,
        breakdowns,
        posts: top_posts(store, &posts, total.window).await?,
        alerts: alerts_of(store, filter, total.window).await?,
        terms: risen_terms(store, &posts, (total.window, before.window)).await?,
        total,
        before,
        zone,
        dashboard,
        read_at,
    })
}

fn posts_matching(filter: &ReportFilter) -> PostFilter {
    let ReportFilter { product, platform, channel, city, source } = filter.clone();
    MetricsFilter { product, platform, channel, city, source }.into()
}

/// Returns the dimensions to break down by: those that the filter does not fix.
fn unfixed(filter: &ReportFilter) -> impl Iterator<Item = BreakdownBy> {
    let all = [
        (BreakdownBy::Product, filter.product.is_some()),
        (BreakdownBy::Platform, filter.platform.is_some()),
        (BreakdownBy::Channel, filter.channel.is_some()),
        (BreakdownBy::City, filter.city.is_some()),
    ];
    all.into_iter().filter(|(_, is_fixed)| !is_fixed).map(|(by, _)| by)
}

/// Reads the posts with the highest engagement. Ranking by it reads a whole range, so long ones are ranked by predicted
/// virality, which is indexed.
async fn top_posts(store: &Store, filter: &PostFilter, window: Window) -> Result<TopPosts, StoreError> {
    let is_long =
        SignedDuration::from_secs(window.seconds) > RANKED_RANGE_MAX + SignedDuration::from_hours(1);
    let order = if is_long { PostOrder::Virality } else { PostOrder::Engagement };
    let items = posts(store, filter, window, (order, POSTS_MAX)).await?;
    Ok(TopPosts { order, items })
}

/// Reads the alerts that opened in a period. With a filter, only alerts on one of its values are about these posts.
async fn alerts_of(store: &Store, filter: &ReportFilter, window: Window) -> Result<PeriodAlerts, StoreError> {
    let scope = |dimension, key: &Option<String>| Some(Scope { dimension, key: key.clone()? });
    let scopes: Vec<Scope> = [
        scope(Dimension::Product, &filter.product),
        scope(Dimension::Platform, &filter.platform),
        scope(Dimension::Channel, &filter.channel),
        scope(Dimension::City, &filter.city),
    ]
    .into_iter()
    .flatten()
    .collect();
    let scopes = (!scopes.is_empty()).then_some(scopes.as_slice());
    let (items, count) = alerts::opened_in(store, (window.from, window.to), scopes, ALERTS_MAX).await?;
    Ok(PeriodAlerts { items, count })
}

/// Finds the terms that set the period apart from the one before, in a sample of both.
async fn risen_terms(
    store: &Store,
    filter: &PostFilter,
    (window, before): (Window, Window),
) -> Result<RisenTerms, StoreError> {
    let (these, n_sampled) = sampled(store, filter, window).await?;
    let (others, _) = sampled(store, filter, before).await?;
    let kept = distinctive_terms(&these, &others, TERMS_MAX).into_iter().map(|found| EvidenceTerm {
        term: found.term,
        count: i64::from(found.count),
        expected: found.expected,
    });
    Ok(RisenTerms { items: kept.collect(), n_sampled })
}

/// Counts the terms of a sample: the newest posts of slices that are spread evenly over the window.
async fn sampled(
    store: &Store,
    filter: &PostFilter,
    window: Window,
) -> Result<(TermCounts, usize), StoreError> {
    let (mut counts, mut n_sampled) = (TermCounts::default(), 0);
    for slice in slices(window) {
        for scored in posts(store, filter, slice, (PostOrder::Newest, POSTS_PER_SLICE)).await? {
            counts.add(&scored.post.text, scored.post.lang.as_deref());
            n_sampled += 1;
        }
    }
    Ok((counts, n_sampled))
}

fn slices(window: Window) -> impl Iterator<Item = Window> {
    let seconds = window.seconds / i64::from(SLICES);
    (0..SLICES).map(move |n| {
        let from = window.from.saturating_add(SignedDuration::from_secs(seconds * i64::from(n)));
        let from = from.unwrap_or(window.from);
        let to = from.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(window.to);
        Window { from, to, seconds }
    })
}

async fn posts(
    store: &Store,
    filter: &PostFilter,
    window: Window,
    (order, limit): (PostOrder, usize),
) -> Result<Vec<ScoredPost>, StoreError> {
    let (from, to, filter) = (Some(window.from), Some(window.to), filter.clone());
    let query = PostsQuery { filter, from, to, order, cursor: None, limit };
    let page = list::list(store, &query).await?;
    Ok(page.items.into_iter().map(|listed| listed.scored).collect())
}
