//! Starts the stages, from last to first.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::connections::Connections;
use super::supervisors::Supervisors;
use crate::actors::aggregator::{Aggregator, AggregatorParams};
use crate::actors::alerter::{Alerter, AlerterParams};
use crate::actors::anomaly_detector::{AnomalyDetector, AnomalyDetectorParams};
use crate::actors::broadcaster::{Broadcaster, BroadcasterParams};
use crate::actors::deep_pool::{DeepPool, DeepPoolParams};
use crate::actors::inference_pool::{InferencePool, InferencePoolParams};
use crate::actors::ingester::{Ingester, IngesterParams};
use crate::actors::live_metrics::{LiveMetricsParams, LiveMetricsPublisher};
use crate::actors::maintenance::{Maintenance, MaintenanceParams};
use crate::actors::messages::{ApplyUpdate, Disconnect, ObserveHealth, Publish, PublishSystem, Watch};
use crate::actors::notifier::{Notifier, NotifierParams};
use crate::actors::runtime::downstream::{Downstream, downstream};
use crate::actors::runtime::supervisor::Stage as _;
use crate::actors::scoring::cascade::{Cascade, CascadeParams};
use crate::actors::scoring::job_queue::JobQueue;
use crate::actors::scoring::on_demand::OnDemandScorer;
use crate::actors::service_alerter::state::ServiceAlertState;
use crate::actors::service_alerter::{ServiceAlerter, ServiceAlerterParams};
use crate::actors::trend_counter::feed::TrendFeed;
use crate::actors::trend_counter::{TrendCounter, TrendCounterParams};
use crate::config::pipeline::PipelineSettings;
use crate::config::{Config, Role};
use crate::inference::Tier;
use crate::live::frame::{Frame, LiveFrame};
use crate::models::live::FrameId;
use crate::notify::messenger::LEASE;

/// Addresses of the running stages.
pub struct Pipeline {
    /// Cancelled to stop reading the stream.
    pub drain: CancellationToken,
    /// Cancelled once all batches in flight are settled.
    pub drained: CancellationToken,
    /// Whether this process reads the stream.
    pub ingests: bool,
    /// Scores texts for HTTP.
    pub on_demand_scorer: OnDemandScorer,
    /// Shared state of the cascade.
    pub cascade: Arc<Cascade>,
    /// Receives updates for the live windows.
    pub apply: Downstream<ApplyUpdate>,
    /// Receives updates for clients.
    pub publish: Downstream<Publish>,
    /// Receives new and changed subscriptions.
    pub watch: Downstream<Watch>,
    /// Receives disconnected clients.
    pub disconnect: Downstream<Disconnect>,
    /// Receives health to show to clients.
    pub show: Downstream<PublishSystem>,
    /// Receives health to check for service alerts.
    pub observe: Downstream<ObserveHealth>,
    /// Open service alerts.
    pub service_alerts: Arc<ServiceAlertState>,
}

