//! The series that are watched for what is unusual: what they did, what that taught, and how each stands.

use jiff::{SignedDuration, Timestamp};

use crate::anomaly::history::{Heard, History, STEP_SECONDS, step_of};
use crate::anomaly::judge::{Known, Models, Recent};
use crate::anomaly::watch::Watch;
use crate::models::alert::Scope;
use crate::store::alerts::AlertSeries;
use crate::store::alerts::anomalies;
use crate::store::alerts::anomalies::Steps;
use crate::store::{Store, StoreError};

/// Series that are watched: those with the most posts of the last day. 130 KB each.
const SERIES_MAX: usize = 60;

/// How often the series are chosen, read and learned from anew. What was stored late, or corrected, counts from then on.
const RELEARN_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How far back is read.
const DAYS: i64 = 28;

/// Steps that are read again with every evaluation: posts may come late.
const STEPS_AGAIN: i64 = 12;

/// Width of the finest rollups, and so of what can be read exactly.
const BUCKET_SECONDS: i64 = crate::models::rollup::BUCKET_SECONDS;

/// One series.
#[derive(Debug)]
pub(super) struct Series {
    pub scope: Scope,
    pub watch: Watch,
    /// The alert that is open about it.
    pub open: Option<AlertSeries>,
    history: History,
    models: Models,
}

/// All series that are watched; everything together is the first.
#[derive(Debug, Default)]
pub(super) struct MonitoredSeries {
    series: Vec<Series>,
    learned_at: Option<Timestamp>,
}

impl MonitoredSeries {
    /// A monitored on which these alerts are open, and nothing is known yet.
    pub fn new(open: Vec<AlertSeries>) -> Self {
        let of = |open: AlertSeries| Series {
            scope: open.scope.clone(),
            watch: Watch::opened(),
            open: Some(open),
            history: History::default(),
            models: Models::default(),
        };
        Self { series: open.into_iter().map(of).collect(), learned_at: None }
    }

    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn get(&self, place: usize) -> Option<&Series> {
        self.series.get(place)
    }

    pub fn get_mut(&mut self, place: usize) -> Option<&mut Series> {
        self.series.get_mut(place)
    }

    /// What can be judged about a series.
    pub fn known(&self, place: usize) -> Option<Known<'_>> {
        let (overall, series) = (self.series.first()?, self.series.get(place)?);
        Some(Known { history: &series.history, overall: &overall.history, models: &series.models })
    }

    /// Reads what has happened since, or everything when it is time for that. Answers open alerts of series that are no
    /// longer among the biggest.
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
            let (watch, open) = known.map_or((Watch::default(), None), |place| {
                let series = before.swap_remove(place);
                (series.watch, series.open)
            });
            let (history, models) = Default::default();
            self.series.push(Series { scope, watch, open, history, models });
        }
        before.into_iter().filter_map(|series| series.open).collect()
    }

    /// Reads the steps from there to the last that has ended, a day at a time: nobody should wait for one statement that
    /// reads four weeks.
    async fn read(&mut self, store: &Store, first: i64, now: Timestamp) -> Result<(), StoreError> {
        let scopes: Vec<Scope> = self.series.iter().map(|series| series.scope.clone()).collect();
        let end = step_of(now.as_second());
        let mut from = first;
        while from < end && !scopes.is_empty() {
            let to = end.min(from + 86_400 / STEP_SECONDS);
            let steps = Steps { from: start_of(from), to: start_of(to), seconds: STEP_SECONDS };
            let found = anomalies::read(store, &scopes, steps).await?;
            let is_silent = found.is_empty();
            for (place, step, sums) in found {
                if let Some(series) = self.series.get_mut(place) {
                    series.history.put(from + step, Heard::of(&sums));
                }
            }
            // A series ends where all do, so that silence is known as silence.
            for series in self.series.iter_mut().filter(|series| !is_silent && series.history.end() < to) {
                series.history.put(to - 1, Heard::default());
            }
            from = to;
        }
        Ok(())
    }

    /// On a thread that may be busy for a while.
    async fn learn(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut series = std::mem::take(&mut self.series);
        let learned = tokio::task::spawn_blocking(move || {
            let overall = series.first().map(|overall| overall.history.clone()).unwrap_or_default();
            for series in &mut series {
                series.models = Models::learn(&series.history, &overall, overall.end());
            }
            series
        });
        // The series went with it. Whoever holds the monitored reads everything anew.
        self.series = learned.await.map_err(|error| StoreError::Internal { reason: error.to_string() })?;
        self.learned_at = Some(now);
        Ok(())
    }

    /// The minutes just past, of every series.
    pub async fn recent(&self, store: &Store, now: Timestamp) -> Result<Vec<Recent>, StoreError> {
        let to = now.as_second().div_euclid(BUCKET_SECONDS) * BUCKET_SECONDS;
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(now);
        let steps = Steps { from: at(to - 3 * STEP_SECONDS), to: at(to), seconds: STEP_SECONDS };
        let scopes: Vec<Scope> = self.series.iter().map(|series| series.scope.clone()).collect();
        let mut recent = vec![Recent { to, ..Recent::default() }; scopes.len()];
        for (place, step, sums) in anomalies::read(store, &scopes, steps).await? {
            let heard = Heard::of(&sums);
            if let Some(recent) = recent.get_mut(place) {
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
