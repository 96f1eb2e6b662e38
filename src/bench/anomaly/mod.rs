//! Benchmark of anomaly detection: false alarms on stable series, and recall and detection delay on bursts.

mod simulation; // simulated series

use serde::Serialize;

use self::simulation::{Burst, SeriesParams, Simulation};
use crate::anomaly::history::{History, STEP_SECONDS, StepSums, step_of};
use crate::anomaly::judge::{Baseline, Limits, Models, Recent, Requirements, judge};
use crate::anomaly::state_machine::{AnomalyState, Transition};
use crate::models::anomaly_settings::{Sensitivity, SignalSettings};

/// Number of days of history that a model learns from before its series is judged.
const DAYS_BEFORE: i64 = 28;

/// Number of days in which false alarms are counted.
const DAYS: i64 = 30;

const MINUTES_PER_DAY: i64 = 1_440;

/// Posts per minute, from a nearly silent series to all posts on a busy platform.
const RATES: [f64; 7] = [0.3, 1.0, 3.0, 10.0, 40.0, 150.0, 500.0];

/// Minutes between bursts: a little over two days, so that bursts hit at all hours.
const BURST_EVERY: i64 = 2 * MINUTES_PER_DAY + 317;

/// How many minutes after its end an undetected burst counts as missed.
const TIMEOUT: i64 = 10;

const SENSITIVITIES: [Sensitivity; 3] = [Sensitivity::Low, Sensitivity::Balanced, Sensitivity::High];

/// Options for `bench signals`.
#[derive(Debug, Clone, Copy)]
pub struct SignalsParams {
    /// Number of series simulated at each rate.
    pub n_series: u64,
    /// Whether to print one JSON object.
    pub json: bool,
}

/// Report that `bench signals` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Results for stable series, each simulated for thirty days.
    pub false_alarms: Vec<FalseAlarms>,
    /// Results for bursts of each size.
    pub bursts: Vec<BurstRecall>,
}

/// False alarms on stable series.
#[derive(Debug, Clone, Serialize)]
pub struct FalseAlarms {
    /// Detection sensitivity that was used to judge the series.
    pub sensitivity: Sensitivity,
    /// Number of series judged, across all rates.
    pub series: u64,
    /// Alarms raised in thirty days, across all series.
    pub alarms: u64,
    /// Highest number of alarms on a single series.
    pub most_of_one_series: u64,
}

/// Results for bursts of one size.
#[derive(Debug, Clone, Serialize)]
pub struct BurstRecall {
    /// Detection sensitivity that was used to judge the series.
    pub sensitivity: Sensitivity,
    /// Posts per minute before the burst.
    pub per_minute: f64,
    /// What the burst changes: the rate, as in `3x`, or the share of negative posts, as in `+0.25 negative`. Each burst
    /// lasts twenty minutes.
    pub burst: String,
    /// Number of bursts injected, across all series with this rate.
    pub n: u64,
    /// Share of the bursts that raised an alarm, 0 to 1.
    pub recall: f64,
    /// Median time from the start of a burst to its alarm, in minutes; null if no burst was detected.
    pub delay_minutes_p50: Option<f64>,
    /// 90th percentile of that time, in minutes; null if no burst was detected.
    pub delay_minutes_p90: Option<f64>,
}

/// Injected bursts: name, factor by which the rate is multiplied, and increase in the share of negative posts.
const BURSTS: [(&str, f64, f64); 6] = [
    ("2x", 2.0, 0.0),
    ("3x", 3.0, 0.0),
    ("5x", 5.0, 0.0),
    ("10x", 10.0, 0.0),
    ("+0.25 negative", 1.0, 0.25),
    ("+0.40 negative", 1.0, 0.4),
];

