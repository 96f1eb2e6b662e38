//! Health monitor, which measures the process and its servers once a second for HTTP, dashboards and service alerts.

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
use crate::models::system_health::{DependencyHealth, DiskHealth, ModelHealth, SocketHealth, SystemHealth};
use crate::store::alerts::{self, evaluation};
use crate::store::posts::corrections;
use crate::telemetry::{
    AWAITING_CORRECTION, DEAD_LETTERS, DISK_FREE_BYTES, DISK_TOTAL_BYTES, OPEN_ALERTS,
    OVERLOAD_SECONDS_TOTAL, STREAM_LENGTH,
};
use crate::ws::Sockets;

/// Interval between measurements. What `/readyz` reports may be this old, or a few seconds older while a server hangs.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Timeout for each query. It is a few seconds shorter than the age at which a measurement counts as outdated.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Time after which the monitor counts as frozen if it has not finished a measurement.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(20);

/// Number of measurements per dashboard update.
const SHOW_EVERY: u64 = 2;

/// Number of measurements per count of open alerts, whose number changes slowly.
const COUNT_ALERTS_EVERY: u64 = 10;

/// Sources and receivers of the monitor's measurements.
pub struct Subject {
    /// Connections to the servers to measure, and the models.
    pub connections: Arc<Connections>,
    /// Health of the stages and tasks, which is part of the measurement.
    pub board: Arc<HealthBoard>,
    /// Cascade, which decides from the backlog whether scoring is behind.
    pub cascade: Arc<Cascade>,
    /// Stage that shows measurements on dashboards.
    pub show: Downstream<PublishSystem>,
    /// Stage that opens service alerts based on measurements.
    pub observe: Downstream<ObserveHealth>,
    /// Service alerts of this process, which are part of the measurement.
    pub service_alerts: Arc<ServiceAlertState>,
    /// Folder whose disk is checked for free space.
    pub data_dir: PathBuf,
    /// Registry of live sockets, for counting them.
    pub sockets: Sockets,
    /// Maximum number of live sockets, reported along with their current number.
    pub sockets_max: u64,
    /// Mode in which the process runs: `embedded` or `external`.
    pub mode: &'static str,
    /// Time at which the process started, which is part of the measurement.
    pub started_at: Timestamp,
}

/// Starts the monitor and returns a reader of its latest measurement.
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
            // If the alerter is restarting, it receives the next measurement.
            let _ = self.observe.try_send(ObserveHealth(Arc::clone(&health)));
            if n % SHOW_EVERY == 0 {
                // If the broadcaster is restarting, it receives the next measurement.
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
            redis: DependencyHealth { reachable: false, error: Some("not measured yet".to_owned()) },
            postgres: DependencyHealth { reachable: false, error: Some("not measured yet".to_owned()) },
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

    /// Counts the open alerts of all processes for the metrics. While PostgreSQL is down, the metrics keep their last
    /// values.
    async fn count_alerts(&self) {
        let Ok(counts) = query(alerts::count_open(&self.connections.alerting)).await else {
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
            query(self.connections.stream.health()),
            query(store.ping()),
            query(corrections::awaiting(store)),
            tokio::time::timeout(MEASURE_EVERY, disk_at(self.data_dir.clone())),
            query(evaluation::last_report(store)),
        );
        let mut health = self.without_servers();
        health.redis = dependency(&stream);
        health.postgres = dependency(&postgres);
        health.stream = stream.ok();
        health.disk = disk.ok().flatten();
        health.alerting = alerting.ok().flatten();
        // Includes posts of other processes, even dead ones.
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

/// Returns the free and total space of the disk that holds a folder. This runs on a blocking thread, because the disk
/// may hang; in that case only one thread hangs with it.
async fn disk_at(folder: PathBuf) -> Option<DiskHealth> {
    static LOOKING: Semaphore = Semaphore::const_new(1);
    let permit = LOOKING.acquire().await.ok()?;
    let look = move || {
        let _permit = permit;
        let found = statvfs(&folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
        Some(DiskHealth { free_bytes: bytes(found.blocks_available()), total_bytes: bytes(found.blocks()) })
    };
    // unsupervised: a disk check ends, and the monitor waits for it with a timeout
    tokio::task::spawn_blocking(look).await.ok()?
}

/// Returns the result of a query, or the reason why none arrived in time.
async fn query<T, E: std::error::Error>(pending: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(QUERY_TIMEOUT, pending).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("did not respond within {} s", QUERY_TIMEOUT.as_secs())),
    }
}

fn dependency<T>(result: &Result<T, String>) -> DependencyHealth {
    DependencyHealth { reachable: result.is_ok(), error: result.as_ref().err().cloned() }
}
