//! Anomalies in the largest series → alerts with their evidence.

mod anomaly_alert; // from an anomaly to an alert
mod monitored_series; // the series, their history and their baselines

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tracing::warn;

use self::anomaly_alert::Finding;
use self::monitored_series::{MonitoredSeries, Series};
use super::alert_publication::{count, notify, push_all, turn};
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{StageContext, stage};
use crate::anomaly::judge::{Limits, Recent, Requirements, judge, usual};
use crate::anomaly::root_cause::{Candidate, root_causes};
use crate::anomaly::state_machine::Transition;
use crate::models::alert::{Alert, AlertRule, Scope};
use crate::models::anomaly_settings::SignalSettings;
use crate::models::silence::Silence;
use crate::store::alerts::AlertSeries;
use crate::store::alerts::evaluation::{Committed, LeaderLease, LeaderRole};
use crate::store::alerts::{anomalies, silences};
use crate::store::{Store, StoreError, alerts};
use crate::stream::Updates;

/// Interval at which the stage checks whether it is the leader. It also limits how soon another process takes over once
/// the server has noticed that the leader is dead.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Maximum number of alerts pushed after one turn. The newest alerts are pushed, and they include those about
/// anomalies.
const PUSHED_MAX: usize = 100;

/// Dependencies and schedule of an anomaly detector.
#[derive(Clone)]
pub struct AnomalyDetectorParams {
    /// Store that holds the series and the alerts.
    pub store: Store,
    /// Reads the series. It may respond slowly if there is little CPU time to spare.
    pub measuring: Store,
    /// Publishes alert changes to every process.
    pub updates: Updates,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
    /// Interval between evaluations. A change opens an alert only if it persists over several of them.
    pub every: Duration,
}

/// Stage that opens alerts about changes that no rule covers.
///
/// Only one process runs the detection: the one whose connection holds a PostgreSQL lock. Its state, including the open
/// alerts, can be read back from PostgreSQL, so another process can continue where the previous one stopped. While
/// PostgreSQL is down, no state changes.
pub struct AnomalyDetector {
    detector: Arc<Mutex<Detector>>,
    evaluation: ExclusiveTask,
    stage: StageContext,
}

// The API and the metrics know this stage as `signal_watcher`.
stage!(AnomalyDetector, "signal_watcher");

impl AnomalyDetector {
    /// Creates a detector that has not read any series yet.
    pub fn new(params: AnomalyDetectorParams, stage: StageContext) -> Self {
        let evaluation = ExclusiveTask::new(&params.io);
        let detector =
            Detector { params, lead: None, monitored: None, evaluated_at: None, silences: Vec::new() };
        Self { detector: Arc::new(Mutex::new(detector)), evaluation, stage }
    }

    fn evaluate(&mut self, context: &mut Context<Self>) {
        let detector = Arc::clone(&self.detector);
        let work = async move { detector.lock().await.evaluate(Timestamp::now()).await };
        let is_started = self.evaluation.start(work, context, |actor, outcome, _| {
            match outcome {
                Ok(Ok(())) => return actor.stage.metrics.finish(1),
                Ok(Err(error)) => warn!(%error, "series were not evaluated, alerts keep their state"),
                Err(error) => warn!(%error, "the evaluation of series panicked"),
            }
            actor.stage.metrics.fail(1);
        });
        if is_started {
            self.stage.metrics.begin(1);
        }
    }
}

impl Actor for AnomalyDetector {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(CHECK_EVERY, Self::evaluate);
    }
}

struct Detector {
    params: AnomalyDetectorParams,
    lead: Option<LeaderLease>,
    /// Monitored series; `None` while another process is the leader or detection is switched off.
    monitored: Option<MonitoredSeries>,
    /// When this process last attempted an evaluation, successfully or not, whichever process is the leader now.
    /// Reading weeks of history is expensive: if it fails, processes must not take turns retrying it every second.
    evaluated_at: Option<Timestamp>,
    /// Silences read at the last evaluation, which suppress alerts.
    silences: Vec<Silence>,
}