/// Judges simulated series with and without bursts, and prints the results.
///
/// # Errors
/// If the report cannot be printed.
pub fn run(params: SignalsParams) -> anyhow::Result<()> {
    let mut report = Report { false_alarms: Vec::new(), bursts: Vec::new() };
    let series_params = series_params(params.n_series);
    let raised = in_parallel(&series_params, |params| stable(*params, RELEARN_MINUTES));
    for (index, sensitivity) in SENSITIVITIES.into_iter().enumerate() {
        let of: Vec<u64> = raised.iter().filter_map(|counts| counts.get(index).copied()).collect();
        report.false_alarms.push(FalseAlarms {
            sensitivity,
            series: u64::try_from(of.len()).unwrap_or(u64::MAX),
            alarms: of.iter().sum(),
            most_of_one_series: of.iter().copied().max().unwrap_or(0),
        });
    }
    for (name, factor, share) in BURSTS {
        let found = in_parallel(&series_params, |params| with_bursts(*params, factor, share));
        for (index, sensitivity) in SENSITIVITIES.into_iter().enumerate() {
            for per_minute in RATES {
                let of_rate =
                    series_params.iter().zip(&found).filter(|(params, _)| params.per_minute == per_minute);
                let delays: Vec<Option<i64>> =
                    of_rate.filter_map(|(_, of)| of.get(index)).flatten().copied().collect();
                report.bursts.push(summed(sensitivity, per_minute, name, delays));
            }
        }
    }
    super::print(&report, &rows(&report), params.json)
}

/// How often the models are relearned, in minutes; the same as in the server.
const RELEARN_MINUTES: i64 = 60;

fn series_params(n_series: u64) -> Vec<SeriesParams> {
    let of = |(index, per_minute): (u64, f64)| {
        (0..n_series).map(move |n| SeriesParams { per_minute, seed: index * 1_000_003 + n })
    };
    (0..).zip(RATES).flat_map(of).collect()
}

/// Judges the series on two threads, one per core of the reference machine. This takes minutes.
fn in_parallel<T: Send>(series_params: &[SeriesParams], judge: impl Fn(&SeriesParams) -> T + Sync) -> Vec<T> {
    let (left, right) = series_params.split_at(series_params.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| right.iter().map(&judge).collect::<Vec<T>>());
        let mut all: Vec<T> = left.iter().map(&judge).collect();
        all.extend(other.join().unwrap_or_default());
        all
    })
}

/// Returns how many alarms a stable series raises in thirty days, for each sensitivity.
fn stable(params: SeriesParams, relearn_minutes: i64) -> [u64; 3] {
    let mut bench = SeriesBench::new(params, relearn_minutes);
    let mut alarms = [0; 3];
    for _ in 0..DAYS * MINUTES_PER_DAY {
        for (n, turn) in alarms.iter_mut().zip(bench.minute(None)) {
            *n += u64::from(turn == Transition::Opened);
        }
    }
    alarms
}

/// Returns the detection delay of each burst in minutes, for each sensitivity; `None` if the burst was missed. Each
/// burst hits a copy of the series without earlier bursts, because a burst every other day would become part of the
/// baseline.
fn with_bursts(params: SeriesParams, factor: f64, share: f64) -> [Vec<Option<i64>>; 3] {
    let mut stable = SeriesBench::new(SeriesParams { seed: params.seed + 7_919, ..params }, 12 * 60);
    let mut delays = [const { Vec::new() }; 3];
    for _ in 0..DAYS * MINUTES_PER_DAY / BURST_EVERY {
        for _ in 0..BURST_EVERY {
            stable.relearn_if_due();
            stable.step(None);
        }
        let mut bench = stable.clone();
        bench.watches = Default::default();
        let from = bench.now;
        let burst = Burst { from, minutes: 20, factor, share };
        let mut delay = [None; 3];
        while bench.now < from + burst.minutes + TIMEOUT {
            let turns = bench.minute(Some(&burst));
            for (delay, turn) in delay.iter_mut().zip(turns) {
                if turn == Transition::Opened {
                    delay.get_or_insert(bench.now - from);
                }
            }
        }
        for (delays, delay) in delays.iter_mut().zip(delay) {
            delays.push(delay);
        }
    }
    delays
}

