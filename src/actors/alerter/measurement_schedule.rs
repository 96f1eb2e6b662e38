//! Schedule of the measurements. One query serves all rules with the same window and dimension. Each turn is bounded in
//! time and in number of series, and measures the longest overdue windows first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::actors::runtime::clock::Clock;
use crate::alerting::change_plan;
use crate::alerting::change_plan::Measurements;
use crate::models::alert_rule::Rule;
use crate::models::evaluation::{Group, Phase, SeriesId, StoredSeries};
use crate::store::Store;
use crate::store::alerts::measurements::{self, MeasurementQuery};

/// Minimum and maximum interval between measurements of a window, in seconds. In between, the interval is a sixtieth of
/// the window: short windows change fast, and long ones change slowly and are expensive to read.
const MEASURE_EVERY_SECONDS: (i64, i64) = (5, 60);

/// Minimum pause after a query, as a multiple of the query's duration. Expensive queries run less often, because the
/// server must also store posts.
const REST_FACTOR: u32 = 10;

/// Time after which a turn starts no more queries.
const TIME_BUDGET: Duration = Duration::from_millis(250);

/// Maximum number of series evaluated per turn. Each takes about 20 ns.
const SERIES_MAX: usize = 2_000_000;

/// Maximum number of keys per dimension read in one turn, in addition to the keys that rules name and those with an
/// active series. Senders choose the keys, and each takes about 5 µs to read.
const KEYS_MAX: usize = 10_000;

/// When each window was last measured, and what the measurement left out.
pub(super) struct Schedule {
    clock: Clock,
    groups: BTreeMap<Group, LastMeasurement>,
}

#[derive(Default)]
struct LastMeasurement {
    at: Option<Timestamp>,
    /// How long the query took; the next one waits for a multiple of that.
    took: Duration,
    /// Key after which the rotation continues.
    last_key: String,
    /// Number of series that were not measured.
    n_deferred: u64,
}

/// Measurements taken in one turn.
#[derive(Default)]
pub(super) struct Taken {
    pub measurements: Measurements,
    /// Number of rules whose window was due but not measured.
    pub n_late: usize,
}

impl Schedule {
    /// Creates a schedule in which every window is due.
    pub fn new(clock: Clock) -> Self {
        Self { clock, groups: BTreeMap::new() }
    }

    /// Measures the windows that are due. If a query fails, the rules that need it keep their state.
    pub async fn measure(
        &mut self,
        store: &Store,
        (rules, kept): (&[Rule], &BTreeMap<SeriesId, StoredSeries>),
        now: Timestamp,
    ) -> Taken {
        let started = self.clock.now();
        let mut taken = Taken::default();
        let mut n_series = SERIES_MAX;
        for Due { group, n_rules, n_posts_min, is_about_each } in self.due(rules, now) {
            let n_keys = (n_series / n_rules.max(1)).min(KEYS_MAX);
            let is_late = self.clock.since(started) > TIME_BUDGET;
            if !taken.measurements.is_empty() && (is_late || n_keys < KEYS_MAX / 10) {
                taken.n_late += n_rules;
                continue;
            }
            let known = self.groups.entry(group).or_default();
            let question = MeasurementQuery {
                group,
                n_posts_min,
                keys: keys(group, rules, kept),
                n_others_max: if is_about_each { n_keys } else { 0 },
                after: known.last_key.clone(),
            };
            let queried_at = self.clock.now();
            known.at = Some(now);
            match measurements::measure(store, &question, now).await {
                Ok(answer) => {
                    n_series = n_series.saturating_sub(answer.by_key.len() * n_rules);
                    known.n_deferred = answer.n_deferred * u64::try_from(n_rules).unwrap_or(u64::MAX);
                    known.last_key = answer.last_key;
                    taken.measurements.insert(group, answer.by_key);
                }
                Err(error) => {
                    warn!(%error, ?group, "rules were not evaluated, they keep their state");
                    taken.n_late += n_rules;
                }
            }
            known.took = self.clock.since(queried_at);
        }
        taken
    }

    /// Returns the number of series that the last measurement of each window left out.
    pub fn n_deferred(&self) -> u64 {
        self.groups.values().map(|group| group.n_deferred).sum()
    }

    /// Makes these groups due in the next turn, because this turn could not apply all their results.
    pub fn expedite(&mut self, groups: impl IntoIterator<Item = Group>) {
        for group in groups {
            if let Some(known) = self.groups.get_mut(&group) {
                known.at = known.at.map(|at| at - SignedDuration::from_secs(MEASURE_EVERY_SECONDS.1));
            }
        }
    }

    /// Returns the queries that are due, most overdue first.
    fn due(&mut self, rules: &[Rule], now: Timestamp) -> Vec<Due> {
        let mut all: BTreeMap<Group, Due> = BTreeMap::new();
        for rule in rules.iter().filter(|rule| change_plan::is_judged(rule)) {
            let group = Group::of(rule);
            let due = all.entry(group).or_insert(Due {
                group,
                n_rules: 0,
                n_posts_min: i64::MAX,
                is_about_each: false,
            });
            due.n_rules += 1;
            due.n_posts_min = due.n_posts_min.min(rule.what.minimum_volume);
            due.is_about_each |= rule.what.scope.key.is_none();
        }
        self.groups.retain(|group, _| all.contains_key(group));
        let mut due: Vec<(Option<Timestamp>, Due)> = all
            .into_values()
            .map(|due| (self.groups.get(&due.group).and_then(|known| known.at), due))
            .filter(|(at, due)| at.is_none_or(|at| now.duration_since(at) >= self.every(due.group)))
            .collect();
        due.sort_by_key(|(at, _)| *at);
        due.into_iter().map(|(_, due)| due).collect()
    }

    fn every(&self, group: Group) -> SignedDuration {
        let (least, most) = MEASURE_EVERY_SECONDS;
        let by_window = SignedDuration::from_secs((group.window_seconds / 60).clamp(least, most));
        let took = self.groups.get(&group).map(|known| known.took).unwrap_or_default();
        by_window.max(rest_after(took))
    }
}

/// Returns the minimum pause after a query that took this long, whether or not it succeeded.
pub(super) fn rest_after(took: Duration) -> SignedDuration {
    let rest = SignedDuration::try_from(took.saturating_mul(REST_FACTOR)).unwrap_or(SignedDuration::MAX);
    rest.min(SignedDuration::from_secs(MEASURE_EVERY_SECONDS.1))
}

/// A due query, which serves all rules of a group.
#[derive(Debug, Clone, Copy)]
struct Due {
    group: Group,
    n_rules: usize,
    n_posts_min: i64,
    /// Whether any of the rules applies to every key of the dimension.
    is_about_each: bool,
}

/// Returns the keys that every turn reads: those that rules name and those with an active series.
fn keys(group: Group, rules: &[Rule], kept: &BTreeMap<SeriesId, StoredSeries>) -> Vec<String> {
    let of_group = |rule: &&Rule| change_plan::is_judged(rule) && Group::of(rule) == group;
    let ids: BTreeSet<_> = rules.iter().filter(of_group).map(|rule| rule.id).collect();
    let named = rules.iter().filter(of_group).filter_map(|rule| rule.what.scope.key.as_deref());
    let holds = kept.iter().filter(|(id, kept)| {
        kept.series.phase != Phase::Inactive
            && id.scope.dimension == group.dimension
            && ids.contains(&id.rule_id)
    });
    let keys: BTreeSet<&str> = named.chain(holds.map(|(id, _)| id.scope.key.as_str())).collect();
    keys.into_iter().map(str::to_owned).collect()
}
