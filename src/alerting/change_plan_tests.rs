//! Tests which changes an evaluation plans, case by case.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::change_plan::{Measurements, Planned, Situation, plan};
use super::inhibition::tests::alert;
use super::limits::Limits;
use super::measurement::tests::negativity;
use crate::models::alert::{Alert, Severity};
use crate::models::alert_rule::Rule;
use crate::models::evaluation::{Changes, Group, KeyMeasurement, Phase, Series, SeriesId, StoredSeries};
use crate::models::id::RuleId;
use crate::models::rollup::{Dimension, Sums};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn planned(
    (rules, kept): (&[Rule], &BTreeMap<SeriesId, StoredSeries>),
    open: &[Alert],
    measurements: &Measurements,
    now: Timestamp,
) -> Planned {
    plan(Situation { rules, kept, open, measurements, limits: Limits::default(), turn: 0, now })
}

fn rule(dimension: Dimension) -> Rule {
    let mut what = negativity();
    what.scope.dimension = dimension;
    Rule {
        id: RuleId::from_u128(77),
        builtin: false,
        what,
        created_at: NOW,
        updated_at: NOW,
        created_by: None,
        updated_by: None,
    }
}

fn negative(counts: &[(&str, i64)], dimension: Dimension) -> Measurements {
    let sums = |negative: i64| KeyMeasurement::Sums(Sums { count: 100, negative, ..Sums::default() });
    let group = Group { window_seconds: 300, dimension, is_viral: false };
    Measurements::from([(group, counts.iter().map(|(key, n)| ((*key).to_owned(), sums(*n))).collect())])
}

fn firing(id: u128, key: &str) -> (Alert, (SeriesId, StoredSeries)) {
    let alert = alert(id, (Dimension::Product, key), Severity::Warning);
    let series = Series { phase: Phase::Firing, ..Series::at_rest(NOW) };
    let name = SeriesId { rule_id: RuleId::from_u128(77), scope: alert.scope.clone() };
    let kept = StoredSeries { series, alert: Some(alert.id) };
    (alert, (name, kept))
}

#[test]
fn each_product_beyond_the_threshold_opens_and_posts_without_a_product_are_ignored() {
    let measurements = negative(&[("", 99), ("alpha", 60), ("beta", 20), ("gamma", 90)], Dimension::Product);
    let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::new());
    let changes = planned((&rules, &kept), &[], &measurements, NOW).changes;
    let opened: Vec<_> = changes.openings.iter().map(|it| (it.id.scope.key.as_str(), it.severity)).collect();
    assert_eq!(opened, [("alpha", Severity::Warning), ("gamma", Severity::Critical)]);
    assert_eq!((changes.kept.len(), changes.refreshes.len()), (0, 0), "inactive series are not tracked");
}

#[test]
fn a_query_that_failed_changes_nothing() {
    let (open, kept) = firing(1, "alpha");
    let (rules, kept, open) = ([rule(Dimension::Product)], BTreeMap::from([kept]), [open]);
    let measurements = Measurements::new();
    let later = NOW + SignedDuration::from_hours(9);
    let changes = planned((&rules, &kept), &open, &measurements, later).changes;
    assert_eq!(changes, Changes::default());
}

#[test]
fn the_alert_of_a_product_without_posts_ends() {
    let (open, kept) = firing(1, "alpha");
    let (rules, kept, open) = ([rule(Dimension::Product)], BTreeMap::from([kept]), [open]);
    let measurements = negative(&[], Dimension::Product);
    let changes = planned((&rules, &kept), &open, &measurements, NOW).changes;
    assert_eq!(changes.endings, [open[0].id]);
    assert_eq!(changes.refreshes[0].value, open[0].value, "the last value is kept");
    assert_eq!(changes.kept[0].1.alert, None);
}

#[test]
fn a_worsening_alert_becomes_more_severe_and_stays_so_while_it_is_open() {
    let (mut alert, kept) = firing(1, "alpha");
    let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::from([kept]));
    let refresh = |alert: &Alert, n_negative: i64| {
        let measurements = negative(&[("alpha", n_negative)], Dimension::Product);
        let open = std::slice::from_ref(alert);
        planned((&rules, &kept), open, &measurements, NOW).changes.refreshes.remove(0)
    };
    let worse = refresh(&alert, 80);
    assert_eq!((worse.severity, worse.escalated, worse.value), (Severity::Critical, true, 0.8));
    alert.severity = Severity::Critical;
    let better = refresh(&alert, 60);
    assert_eq!((better.severity, better.escalated, better.value), (Severity::Critical, false, 0.6));
}

