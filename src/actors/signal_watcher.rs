//! Every minute: what is unusual in the biggest series → alerts, with what they go by.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tracing::{info, warn};
use uuid::Uuid;

use super::signal_alert::{self, Finding};
use super::signal_board::{Board, Series};
use super::supervisor::{Life, stage};
use crate::models::alert::{Alert, AlertRule, AlertState, Scope};
use crate::models::live::{AlertChange, LiveUpdate};
use crate::models::signals::SignalSettings;
use crate::store::alerts::{AlertSeries, AlertsQuery, Raise};
use crate::store::page::PAGE_MAX;
use crate::store::{Store, StoreError, alerts, signals};
use crate::stream::Updates;
use crate::telemetry::ALERTS_OPENED_TOTAL;
use crate::virality::signals::judge::{Limits, Recent, Wanted, judge, usual};
use crate::virality::signals::leaders::{Candidate, leaders};
use crate::virality::signals::watch::Turn;

/// How many evaluations a watcher may miss before another process takes over.
const LEASE_EVALUATIONS: u32 = 2;

/// Beside that: an evaluation may have to wait for Postgres.
const LEASE_MARGIN: Duration = Duration::from_secs(20);

/// What a signal watcher is made of.
#[derive(Clone)]
pub struct SignalWatcherParams {
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
/// Of several processes one watches: the one that holds the lease. What it remembers can be read again, so whoever takes
/// over goes on where it stood, open alerts among it. When Postgres is away nothing changes state.
pub struct SignalWatcher {
    every: Duration,
    io: Handle,
    watcher: Arc<Watcher>,
    is_busy: bool,
    life: Life,
}

stage!(SignalWatcher, "signal_watcher");

impl SignalWatcher {
    /// One that has seen nothing yet.
    pub fn new(params: SignalWatcherParams, life: Life) -> Self {
        let SignalWatcherParams { store, updates, io, every } = params;
        let lease = every * LEASE_EVALUATIONS + LEASE_MARGIN;
        let watcher = Watcher { id: Uuid::now_v7(), store, updates, lease, board: Mutex::default() };
        Self { every, io, watcher: Arc::new(watcher), is_busy: false, life }
    }

    /// Not by `wait`: reading four weeks takes seconds, and heartbeats must be answered meanwhile.
    fn evaluate(&mut self, context: &mut Context<Self>) {
        if self.is_busy {
            return;
        }
        self.is_busy = true;
        self.life.vitals.begin(1);
        let watcher = Arc::clone(&self.watcher);
        let done = self.io.spawn(async move { watcher.evaluate(Timestamp::now()).await });
        context.spawn(done.into_actor(self).map(|outcome, stage, _| {
            stage.is_busy = false;
            match outcome {
                Ok(Ok(())) => return stage.life.vitals.finish(1),
                Ok(Err(error)) => warn!(%error, "series were not judged, alerts keep their state"),
                Err(error) => warn!(%error, "judging series panicked"),
            }
            stage.life.vitals.fail(1);
        }));
    }
}

impl Actor for SignalWatcher {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(self.every, Self::evaluate);
    }
}

struct Watcher {
    id: Uuid,
    store: Store,
    updates: Updates,
    lease: Duration,
    /// Absent while another process watches, or nobody shall.
    board: Mutex<Option<Board>>,
}

impl Watcher {
    async fn evaluate(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut place = self.board.lock().await;
        // Taken out: if anything fails below it is read anew, and with it what is open.
        let board = place.take();
        if !signals::lease(&self.store, self.id, self.lease).await? {
            return Ok(());
        }
        let settings = signals::settings(&self.store).await?;
        let Some(limits) = Limits::of(settings.sensitivity) else {
            for open in self.open().await? {
                self.resolve(&open, now).await?;
            }
            return Ok(());
        };
        let mut board = match board {
            Some(board) => board,
            None => Board::new(self.open().await?),
        };
        for gone in board.refresh(&self.store, now).await? {
            self.resolve(&gone, now).await?;
        }
        self.judge(&mut board, now, wanted(limits, settings)).await?;
        *place = Some(board);
        Ok(())
    }

    async fn judge(&self, board: &mut Board, now: Timestamp, wanted: Wanted) -> Result<(), StoreError> {
        let recent = board.recent(&self.store, now).await?;
        let changes: Vec<_> =
            (0..board.len()).map(|place| judge(&board.known(place)?, recent.get(place)?, &wanted)).collect();
        let (mut open, mut candidates, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ((place, change), recent) in changes.iter().enumerate().zip(&recent) {
            let (Some(change), Some(series), Some(known)) = (change, board.get(place), board.known(place))
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
            let known = place.and_then(|place| board.known(*places.get(place)?));
            known.and_then(|known| judge(&known, recent, &wanted)).is_some_and(|change| change.opens())
        };
        let leading: Vec<usize> = leaders(&candidates, &open, is_unusual)
            .into_iter()
            .filter_map(|place| places.get(place).copied())
            .collect();
        for (place, change) in changes.into_iter().enumerate() {
            let Some(series) = board.get_mut(place) else {
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
                    self.raise(board, place, &finding).await?;
                }
                (Turn::Ended, _) => {
                    if let Some(open) = series.open.take() {
                        self.resolve(&open, now).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens an alert, or brings the one that is open up to date, unless it is another metric that stands out now.
    async fn raise(&self, board: &mut Board, place: usize, finding: &Finding) -> Result<(), StoreError> {
        let (Some(series), Some(known)) = (board.get(place), board.known(place)) else {
            return Ok(());
        };
        let about = series_of(&series.scope, finding);
        if series.open.as_ref().is_some_and(|open| *open != about) {
            return Ok(());
        }
        let is_new = series.open.is_none();
        let points = signal_alert::points(&known, finding);
        let alert = signal_alert::of(&self.store, about.clone(), finding, points).await?;
        if let Raise::Opened(alert) = alerts::open_or_update(&self.store, &alert).await? {
            let (scope, metric) = (&alert.scope.key, &alert.metric);
            info!(scope, ?metric, value = alert.value, "something unusual");
            metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => alert.rule.as_str()).increment(1);
            self.push(AlertChange::Raised, alert).await;
        }
        if let Some(Series { open, .. }) = board.get_mut(place)
            && is_new
        {
            *open = Some(about);
        }
        Ok(())
    }

    async fn resolve(&self, series: &AlertSeries, now: Timestamp) -> Result<(), StoreError> {
        if let Some(alert) = alerts::resolve(&self.store, series, now).await? {
            info!(scope = alert.scope.key, "as usual again");
            self.push(AlertChange::Resolved, alert).await;
        }
        Ok(())
    }

    /// The open alerts that no rule has raised.
    async fn open(&self) -> Result<Vec<AlertSeries>, StoreError> {
        let mut query = AlertsQuery {
            state: Some(AlertState::Open),
            rule: Some(AlertRule::Spike),
            cursor: None,
            limit: PAGE_MAX,
        };
        let mut open = Vec::new();
        loop {
            let page = alerts::list(&self.store, &query).await?;
            let of_none = page.items.into_iter().filter(|alert| alert.rule_id.is_none());
            open.extend(of_none.map(|Alert { rule, rule_id, metric, scope, .. }| AlertSeries {
                rule,
                rule_id,
                metric,
                scope,
            }));
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(open);
            }
        }
    }

    async fn push(&self, change: AlertChange, alert: Alert) {
        let update = LiveUpdate::Alert { change, alert: Box::new(alert) };
        if let Err(error) = self.updates.publish(&update).await {
            // It is stored, so every list shows it.
            warn!(%error, "an alert was not pushed");
        }
    }
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
