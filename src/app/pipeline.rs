//! Starts the pipeline's stages, the last one first.

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
use crate::actors::reporter::{Reporter, ReporterParams};
use crate::actors::runtime::downstream::{Downstream, downstream};
use crate::actors::runtime::supervisor::Stage as _;
use crate::actors::scoring::cascade::{Cascade, CascadeParams};
use crate::actors::scoring::job_queue::JobQueue;
use crate::actors::scoring::on_demand::OnDemandScorer;
use crate::actors::service_alerter::state::ServiceAlertState;
use crate::actors::service_alerter::{ServiceAlerter, ServiceAlerterParams};
use crate::actors::trend_counter::feed::TrendFeed;
use crate::actors::trend_counter::{TrendCounter, TrendCounterParams};
use crate::config::{Config, Role};
use crate::inference::Tier;
use crate::live::frame::{Frame, LiveFrame};
use crate::models::live::FrameId;
use crate::notify::messenger::LEASE;

/// Handles to the running stages.
pub struct Pipeline {
    /// Cancelled to make the ingester stop reading the stream.
    pub drain: CancellationToken,
    /// Cancelled by the ingester once all batches in flight are settled.
    pub drained: CancellationToken,
    /// Whether this process runs an ingester, which reads the stream.
    pub ingests: bool,
    /// Scores texts for HTTP handlers.
    pub on_demand_scorer: OnDemandScorer,
    /// State of the cascade, shared with the pools.
    pub cascade: Arc<Cascade>,
    /// Live metrics publisher's address for updates to add to the live windows.
    pub apply: Downstream<ApplyUpdate>,
    /// Broadcaster's address for updates to deliver.
    pub publish: Downstream<Publish>,
    /// Broadcaster's address for new and changed subscriptions.
    pub watch: Downstream<Watch>,
    /// Broadcaster's address for notices that a client has disconnected.
    pub disconnect: Downstream<Disconnect>,
    /// Broadcaster's address for health measurements to show to clients.
    pub show: Downstream<PublishSystem>,
    /// Service alerter's address for health measurements.
    pub observe: Downstream<ObserveHealth>,
    /// Service alerts of this process, shared with the service alerter.
    pub service_alerts: Arc<ServiceAlertState>,
}

/// Starts every stage that the roles of this process require.
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
    if config.pipeline.has_role(Role::Alert) {
        let params = AlerterParams {
            store: connections.alerting.clone(),
            measuring: connections.measuring.clone(),
            updates: connections.stream.updates(),
            io: io.clone(),
        };
        starter.start(
            move |stage| Alerter::new(params.clone(), stage),
            move |address| to_flagged.follow(address),
        );
    }

    if config.pipeline.has_role(Role::Alert) {
        let params = NotifierParams {
            store: connections.alerting.clone(),
            messenger: Arc::clone(&connections.messenger),
            io: io.clone(),
            lease: LEASE,
        };
        starter.start(move |stage| Notifier::new(params.clone(), stage), |_| {});
        let params = ReporterParams {
            store: connections.alerting.clone(),
            reading: connections.reading.clone(),
            messenger: Arc::clone(&connections.messenger),
            chromium: connections.chromium.clone(),
            io: io.clone(),
        };
        starter.start(move |stage| Reporter::new(params.clone(), stage), |_| {});
        let params = AnomalyDetectorParams {
            store: connections.alerting.clone(),
            measuring: connections.measuring.clone(),
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
        backlog_max: config.pipeline.backlog_max(),
    }));

    let ingests = config.pipeline.has_role(Role::Ingest);
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

fn encode(id: &FrameId, frame: LiveFrame<'_>) -> Option<Frame> {
    crate::live::encode::live(id, frame)
        .inspect_err(|error| warn!(%error, "a frame could not be encoded"))
        .ok()
}