#[test]
fn only_a_breach_based_on_enough_posts_can_be_the_peak() {
    let (alert, kept) = firing(1, "alpha");
    let (rules, kept, open) = ([rule(Dimension::Product)], BTreeMap::from([kept]), [alert]);
    let check = |(negative, count): (i64, i64), expected: bool| {
        let sums = KeyMeasurement::Sums(Sums { count, negative, ..Sums::default() });
        let group = Group { window_seconds: 300, dimension: Dimension::Product, is_viral: false };
        let measurements = Measurements::from([(group, [("alpha".to_owned(), sums)].into())]);
        let refresh = planned((&rules, &kept), &open, &measurements, NOW).changes.refreshes.remove(0);
        assert_eq!(refresh.is_breach, expected, "{negative} of {count}");
    };
    check((80, 100), true);
    check((20, 100), false);
    // As the window drains, few posts are left.
    check((1, 1), false);
}

#[test]
fn alerts_whose_rule_is_gone_or_disabled_or_changed_are_withdrawn() {
    let (open, kept) = firing(1, "alpha");
    let (kept, open) = (BTreeMap::from([kept]), [open]);
    let measurements = Measurements::new();
    let withdrawn =
        |rules: &[Rule]| !planned((rules, &kept), &open, &measurements, NOW).changes.withdrawals.is_empty();
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
fn a_series_whose_alert_was_ended_elsewhere_starts_from_scratch() {
    let (_, kept) = firing(1, "alpha");
    let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::from([kept]));
    let measurements = negative(&[("alpha", 60)], Dimension::Product);
    let changes = planned((&rules, &kept), &[], &measurements, NOW).changes;
    assert_eq!((changes.openings.len(), changes.refreshes.len()), (1, 0));
}

#[test]
fn rules_with_the_same_window_and_dimension_share_a_query() {
    let mut other = rule(Dimension::Product);
    other.what.metric = crate::models::alert_rule::Metric::Volume;
    assert_eq!(Group::of(&rule(Dimension::Product)), Group::of(&other));
}

/// Returns measurements of `n_products` products that are all beyond the threshold of a rule that covers every product.
/// Products later in the alphabet have worse values.
fn wave(n_products: usize) -> Measurements {
    let sums = |i: usize| Sums { count: 100, negative: if i % 2 == 1 { 90 } else { 60 }, ..Sums::default() };
    let of = |i: usize| (format!("product {i:05}"), KeyMeasurement::Sums(sums(i)));
    let group = Group { window_seconds: 300, dimension: Dimension::Product, is_viral: false };
    Measurements::from([(group, (0..n_products).map(of).collect())])
}

fn keep(kept: &mut BTreeMap<SeriesId, StoredSeries>, open: &mut Vec<Alert>, changes: Changes) {
    for opening in changes.openings {
        let scope = opening.id.scope.clone();
        let name = open.len() as u128 + 1_000;
        let alert = Alert {
            rule_id: Some(opening.id.rule_id),
            scope,
            ..alert(name, (Dimension::Product, ""), opening.severity)
        };
        kept.insert(opening.id, StoredSeries { series: opening.series, alert: Some(alert.id) });
        open.push(alert);
    }
    kept.extend(changes.kept);
    kept.retain(|id, _| !changes.forgotten.contains(id));
}

#[test]
fn in_a_wave_the_most_severe_open_first_and_the_rest_is_reported() {
    let (rules, measurements) = ([rule(Dimension::Product)], wave(300));
    let limits = Limits { series: 200, taken_up: 80, ..Limits::default() };
    let (mut kept, mut open) = (BTreeMap::new(), Vec::new());
    let mut seen = Vec::new();
    for turn in 0..4 {
        let planned = plan(Situation {
            rules: &rules,
            kept: &kept,
            open: &open,
            measurements: &measurements,
            limits,
            turn,
            now: NOW,
        });
        let n_critical =
            planned.changes.openings.iter().filter(|it| it.severity == Severity::Critical).count();
        seen.push((planned.changes.openings.len(), n_critical, planned.n_waiting, planned.n_over_limit));
        assert_eq!(planned.untold[&rules[0].id], planned.n_waiting + planned.n_over_limit);
        keep(&mut kept, &mut open, planned.changes);
    }
    assert_eq!(seen, [(80, 80, 120, 100), (80, 70, 40, 100), (40, 0, 0, 100), (0, 0, 0, 100)]);
}