/// Starts every stage that this process's roles require.
pub fn start(
    config: &Config,
    connections: &Connections,
    service_alerts: Arc<ServiceAlertState>,
    starter: &mut Supervisors,
) -> Pipeline {
    let io = &starter.io();
    let (to_publish, publish) = downstream(Broadcaster::NAME);
    let (to_metrics, metrics) = downstream(Broadcaster::NAME);
    let (to_system, show) = downstream(Broadcaster::NAME);
    let (to_watch, watch) = downstream(Broadcaster::NAME);
    let (to_disconnect, disconnect) = downstream(Broadcaster::NAME);
    let params = BroadcasterParams {
        encode,
        history: connections.stream.history(),
        limits: config.live.history_limits(),
        io: io.clone(),
    };
    starter.start(
        move |stage| Broadcaster::new(params.clone(), stage),
        move |address| {
            to_publish.follow(address);
            to_metrics.follow(address);
            to_system.follow(address);
            to_watch.follow(address);
            to_disconnect.follow(address);
        },
    );

    let (to_apply, apply) = downstream(LiveMetricsPublisher::NAME);
    let params = LiveMetricsParams {
        store: connections.store.clone(),
        cache: connections.stream.cache(),
        broadcaster: metrics,
        io: io.clone(),
        live_window: config.live.live_window,
    };
    starter.start(
        move |stage| LiveMetricsPublisher::new(params.clone(), stage),
        move |address| to_apply.follow(address),
    );

    let (to_observe, observe) = downstream(ServiceAlerter::NAME);
    let params = ServiceAlerterParams {
        service_alerts: Arc::clone(&service_alerts),
        store: connections.alerting.clone(),
        messenger: Arc::clone(&connections.messenger),
        io: io.clone(),
    };
    starter.start(
        move |stage| ServiceAlerter::new(params.clone(), stage),
        move |address| to_observe.follow(address),
    );

    let (to_flagged, alerter) = downstream(Alerter::NAME);
    if config.pipeline.does(Role::Alert) {
        let params = AlerterParams {
            store: connections.alerting.clone(),
            updates: connections.stream.updates(),
            io: io.clone(),
        };
        starter.start(
            move |stage| Alerter::new(params.clone(), stage),
            move |address| to_flagged.follow(address),
        );
    }

    if config.pipeline.does(Role::Alert) {
        let params = NotifierParams {
            store: connections.alerting.clone(),
            messenger: Arc::clone(&connections.messenger),
            io: io.clone(),
            lease: LEASE,
        };
        starter.start(move |stage| Notifier::new(params.clone(), stage), |_| {});
        let params = AnomalyDetectorParams {
            store: connections.alerting.clone(),
            updates: connections.stream.updates(),
            io: io.clone(),
            every: Duration::from_secs(config.alerting.signals_every_s),
        };
        starter.start(move |stage| AnomalyDetector::new(params.clone(), stage), |_| {});
    }

    let deep = if config.inference.latency_budget.is_zero() {
        None
    } else {
        connections.models.deep().ok().cloned()
    };
    let n_deep_threads = if deep.is_some() { config.inference.n_deep_threads() } else { 0 };
    let cascade = Arc::new(Cascade::new(CascadeParams {
        budget: config.inference.latency_budget,
        n_workers: n_deep_threads,
        backlog_max: backlog_max(&config.pipeline),
    }));

    let ingests = config.pipeline.does(Role::Ingest);
    let (to_count, count) = downstream(TrendCounter::NAME);
    let (to_record, record) = downstream(Aggregator::NAME);
    let (to_correct, correct) = downstream(Aggregator::NAME);
    if ingests {
        let feed = TrendFeed::new(count);
        let params =
            TrendCounterParams { shelf: connections.stream.trends(), missed: feed.missed(), io: io.clone() };
        starter.start(
            move |stage| TrendCounter::new(params.clone(), stage),
            move |address| to_count.follow(address),
        );
        let params = AggregatorParams {
            store: connections.store.clone(),
            updates: connections.stream.updates(),
            alerter,
            trends: feed,
            cascade: Arc::clone(&cascade),
            io: io.clone(),
            posts_per_commit: config.pipeline.posts_per_commit,
            live_posts_per_second: config.live.live_posts_per_second,
        };
        starter.start(
            move |stage| Aggregator::new(params.clone(), stage),
            move |address| {
                to_record.follow(address);
                to_correct.follow(address);
            },
        );
    }

    if let Some(deep) = deep {
        let params = DeepPoolParams {
            factory: Arc::new(deep),
            cascade: Arc::clone(&cascade),
            downstream: correct,
            store: connections.store.clone(),
            claims_posts: ingests,
            io: io.clone(),
            n_threads: n_deep_threads,
        };
        starter.start(move |stage| DeepPool::new(params.clone(), stage), |_| {});
    }

    let queue = Arc::new(JobQueue::new(Tier::Swift));
    let (to_score, score) = downstream(InferencePool::NAME);
    let params = InferencePoolParams {
        factory: Arc::new(connections.models.swift().clone()),
        enricher: Arc::clone(&connections.enricher),
        queue: Arc::clone(&queue),
        cascade: Arc::clone(&cascade),
        downstream: record,
        n_threads: config.inference.n_inference_threads(),
    };
    starter.start(
        move |stage| InferencePool::new(params.clone(), stage),
        move |address| to_score.follow(address),
    );

    let drain = CancellationToken::new();
    let drained = CancellationToken::new();
    if ingests {
        let params = MaintenanceParams { store: connections.store.clone(), io: io.clone() };
        starter.start(move |stage| Maintenance::new(params.clone(), stage), |_| {});
        let params = IngesterParams {
            consumer: Arc::clone(&connections.consumer),
            downstream: score,
            batch_size: config.pipeline.batch_size,
            batches_in_flight: config.pipeline.batches_in_flight,
            permits: Arc::new(Semaphore::new(config.pipeline.batches_in_flight)),
            claim_idle: Duration::from_millis(config.stream.claim_idle_ms),
            drain: drain.clone(),
            drained: drained.clone(),
        };
        starter.start(move |stage| Ingester::new(params.clone(), stage), |_| {});
    }
    Pipeline {
        drain,
        drained,
        ingests,
        on_demand_scorer: OnDemandScorer::new(queue, Arc::clone(&cascade)),
        cascade,
        apply,
        publish,
        watch,
        disconnect,
        show,
        observe,
        service_alerts,
    }
}

/// Returns the number of unread stream entries beyond which scoring is not keeping up: twice as many as may be in flight,
/// because that many can easily accumulate while the ones in flight are being stored.
pub(super) fn backlog_max(settings: &PipelineSettings) -> u64 {
    let in_flight = settings.batch_size.saturating_mul(settings.batches_in_flight);
    u64::try_from(in_flight.saturating_mul(2)).unwrap_or(u64::MAX)
}

fn encode(id: &FrameId, frame: LiveFrame<'_>) -> Option<Frame> {
    crate::live::encode::live(id, frame)
        .inspect_err(|error| warn!(%error, "a frame could not be encoded"))
        .ok()
}
