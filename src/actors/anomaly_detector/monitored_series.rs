//! Series monitored for anomalies, each with its history, learned baselines and state.

use jiff::{SignedDuration, Timestamp};

use crate::anomaly::history::{History, STEP_SECONDS, StepSums, step_of};
use crate::anomaly::judge::{Baseline, Models, Recent};
use crate::anomaly::state_machine::AnomalyState;
use crate::models::alert::Scope;
use crate::store::alerts::AlertSeries;
use crate::store::alerts::anomalies::{self, Steps};
use crate::store::{Store, StoreError};

/// Maximum number of monitored series. The ones with the most posts in the last day are chosen. Each takes 130 KB of
/// memory.
const SERIES_MAX: usize = 60;

/// Interval at which series are selected, read and learned again. Only then are late and corrected posts taken into
/// account.
const RELEARN_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Number of days of history that baselines are learned from.
const DAYS: i64 = 28;

/// Number of most recent steps that every evaluation reads again, because posts may arrive late.
const STEPS_AGAIN: i64 = 12;

/// Width of the finest rollup bucket in seconds, which is the smallest exact step.
const BUCKET_SECONDS: i64 = crate::models::rollup::BUCKET_SECONDS;

/// One monitored series: its scope, state and baselines.
#[derive(Debug)]
pub(super) struct Series {
    pub scope: Scope,
    pub watch: AnomalyState,
    /// Alert series of the open alert about this series, if there is one.
    pub open: Option<AlertSeries>,
    history: History,
    models: Models,
}

/// All monitored series. The first one covers all posts.
#[derive(Debug, Default)]
pub(super) struct MonitoredSeries {
    series: Vec<Series>,
    learned_at: Option<Timestamp>,
}

impl MonitoredSeries {
    /// Creates series for these open alerts, with no history yet.
    pub fn new(open: Vec<AlertSeries>) -> Self {
        let of = |open: AlertSeries| Series {
            scope: open.scope.clone(),
            watch: AnomalyState::opened(),
            open: Some(open),
            history: History::default(),
            models: Models::default(),
        };
        Self { series: open.into_iter().map(of).collect(), learned_at: None }
    }

    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn get(&self, position: usize) -> Option<&Series> {
        self.series.get(position)
    }

    pub fn get_mut(&mut self, position: usize) -> Option<&mut Series> {
        self.series.get_mut(position)
    }

    /// Returns the history and baselines of the series at a position.
    pub fn known(&self, position: usize) -> Option<Baseline<'_>> {
        let (overall, series) = (self.series.first()?, self.series.get(position)?);
        Some(Baseline { history: &series.history, overall: &overall.history, models: &series.models })
    }

    /// Reads the newest steps, or the whole history once an hour. Returns the open alerts of series that are no longer
    /// among the largest.
    pub async fn refresh(&mut self, store: &Store, now: Timestamp) -> Result<Vec<AlertSeries>, StoreError> {
        let is_fresh = self.learned_at.is_some_and(|at| now.duration_since(at) < RELEARN_EVERY);
        if is_fresh {
            self.read(store, step_of(now.as_second()) - STEPS_AGAIN, now).await?;
            return Ok(Vec::new());
        }
        let day_ago = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now);
        let scopes = anomalies::biggest(store, day_ago, SERIES_MAX).await?;
        let gone = self.choose(scopes);
        let first = step_of(now.as_second()) - DAYS * 86_400 / STEP_SECONDS;
        self.read(store, first, now).await?;
        self.learn(now).await?;
        Ok(gone)
    }

    fn choose(&mut self, scopes: Vec<Scope>) -> Vec<AlertSeries> {
        let mut before = std::mem::take(&mut self.series);
        let is_overall = |scope: &Scope| *scope == Scope::overall();
        let (overall, others): (Vec<_>, Vec<_>) = scopes.into_iter().partition(is_overall);
        for scope in overall.into_iter().chain(others) {
            let known = before.iter().position(|series| series.scope == scope);
            let (watch, open) = known.map_or((AnomalyState::default(), None), |position| {
                let series = before.swap_remove(position);
                (series.watch, series.open)
            });
            let (history, models) = Default::default();
            self.series.push(Series { scope, watch, open, history, models });
        }
        before.into_iter().filter_map(|series| series.open).collect()
    }

    /// Reads the steps from `first` to the last completed one. Each statement reads one day, because a statement over
    /// four weeks would delay others.
    async fn read(&mut self, store: &Store, first: i64, now: Timestamp) -> Result<(), StoreError> {
        let scopes: Vec<Scope> = self.series.iter().map(|series| series.scope.clone()).collect();
        let end = step_of(now.as_second());
        let mut from = first;
        while from < end && !scopes.is_empty() {
            let to = end.min(from + 86_400 / STEP_SECONDS);
            let steps = Steps { from: start_of(from), to: start_of(to), seconds: STEP_SECONDS };
            let found = anomalies::read(store, &scopes, steps).await?;
            let is_silent = found.is_empty();
            for (position, step, sums) in found {
                if let Some(series) = self.series.get_mut(position) {
                    series.history.put(from + step, StepSums::of(&sums));
                }
            }
            // All series end at the same step, so that silence is recorded as silence.
            for series in self.series.iter_mut().filter(|series| !is_silent && series.history.end() < to) {
                series.history.put(to - 1, StepSums::default());
            }
            from = to;
        }
        Ok(())
    }

    /// Learns the baselines from the history, on a blocking thread.
    async fn learn(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut series = std::mem::take(&mut self.series);
        // unsupervised: a computation ends, and the caller waits for it
        let learned = tokio::task::spawn_blocking(move || {
            let overall = series.first().map(|overall| overall.history.clone()).unwrap_or_default();
            for series in &mut series {
                series.models = Models::learn(&series.history, &overall, overall.end());
            }
            series
        });
        // The series are lost with the thread, so the caller reads everything again.
        self.series = learned.await.map_err(|error| StoreError::Internal { reason: error.to_string() })?;
        self.learned_at = Some(now);
        Ok(())
    }

    /// Returns the last few minutes of every series.
    pub async fn recent(&self, store: &Store, now: Timestamp) -> Result<Vec<Recent>, StoreError> {
        let to = now.as_second().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS;
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(now);
        let steps = Steps { from: at(to - 3 * STEP_SECONDS), to: at(to), seconds: STEP_SECONDS };
        let scopes: Vec<Scope> = self.series.iter().map(|series| series.scope.clone()).collect();
        let mut recent = vec![Recent { to, ..Recent::default() }; scopes.len()];
        for (position, step, sums) in anomalies::read(store, &scopes, steps).await? {
            let heard = StepSums::of(&sums);
            if let Some(recent) = recent.get_mut(position) {
                recent.fifteen.add(&heard);
                if step == 2 {
                    recent.five.add(&heard);
                }
            }
        }
        Ok(recent)
    }
}

fn start_of(step: i64) -> Timestamp {
    Timestamp::from_second(step * STEP_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH)
}
