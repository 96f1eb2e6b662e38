//! Everything that one evaluation changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::machine::Transition;
use super::measure::{self, Reading};
use super::title;
use crate::models::alert::{Alert, AlertPhase, Scope};
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{Changes, Group, Kept, Measured, Opening, Phase, Refresh, Series, SeriesId};
use crate::models::rollup::Dimension;

/// What was measured, by group and key. A group that was not asked, or did not answer, is not in it: its rules keep
/// their state.
pub type Readings = BTreeMap<Group, BTreeMap<String, Measured>>;

/// How things are.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// All rules.
    pub rules: &'a [Rule],
    /// All series that are kept.
    pub kept: &'a BTreeMap<SeriesId, Kept>,
    /// All open alerts.
    pub open: &'a [Alert],
    /// What was measured.
    pub readings: &'a Readings,
    /// The time of day.
    pub now: Timestamp,
}

/// Judges every rule whose group was measured.
pub fn plan(situation: Situation<'_>) -> Changes {
    let mut changes = Changes { withdrawals: withdrawals(situation), ..Changes::default() };
    let open: BTreeMap<Uuid, &Alert> = situation.open.iter().map(|alert| (alert.id, alert)).collect();
    for rule in situation.rules.iter().filter(|rule| is_judged(rule)) {
        let Some(readings) = situation.readings.get(&Group::of(rule)) else {
            continue;
        };
        for scope in scopes_of(rule, readings, situation.kept) {
            let measured = readings.get(&scope.key);
            let reading =
                measured.map_or(Reading::nothing(rule.what.metric), |it| Reading::of(rule.what.metric, *it));
            let id = SeriesId { rule_id: rule.id, scope };
            let kept = situation.kept.get(&id);
            let alert = kept.and_then(|kept| kept.alert).and_then(|alert| open.get(&alert).copied());
            judge(&mut changes, Case { rule, id, kept, alert, reading, now: situation.now });
        }
    }
    changes
}

/// Whether a rule is judged here. The churn rule goes by single posts instead.
pub fn is_judged(rule: &Rule) -> bool {
    rule.what.enabled && rule.id != CHURN
}

/// Open alerts that no rule as it is now would have raised. Their series are of no use either.
fn withdrawals(situation: Situation<'_>) -> Vec<Uuid> {
    let is_backed = |alert: &Alert| {
        let Some(id) = alert.rule_id else {
            return true;
        };
        let rule = situation.rules.iter().find(|rule| rule.id == id);
        rule.is_some_and(|rule| rule.what.enabled && (id == CHURN || raises(rule, alert)))
    };
    situation.open.iter().filter(|alert| !is_backed(alert)).map(|alert| alert.id).collect()
}

fn raises(rule: &Rule, alert: &Alert) -> bool {
    rule.what.scope.covers(&alert.scope) && alert.metric.as_deref() == Some(&*rule.what.metric.name())
}

/// Everything the rule is about that was measured now, or of which something is remembered.
fn scopes_of(
    rule: &Rule,
    readings: &BTreeMap<String, Measured>,
    kept: &BTreeMap<SeriesId, Kept>,
) -> BTreeSet<Scope> {
    let dimension = rule.what.scope.dimension;
    let of = |key: &str| Scope { dimension, key: key.to_owned() };
    if dimension == Dimension::Overall {
        return BTreeSet::from([Scope::overall()]);
    }
    if let Some(key) = &rule.what.scope.key {
        return BTreeSet::from([of(key)]);
    }
    let measured = readings.keys().map(|key| of(key));
    let remembered = kept.keys().filter(|id| id.rule_id == rule.id).map(|id| id.scope.clone());
    measured.chain(remembered).filter(|scope| rule.what.scope.covers(scope)).collect()
}

struct Case<'a> {
    rule: &'a Rule,
    id: SeriesId,
    kept: Option<&'a Kept>,
    /// The open alert of the series.
    alert: Option<&'a Alert>,
    reading: Reading,
    now: Timestamp,
}

