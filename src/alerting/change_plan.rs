//! Plans all changes that one evaluation makes. It takes time linear in the number of measurements and tracked series,
//! and limits the number of writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::limits::{Demand, Limits};
use super::machine::Verdict;
use super::measurement::{self, Measurement};
use super::step::{Case, Outcome, Write, step};
use crate::models::alert::{Alert, Scope, Severity};
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{Changes, Group, KeyMeasurement, Phase, SeriesId, StoredSeries};
use crate::models::id::{AlertId, RuleId};
use crate::models::rollup::Dimension;

/// Measurements by group and key. A group is absent if it was not measured or its query failed; the series of its rules
/// then keep their state.
pub type Measurements = BTreeMap<Group, BTreeMap<String, KeyMeasurement>>;

/// Everything that an evaluation is based on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Rules of all kinds, including disabled ones.
    pub rules: &'a [Rule],
    /// Tracked series of all rules.
    pub kept: &'a BTreeMap<SeriesId, StoredSeries>,
    /// Open alerts, including anomalies.
    pub open: &'a [Alert],
    /// Figures that were measured for this evaluation.
    pub measurements: &'a Measurements,
    /// Limits on the number of changes.
    pub limits: Limits,
    /// Number of earlier evaluations, which rotates the order of the rules.
    pub turn: usize,
    /// Time at which the evaluation takes place.
    pub now: Timestamp,
}

/// Changes that an evaluation makes, and the amount of work that it defers.
#[derive(Debug, Default, PartialEq)]
pub struct Planned {
    /// Changes to series and alerts, within the limits.
    pub changes: Changes,
    /// Number of series for which a verdict was reached.
    pub n_judged: usize,
    /// For each evaluated rule, the number of series that are beyond the threshold but neither have an alert nor are
    /// given one now.
    pub untold: BTreeMap<RuleId, usize>,
    /// Number of series that must wait for a later evaluation although they fit within the limit on series.
    pub n_waiting: usize,
    /// Number of series that exceed the limit on series.
    pub n_over_limit: usize,
    /// Number of changes to series and updates to alerts that are deferred.
    pub n_updates_left: usize,
    /// Whether there are more alerts to withdraw; the next evaluation can withdraw them without new measurements.
    pub withdraws_more: bool,
}

/// Evaluates every rule whose group was measured.
pub fn plan(situation: Situation<'_>) -> Planned {
    let mut planned = Planned::default();
    let rules: HashMap<RuleId, &Rule> = situation.rules.iter().map(|rule| (rule.id, rule)).collect();
    withdraw(&mut planned, situation, &rules);
    let open: HashMap<AlertId, &Alert> = situation.open.iter().map(|alert| (alert.id, alert)).collect();
    let mut outcomes = Vec::new();
    let mut intakes = Vec::new();
    for rule in situation.rules.iter().filter(|rule| is_judged(rule)) {
        if let Some(measurements) = situation.measurements.get(&Group::of(rule)) {
            let mut intake = RuleIntake { rule, n_held: 0, n_judged: 0, n_beyond: 0, candidates: Vec::new() };
            judge(situation, (&mut intake, measurements), (&open, &mut outcomes));
            planned.n_judged += intake.n_judged;
            intakes.push(intake);
        }
    }
    settle(&mut planned, situation.limits, outcomes);
    let taken_up = take_up(&mut planned, situation, intakes);
    forget(&mut planned, situation, (&rules, &taken_up));
    planned
}

/// Returns whether a rule is evaluated here. The churn rule is not, because it applies to individual posts.
pub fn is_judged(rule: &Rule) -> bool {
    rule.what.enabled && rule.id != CHURN
}

/// Withdraws open alerts that no current rule would raise.
fn withdraw(planned: &mut Planned, situation: Situation<'_>, rules: &HashMap<RuleId, &Rule>) {
    let is_backed = |alert: &Alert| {
        let Some(id) = alert.rule_id else {
            return true;
        };
        rules.get(&id).is_some_and(|rule| rule.what.enabled && (id == CHURN || raises(rule, alert)))
    };
    let unbacked = || situation.open.iter().filter(|alert| !is_backed(alert));
    planned.changes.withdrawals = unbacked().map(|alert| alert.id).take(situation.limits.changed).collect();
    let n_left = unbacked().count() - planned.changes.withdrawals.len();
    planned.n_updates_left += n_left;
    planned.withdraws_more = n_left > 0;
}

fn raises(rule: &Rule, alert: &Alert) -> bool {
    rule.what.scope.covers(&alert.scope) && alert.metric.as_deref() == Some(&*rule.what.metric.name())
}