/// One simulated series, judged with all three sensitivities at once.
#[derive(Clone)]
struct SeriesBench {
    simulation: Simulation,
    history: History,
    /// History of all posts combined, which keep arriving even while this series is silent.
    overall: History,
    minutes: std::collections::VecDeque<StepSums>,
    step: StepSums,
    models: Models,
    watches: [AnomalyState; 3],
    /// Minutes simulated so far.
    now: i64,
    relearn_minutes: i64,
}

impl SeriesBench {
    fn new(params: SeriesParams, relearn_minutes: i64) -> Self {
        let mut bench = Self {
            simulation: Simulation::new(params),
            history: History::default(),
            overall: History::default(),
            minutes: std::collections::VecDeque::new(),
            step: StepSums::default(),
            models: Models::default(),
            watches: [AnomalyState::default(); 3],
            now: 0,
            relearn_minutes,
        };
        for _ in 0..DAYS_BEFORE * MINUTES_PER_DAY {
            bench.step(None);
        }
        bench
    }

    fn step(&mut self, burst: Option<&Burst>) {
        let sums = self.simulation.next_minute(burst);
        self.minutes.push_back(sums);
        if self.minutes.len() > 15 {
            self.minutes.pop_front();
        }
        self.step.add(&sums);
        self.now += 1;
        if self.now * 60 % STEP_SECONDS == 0 {
            let step = step_of(self.now * 60) - 1;
            self.history.put(step, std::mem::take(&mut self.step));
            self.overall.put(step, StepSums { count: 1.0, ..StepSums::default() });
        }
    }

    fn relearn_if_due(&mut self) {
        if self.now % self.relearn_minutes == 0 {
            self.models = Models::learn(&self.history, &self.overall, self.history.end());
        }
    }

    fn minute(&mut self, burst: Option<&Burst>) -> [Transition; 3] {
        self.relearn_if_due();
        self.step(burst);
        let sum = |n: usize| {
            let mut sum = StepSums::default();
            self.minutes.iter().rev().take(n).for_each(|minute| sum.add(minute));
            sum
        };
        let recent = Recent { to: self.now * 60, five: sum(5), fifteen: sum(15) };
        let known = Baseline { history: &self.history, overall: &self.overall, models: &self.models };
        let n_posts_min = f64::from(SignalSettings::default().minimum_volume);
        let mut turns = [Transition::Quiet; 3];
        for ((watch, turn), sensitivity) in self.watches.iter_mut().zip(&mut turns).zip(SENSITIVITIES) {
            if let Some(limits) = Limits::of(sensitivity) {
                let change = judge(&known, &recent, &Requirements { limits, n_posts_min });
                *turn = watch.step(change.as_ref(), limits.minutes);
            }
        }
        turns
    }
}

fn summed(sensitivity: Sensitivity, per_minute: f64, burst: &str, delays: Vec<Option<i64>>) -> BurstRecall {
    let n = delays.len();
    let mut found: Vec<i64> = delays.into_iter().flatten().collect();
    found.sort_unstable();
    let at = |share: usize| {
        found.get((found.len().saturating_sub(1)) * share / 100).map(|minutes| *minutes as f64)
    };
    BurstRecall {
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
            "{} at {}/min: {:.0}% of {} found, after {} min (p90 {})",
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
            let [low, balanced, _] = stable(SeriesParams { per_minute, seed: 90 + n }, MINUTES_PER_DAY);
            assert!(balanced <= 1 && low <= 1, "{balanced} at {per_minute} posts a minute, {low} at low");
        }
    }

    #[test]
    fn nine_in_ten_bursts_to_ten_times_the_rate_are_found_most_within_eight_minutes() {
        let [_, balanced, _] = with_bursts(SeriesParams { per_minute: 10.0, seed: 5 }, 10.0, 0.0);
        let mut found: Vec<i64> = balanced.iter().flatten().copied().collect();
        found.sort_unstable();
        assert!(found.len() * 10 >= balanced.len() * 9, "{balanced:?}");
        assert!(found.get(found.len() / 2).is_some_and(|minutes| *minutes <= 8), "{balanced:?}");
    }
}
