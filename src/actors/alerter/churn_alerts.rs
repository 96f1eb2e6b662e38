//! Alerts about posts at high churn risk, one per affected product.

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
use crate::store::alerts::flagged_posts::Triage;
use crate::store::alerts::{ALERT_POSTS_MAX, AlertSeries, NewAlert};

/// Maximum number of products with a churn alert of their own. Every burst reads all of these alerts. Posts about further
/// products join the alert about everything, so none is lost.
const ALERTS_MAX: usize = 2_000;

/// Age at which a flagged post can no longer open an alert.
const FLAGGED_AGE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Returns one alert per affected product: a burst of a thousand angry customers is one alert with a thousand posts.
///
/// A product without an open alert gets one when more of its posts than the threshold were flagged within the window; until
/// then they wait. A post about two products joins the first product with enough posts.
pub(super) fn judge(rule: &Rule, open: &[Alert], (posts, now): (&[ScoredPost], Timestamp)) -> Triage {
    if !rule.what.enabled {
        return Triage::default();
    }
    // A process that starts after long downtime must not alert people about last week.
    let recent: Vec<_> = posts.iter().filter(|scored| age(scored, now) < FLAGGED_AGE_MAX).collect();
    let mut scopes: BTreeMap<Scope, Vec<&ScoredPost>> = BTreeMap::new();
    for scored in &recent {
        for scope in scopes_of(scored) {
            scopes.entry(scope).or_default().push(scored);
        }
    }
    let window = SignedDuration::from_secs(rule.what.window_seconds);
    let open: HashSet<&Scope> = open.iter().map(|alert| &alert.scope).collect();
    let is_enough = |scope: &Scope, posts: &[&ScoredPost]| {
        open.contains(scope) || i64::try_from(posts.len()).unwrap_or(i64::MAX) as f64 > rule.what.threshold
    };
    scopes.retain(|scope, posts| is_enough(scope, posts));
    gather(&mut scopes, &open);
    let raised: HashSet<_> = scopes.values().flatten().map(|scored| scored.post.uuid).collect();
    let waiting = recent
        .iter()
        .filter(|scored| !raised.contains(&scored.post.uuid) && age(scored, now) < window)
        .map(|scored| scored.post.uuid);
    let waiting = waiting.collect();
    Triage { alerts: scopes.into_iter().map(|found| alert(rule, found, now)).collect(), waiting }
}

/// Moves the posts of products beyond the maximum into the alert about everything.
fn gather<'a>(scopes: &mut BTreeMap<Scope, Vec<&'a ScoredPost>>, open: &HashSet<&Scope>) {
    let new = scopes.keys().filter(|scope| !open.contains(scope) && **scope != Scope::overall());
    let too_many: Vec<Scope> = new.skip(ALERTS_MAX.saturating_sub(open.len())).cloned().collect();
    let posts: Vec<&'a ScoredPost> =
        too_many.iter().filter_map(|scope| scopes.remove(scope)).flatten().collect();
    if posts.is_empty() {
        return;
    }
    let everything = scopes.entry(Scope::overall()).or_default();
    everything.extend(posts);
    // In order of arrival. Each post appears once, even if it names several products.
    everything.sort_by_key(|scored| scored.post.uuid);
    everything.dedup_by_key(|scored| scored.post.uuid);
}

/// Returns whether an open alert has gone without new posts for long enough. A flapping alert must stay quiet for longer.
pub(super) fn is_over(rule: &Rule, alert: &Alert, now: Timestamp) -> bool {
    let keep_firing = SignedDuration::from_secs(rule.what.keep_firing_seconds);
    let calm = if alert.flapping { FLAP_CALM } else { SignedDuration::ZERO };
    now.duration_since(alert.updated_at) > keep_firing.max(calm)
}

/// Returns the churn alert series of a scope.
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

/// Returns the products that a post names, or the scope of everything if it names none.
fn scopes_of(scored: &ScoredPost) -> Vec<Scope> {
    if scored.post.products.is_empty() {
        return vec![Scope::overall()];
    }
    let of = |product: &String| Scope { dimension: Dimension::Product, key: product.clone() };
    scored.post.products.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::alert_rule::{Comparison, NewRule, RuleScope};
    use crate::store::testing;

    #[test]
    fn posts_of_products_beyond_the_maximum_share_one_alert_and_count_once() {
        let now = Timestamp::now();
        let what = NewRule {
            name: "leaving".to_owned(),
            enabled: true,
            metric: Metric::ChurnHigh,
            scope: RuleScope { dimension: Dimension::Product, key: None },
            window_seconds: 300,
            comparison: Comparison::Above,
            threshold: 0.0,
            clear_threshold: None,
            minimum_volume: 0,
            for_seconds: 0,
            keep_firing_seconds: 300,
            cooldown_seconds: 0,
            severity: crate::models::alert::Severity::Warning,
            channels: Vec::new(),
        };
        let rule = Rule { id: alert_rule::CHURN, builtin: true, what, created_at: now, updated_at: now };
        let mut posts = testing::posts(ALERTS_MAX + 10, now);
        for (i, scored) in posts.iter_mut().enumerate() {
            scored.post.products = vec![format!("product {i:05}")];
        }
        // One post names two of the products without an alert.
        posts[ALERTS_MAX + 1].post.products.push(format!("product {:05}", ALERTS_MAX + 2));
        let judged = judge(&rule, &[], (&posts, now));
        assert_eq!(judged.alerts.len(), ALERTS_MAX + 1);
        let everything = judged.alerts.iter().find(|alert| alert.series.scope == Scope::overall()).unwrap();
        assert_eq!((everything.count, everything.members.len()), (10, 10));
        assert!(judged.waiting.is_empty());
    }
}