/// Inactive series of a rule that could become pending.
struct RuleIntake<'a> {
    rule: &'a Rule,
    n_held: usize,
    n_judged: usize,
    /// Number of inactive series beyond the threshold.
    n_beyond: usize,
    /// The most important of these series, from which those that become pending are chosen.
    candidates: Vec<Candidate<'a>>,
}

struct Candidate<'a> {
    key: &'a str,
    measurement: Measurement,
    severity: Severity,
    /// Stored state of the series, if it is tracked.
    before: Option<&'a StoredSeries>,
}

impl<'a> RuleIntake<'a> {
    /// Considers whether an inactive series should become pending.
    fn consider(
        &mut self,
        (key, measurement): (&'a str, Measurement),
        before: Option<&'a StoredSeries>,
        n_kept_max: usize,
    ) {
        self.n_judged += 1;
        if measurement::judge(&self.rule.what, measurement) != Verdict::Breach {
            return;
        }
        self.n_beyond += 1;
        let severity = measurement::severity(&self.rule.what, measurement.value.unwrap_or_default());
        self.candidates.push(Candidate { key, measurement, severity, before });
        if self.candidates.len() >= n_kept_max.max(1) * 2 {
            self.keep_gravest(n_kept_max);
        }
    }

    /// Keeps the `n_kept` most important candidates: the most severe ones and, among equals, those with the most posts.
    fn keep_gravest(&mut self, n_kept: usize) {
        let order =
            |candidate: &Candidate<'_>| std::cmp::Reverse((candidate.severity, candidate.measurement.count));
        if self.candidates.len() > n_kept {
            self.candidates.select_nth_unstable_by_key(n_kept, order);
            self.candidates.truncate(n_kept);
        }
    }
}

/// Judges each series of the rule that has just been measured or is tracked.
fn judge<'a>(
    situation: Situation<'a>,
    (intake, measurements): (&mut RuleIntake<'a>, &'a BTreeMap<String, KeyMeasurement>),
    (open, outcomes): (&HashMap<AlertId, &'a Alert>, &mut Vec<Outcome>),
) {
    let rule = intake.rule;
    let metric = rule.what.metric;
    let n_kept_max = situation.limits.taken_up;
    let read = |key: &str| {
        measurements.get(key).map_or(Measurement::nothing(metric), |it| Measurement::of(metric, *it))
    };
    let first = SeriesId { rule_id: rule.id, scope: Scope::overall() };
    let of_rule = || situation.kept.range(&first..).take_while(|(id, _)| id.rule_id == rule.id);
    let mut known: Vec<&str> = of_rule().map(|(id, _)| id.scope.key.as_str()).collect();
    known.sort_unstable();
    for (id, kept) in of_rule().filter(|(id, _)| rule.what.scope.covers(&id.scope)) {
        let measurement = read(&id.scope.key);
        if kept.series.phase == Phase::Inactive {
            intake.consider((&id.scope.key, measurement), Some(kept), n_kept_max);
            continue;
        }
        intake.n_held += 1;
        intake.n_judged += 1;
        let alert = kept.alert.and_then(|alert| open.get(&alert).copied());
        let case = Case { rule, id: id.clone(), kept: Some(kept), alert, measurement, now: situation.now };
        outcomes.push(step(case));
    }
    let only = match rule.what.scope.dimension {
        Dimension::Overall => Some(""),
        _ => rule.what.scope.key.as_deref(),
    };
    if let Some(key) = only.filter(|key| known.binary_search(key).is_err()) {
        intake.consider((key, read(key)), None, n_kept_max);
    }
    if only.is_none() {
        // Both are sorted. Looking up each key in a set would take most of the evaluation's time.
        let mut known = known.into_iter().peekable();
        for (key, measured) in measurements.iter().filter(|(key, _)| !key.is_empty()) {
            while known.next_if(|known| *known < key.as_str()).is_some() {}
            if known.peek() != Some(&key.as_str()) {
                intake.consider((key, Measurement::of(metric, *measured)), None, n_kept_max);
            }
        }
    }
    intake.keep_gravest(n_kept_max);
}

/// Applies the outcomes for tracked series within the limits, starting with those that have waited longest.
fn settle(planned: &mut Planned, limits: Limits, outcomes: Vec<Outcome>) {
    let (mut changed, mut refreshed): (Vec<_>, Vec<_>) =
        outcomes.into_iter().filter(Outcome::writes).partition(Outcome::is_change);
    planned.n_updates_left +=
        changed.len().saturating_sub(limits.changed) + refreshed.len().saturating_sub(limits.refreshed);
    keep_first(&mut changed, limits.changed, |outcome| outcome.since);
    keep_first(&mut refreshed, limits.refreshed, |outcome| outcome.updated_at);
    changed.into_iter().chain(refreshed).for_each(|outcome| outcome.add_to(&mut planned.changes));
}

fn keep_first(outcomes: &mut Vec<Outcome>, n_kept: usize, at: impl Fn(&Outcome) -> Timestamp) {
    if outcomes.len() > n_kept {
        outcomes.select_nth_unstable_by_key(n_kept, at);
        outcomes.truncate(n_kept);
    }
}

/// Makes series pending within the limits. Returns those that were already tracked.
fn take_up<'a>(
    planned: &mut Planned,
    situation: Situation<'a>,
    intakes: Vec<RuleIntake<'a>>,
) -> HashSet<SeriesId> {
    let holds = |kept: &&StoredSeries| kept.series.phase != Phase::Inactive;
    let n_held = situation.kept.values().filter(holds).count();
    let n_rules = situation.rules.iter().filter(|rule| is_judged(rule)).count();
    let demands: Vec<Demand> =
        intakes.iter().map(|intake| Demand { n_held: intake.n_held, n_new: intake.n_beyond }).collect();
    let allotted = situation.limits.allot(&demands, (n_held, n_rules), situation.turn);
    (planned.n_waiting, planned.n_over_limit) = (allotted.n_waiting, allotted.n_over_limit);
    let mut remembered = HashSet::new();
    for (mut intake, n_taken_up) in intakes.into_iter().zip(allotted.taken_up) {
        intake.keep_gravest(n_taken_up);
        planned.untold.insert(intake.rule.id, intake.n_beyond - intake.candidates.len());
        for Candidate { key, measurement, before, .. } in intake.candidates {
            let scope = Scope { dimension: intake.rule.what.scope.dimension, key: key.to_owned() };
            let id = SeriesId { rule_id: intake.rule.id, scope };
            if before.is_some() {
                remembered.insert(id.clone());
            }
            let case =
                Case { rule: intake.rule, id, kept: before, alert: None, measurement, now: situation.now };
            step(case).add_to(&mut planned.changes);
        }
    }
    remembered
}

