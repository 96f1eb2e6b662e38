//! Measures how everything is, once a second, for HTTP and for dashboards.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::statvfs::statvfs;
use tokio::sync::{Semaphore, watch};

use super::connections::Connections;
use super::supervisors::Supervisors;
use crate::actors::messages::{ObserveHealth, PublishSystem};
use crate::actors::runtime::downstream::Downstream;
use crate::actors::runtime::health_snapshot::{HEALTH_MONITOR, HealthSnapshot, LatestHealth};
use crate::actors::runtime::stage_metrics::{HealthBoard, StageMetrics};
use crate::actors::runtime::supervision_plan::{Role, SupervisionPlan};
use crate::actors::scoring::cascade::Cascade;
use crate::actors::scoring::tiers_health;
use crate::actors::service_alerter::state::ServiceAlertState;
use crate::inference::ScorerFactory as _;
use crate::models::alert::{AlertRule, Severity};
use crate::models::stage_health::{DependencyHealth, DiskHealth, ModelHealth, SocketHealth, SystemHealth};
use crate::store::alerts;
use crate::store::alerts::evaluation;
use crate::store::posts::corrections;
use crate::telemetry::{
    AWAITING_CORRECTION, DEAD_LETTERS, DISK_FREE_BYTES, DISK_TOTAL_BYTES, OPEN_ALERTS,
    OVERLOAD_SECONDS_TOTAL, STREAM_LENGTH,
};
use crate::ws::Sockets;

/// How often it is measured. `/readyz` is this old, and some seconds older while a server that hangs is being asked.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// How long a server may take to answer. Some seconds below the age from which on a measurement is not believed.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Measuring that takes this long hangs.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(20);

/// Dashboards get every second measurement.
const SHOW_EVERY: u64 = 2;

/// How often open alerts are counted, in measurements. They change by the minute.
const COUNT_ALERTS_EVERY: u64 = 10;

/// What is measured.
pub struct Subject {
    /// The servers and the model.
    pub connections: Arc<Connections>,
    /// The stages.
    pub board: Arc<HealthBoard>,
    /// What the deep model is about.
    pub cascade: Arc<Cascade>,
    /// Who shows it to dashboards.
    pub show: Downstream<PublishSystem>,
    /// Who judges it.
    pub observe: Downstream<ObserveHealth>,
    /// What was judged.
    pub service_alerts: Arc<ServiceAlertState>,
    /// Whose disk is watched.
    pub data_dir: PathBuf,
    /// Who watches.
    pub sockets: Sockets,
    /// The most sockets there may be.
    pub sockets_max: u64,
    /// `embedded` or `external`.
    pub mode: &'static str,
    /// When the process started.
    pub started_at: Timestamp,
}

/// Starts measuring; what is answered always holds the newest.
pub fn start(subject: Subject, supervisors: &mut Supervisors) -> LatestHealth {
    let newest = watch::Sender::new(HealthSnapshot::now(Arc::new(subject.without_servers())));
    let watch = LatestHealth::new(newest.subscribe());
    let (subject, newest) = (Arc::new(subject), Arc::new(newest));
    supervisors.start_task(
        SupervisionPlan::task(HEALTH_MONITOR),
        Some(MEASURE_TIMEOUT),
        move |stage_metrics| {
            let (subject, newest) = (Arc::clone(&subject), Arc::clone(&newest));
            async move { subject.measure_on(&newest, &stage_metrics).await }
        },
    );
    watch
}

impl Subject {
    async fn measure_on(&self, newest: &watch::Sender<HealthSnapshot>, stage_metrics: &StageMetrics) {
        let mut ticks = tokio::time::interval(MEASURE_EVERY);
        for n in 0_u64.. {
            ticks.tick().await;
            let health = Arc::new(self.measure().await);
            self.cascade.observe_backlog(health.stream.map(|stream| stream.lag));
            set_gauges(&health);
            // An alerter that is being rebuilt judges the next.
            let _ = self.observe.try_send(ObserveHealth(Arc::clone(&health)));
            if n % SHOW_EVERY == 0 {
                // Nobody to show it to for the moment; the next is due soon.
                let _ = self.show.try_send(PublishSystem(Arc::clone(&health)));
            }
            let counts_alerts = n % COUNT_ALERTS_EVERY == 0 && health.postgres.reachable;
            newest.send_replace(HealthSnapshot::now(health));
            stage_metrics.finish(1);
            if counts_alerts {
                self.count_alerts().await;
            }
        }
    }