#[test]
fn a_rule_with_one_scope_opens_although_another_has_taken_all_room() {
    let mut one = rule(Dimension::Product);
    (one.id, one.what.scope.key) = (RuleId::from_u128(78), Some("product 00299".to_owned()));
    let (rules, measurements) = ([rule(Dimension::Product), one], wave(300));
    let limits = Limits { series: 100, taken_up: 1_000, ..Limits::default() };
    let (mut kept, mut open) = (BTreeMap::new(), Vec::new());
    let first = plan(Situation {
        rules: &rules[..1],
        kept: &kept,
        open: &open,
        measurements: &measurements,
        limits,
        turn: 0,
        now: NOW,
    });
    keep(&mut kept, &mut open, first.changes);
    assert_eq!((kept.len(), open.len()), (100, 100));
    let planned = plan(Situation {
        rules: &rules,
        kept: &kept,
        open: &open,
        measurements: &measurements,
        limits,
        turn: 1,
        now: NOW,
    });
    let opened: Vec<_> = planned.changes.openings.iter().map(|it| it.id.rule_id).collect();
    assert_eq!((opened, planned.n_over_limit), (vec![RuleId::from_u128(78)], 200));
}

#[test]
fn changes_that_exceed_one_evaluation_are_made_in_the_next_ones() {
    let rules = [rule(Dimension::Product)];
    let limits = Limits { series: 300, changed: 70, refreshed: 70, ..Limits::default() };
    let (mut kept, mut open) = (BTreeMap::new(), Vec::new());
    let opened = plan(Situation {
        rules: &rules,
        kept: &kept,
        open: &open,
        measurements: &wave(200),
        limits,
        turn: 0,
        now: NOW,
    });
    keep(&mut kept, &mut open, opened.changes);
    // No posts mention them any more.
    let mut n_ended = Vec::new();
    for turn in 1..=4 {
        let silence = negative(&[], Dimension::Product);
        let now = NOW + SignedDuration::from_secs(turn);
        let planned = plan(Situation {
            rules: &rules,
            kept: &kept,
            open: &open,
            measurements: &silence,
            limits,
            turn: 1,
            now,
        });
        n_ended.push((planned.changes.endings.len(), planned.n_updates_left));
        open.retain(|alert| !planned.changes.endings.contains(&alert.id));
        keep(&mut kept, &mut open, planned.changes);
    }
    assert_eq!(n_ended, [(70, 130), (70, 60), (60, 0), (0, 0)]);
}

#[test]
fn an_unchanged_alert_is_not_written_again() {
    let (alert, kept) = firing(1, "alpha");
    let (rules, kept) = ([rule(Dimension::Product)], BTreeMap::from([kept]));
    let measurements = negative(&[("alpha", 60)], Dimension::Product);
    let first = planned((&rules, &kept), std::slice::from_ref(&alert), &measurements, NOW)
        .changes
        .refreshes
        .remove(0);
    let said = Alert { title: first.title, count: first.count, value: first.value, ..alert };
    let mut changed = rules.clone();
    changed[0].updated_at = NOW + SignedDuration::from_secs(1);
    let refreshed = |rules: &[Rule]| {
        planned((rules, &kept), std::slice::from_ref(&said), &measurements, NOW).changes.refreshes.len()
    };
    assert_eq!((refreshed(&rules), refreshed(&changed)), (0, 1), "unless its rule has changed");
}

#[test]
fn series_of_deleted_rules_are_dropped() {
    let (_, kept) = firing(1, "alpha");
    let kept = BTreeMap::from([kept]);
    let forgotten =
        |rules: &[Rule]| planned((rules, &kept), &[], &Measurements::new(), NOW).changes.forgotten.len();
    assert_eq!(
        (forgotten(&[]), forgotten(&[rule(Dimension::Product)]), forgotten(&[rule(Dimension::City)])),
        (1, 0, 1)
    );
}