impl Detector {
    /// Evaluates the series if this process is the leader and the interval has passed. After an error, the next leader
    /// reads the series and open alerts again.
    async fn evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let outcome = self.try_evaluate(now).await;
        if outcome.is_err() {
            (self.lead, self.monitored) = (None, None);
        }
        outcome
    }

    async fn try_evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !LeaderLease::hold(&mut self.lead, &self.params.store, LeaderRole::Anomalies).await? {
            self.monitored = None;
            return Ok(());
        }
        if !self.is_due(now) {
            return Ok(());
        }
        self.evaluated_at = Some(now);
        let store = self.params.store.clone();
        let settings = anomalies::settings(&store).await?;
        self.silences = silences::current(&store, now).await?;
        // Taken out, so that the series are read again if a step below fails.
        let monitored = self.monitored.take();
        let Some(limits) = Limits::of(settings.sensitivity) else {
            return self.resolve(&open(&store).await?, now).await;
        };
        let mut monitored = match monitored {
            Some(monitored) => monitored,
            None => MonitoredSeries::new(open(&store).await?),
        };
        let gone = monitored.refresh(&self.params.measuring, now).await?;
        self.resolve(&gone, now).await?;
        self.judge(&mut monitored, now, wanted(limits, settings)).await?;
        self.monitored = Some(monitored);
        Ok(())
    }

    /// Returns whether the interval has passed; a new leader that has not evaluated recently evaluates at once. Because
    /// timers are imprecise, an evaluation may take place up to half a check early.
    fn is_due(&self, now: Timestamp) -> bool {
        let elapsed =
            self.evaluated_at.map(|at| Duration::try_from(now.duration_since(at)).unwrap_or_default());
        elapsed.is_none_or(|elapsed| elapsed + CHECK_EVERY / 2 >= self.params.every)
    }

    async fn judge(
        &mut self,
        monitored: &mut MonitoredSeries,
        now: Timestamp,
        wanted: Requirements,
    ) -> Result<(), StoreError> {
        let recent = monitored.recent(&self.params.measuring, now).await?;
        let changes: Vec<_> = (0..monitored.len())
            .map(|position| judge(&monitored.known(position)?, recent.get(position)?, &wanted))
            .collect();
        let (mut open, mut candidates, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        for ((position, change), recent) in changes.iter().enumerate().zip(&recent) {
            let (Some(change), Some(series), Some(known)) =
                (change, monitored.get(position), monitored.known(position))
            else {
                continue;
            };
            let (scope, usual) = (series.scope.clone(), usual(&known, recent));
            let candidate = Candidate { scope, change: *change, recent: *recent, usual };
            if series.watch.is_open() {
                open.push(candidate);
            } else if change.opens() {
                candidates.push(candidate);
                positions.push(position);
            }
        }
        let is_unusual = |candidate: &Candidate, recent: &Recent| {
            let at = candidates.iter().position(|other| other.scope == candidate.scope);
            let known = at.and_then(|at| monitored.known(*positions.get(at)?));
            known.and_then(|known| judge(&known, recent, &wanted)).is_some_and(|change| change.opens())
        };
        let leading: Vec<usize> = root_causes(&candidates, &open, is_unusual)
            .into_iter()
            .filter_map(|position| positions.get(position).copied())
            .collect();
        for (position, change) in changes.into_iter().enumerate() {
            let Some(series) = monitored.get_mut(position) else {
                continue;
            };
            // A change that another series explains is not counted here; an alert that is already open continues on its own.
            let counts = series.watch.is_open() || leading.contains(&position);
            let change = change.filter(|_| counts);
            let turn = series.watch.step(change.as_ref(), wanted.limits.minutes);
            match (turn, change) {
                (Transition::Opened | Transition::Open, Some(change)) => {
                    let recent = recent.get(position).copied().unwrap_or_default();
                    let finding = Finding { change, recent, now, wanted };
                    self.raise(monitored, position, &finding).await?;
                }
                (Transition::Ended, _) => {
                    if let Some(open) = series.open.take() {
                        self.resolve(&[open], now).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens an alert, or updates the series' open alert if it is about the same metric.
    async fn raise(
        &mut self,
        monitored: &mut MonitoredSeries,
        position: usize,
        finding: &Finding,
    ) -> Result<(), StoreError> {
        let (Some(series), Some(known)) = (monitored.get(position), monitored.known(position)) else {
            return Ok(());
        };
        let about = series_of(&series.scope, finding);
        if series.open.as_ref().is_some_and(|open| *open != about) {
            return Ok(());
        }
        let is_new = series.open.is_none();
        let points = anomaly_alert::points(&known, finding);
        let found = anomaly_alert::of(&self.params.measuring, about.clone(), finding, points).await?;
        let mut turn = turn(&mut self.lead).await?;
        turn.raise(&found).await?;
        notify(&mut turn, (&self.silences, None), finding.now).await?;
        let committed = turn.commit().await?;
        self.publish(&committed).await?;
        if let Some(Series { open, .. }) = monitored.get_mut(position)
            && is_new
        {
            *open = Some(about);
        }
        Ok(())
    }

    async fn resolve(&mut self, over: &[AlertSeries], now: Timestamp) -> Result<(), StoreError> {
        if over.is_empty() {
            return Ok(());
        }
        let mut turn = turn(&mut self.lead).await?;
        turn.resolve(over, now).await?;
        notify(&mut turn, (&self.silences, None), now).await?;
        let committed = turn.commit().await?;
        self.publish(&committed).await
    }

    /// Counts and pushes the alerts that a turn changed. Although only a few series are monitored, their alerts may
    /// inhibit any number of others, whose new state then appears in lists.
    async fn publish(&self, committed: &Committed) -> Result<(), StoreError> {
        count(committed);
        let newest = committed.changed.len().saturating_sub(PUSHED_MAX);
        let changed = committed.changed.get(newest..).unwrap_or_default();
        push_all(&self.params.updates, alerts::whole(&self.params.store, changed).await?).await;
        Ok(())
    }
}

/// Returns the series of the open alerts that no rule opened.
async fn open(store: &Store) -> Result<Vec<AlertSeries>, StoreError> {
    let open = alerts::open_of(store, AlertRule::Spike, None).await?;
    Ok(open
        .into_iter()
        .map(|Alert { rule, rule_id, metric, scope, .. }| AlertSeries { rule, rule_id, metric, scope })
        .collect())
}

fn wanted(limits: Limits, settings: SignalSettings) -> Requirements {
    Requirements { limits, n_posts_min: f64::from(settings.minimum_volume) }
}

fn series_of(scope: &Scope, finding: &Finding) -> AlertSeries {
    AlertSeries {
        rule: AlertRule::Spike,
        rule_id: None,
        metric: Some(finding.change.metric.as_str().to_owned()),
        scope: scope.clone(),
    }
}
