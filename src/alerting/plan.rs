//! Everything that one evaluation changes. Linear in what was measured and what is kept, and bounded in what is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::limits::{Demand, Limits};
use super::machine::Verdict;
use super::measurement;
use super::measurement::Reading;
use super::step::{Case, Outcome, Write, step};
use crate::models::alert::{Alert, Scope, Severity};
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{Changes, Group, Kept, Measured, Phase, SeriesId};
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
    /// The most that changes.
    pub limits: Limits,
    /// How many evaluations there were before.
    pub turn: usize,
    /// The time of day.
    pub now: Timestamp,
}

/// What an evaluation does, and what it leaves for later.
#[derive(Debug, Default, PartialEq)]
pub struct Planned {
    /// What it does.
    pub changes: Changes,
    /// Series that were judged.
    pub n_judged: usize,
    /// Of each rule that was judged, the series beyond the threshold that have no alert and get none now.
    pub untold: BTreeMap<Uuid, usize>,
    /// Of all of them, those for which there is room.
    pub n_waiting: usize,
    /// Those for which there is none.
    pub n_no_room: usize,
    /// Changes of alerts, and new figures of theirs, that are left for later.
    pub n_updates_left: usize,
    /// Whether the next evaluation can do what this one left, without measuring anything.
    pub withdraws_more: bool,
}

/// Judges every rule whose group was measured.
pub fn plan(situation: Situation<'_>) -> Planned {
    let mut planned = Planned::default();
    let rules: HashMap<Uuid, &Rule> = situation.rules.iter().map(|rule| (rule.id, rule)).collect();
    withdraw(&mut planned, situation, &rules);
    let open: HashMap<Uuid, &Alert> = situation.open.iter().map(|alert| (alert.id, alert)).collect();
    let mut outcomes = Vec::new();
    let mut wishes = Vec::new();
    for rule in situation.rules.iter().filter(|rule| is_judged(rule)) {
        if let Some(readings) = situation.readings.get(&Group::of(rule)) {
            let mut wish = Wish { rule, n_held: 0, n_judged: 0, n_beyond: 0, candidates: Vec::new() };
            judge(situation, (&mut wish, readings), (&open, &mut outcomes));
            planned.n_judged += wish.n_judged;
            wishes.push(wish);
        }
    }
    settle(&mut planned, situation.limits, outcomes);
    let taken_up = take_up(&mut planned, situation, wishes);
    forget(&mut planned, situation, (&rules, &taken_up));
    planned
}

/// Whether a rule is judged here. The churn rule goes by single posts instead.
pub fn is_judged(rule: &Rule) -> bool {
    rule.what.enabled && rule.id != CHURN
}

/// Ends open alerts that no rule as it is now would have raised. Their series are of no use either.
fn withdraw(planned: &mut Planned, situation: Situation<'_>, rules: &HashMap<Uuid, &Rule>) {
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

/// What a rule would begin to hold about.
struct Wish<'a> {
    rule: &'a Rule,
    n_held: usize,
    n_judged: usize,
    /// Series that are at rest and beyond the threshold.
    n_beyond: usize,
    /// The gravest of them.
    candidates: Vec<Candidate<'a>>,
}

struct Candidate<'a> {
    key: &'a str,
    reading: Reading,
    severity: Severity,
    /// What is remembered of it.
    before: Option<&'a Kept>,
}

