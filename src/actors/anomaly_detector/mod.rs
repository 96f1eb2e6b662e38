//! Every minute: what is unusual in the biggest series → alerts, with what they go by.

mod anomaly_alert; // from an unusual change to an alert
mod monitored_series; // the series that are watched

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tracing::warn;

use self::anomaly_alert::Finding;
use self::monitored_series::{MonitoredSeries, Series};
use super::alerter::publication::{announce, count, push_all, turn};
use super::runtime::supervisor::{StageContext, stage};
use crate::anomaly::judge::{Limits, Recent, Wanted, judge, usual};
use crate::anomaly::root_cause::{Candidate, leaders};
use crate::anomaly::watch::Turn;
use crate::models::alert::{Alert, AlertRule, Scope};
use crate::models::signals::SignalSettings;
use crate::models::silence::Silence;
use crate::store::alerts::AlertSeries;
use crate::store::alerts::evaluation::{Committed, Duty, Lead};
use crate::store::alerts::{anomalies, silences};
use crate::store::{Store, StoreError, alerts};
use crate::stream::Updates;

/// How often it asks whether it is the one that watches. Also how soon another process takes over from one that died, once
/// the server has noticed its death.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Alerts that are pushed after one turn: the newest, among which are the signals themselves.
const PUSHED_MAX: usize = 100;

/// What a signal watcher is made of.
#[derive(Clone)]
pub struct AnomalyDetectorParams {
    /// Where the series are, and the alerts.
    pub store: Store,
    /// Where every process hears of alerts.
    pub updates: Updates,
    /// The runtime on which connections live.
    pub io: Handle,
    /// How often series are judged. What counts as lasting is a number of these.
    pub every: Duration,
}

/// Tells of changes for which nobody configured a rule.
///
/// Of several processes one watches: the one whose connection holds a lock of the server. What it remembers can be read
/// again, so whoever takes over goes on where it stood, open alerts among it. When Postgres is away nothing changes state.
pub struct AnomalyDetector {
    io: Handle,
    watcher: Arc<Mutex<Watcher>>,
    is_busy: bool,
    stage: StageContext,
}

stage!(AnomalyDetector, "signal_watcher");

impl AnomalyDetector {
    /// One that has seen nothing yet.
    pub fn new(params: AnomalyDetectorParams, stage: StageContext) -> Self {
        let io = params.io.clone();
        let watcher = Watcher { params, lead: None, monitored: None, judged_at: None, silences: Vec::new() };
        Self { io, watcher: Arc::new(Mutex::new(watcher)), is_busy: false, stage }
    }

    /// Not by `wait`: reading four weeks takes seconds, and heartbeats must be answered meanwhile.
    fn look(&mut self, context: &mut Context<Self>) {
        if self.is_busy {
            return;
        }
        self.is_busy = true;
        self.stage.metrics.begin(1);
        let watcher = Arc::clone(&self.watcher);
        let done = self.io.spawn(async move { watcher.lock().await.look(Timestamp::now()).await });
        context.spawn(done.into_actor(self).map(|outcome, stage, _| {
            stage.is_busy = false;
            match outcome {
                Ok(Ok(())) => return stage.stage.metrics.finish(1),
                Ok(Err(error)) => warn!(%error, "series were not judged, alerts keep their state"),
                Err(error) => warn!(%error, "judging series panicked"),
            }
            stage.stage.metrics.fail(1);
        }));
    }
}

impl Actor for AnomalyDetector {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(LOOK_EVERY, Self::look);
    }
}

struct Watcher {
    params: AnomalyDetectorParams,
    lead: Option<Lead>,
    /// Absent while another process watches, or nobody shall.
    monitored: Option<MonitoredSeries>,
    /// When this process last tried to. Kept whatever came of it, and whoever leads: reading weeks is dear, and where it
    /// fails, processes must not take turns at it every second.
    judged_at: Option<Timestamp>,
    /// Those in force when it last judged.
    silences: Vec<Silence>,
}

impl Watcher {
    /// Judges the series if this process is the one that does, and it is time. After an error they are read anew, and with
    /// them what is open, by whoever comes first.
    async fn look(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let outcome = self.try_look(now).await;
        if outcome.is_err() {
            (self.lead, self.monitored) = (None, None);
        }
        outcome
    }

    async fn try_look(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !Lead::leads(&mut self.lead, &self.params.store, Duty::Signals).await? {
            self.monitored = None;
            return Ok(());
        }
        if !self.is_due(now) {
            return Ok(());
        }
        self.judged_at = Some(now);
        let store = self.params.store.clone();
        let settings = anomalies::settings(&store).await?;
        self.silences = silences::current(&store, now).await?;
        // Taken out: if anything fails below it is read anew.
        let monitored = self.monitored.take();
        let Some(limits) = Limits::of(settings.sensitivity) else {
            return self.resolve(&open(&store).await?, now).await;
        };
        let mut monitored = match monitored {
            Some(monitored) => monitored,
            None => MonitoredSeries::new(open(&store).await?),
        };
        let gone = monitored.refresh(&store, now).await?;
        self.resolve(&gone, now).await?;
        self.judge(&mut monitored, now, wanted(limits, settings)).await?;
        self.monitored = Some(monitored);
        Ok(())
    }

