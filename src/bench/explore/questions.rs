//! The benchmarked queries: every kind of history query, including its hardest cases.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::corpus::Filled;
use crate::models::explore::{BreakdownBy, Step};
use crate::models::post::PostOrder;
use crate::models::score::SentimentLabel;
use crate::store::metrics::series::ExploreQuery;
use crate::store::operations::explain::ExplainTarget;
use crate::store::posts::filter::PostFilter;
use crate::store::posts::key_filter::KeyFilter;
use crate::store::posts::list::{self, PostsQuery};
use crate::store::{Store, StoreError};

/// A query to run and time.
pub struct BenchQuery {
    /// Row heading for the query in the report.
    pub name: &'static str,
    /// What the query requests from the store.
    pub question: ExplainTarget,
}

impl BenchQuery {
    /// Returns whether the query needs every post in this day table. It does if the day lies in a range whose posts are
    /// counted or ranked one by one.
    pub fn needs_all_of(&self, table: &str) -> bool {
        let range = match &self.question {
            ExplainTarget::Posts(PostsQuery { order: PostOrder::Newest | PostOrder::Engagement, .. }) => {
                return false;
            }
            ExplainTarget::Posts(query) => query.from.zip(query.to),
            ExplainTarget::Series(query, _)
            | ExplainTarget::Breakdown(query, ..)
            | ExplainTarget::Lines(query, ..) => Some((query.from, query.to)),
        };
        let Some((_, day)) = table.rsplit_once('_') else { return false };
        let inside = |(from, to): (Timestamp, Timestamp)| {
            let day_of = |at: Timestamp| at.strftime("%Y%m%d").to_string();
            day >= day_of(from).as_str() && day <= day_of(to).as_str()
        };
        day.len() == 8 && range.is_some_and(inside)
    }
}

/// Returns all benchmarked queries.
///
/// # Errors
/// If PostgreSQL cannot determine where a page from the middle of the results begins.
pub async fn all(store: &Store, filled: &Filled, until: Timestamp) -> Result<Vec<BenchQuery>, StoreError> {
    let season = DateRange::of(until, 90);
    let week = DateRange::of(until, 7);
    let (common, middling) = words(filled);
    let only = KeyFilter::only;
    let some = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let any = |keys: &[&str]| KeyFilter::new(&some(keys), &[]);
    let not = |keys: &[&str]| KeyFilter::new(&[], &some(keys));
    let all = PostFilter::default;
    let product = || PostFilter { product: only("Nimbrel Watch"), ..all() };
    let author = filled.last.as_ref().and_then(|last| last.post.author.as_ref()?.handle.clone());
    let words = |q: String| PostFilter { q: Some(q), ..all() };
    let negative = || PostFilter { label: KeyFilter::only(SentimentLabel::Negative), ..all() };
    let mut queries = vec![
        query("series, season by day", season.series(all(), Step::Day)),
        query("series, season by day, Kathmandu", season.series_in("Asia/Kathmandu", all())),
        query("series, season by week", season.series(all(), Step::Week)),
        query("series, week by hour", week.series(all(), Step::Hour)),
        query("series, season, one product", season.series(product(), Step::Day)),
        query(
            "series, season, one city",
            season.series(PostFilter { city: only("Berlin"), ..all() }, Step::Day),
        ),
        query(
            "series, season, three cities",
            season.series(PostFilter { city: any(&["Berlin", "New York", "London"]), ..all() }, Step::Day),
        ),
        query(
            "series, season, all products but one",
            season.series(PostFilter { product: not(&["Nimbrel Watch"]), ..all() }, Step::Day),
        ),
        query(
            "breakdown, season by city, but one",
            season.breakdown(PostFilter { city: not(&["Berlin"]), ..all() }, BreakdownBy::City),
        ),
        query("series, week, negative posts", week.series(negative(), Step::Hour)),
        query("series, season, rare word", season.series(words("300042".to_owned()), Step::Day)),
        query("breakdown, season by city", season.breakdown(all(), BreakdownBy::City)),
        query("breakdown, season by product", season.breakdown(all(), BreakdownBy::Product)),
        query("lines, season by city", season.lines(all(), BreakdownBy::City)),
        query("lines, week by language", week.lines(all(), BreakdownBy::Lang)),
        query("breakdown, season by source", season.breakdown(all(), BreakdownBy::Source)),
        query("breakdown, season by label", season.breakdown(all(), BreakdownBy::Label)),
        query("breakdown, week by author", week.breakdown(all(), BreakdownBy::Author)),
        query("breakdown, week by language", week.breakdown(all(), BreakdownBy::Lang)),
        query("breakdown, week by city, one product", week.breakdown(product(), BreakdownBy::City)),
        query("posts, newest", season.posts(all())),
        query("posts, all time", ExplainTarget::Posts(PostsQuery { limit: 50, ..PostsQuery::default() })),
        query("posts, rare word", season.posts(words("300042".to_owned()))),
        query("posts, common word", season.posts(words(common.clone()))),
        query("posts, two words", season.posts(words(format!("{common} {middling}")))),
        query("posts, common and rare word", season.posts(words(format!("{common} 300042")))),
        query("posts, word without posts", season.posts(words("xylotomous".to_owned()))),
        query("posts, one product", season.posts(product())),
        query(
            "posts, two products",
            season.posts(PostFilter { product: any(&["Nimbrel Watch", "Nimbrel Buds"]), ..all() }),
        ),
        query("posts, two cities", season.posts(PostFilter { city: any(&["Berlin", "Atlantis"]), ..all() })),
        query("posts, all cities but one", season.posts(PostFilter { city: not(&["Berlin"]), ..all() })),
        query(
            "posts, two authors without posts",
            season.posts(PostFilter { author: any(&["nobody", "noone"]), ..all() }),
        ),
        query("posts, one author", season.posts(PostFilter { author: author.into(), ..all() })),
        query("posts, author without posts", season.posts(PostFilter { author: only("nobody"), ..all() })),
        query("posts, negative", season.posts(negative())),
        query("posts, virality at least 90", season.posts(PostFilter { min_virality: Some(90.0), ..all() })),
        query("posts, churn at least 0.8", season.posts(PostFilter { min_churn: Some(0.8), ..all() })),
        query(
            "posts, product and city and negative",
            season.posts(PostFilter {
                city: only("Berlin"),
                label: KeyFilter::only(SentimentLabel::Negative),
                ..product()
            }),
        ),
        query(
            "posts, common word, product, negative",
            season.posts(PostFilter {
                q: Some(common),
                label: KeyFilter::only(SentimentLabel::Negative),
                ..product()
            }),
        ),
        query("posts, week by virality", week.ranked(PostOrder::Virality)),
        query("posts, week by engagement", week.ranked(PostOrder::Engagement)),
        query("posts, season by engagement", season.ranked(PostOrder::Engagement)),
        query("posts, week, rising", week.ranked(PostOrder::Rising)),
    ];
    // A page in the middle of a season starts after a post there.
    let middle = Some(until.saturating_sub(SignedDuration::from_hours(45 * 24)).unwrap_or(until));
    let before = PostsQuery { to: middle, limit: 1, ..PostsQuery::default() };
    let cursor = list::list(store, &before).await?.next_cursor;
    queries.push(query(
        "posts, page in the middle of the season",
        ExplainTarget::Posts(PostsQuery { cursor, limit: 50, ..PostsQuery::default() }),
    ));
    Ok(queries)
}

