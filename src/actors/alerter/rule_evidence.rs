//! Evidence for alerts that rules open: example posts, their distinctive terms, and earlier values of the metric.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::actors::example_posts::{self, Examples};
use crate::alerting::evidence;
use crate::models::alert::{AlertPost, Evidence};
use crate::models::alert_rule::{Comparison, Metric, NewRule};
use crate::models::evaluation::{Group, Opening};
use crate::models::post::{PostOrder, ScoredPost};
use crate::models::score::{CHURN_HIGH, EMOTIONS, SentimentLabel};
use crate::store::alerts::ALERT_POSTS_MAX;
use crate::store::alerts::measurements::{self, StepsQuery};
use crate::store::page::PAGE_MAX;
use crate::store::posts::key_filter::KeyFilter;
use crate::store::posts::list::PostsQuery;
use crate::store::{Store, StoreError};

/// Maximum number of alerts for which each evaluation reads evidence. If a rule about every city fires for all of them,
/// getting the alerts quickly matters more to people than seeing examples for each.
const OPENINGS_MAX: usize = 20;

/// Time after which no more evidence is read, because the turn and all other alerts are waiting.
const TIME_BUDGET: Duration = Duration::from_millis(300);

/// Reads the evidence for alerts that are about to open, most urgent first. If the evidence for an alert cannot be read
/// in time, the alert opens without it.
pub(super) async fn fill_in(store: &Store, openings: &mut [Opening], now: Timestamp) {
    let started = Instant::now();
    evidence::by_need(openings);
    let needed = openings.len().min(OPENINGS_MAX);
    let Some(openings) = openings.get_mut(..needed) else { return };
    for opening in openings.iter_mut().take_while(|_| started.elapsed() < TIME_BUDGET) {
        let rule = &opening.rule.what;
        match example_posts::of_scope(store, &opening.id.scope, behind(rule, now)).await {
            Ok(posts) => opening.posts = shown(rule, posts),
            Err(error) => {
                warn!(%error, rule = rule.name, "example posts could not be read, the alerts open without them");
                return;
            }
        }
    }
    for opening in openings.iter_mut().take_while(|_| started.elapsed() < TIME_BUDGET) {
        match read(store, opening, now).await {
            Ok(evidence) => opening.evidence = Some(evidence),
            Err(error) => {
                let rule = &opening.rule.what.name;
                warn!(%error, rule, "evidence could not be read, the alerts open without it");
                return;
            }
        }
    }
}

async fn read(store: &Store, opening: &Opening, now: Timestamp) -> Result<Evidence, StoreError> {
    let (rule, scope) = (&opening.rule.what, &opening.id.scope);
    let Examples { terms, .. } = example_posts::read(store, scope, (since(rule, now), now)).await?;
    let steps = evidence::steps(rule, now);
    let past = StepsQuery {
        group: Group {
            window_seconds: rule.window_seconds,
            dimension: scope.dimension,
            is_viral: rule.metric == Metric::Virality,
        },
        key: Some(scope.key.clone()),
        n_keys: 1,
        step_seconds: steps.seconds,
        from: steps.stretch.from,
        to: steps.stretch.to,
    };
    let measured = measurements::steps(store, &past).await?;
    Ok(example_posts::evidence(evidence::series(rule, &measured, (steps, opening.value)), terms))
}

fn since(rule: &NewRule, now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_secs(rule.window_seconds)).unwrap_or(now)
}

/// Returns a query for the posts that moved the metric. If the metric is too low, these are all posts in the window,
/// because missing posts cannot be shown.
fn behind(rule: &NewRule, now: Timestamp) -> PostsQuery {
    let is_above = rule.comparison == Comparison::Above;
    let mut query = PostsQuery { limit: ALERT_POSTS_MAX, ..PostsQuery::default() };
    let filter = &mut query.filter;
    match rule.metric {
        Metric::NegativeShare if is_above => filter.label = KeyFilter::only(SentimentLabel::Negative),
        Metric::SentimentAverage if is_above => filter.label = KeyFilter::only(SentimentLabel::Positive),
        Metric::SentimentAverage => filter.label = KeyFilter::only(SentimentLabel::Negative),
        Metric::ChurnHigh if is_above => filter.min_churn = Some(CHURN_HIGH),
        Metric::Emotion(i) if is_above => {
            filter.emotion = EMOTIONS.get(usize::from(i)).map(|name| (*name).to_owned()).into();
        }
        Metric::Virality if is_above => query.order = PostOrder::Virality,
        // There is no filter for toxicity, so as many posts as possible are read and the most toxic are shown.
        Metric::Toxicity if is_above => query.limit = PAGE_MAX,
        _ => {}
    }
    query.from = Some(since(rule, now));
    query
}

fn shown(rule: &NewRule, mut posts: Vec<ScoredPost>) -> Vec<AlertPost> {
    if rule.metric == Metric::Toxicity && rule.comparison == Comparison::Above {
        posts.sort_by(|a, b| b.score.toxicity.total_cmp(&a.score.toxicity));
    }
    posts.iter().take(ALERT_POSTS_MAX).map(AlertPost::from).collect()
}
