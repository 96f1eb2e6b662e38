//! Which windows are measured when. What rules want to know is asked once for all that share a window and a kind of thing;
//! bounded in time and in series, and first what has waited longest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use crate::alerting::plan::{self, Readings};
use crate::models::alert_rule::Rule;
use crate::models::evaluation::{Group, Kept, Phase, SeriesId};
use crate::store::Store;
use crate::store::alerts::measurements;
use crate::store::alerts::measurements::Question;

/// How often a window is measured: often enough that it moves by a sixtieth, within these bounds. A short one moves
/// fast; a long one is dear to read, and nobody sees it move.
const MEASURE_EVERY_SECONDS: (i64, i64) = (5, 60);

/// A question may take a tenth of the time: one that is dear is asked less often, for posts need the server as well.
const REST_FACTOR: u32 = 10;

/// Beyond this no further question is asked in a turn.
const TIMEOUT: Duration = Duration::from_millis(250);

/// Series that are judged in one turn: each takes some 20 ns.
const SERIES_MAX: usize = 2_000_000;

/// Things of a kind that are looked at in one turn, besides those that rules name and those that hold. Senders choose
/// them, and reading each takes some 5 µs.
const KEYS_MAX: usize = 10_000;

/// Remembers when each window was measured, and which things were not looked at then.
#[derive(Default)]
pub(super) struct Schedule {
    groups: BTreeMap<Group, Measured>,
}

#[derive(Default)]
struct Measured {
    at: Option<Timestamp>,
    /// How long it took.
    took: Duration,
    /// The last of the things that take turns.
    last_key: String,
    /// Series that were not judged.
    n_left_out: u64,
}

/// What was measured in one turn.
#[derive(Default)]
pub(super) struct Taken {
    pub readings: Readings,
    /// Rules that were due and were not measured.
    pub n_late: usize,
}

impl Schedule {
    /// Asks what is due. A question that fails leaves its rules as they are.
    pub async fn measure(
        &mut self,
        store: &Store,
        (rules, kept): (&[Rule], &BTreeMap<SeriesId, Kept>),
        now: Timestamp,
    ) -> Taken {
        let started = Instant::now();
        let mut taken = Taken::default();
        let mut n_series = SERIES_MAX;
        for Due { group, n_rules, n_posts_min, is_about_each } in self.due(rules, now) {
            let n_keys = (n_series / n_rules.max(1)).min(KEYS_MAX);
            if !taken.readings.is_empty() && (started.elapsed() > TIMEOUT || n_keys < KEYS_MAX / 10) {
                taken.n_late += n_rules;
                continue;
            }
            let known = self.groups.entry(group).or_default();
            let question = Question {
                group,
                n_posts_min,
                keys: keys(group, rules, kept),
                n_others_max: if is_about_each { n_keys } else { 0 },
                after: known.last_key.clone(),
            };
            let asked = Instant::now();
            known.at = Some(now);
            match measurements::measure(store, &question, now).await {
                Ok(answer) => {
                    n_series = n_series.saturating_sub(answer.by_key.len() * n_rules);
                    known.n_left_out = answer.n_left_out * u64::try_from(n_rules).unwrap_or(u64::MAX);
                    known.last_key = answer.last_key;
                    taken.readings.insert(group, answer.by_key);
                }
                Err(error) => {
                    warn!(%error, ?group, "rules were not judged, they keep their state");
                    taken.n_late += n_rules;
                }
            }
            known.took = asked.elapsed();
        }
        taken
    }

    /// Series that their last measurements did not look at.
    pub fn n_left_out(&self) -> u64 {
        self.groups.values().map(|group| group.n_left_out).sum()
    }

    /// Has these measured in the next turn: they were, and what came of it did not all fit into this one.
    pub fn hurry(&mut self, groups: impl IntoIterator<Item = Group>) {
        for group in groups {
            if let Some(known) = self.groups.get_mut(&group) {
                known.at = known.at.map(|at| at - SignedDuration::from_secs(MEASURE_EVERY_SECONDS.1));
            }
        }
    }

    /// What is due, first what was measured longest ago.
    fn due(&mut self, rules: &[Rule], now: Timestamp) -> Vec<Due> {
        let mut all: BTreeMap<Group, Due> = BTreeMap::new();
        for rule in rules.iter().filter(|rule| plan::is_judged(rule)) {
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
        let rest = SignedDuration::try_from(took * REST_FACTOR).unwrap_or(SignedDuration::MAX);
        by_window.max(rest.min(SignedDuration::from_secs(most)))
    }
}

/// A question that is due.
#[derive(Debug, Clone, Copy)]
struct Due {
    group: Group,
    n_rules: usize,
    n_posts_min: i64,
    /// Whether any of its rules is about each thing of the kind.
    is_about_each: bool,
}

/// The things that are looked at each time: those that rules name, and those about which something holds.
fn keys(group: Group, rules: &[Rule], kept: &BTreeMap<SeriesId, Kept>) -> Vec<String> {
    let of_group = |rule: &&Rule| plan::is_judged(rule) && Group::of(rule) == group;
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