fn query(name: &'static str, question: ExplainTarget) -> BenchQuery {
    BenchQuery { name, question }
}

/// Returns the most common word, and a word that occurs in about one post in fifty.
fn words(filled: &Filled) -> (String, String) {
    let mut by_count: Vec<(&String, &usize)> = filled.words.iter().collect();
    by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let wanted = filled.n_posts / 10 / 50;
    let common = by_count.first().map(|(word, _)| (*word).clone()).unwrap_or_default();
    let middling = by_count.iter().find(|(_, count)| **count <= wanted).map(|(word, _)| (*word).clone());
    (common, middling.unwrap_or_default())
}

/// The period that a query covers.
#[derive(Clone, Copy)]
struct DateRange {
    from: Timestamp,
    to: Timestamp,
}

impl DateRange {
    fn of(until: Timestamp, days: i64) -> Self {
        let from = until.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(until);
        Self { from, to: until }
    }

    fn query(self, zone: &str, filter: PostFilter) -> ExploreQuery {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        ExploreQuery {
            from: self.from,
            to: self.to,
            zone,
            week_starts: Weekday::Monday,
            filter,
            compare: None,
        }
    }

    fn series(self, filter: PostFilter, step: Step) -> ExplainTarget {
        ExplainTarget::Series(self.query("Europe/Berlin", filter), Some(step))
    }

    fn series_in(self, zone: &str, filter: PostFilter) -> ExplainTarget {
        ExplainTarget::Series(self.query(zone, filter), Some(Step::Day))
    }

    fn breakdown(self, filter: PostFilter, by: BreakdownBy) -> ExplainTarget {
        ExplainTarget::Breakdown(self.query("UTC", filter), by, 50)
    }

    fn lines(self, filter: PostFilter, by: BreakdownBy) -> ExplainTarget {
        ExplainTarget::Lines(self.query("Europe/Berlin", filter), by, 8)
    }

    fn posts(self, filter: PostFilter) -> ExplainTarget {
        let (from, to) = (Some(self.from), Some(self.to));
        ExplainTarget::Posts(PostsQuery { filter, from, to, limit: 50, ..PostsQuery::default() })
    }

    fn ranked(self, order: PostOrder) -> ExplainTarget {
        let (from, to) = (Some(self.from), Some(self.to));
        ExplainTarget::Posts(PostsQuery { from, to, order, limit: 50, ..PostsQuery::default() })
    }
}