impl<'a> Wish<'a> {
    /// Notes what a series at rest reads.
    fn consider(&mut self, (key, reading): (&'a str, Reading), before: Option<&'a Kept>, n_kept_max: usize) {
        self.n_judged += 1;
        if measurement::judge(&self.rule.what, reading) != Verdict::Breach {
            return;
        }
        self.n_beyond += 1;
        let severity = measurement::severity(&self.rule.what, reading.value.unwrap_or_default());
        self.candidates.push(Candidate { key, reading, severity, before });
        if self.candidates.len() >= n_kept_max.max(1) * 2 {
            self.keep_gravest(n_kept_max);
        }
    }

    /// Keeps those of which people need to hear most: the gravest, and of these the ones with the most posts.
    fn keep_gravest(&mut self, n_kept: usize) {
        let order =
            |candidate: &Candidate<'_>| std::cmp::Reverse((candidate.severity, candidate.reading.count));
        if self.candidates.len() > n_kept {
            self.candidates.select_nth_unstable_by_key(n_kept, order);
            self.candidates.truncate(n_kept);
        }
    }
}

/// Judges everything the rule is about that was measured now, or of which something is remembered.
fn judge<'a>(
    situation: Situation<'a>,
    (wish, readings): (&mut Wish<'a>, &'a BTreeMap<String, Measured>),
    (open, outcomes): (&HashMap<Uuid, &'a Alert>, &mut Vec<Outcome>),
) {
    let rule = wish.rule;
    let metric = rule.what.metric;
    let n_kept_max = situation.limits.taken_up;
    let read = |key: &str| readings.get(key).map_or(Reading::nothing(metric), |it| Reading::of(metric, *it));
    let first = SeriesId { rule_id: rule.id, scope: Scope::overall() };
    let of_rule = || situation.kept.range(&first..).take_while(|(id, _)| id.rule_id == rule.id);
    let known: HashSet<&str> = of_rule().map(|(id, _)| id.scope.key.as_str()).collect();
    for (id, kept) in of_rule().filter(|(id, _)| rule.what.scope.covers(&id.scope)) {
        let reading = read(&id.scope.key);
        if kept.series.phase == Phase::Inactive {
            wish.consider((&id.scope.key, reading), Some(kept), n_kept_max);
            continue;
        }
        wish.n_held += 1;
        wish.n_judged += 1;
        let alert = kept.alert.and_then(|alert| open.get(&alert).copied());
        let case = Case { rule, id: id.clone(), kept: Some(kept), alert, reading, now: situation.now };
        outcomes.push(step(case));
    }
    let only = match rule.what.scope.dimension {
        Dimension::Overall => Some(""),
        _ => rule.what.scope.key.as_deref(),
    };
    if let Some(key) = only.filter(|key| !known.contains(key)) {
        wish.consider((key, read(key)), None, n_kept_max);
    }
    if only.is_none() {
        for (key, measured) in readings.iter().filter(|(key, _)| !key.is_empty()) {
            if known.is_empty() || !known.contains(key.as_str()) {
                wish.consider((key, Reading::of(metric, *measured)), None, n_kept_max);
            }
        }
    }
    wish.keep_gravest(n_kept_max);
}

/// Does what became of series that hold: first what has waited longest, be it for a change or for new figures.
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

/// Lets series begin to hold, as far as there is room. Answers those of them of which something was remembered.
fn take_up<'a>(planned: &mut Planned, situation: Situation<'a>, wishes: Vec<Wish<'a>>) -> HashSet<SeriesId> {
    let holds = |kept: &&Kept| kept.series.phase != Phase::Inactive;
    let n_held = situation.kept.values().filter(holds).count();
    let n_rules = situation.rules.iter().filter(|rule| is_judged(rule)).count();
    let demands: Vec<Demand> =
        wishes.iter().map(|wish| Demand { n_held: wish.n_held, n_wanted: wish.n_beyond }).collect();
    let allotted = situation.limits.allot(&demands, (n_held, n_rules), situation.turn);
    (planned.n_waiting, planned.n_no_room) = (allotted.n_waiting, allotted.n_no_room);
    let mut remembered = HashSet::new();
    for (mut wish, n_taken_up) in wishes.into_iter().zip(allotted.taken_up) {
        wish.keep_gravest(n_taken_up);
        planned.untold.insert(wish.rule.id, wish.n_beyond - wish.candidates.len());
        for Candidate { key, reading, before, .. } in wish.candidates {
            let scope = Scope { dimension: wish.rule.what.scope.dimension, key: key.to_owned() };
            let id = SeriesId { rule_id: wish.rule.id, scope };
            if before.is_some() {
                remembered.insert(id.clone());
            }
            let case = Case { rule: wish.rule, id, kept: before, alert: None, reading, now: situation.now };
            step(case).add_to(&mut planned.changes);
        }
    }
    remembered
}

/// Forgets series that nothing depends on, those of rules that are gone or about something else now, and, where more are
/// remembered than may be, those at rest for longest.
fn forget(
    planned: &mut Planned,
    situation: Situation<'_>,
    (rules, taken_up): (&HashMap<Uuid, &Rule>, &HashSet<SeriesId>),
) {
    let open: HashSet<Uuid> = situation.open.iter().map(|alert| alert.id).collect();
    let mut resting: Vec<(Timestamp, &SeriesId)> = Vec::new();
    let forgotten = &mut planned.changes.forgotten;
    for (id, kept) in situation.kept.iter().filter(|(id, _)| !taken_up.contains(id)) {
        let rule = rules.get(&id.rule_id).filter(|rule| is_judged(rule) && rule.what.scope.covers(&id.scope));
        let is_of_use = match rule {
            // The alert is withdrawn, and the series goes with it.
            None => kept.alert.is_some_and(|alert| open.contains(&alert)),
            Some(rule) => !kept.series.is_forgettable(measurement::patience(&rule.what), situation.now),
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
    /// Whether it is more than new figures.
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
            Write::Kept(id, kept) => changes.kept.push((id, kept)),
            Write::Forgotten(id) => changes.forgotten.push(id),
        }
    }
}
