//! The posts that made an alert.

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::models::alert::{AlertPost, Scope};
use crate::models::alert_rule::{Comparison, Metric, NewRule};
use crate::models::evaluation::Opening;
use crate::models::post::{PostOrder, ScoredPost};
use crate::models::rollup::Dimension;
use crate::models::score::{CHURN_HIGH, EMOTIONS, SentimentLabel};
use crate::store::alerts::ALERT_POSTS_MAX;
use crate::store::page::PAGE_MAX;
use crate::store::post_filter::PostFilter;
use crate::store::post_list::{self, PostsQuery};
use crate::store::{Store, StoreError};

/// Alerts whose posts are read in one evaluation, at most. When a rule about every city opens for all of them, people
/// need to hear of it soon more than they need examples of each.
const OPENINGS_MAX: usize = 20;

/// Some of a series' posts.
pub(super) async fn of_scope(
    store: &Store,
    scope: &Scope,
    query: PostsQuery,
) -> Result<Vec<ScoredPost>, StoreError> {
    let filter = about(scope, query.filter);
    let page = post_list::list(store, &PostsQuery { filter, ..query }).await?;
    Ok(page.items.into_iter().map(|listed| listed.scored).collect())
}

/// Reads the posts behind alerts that are about to open. An alert whose posts cannot be read opens without them.
pub(super) async fn fill_in(store: &Store, openings: &mut [Opening], now: Timestamp) {
    for opening in openings.iter_mut().take(OPENINGS_MAX) {
        let rule = &opening.rule.what;
        match of_scope(store, &opening.id.scope, behind(rule, now)).await {
            Ok(posts) => opening.posts = shown(rule, posts),
            Err(error) => {
                warn!(%error, rule = rule.name, "the posts behind an alert could not be read, it opens without");
                return;
            }
        }
    }
}

fn about(scope: &Scope, filter: PostFilter) -> PostFilter {
    let key = Some(scope.key.clone());
    match scope.dimension {
        Dimension::Overall => filter,
        Dimension::City => PostFilter { city: key, ..filter },
        Dimension::Product => PostFilter { product: key, ..filter },
        Dimension::Channel => PostFilter { channel: key, ..filter },
        Dimension::Platform => PostFilter { platform: key, ..filter },
    }
}

/// The posts that moved the rule's measure to where it is. Of one that is too low these are all: what is missing shows no
/// posts.
fn behind(rule: &NewRule, now: Timestamp) -> PostsQuery {
    let window = SignedDuration::from_secs(rule.window_seconds);
    let is_above = rule.comparison == Comparison::Above;
    let mut query = PostsQuery { limit: ALERT_POSTS_MAX, ..PostsQuery::default() };
    let filter = &mut query.filter;
    match rule.metric {
        Metric::NegativeShare if is_above => filter.label = Some(SentimentLabel::Negative),
        Metric::SentimentAverage if is_above => filter.label = Some(SentimentLabel::Positive),
        Metric::SentimentAverage => filter.label = Some(SentimentLabel::Negative),
        Metric::ChurnHigh if is_above => filter.min_churn = Some(CHURN_HIGH),
        Metric::Emotion(i) if is_above => {
            filter.emotion = EMOTIONS.get(usize::from(i)).map(|name| (*name).to_owned());
        }
        Metric::Virality if is_above => query.order = PostOrder::Virality,
        // No filter tells which are toxic: the most toxic of many are shown.
        Metric::Toxicity if is_above => query.limit = PAGE_MAX,
        _ => {}
    }
    query.from = Some(now.saturating_sub(window).unwrap_or(now));
    query
}

fn shown(rule: &NewRule, mut posts: Vec<ScoredPost>) -> Vec<AlertPost> {
    if rule.metric == Metric::Toxicity && rule.comparison == Comparison::Above {
        posts.sort_by(|a, b| b.score.toxicity.total_cmp(&a.score.toxicity));
    }
    posts.iter().take(ALERT_POSTS_MAX).map(AlertPost::from).collect()
}
