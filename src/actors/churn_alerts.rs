//! What becomes of posts at high churn risk: one alert for each product concerned.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::alerting::machine::FLAP_CALM;
use crate::alerting::title;
use crate::models::alert::{Alert, AlertPost, AlertRule, Scope};
use crate::models::alert_rule::{self, Metric, Rule};
use crate::models::post::ScoredPost;
use crate::models::rollup::Dimension;
use crate::models::score::CHURN_HIGH;
use crate::store::alerts::{ALERT_POSTS_MAX, AlertSeries, NewAlert};
use crate::store::flagged::Judged;

/// A flagged post that nobody looked at for this long is no news.
const NEWS_FOR: SignedDuration = SignedDuration::from_hours(1);

/// One alert for each product concerned: a burst of a thousand angry customers is one alert of a thousand posts.
///
/// A product with no open alert gets one when more of its posts than the rule's threshold were flagged within its window;
/// until then they wait. A post of two products is raised with the first that has enough.
pub(super) fn judge(rule: &Rule, open: &[Alert], (posts, now): (&[ScoredPost], Timestamp)) -> Judged {
    if !rule.what.enabled {
        return Judged::default();
    }
    // A process that starts alerting after a long time must not wake people about last week.
    let news: Vec<_> = posts.iter().filter(|scored| age(scored, now) < NEWS_FOR).collect();
    let mut scopes: BTreeMap<Scope, Vec<&ScoredPost>> = BTreeMap::new();
    for scored in &news {
        for scope in scopes_of(scored) {
            scopes.entry(scope).or_default().push(scored);
        }
    }
    let window = SignedDuration::from_secs(rule.what.window_seconds);
    let is_enough = |scope: &Scope, posts: &[&ScoredPost]| {
        open.iter().any(|alert| alert.scope == *scope)
            || i64::try_from(posts.len()).unwrap_or(i64::MAX) as f64 > rule.what.threshold
    };
    scopes.retain(|scope, posts| is_enough(scope, posts));
    let raised: HashSet<_> = scopes.values().flatten().map(|scored| scored.post.uuid).collect();
    let waiting = news
        .iter()
        .filter(|scored| !raised.contains(&scored.post.uuid) && age(scored, now) < window)
        .map(|scored| scored.post.uuid);
    let waiting = waiting.collect();
    Judged { alerts: scopes.into_iter().map(|found| alert(rule, found, now)).collect(), waiting }
}

/// Whether an open alert has fallen silent. One that flaps must have been calm for longer.
pub(super) fn is_over(rule: &Rule, alert: &Alert, now: Timestamp) -> bool {
    let keep_firing = SignedDuration::from_secs(rule.what.keep_firing_seconds);
    let calm = if alert.flapping { FLAP_CALM } else { SignedDuration::ZERO };
    now.duration_since(alert.updated_at) > keep_firing.max(calm)
}

/// What its alerts are about.
pub(super) fn series(scope: Scope) -> AlertSeries {
    AlertSeries {
        rule: AlertRule::Churn,
        rule_id: Some(alert_rule::CHURN),
        metric: Some(Metric::ChurnHigh.name()),
        scope,
    }
}

fn alert(rule: &Rule, (scope, posts): (Scope, Vec<&ScoredPost>), now: Timestamp) -> NewAlert {
    let highest = posts.iter().map(|scored| scored.score.churn_risk).fold(0.0_f32, f32::max);
    NewAlert {
        rule_name: Some(rule.what.name.clone()),
        severity: rule.what.severity,
        title: title::leaving(&scope),
        value: f64::from(highest),
        threshold: f64::from(CHURN_HIGH),
        count: i64::try_from(posts.len()).unwrap_or(i64::MAX),
        at: now,
        posts: posts.iter().rev().take(ALERT_POSTS_MAX).map(|scored| AlertPost::from(*scored)).collect(),
        members: posts.iter().map(|scored| (scored.post.uuid, scored.post.created_at)).collect(),
        cooldown: Duration::from_secs(rule.what.cooldown_seconds.unsigned_abs()),
        channels: rule.what.channels.clone(),
        evidence: None,
        series: series(scope),
    }
}

fn age(scored: &ScoredPost, now: Timestamp) -> SignedDuration {
    now.duration_since(scored.post.received_at)
}

/// Everything is one scope for posts that name no product.
fn scopes_of(scored: &ScoredPost) -> Vec<Scope> {
    if scored.post.products.is_empty() {
        return vec![Scope::overall()];
    }
    let of = |product: &String| Scope { dimension: Dimension::Product, key: product.clone() };
    scored.post.products.iter().map(of).collect()
}