/// Deletes series that are no longer needed: those of removed or changed rules and, if there are too many, those that
/// have been inactive longest.
fn forget(
    planned: &mut Planned,
    situation: Situation<'_>,
    (rules, taken_up): (&HashMap<RuleId, &Rule>, &HashSet<SeriesId>),
) {
    let open: HashSet<AlertId> = situation.open.iter().map(|alert| alert.id).collect();
    let mut resting: Vec<(Timestamp, &SeriesId)> = Vec::new();
    let forgotten = &mut planned.changes.forgotten;
    for (id, kept) in situation.kept.iter().filter(|(id, _)| !taken_up.contains(id)) {
        let rule = rules.get(&id.rule_id).filter(|rule| is_judged(rule) && rule.what.scope.covers(&id.scope));
        let is_of_use = match rule {
            // The alert is withdrawn together with its series.
            None => kept.alert.is_some_and(|alert| open.contains(&alert)),
            Some(rule) => !kept.series.is_forgettable(measurement::timing(&rule.what), situation.now),
        };
        match is_of_use {
            false => forgotten.push(id.clone()),
            true if kept.series.phase == Phase::Inactive => resting.push((kept.series.since, id)),
            true => {}
        }
    }
    if resting.len() > situation.limits.series {
        resting.sort_unstable();
        let n_too_many = resting.len() - situation.limits.series;
        forgotten.extend(resting.into_iter().take(n_too_many).map(|(_, id)| id.clone()));
    }
    forgotten.truncate(situation.limits.forgotten);
}

impl Write {
    const fn is_some(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

impl Outcome {
    /// Returns whether the outcome changes more than the values of an alert.
    fn is_change(&self) -> bool {
        let is_seen = self.refresh.as_ref().is_some_and(|it| it.entered.is_some() || it.escalated);
        self.write.is_some() || self.ending.is_some() || is_seen
    }

    fn writes(&self) -> bool {
        self.refresh.is_some() || self.is_change()
    }

    fn add_to(self, changes: &mut Changes) {
        changes.refreshes.extend(self.refresh);
        changes.endings.extend(self.ending);
        match self.write {
            Write::Nothing => {}
            Write::Opening(opening) => changes.openings.push(*opening),
            Write::StoredSeries(id, kept) => changes.kept.push((id, kept)),
            Write::Forgotten(id) => changes.forgotten.push(id),
        }
    }
}
