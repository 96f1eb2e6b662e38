//! How often signals are wrong, and how soon they are right.

mod simulation; // series, made up

use serde::Serialize;

use self::simulation::{Burst, Nature, Simulation};
use crate::anomaly::history::{Heard, History, STEP_SECONDS, step_of};
use crate::anomaly::judge::{Known, Limits, Models, Recent, Wanted, judge};
use crate::anomaly::watch::{Turn, Watch};
use crate::models::signals::{Sensitivity, SignalSettings};

/// Days that a series is known before it is judged.
const DAYS_BEFORE: i64 = 28;

/// Days over which false alarms are counted.
const DAYS: i64 = 30;

const MINUTES_PER_DAY: i64 = 1_440;

/// Posts a minute, from a series that hardly says anything to all of a busy place.
const RATES: [f64; 7] = [0.3, 1.0, 3.0, 10.0, 40.0, 150.0, 500.0];

/// Between bursts: two days and a bit, so that they come at all hours.
const BURST_EVERY: i64 = 2 * MINUTES_PER_DAY + 317;

/// A burst that is not found within this after its end was not found.
const PATIENCE: i64 = 10;

const SENSITIVITIES: [Sensitivity; 3] = [Sensitivity::Low, Sensitivity::Balanced, Sensitivity::High];

/// What [`run`] wants to know.
#[derive(Debug, Clone, Copy)]
pub struct SignalsParams {
    /// Series of each rate.
    pub n_series: u64,
    /// Print one JSON object.
    pub json: bool,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Stable series, over thirty simulated days each.
    pub false_alarms: Vec<FalseAlarms>,
    /// Bursts of each size.
    pub bursts: Vec<Found>,
}

/// What stable series raised.
#[derive(Debug, Clone, Serialize)]
pub struct FalseAlarms {
    /// How readily.
    pub sensitivity: Sensitivity,
    /// Series.
    pub series: u64,
    /// Alarms of all of them in thirty days.
    pub alarms: u64,
    /// Those of the series that raised most.
    pub most_of_one_series: u64,
}

/// What became of bursts of one size.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// How readily.
    pub sensitivity: Sensitivity,
    /// Posts a minute before.
    pub per_minute: f64,
    /// What happened for twenty minutes, such as `3x` or `+0.25 negative`.
    pub burst: String,
    /// How many times.
    pub n: u64,
    /// The share that was found.
    pub recall: f64,
    /// The median time until it was told, in minutes; null where none was.
    pub delay_minutes_p50: Option<f64>,
    /// The same for nine in ten.
    pub delay_minutes_p90: Option<f64>,
}

/// What is injected.
const BURSTS: [(&str, f64, f64); 6] = [
    ("2x", 2.0, 0.0),
    ("3x", 3.0, 0.0),
    ("5x", 5.0, 0.0),
    ("10x", 10.0, 0.0),
    ("+0.25 negative", 1.0, 0.25),
    ("+0.40 negative", 1.0, 0.4),
];

/// Judges made-up series, stable ones and ones with bursts, and prints what came of it.
///
/// # Errors
/// When the report cannot be printed.
pub fn run(params: SignalsParams) -> anyhow::Result<()> {
    let mut report = Report { false_alarms: Vec::new(), bursts: Vec::new() };
    let natures = natures(params.n_series);
    let raised = in_parallel(&natures, |nature| stable(*nature, RELEARN_MINUTES));
    for (place, sensitivity) in SENSITIVITIES.into_iter().enumerate() {
        let of: Vec<u64> = raised.iter().filter_map(|counts| counts.get(place).copied()).collect();
        report.false_alarms.push(FalseAlarms {
            sensitivity,
            series: u64::try_from(of.len()).unwrap_or(u64::MAX),
            alarms: of.iter().sum(),
            most_of_one_series: of.iter().copied().max().unwrap_or(0),
        });
    }
    for (name, factor, share) in BURSTS {
        let found = in_parallel(&natures, |nature| with_bursts(*nature, factor, share));
        for (place, sensitivity) in SENSITIVITIES.into_iter().enumerate() {
            for per_minute in RATES {
                let of_rate =
                    natures.iter().zip(&found).filter(|(nature, _)| nature.per_minute == per_minute);
                let delays: Vec<Option<i64>> =
                    of_rate.filter_map(|(_, of)| of.get(place)).flatten().copied().collect();
                report.bursts.push(summed(sensitivity, per_minute, name, delays));
            }
        }
    }
    super::print(&report, &rows(&report), params.json)
}

