//! Example posts for an alert, and their distinctive terms.

use jiff::{SignedDuration, Timestamp};

use crate::models::alert::{Evidence, EvidencePoint, EvidenceTerm, Scope};
use crate::models::post::ScoredPost;
use crate::models::rollup::Dimension;
use crate::store::page::PAGE_MAX;
use crate::store::posts::filter::PostFilter;
use crate::store::posts::key_filter::KeyFilter;
use crate::store::posts::list::{self, PostsQuery};
use crate::store::{Store, StoreError};
use crate::trends::contrast::{DistinctiveTerm, TermCounts, distinctive_terms};

/// Maximum number of terms shown in an alert.
const TERMS_MAX: usize = 10;

/// Length of the period before an alert whose posts are compared with the alert's own.
const COMPARED_WITH: SignedDuration = SignedDuration::from_hours(24);

/// Example posts from a period, and their distinctive terms.
pub(in crate::actors) struct Examples {
    /// Newest posts of the period.
    pub posts: Vec<ScoredPost>,
    /// Terms that these posts use more often than earlier ones, most distinctive first.
    pub terms: Vec<DistinctiveTerm>,
}

/// Reads the newest posts in a scope and period, and finds the terms that set them apart from earlier posts.
pub(in crate::actors) async fn read(
    store: &Store,
    scope: &Scope,
    (from, to): (Timestamp, Timestamp),
) -> Result<Examples, StoreError> {
    let between = |from, to| {
        let query = PostsQuery { from: Some(from), to: Some(to), limit: PAGE_MAX, ..PostsQuery::default() };
        of_scope(store, scope, query)
    };
    let posts = between(from, to).await?;
    let others = between(from.saturating_sub(COMPARED_WITH).unwrap_or(from), from).await?;
    let terms = distinctive_terms(&counted(&posts), &counted(&others), TERMS_MAX);
    Ok(Examples { posts, terms })
}

/// Converts a series and terms into the evidence that is stored with an alert.
pub(in crate::actors) fn evidence(series: Vec<EvidencePoint>, terms: Vec<DistinctiveTerm>) -> Evidence {
    let kept = |found: DistinctiveTerm| EvidenceTerm {
        term: found.term,
        count: i64::from(found.count),
        expected: found.expected,
    };
    Evidence { series, terms: terms.into_iter().map(kept).collect() }
}

/// Reads the newest posts of a scope in a period.
pub(in crate::actors) async fn of_scope(
    store: &Store,
    scope: &Scope,
    query: PostsQuery,
) -> Result<Vec<ScoredPost>, StoreError> {
    let filter = about(scope, query.filter);
    let page = list::list(store, &PostsQuery { filter, ..query }).await?;
    Ok(page.items.into_iter().map(|listed| listed.scored).collect())
}

fn counted(posts: &[ScoredPost]) -> TermCounts {
    let mut counted = TermCounts::default();
    posts.iter().for_each(|scored| counted.add(&scored.post.text, scored.post.lang.as_deref()));
    counted
}

fn about(scope: &Scope, filter: PostFilter) -> PostFilter {
    let key = KeyFilter::only(scope.key.clone());
    match scope.dimension {
        Dimension::Overall => filter,
        Dimension::City => PostFilter { city: key, ..filter },
        Dimension::Product => PostFilter { product: key, ..filter },
        Dimension::Channel => PostFilter { channel: key, ..filter },
        Dimension::Platform => PostFilter { platform: key, ..filter },
    }
}
