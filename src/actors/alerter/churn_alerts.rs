//! Alerts about posts at high churn risk: one alert per affected product.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::churn_levels::ChurnLevels;
use crate::alerting::machine::FLAP_CALM;
use crate::alerting::title;
use crate::models::alert::{Alert, AlertPost, AlertRule, Scope};
use crate::models::alert_rule::{self, Metric, Rule};
use crate::models::post::ScoredPost;
use crate::models::rollup::Dimension;
use crate::store::alerts::flagged_posts::{Triage, WAITING_MAX};
use crate::store::alerts::{ALERT_POSTS_MAX, AlertSeries, NewAlert};

/// Maximum number of products with churn alerts of their own. All of these alerts are read for every burst of flagged
/// posts. Posts about any other product join the overall alert, so none is lost.
const ALERTS_MAX: usize = 2_000;

/// Age beyond which a flagged post can no longer join or open an alert.
const FLAGGED_AGE_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Number of flagged posts from which earlier ones of the window may have lost their flags, because only so many remain
/// flagged. This is half of that maximum, because corrections may have withdrawn some of the others since.
const INCOMPLETE_FROM: usize = WAITING_MAX / 2;

/// Returns one alert per affected product, so that a burst of a thousand angry customers is one alert with a thousand
/// posts.
///
/// A product gets an alert once its flagged posts within the window exceed both the threshold and, as a share of all
/// its posts, the usual level (`alerting::churn`); until then the posts remain flagged. If the alert is already open,
/// any flagged post joins it. A post about several products joins the open or due alert of each.
///
/// Products in `untracked` get no alert, such as competitors whose customers leave.
///
/// If the flagged posts may be incomplete, a product's posts are counted in the window instead. Otherwise a wave of
/// thousands of posts would never exceed the usual number of posts in the whole window.
pub(super) fn judge(
    rule: &Rule,
    (open, levels, untracked): (&[Alert], &ChurnLevels, &HashSet<String>),
    (posts, now): (&[ScoredPost], Timestamp),
) -> Triage {
    if !rule.what.enabled {
        return Triage::default();
    }
    // A process that starts after long downtime must not alert people about last week.
    let recent: Vec<_> = posts.iter().filter(|scored| age(scored, now) < FLAGGED_AGE_MAX).collect();
    let mut scopes: BTreeMap<Scope, Vec<&ScoredPost>> = BTreeMap::new();
    for scored in &recent {
        for scope in scopes_of(scored, untracked) {
            scopes.entry(scope).or_default().push(scored);
        }
    }
    let window = SignedDuration::from_secs(rule.what.window_seconds);
    let open: HashSet<&Scope> = open.iter().map(|alert| &alert.scope).collect();
    let is_incomplete = posts.len() >= INCOMPLETE_FROM;
    scopes.retain(|scope, posts| {
        let n_flagged = i64::try_from(posts.len()).unwrap_or(i64::MAX);
        let n_high = if is_incomplete { n_flagged.max(levels.n_high(scope)) } else { n_flagged };
        open.contains(scope) || levels.is_raised(rule, scope, n_high)
    });
    gather(&mut scopes, &open);
    let raised: HashSet<_> = scopes.values().flatten().map(|scored| scored.post.uuid).collect();
    let waiting = recent
        .iter()
        .filter(|scored| !raised.contains(&scored.post.uuid) && age(scored, now) < window)
        .filter(|scored| !scopes_of(scored, untracked).is_empty())
        .map(|scored| scored.post.uuid);
    let waiting = waiting.collect();
    Triage { alerts: scopes.into_iter().map(|found| alert(rule, found, now)).collect(), waiting }
}

/// Moves the posts of products beyond the maximum to the overall alert.
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

/// Returns whether an alert is over, either because no post has joined it for long enough, or because posts at risk
/// have not exceeded the usual level for that long. A flapping alert must stay quiet for longer.
pub(super) fn is_over(rule: &Rule, alert: &Alert, levels: &ChurnLevels, now: Timestamp) -> bool {
    let keep_firing = SignedDuration::from_secs(rule.what.keep_firing_seconds);
    let calm = if alert.flapping { FLAP_CALM } else { SignedDuration::ZERO };
    let quiet_for = now.duration_since(alert.updated_at).max(levels.calm_for(alert, now));
    quiet_for > keep_firing.max(calm)
}

/// Returns the churn alert series for a scope.
pub(super) fn series(scope: Scope) -> AlertSeries {
    AlertSeries {
        rule: AlertRule::Churn,
        rule_id: Some(alert_rule::CHURN),
        metric: Some(Metric::ChurnHigh.name()),
        scope,
    }
}

fn alert(rule: &Rule, (scope, posts): (Scope, Vec<&ScoredPost>), now: Timestamp) -> NewAlert {
    let count = i64::try_from(posts.len()).unwrap_or(i64::MAX);
    NewAlert {
        rule_name: Some(rule.what.name.clone()),
        severity: rule.what.severity,
        title: title::suggests_churn(&scope, posts.len()),
        value: count as f64,
        threshold: rule.what.threshold,
        count,
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

/// Returns the products that a post names, other than untracked ones, or the overall scope if it names no product.
fn scopes_of(scored: &ScoredPost, untracked: &HashSet<String>) -> Vec<Scope> {
    if scored.post.products.is_empty() {
        return vec![Scope::overall()];
    }
    let of = |product: &String| Scope { dimension: Dimension::Product, key: product.clone() };
    scored.post.products.iter().filter(|product| !untracked.contains(*product)).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::alert_rule::{Comparison, NewRule, RuleScope};
    use crate::store::testing;

    fn rule(now: Timestamp) -> Rule {
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
        Rule {
            id: alert_rule::CHURN,
            builtin: true,
            what,
            created_at: now,
            updated_at: now,
            created_by: None,
            updated_by: None,
        }
    }

    #[test]
    fn posts_of_products_beyond_the_maximum_share_one_alert_and_count_once() {
        let now = Timestamp::now();
        let rule = rule(now);
        let mut posts = testing::posts(ALERTS_MAX + 10, now);
        for (i, scored) in posts.iter_mut().enumerate() {
            scored.post.products = vec![format!("product {i:05}")];
        }
        // One post names two of the products without an alert.
        posts[ALERTS_MAX + 1].post.products.push(format!("product {:05}", ALERTS_MAX + 2));
        let judged = judge(&rule, (&[], &ChurnLevels::default(), &HashSet::new()), (&posts, now));
        assert_eq!(judged.alerts.len(), ALERTS_MAX + 1);
        let everything = judged.alerts.iter().find(|alert| alert.series.scope == Scope::overall()).unwrap();
        assert_eq!((everything.count, everything.members.len()), (10, 10));
        assert!(judged.waiting.is_empty());
    }

    #[test]
    fn posts_about_untracked_products_only_open_no_alert_and_do_not_wait() {
        let now = Timestamp::now();
        let mut posts = testing::posts(3, now);
        let products = [vec!["Ours"], vec!["Rival"], vec!["Ours", "Rival"]];
        for (scored, products) in posts.iter_mut().zip(products) {
            scored.post.products = products.into_iter().map(str::to_owned).collect();
        }
        let untracked = HashSet::from(["Rival".to_owned()]);
        let judged = judge(&rule(now), (&[], &ChurnLevels::default(), &untracked), (&posts, now));
        let found: Vec<_> =
            judged.alerts.iter().map(|alert| (alert.series.scope.key.as_str(), alert.count)).collect();
        assert_eq!(found, [("Ours", 2)]);
        assert!(judged.waiting.is_empty());
    }
}