/// How often models learn anew: as the server does.
const RELEARN_MINUTES: i64 = 60;

fn natures(n_series: u64) -> Vec<Nature> {
    let of = |(place, per_minute): (u64, f64)| {
        (0..n_series).map(move |n| Nature { per_minute, seed: place * 1_000_003 + n })
    };
    (0..).zip(RATES).flat_map(of).collect()
}

/// On two threads: that is what there is, and it takes minutes.
fn in_parallel<T: Send>(natures: &[Nature], judge: impl Fn(&Nature) -> T + Sync) -> Vec<T> {
    let (left, right) = natures.split_at(natures.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| right.iter().map(&judge).collect::<Vec<T>>());
        let mut all: Vec<T> = left.iter().map(&judge).collect();
        all.extend(other.join().unwrap_or_default());
        all
    })
}

/// Alarms of a stable series in thirty days, for each sensitivity.
fn stable(nature: Nature, relearn_minutes: i64) -> [u64; 3] {
    let mut bench = Bench::new(nature, relearn_minutes);
    let mut alarms = [0; 3];
    for _ in 0..DAYS * MINUTES_PER_DAY {
        for (n, turn) in alarms.iter_mut().zip(bench.minute(None)) {
            *n += u64::from(turn == Turn::Opened);
        }
    }
    alarms
}

/// How many minutes after its beginning each burst was told, for each sensitivity. Each comes upon a series that knows
/// none of the others: what comes every other day would be ordinary.
fn with_bursts(nature: Nature, factor: f64, share: f64) -> [Vec<Option<i64>>; 3] {
    let mut stable = Bench::new(Nature { seed: nature.seed + 7_919, ..nature }, 12 * 60);
    let mut delays = [const { Vec::new() }; 3];
    for _ in 0..DAYS * MINUTES_PER_DAY / BURST_EVERY {
        for _ in 0..BURST_EVERY {
            stable.minute(None);
        }
        let mut bench = stable.clone();
        bench.watches = Default::default();
        let from = bench.now;
        let burst = Burst { from, minutes: 20, factor, share };
        let mut told = [None; 3];
        while bench.now < from + burst.minutes + PATIENCE {
            let turns = bench.minute(Some(&burst));
            for (told, turn) in told.iter_mut().zip(turns) {
                if turn == Turn::Opened {
                    told.get_or_insert(bench.now - from);
                }
            }
        }
        for (delays, told) in delays.iter_mut().zip(told) {
            delays.push(told);
        }
    }
    delays
}

/// One series, and three that watch it.
#[derive(Clone)]
struct Bench {
    simulation: Simulation,
    history: History,
    /// Everything together says something even while this series is silent.
    overall: History,
    minutes: std::collections::VecDeque<Heard>,
    step: Heard,
    models: Models,
    watches: [Watch; 3],
    /// Minutes that have passed.
    now: i64,
    relearn_minutes: i64,
}

impl Bench {
    fn new(nature: Nature, relearn_minutes: i64) -> Self {
        let mut bench = Self {
            simulation: Simulation::new(nature),
            history: History::default(),
            overall: History::default(),
            minutes: std::collections::VecDeque::new(),
            step: Heard::default(),
            models: Models::default(),
            watches: [Watch::default(); 3],
            now: 0,
            relearn_minutes,
        };
        for _ in 0..DAYS_BEFORE * MINUTES_PER_DAY {
            bench.hear(None);
        }
        bench
    }