fn judge(changes: &mut Changes, case: Case<'_>) {
    let Case { rule, id, kept, alert, reading, now } = case;
    let patience = measure::patience(&rule.what);
    let known = kept.map(|kept| kept.series.clone());
    // One whose alert was ended by somebody else, such as a rule that was switched off for a while, starts anew.
    let before = known.filter(|series| !series.phase.is_open() || alert.is_some());
    let before = before.unwrap_or_else(|| Series::at_rest(now));
    let (series, transition) = before.step(measure::judge(&rule.what, reading), patience, now);
    let value = reading.value.or(alert.map(|alert| alert.value)).unwrap_or_default();
    let severity = measure::severity(&rule.what, value);
    let title = title::found(&rule.what, &id.scope, reading);
    if let Some(Transition::Opened { pending_since }) = transition {
        let rule = rule.clone();
        let count = reading.count;
        let (posts, evidence) = (Vec::new(), None);
        let opening =
            Opening { id, rule, severity, title, value, count, pending_since, series, posts, evidence };
        changes.openings.push(opening);
        return;
    }
    if let Some(alert) = alert {
        if transition == Some(Transition::Resolved) {
            changes.endings.push(alert.id);
        }
        let entered = match transition {
            Some(Transition::Recovering) => Some(AlertPhase::Recovering),
            Some(Transition::Relapsed) => Some(AlertPhase::Firing),
            _ => None,
        };
        let holds = series.phase == Phase::Firing;
        let is_worse = holds && severity > alert.severity;
        changes.refreshes.push(Refresh {
            alert: alert.id,
            severity: if is_worse { severity } else { alert.severity },
            // What it was about, when what it is about no longer holds.
            title: if holds { title } else { alert.title.clone() },
            value,
            count: reading.count,
            entered,
            escalated: is_worse,
        });
    }
    if series.is_forgettable(patience, now) {
        if kept.is_some() {
            changes.forgotten.push(id);
        }
        return;
    }
    let alert = alert.map(|alert| alert.id).filter(|_| series.phase.is_open());
    let next = Kept { series, alert };
    if kept != Some(&next) {
        changes.kept.push((id, next));
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::alerting::measure::tests::negativity;
    use crate::alerting::muting::tests::alert;
    use crate::models::alert::Severity;
    use crate::models::rollup::Sums;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn rule(dimension: Dimension) -> Rule {
        let mut what = negativity();
        what.scope.dimension = dimension;
        Rule { id: Uuid::from_u128(77), builtin: false, what, created_at: NOW, updated_at: NOW }
    }

    fn negative(counts: &[(&str, i64)], dimension: Dimension) -> Readings {
        let sums = |negative: i64| Measured::Sums(Sums { count: 100, negative, ..Sums::default() });
        let group = Group { window_seconds: 300, dimension, is_viral: false };
        Readings::from([(group, counts.iter().map(|(key, n)| ((*key).to_owned(), sums(*n))).collect())])
    }

    fn firing(id: u128, key: &str) -> (Alert, (SeriesId, Kept)) {
        let alert = alert(id, (Dimension::Product, key), Severity::Warning);
        let series = Series { phase: Phase::Firing, ..Series::at_rest(NOW) };
        let name = SeriesId { rule_id: Uuid::from_u128(77), scope: alert.scope.clone() };
        let kept = Kept { series, alert: Some(alert.id) };
        (alert, (name, kept))
    }

    #[test]
    fn each_product_beyond_the_threshold_opens_and_posts_about_none_are_no_product() {
        let readings = negative(&[("", 99), ("alpha", 60), ("beta", 20), ("gamma", 90)], Dimension::Product);
        let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::new());
        let changes =
            plan(Situation { rules: &rules, kept: &kept, open: &[], readings: &readings, now: NOW });
        let opened: Vec<_> =
            changes.openings.iter().map(|it| (it.id.scope.key.as_str(), it.severity)).collect();
        assert_eq!(opened, [("alpha", Severity::Warning), ("gamma", Severity::Critical)]);
        assert_eq!(
            (changes.kept.len(), changes.refreshes.len()),
            (0, 0),
            "nothing is kept of what is at rest"
        );
    }

    #[test]
    fn a_query_that_failed_changes_nothing() {
        let (open, kept) = firing(1, "alpha");
        let (rules, kept, open) = ([rule(Dimension::Product)], BTreeMap::from([kept]), [open]);
        let readings = Readings::new();
        let later = NOW + SignedDuration::from_hours(9);
        let changes =
            plan(Situation { rules: &rules, kept: &kept, open: &open, readings: &readings, now: later });
        assert_eq!(changes, Changes::default());
    }

    #[test]
    fn a_product_that_nobody_speaks_of_any_more_is_over() {
        let (open, kept) = firing(1, "alpha");
        let (rules, kept, open) = ([rule(Dimension::Product)], BTreeMap::from([kept]), [open]);
        let readings = negative(&[], Dimension::Product);
        let changes =
            plan(Situation { rules: &rules, kept: &kept, open: &open, readings: &readings, now: NOW });
        assert_eq!(changes.endings, [open[0].id]);
        assert_eq!(changes.refreshes[0].value, open[0].value, "the last value it had stays");
        assert_eq!(changes.kept[0].1.alert, None);
    }

    #[test]
    fn what_grows_worse_is_louder_and_stays_so_while_it_is_open() {
        let (mut alert, kept) = firing(1, "alpha");
        let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::from([kept]));
        let refresh = |alert: &Alert, n_negative: i64| {
            let readings = negative(&[("alpha", n_negative)], Dimension::Product);
            let open = std::slice::from_ref(alert);
            plan(Situation { rules: &rules, kept: &kept, open, readings: &readings, now: NOW })
                .refreshes
                .remove(0)
        };
        let worse = refresh(&alert, 80);
        assert_eq!((worse.severity, worse.escalated, worse.value), (Severity::Critical, true, 0.8));
        alert.severity = Severity::Critical;
        let better = refresh(&alert, 60);
        assert_eq!((better.severity, better.escalated, better.value), (Severity::Critical, false, 0.6));
    }

    #[test]
    fn alerts_whose_rule_is_gone_or_off_or_about_something_else_are_withdrawn() {
        let (open, kept) = firing(1, "alpha");
        let (kept, open) = (BTreeMap::from([kept]), [open]);
        let readings = Readings::new();
        let withdrawn = |rules: &[Rule]| {
            !plan(Situation { rules, kept: &kept, open: &open, readings: &readings, now: NOW })
                .withdrawals
                .is_empty()
        };
        let as_it_was = rule(Dimension::Product);
        assert!(!withdrawn(std::slice::from_ref(&as_it_was)));
        assert!(withdrawn(&[]));
        let changed = |change: fn(&mut Rule)| {
            let mut rule = as_it_was.clone();
            change(&mut rule);
            withdrawn(&[rule])
        };
        assert!(changed(|rule| rule.what.enabled = false));
        assert!(changed(|rule| rule.what.scope.key = Some("beta".to_owned())));
        assert!(changed(|rule| rule.what.metric = crate::models::alert_rule::Metric::Toxicity));
        assert!(!changed(|rule| rule.what.threshold = 0.9));
    }

    #[test]
    fn a_series_whose_alert_somebody_else_ended_starts_anew() {
        let (_, kept) = firing(1, "alpha");
        let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::from([kept]));
        let readings = negative(&[("alpha", 60)], Dimension::Product);
        let changes =
            plan(Situation { rules: &rules, kept: &kept, open: &[], readings: &readings, now: NOW });
        assert_eq!((changes.openings.len(), changes.refreshes.len()), (1, 0));
    }

    #[test]
    fn rules_with_one_window_and_dimension_are_one_question() {
        let mut other = rule(Dimension::Product);
        other.what.metric = crate::models::alert_rule::Metric::Volume;
        assert_eq!(Group::of(&rule(Dimension::Product)), Group::of(&other));
    }
}