    /// Whoever takes over and has not judged of late does at once. Looks come as they may, so half of one counts as a whole.
    fn is_due(&self, now: Timestamp) -> bool {
        let judged = self.judged_at.map(|at| Duration::try_from(now.duration_since(at)).unwrap_or_default());
        judged.is_none_or(|ago| ago + LOOK_EVERY / 2 >= self.params.every)
    }

    async fn judge(
        &mut self,
        monitored: &mut MonitoredSeries,
        now: Timestamp,
        wanted: Wanted,
    ) -> Result<(), StoreError> {
        let recent = monitored.recent(&self.params.store, now).await?;
        let changes: Vec<_> = (0..monitored.len())
            .map(|place| judge(&monitored.known(place)?, recent.get(place)?, &wanted))
            .collect();
        let (mut open, mut candidates, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ((place, change), recent) in changes.iter().enumerate().zip(&recent) {
            let (Some(change), Some(series), Some(known)) =
                (change, monitored.get(place), monitored.known(place))
            else {
                continue;
            };
            let (scope, usual) = (series.scope.clone(), usual(&known, recent));
            let candidate = Candidate { scope, change: *change, recent: *recent, usual };
            if series.watch.is_open() {
                open.push(candidate);
            } else if change.opens() {
                candidates.push(candidate);
                places.push(place);
            }
        }
        let is_unusual = |candidate: &Candidate, recent: &Recent| {
            let place = candidates.iter().position(|other| other.scope == candidate.scope);
            let known = place.and_then(|place| monitored.known(*places.get(place)?));
            known.and_then(|known| judge(&known, recent, &wanted)).is_some_and(|change| change.opens())
        };
        let leading: Vec<usize> = leaders(&candidates, &open, is_unusual)
            .into_iter()
            .filter_map(|place| places.get(place).copied())
            .collect();
        for (place, change) in changes.into_iter().enumerate() {
            let Some(series) = monitored.get_mut(place) else {
                continue;
            };
            // What another series explains is no change of this one; what is open already goes on by its own.
            let counts = series.watch.is_open() || leading.contains(&place);
            let change = change.filter(|_| counts);
            let turn = series.watch.step(change.as_ref(), wanted.limits.minutes);
            match (turn, change) {
                (Turn::Opened | Turn::Open, Some(change)) => {
                    let recent = recent.get(place).copied().unwrap_or_default();
                    let finding = Finding { change, recent, now, wanted };
                    self.raise(monitored, place, &finding).await?;
                }
                (Turn::Ended, _) => {
                    if let Some(open) = series.open.take() {
                        self.resolve(&[open], now).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens an alert, or brings the one that is open up to date, unless it is another metric that stands out now.
    async fn raise(
        &mut self,
        monitored: &mut MonitoredSeries,
        place: usize,
        finding: &Finding,
    ) -> Result<(), StoreError> {
        let (Some(series), Some(known)) = (monitored.get(place), monitored.known(place)) else {
            return Ok(());
        };
        let about = series_of(&series.scope, finding);
        if series.open.as_ref().is_some_and(|open| *open != about) {
            return Ok(());
        }
        let is_new = series.open.is_none();
        let points = anomaly_alert::points(&known, finding);
        let found = anomaly_alert::of(&self.params.store, about.clone(), finding, points).await?;
        let mut turn = turn(&mut self.lead).await?;
        turn.raise(&found).await?;
        announce(&mut turn, (&self.silences, None), finding.now).await?;
        let committed = turn.commit().await?;
        self.tell(&committed).await?;
        if let Some(Series { open, .. }) = monitored.get_mut(place)
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
        announce(&mut turn, (&self.silences, None), now).await?;
        let committed = turn.commit().await?;
        self.tell(&committed).await
    }

    /// Counts and pushes what a turn changed: few alerts, for few series are watched, but any number that these inhibit. Of
    /// those, lists tell.
    async fn tell(&self, committed: &Committed) -> Result<(), StoreError> {
        count(committed);
        let newest = committed.changed.len().saturating_sub(PUSHED_MAX);
        let changed = committed.changed.get(newest..).unwrap_or_default();
        push_all(&self.params.updates, alerts::whole(&self.params.store, changed).await?).await;
        Ok(())
    }
}

/// The open alerts that no rule has raised.
async fn open(store: &Store) -> Result<Vec<AlertSeries>, StoreError> {
    let open = alerts::open_of(store, AlertRule::Spike, None).await?;
    Ok(open
        .into_iter()
        .map(|Alert { rule, rule_id, metric, scope, .. }| AlertSeries { rule, rule_id, metric, scope })
        .collect())
}

fn wanted(limits: Limits, settings: SignalSettings) -> Wanted {
    Wanted { limits, n_posts_min: f64::from(settings.minimum_volume) }
}

fn series_of(scope: &Scope, finding: &Finding) -> AlertSeries {
    AlertSeries {
        rule: AlertRule::Spike,
        rule_id: None,
        metric: Some(finding.change.metric.as_str().to_owned()),
        scope: scope.clone(),
    }
}