    fn hear(&mut self, burst: Option<&Burst>) {
        let heard = self.simulation.next_minute(burst);
        self.minutes.push_back(heard);
        if self.minutes.len() > 15 {
            self.minutes.pop_front();
        }
        self.step.add(&heard);
        self.now += 1;
        if self.now * 60 % STEP_SECONDS == 0 {
            let step = step_of(self.now * 60) - 1;
            self.history.put(step, std::mem::take(&mut self.step));
            self.overall.put(step, Heard { count: 1.0, ..Heard::default() });
        }
    }

    fn minute(&mut self, burst: Option<&Burst>) -> [Turn; 3] {
        if self.now % self.relearn_minutes == 0 {
            self.models = Models::learn(&self.history, &self.overall, self.history.end());
        }
        self.hear(burst);
        let sum = |n: usize| {
            let mut sum = Heard::default();
            self.minutes.iter().rev().take(n).for_each(|minute| sum.add(minute));
            sum
        };
        let recent = Recent { to: self.now * 60, five: sum(5), fifteen: sum(15) };
        let known = Known { history: &self.history, overall: &self.overall, models: &self.models };
        let n_posts_min = f64::from(SignalSettings::default().minimum_volume);
        let mut turns = [Turn::Quiet; 3];
        for ((watch, turn), sensitivity) in self.watches.iter_mut().zip(&mut turns).zip(SENSITIVITIES) {
            if let Some(limits) = Limits::of(sensitivity) {
                let change = judge(&known, &recent, &Wanted { limits, n_posts_min });
                *turn = watch.step(change.as_ref(), limits.minutes);
            }
        }
        turns
    }
}

fn summed(sensitivity: Sensitivity, per_minute: f64, burst: &str, delays: Vec<Option<i64>>) -> Found {
    let n = delays.len();
    let mut found: Vec<i64> = delays.into_iter().flatten().collect();
    found.sort_unstable();
    let at = |share: usize| {
        found.get((found.len().saturating_sub(1)) * share / 100).map(|minutes| *minutes as f64)
    };
    Found {
        sensitivity,
        per_minute,
        burst: burst.to_owned(),
        n: u64::try_from(n).unwrap_or(u64::MAX),
        recall: found.len() as f64 / n.max(1) as f64,
        delay_minutes_p50: at(50),
        delay_minutes_p90: at(90),
    }
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    for of in &report.false_alarms {
        let FalseAlarms { sensitivity, series, alarms, most_of_one_series } = of;
        let line = format!(
            "{alarms} false alarms of {series} stable series in {DAYS} days, at most {most_of_one_series} of one"
        );
        rows.push((sensitivity.as_str(), line));
    }
    for of in &report.bursts {
        let minutes = |delay: Option<f64>| delay.map_or("-".to_owned(), |delay| format!("{delay}"));
        let line = format!(
            "{} at {}/min: {:.0} % of {} found, after {} min (p90 {})",
            of.burst,
            of.per_minute,
            of.recall * 100.0,
            of.n,
            minutes(of.delay_minutes_p50),
            minutes(of.delay_minutes_p90),
        );
        rows.push((of.sensitivity.as_str(), line));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_series_raise_at_most_one_false_alarm_in_thirty_days_at_balanced() {
        for (n, per_minute) in [(1, 3.0), (2, 40.0)] {
            let [low, balanced, _] = stable(Nature { per_minute, seed: 90 + n }, MINUTES_PER_DAY);
            assert!(balanced <= 1 && low <= 1, "{balanced} at {per_minute} posts a minute, {low} at low");
        }
    }

    #[test]
    fn nine_in_ten_bursts_to_ten_times_the_rate_are_found_most_within_eight_minutes() {
        let [_, balanced, _] = with_bursts(Nature { per_minute: 10.0, seed: 5 }, 10.0, 0.0);
        let mut found: Vec<i64> = balanced.iter().flatten().copied().collect();
        found.sort_unstable();
        assert!(found.len() * 10 >= balanced.len() * 9, "{balanced:?}");
        assert!(found.get(found.len() / 2).is_some_and(|minutes| *minutes <= 8), "{balanced:?}");
    }
}