    fn without_servers(&self) -> SystemHealth {
        let models = &self.connections.models;
        SystemHealth {
            at: Timestamp::now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            stages: self.board.snapshot(Role::Stage),
            tasks: self.board.snapshot(Role::Task),
            stream: None,
            unknown_entries: self.connections.consumer.unknown_entries(),
            redis: DependencyHealth { reachable: false, error: Some("not asked yet".to_owned()) },
            postgres: DependencyHealth { reachable: false, error: Some("not asked yet".to_owned()) },
            model: ModelHealth { id: (*models.swift().model()).clone(), degraded: models.degraded() },
            tiers: tiers_health::measure(&self.cascade, models, Timestamp::now()),
            mode: self.mode.to_owned(),
            sockets: SocketHealth { open: self.sockets.n_open(), limit: self.sockets_max },
            disk: None,
            service_alerts: self.service_alerts.open(),
            service_alert_destinations: self.service_alerts.n_destinations(),
            alerting: None,
        }
    }

    /// Counts what is open, of all processes. While PostgreSQL is away the figures stay as they were.
    async fn count_alerts(&self) {
        let Ok(counts) = ask(alerts::count_open(&self.connections.alerting)).await else {
            return;
        };
        for (rule, severity) in AlertRule::ALL.into_iter().flat_map(|rule| Severity::ALL.map(|it| (rule, it)))
        {
            let n_open = counts.get(&(rule, severity)).copied().unwrap_or_default();
            metrics::gauge!(OPEN_ALERTS, "rule" => rule.as_str(), "severity" => severity.as_str())
                .set(n_open as f64);
        }
    }

    async fn measure(&self) -> SystemHealth {
        let store = &self.connections.alerting;
        let (stream, postgres, awaiting, disk, alerting) = tokio::join!(
            ask(self.connections.stream.health()),
            ask(store.ping()),
            ask(corrections::awaiting(store)),
            tokio::time::timeout(MEASURE_EVERY, room_at(self.data_dir.clone())),
            ask(evaluation::last_report(store)),
        );
        let mut health = self.without_servers();
        health.redis = answer_of(&stream);
        health.postgres = answer_of(&postgres);
        health.stream = stream.ok();
        health.disk = disk.ok().flatten();
        health.alerting = alerting.ok().flatten();
        // Those of other processes, and of dead ones, as well.
        if let Ok(awaiting) = awaiting {
            health.tiers.awaiting = awaiting;
        }
        health
    }
}

fn set_gauges(health: &SystemHealth) {
    metrics::gauge!(AWAITING_CORRECTION).set(health.tiers.awaiting as f64);
    if health.tiers.overloaded {
        metrics::counter!(OVERLOAD_SECONDS_TOTAL).increment(1);
    }
    if let Some(stream) = health.stream {
        metrics::gauge!(STREAM_LENGTH).set(stream.length as f64);
        metrics::gauge!(DEAD_LETTERS).set(stream.dead as f64);
    }
    if let Some(disk) = health.disk {
        metrics::gauge!(DISK_FREE_BYTES).set(disk.free_bytes as f64);
        metrics::gauge!(DISK_TOTAL_BYTES).set(disk.total_bytes as f64);
    }
}

/// The room at a folder. Not on a thread for connections: a disk that hangs would hold it up, and hangs one thread at most.
async fn room_at(folder: PathBuf) -> Option<DiskHealth> {
    static LOOKING: Semaphore = Semaphore::const_new(1);
    let place = LOOKING.acquire().await.ok()?;
    let look = move || {
        let _place = place;
        let found = statvfs(&folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
        Some(DiskHealth { free_bytes: bytes(found.blocks_available()), total_bytes: bytes(found.blocks()) })
    };
    tokio::task::spawn_blocking(look).await.ok()?
}

/// What was answered in time, or why nothing was.
async fn ask<T, E: std::error::Error>(answer: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(ASK_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("did not answer within {} s", ASK_TIMEOUT.as_secs())),
    }
}

fn answer_of<T>(answer: &Result<T, String>) -> DependencyHealth {
    DependencyHealth { reachable: answer.is_ok(), error: answer.as_ref().err().cloned() }
}
