//! Wiring: starts servers, connections, stages (the last one first) and HTTP, in that order, and stops everything
//! gracefully.

mod access; // who may use this process
mod access_sweep; // ends connections of principals whose access has ended
mod audit_tasks; // the audit log: inserting, chaining, publishing
mod credential_upkeep; // counts calls with API keys, replaces signing keys
mod connections; // PostgreSQL, Redis and the models
mod health_monitor; // measures the health of the process
mod update_listener; // sentiment_updates → live metrics and broadcaster
pub mod open_files; // limit of open files
mod pipeline; // the stages, from last to first
mod topic_refresher; // the topics of this process
mod unsupervised_tasks; // tasks that nobody supervises any more
mod topic_historian; // topics applied to stored posts
mod followed_topics; // topics that sources follow
mod source_listener; // runs the sources of this process
mod shutdown_signals; // SIGTERM and Ctrl-C
pub mod supervisors; // supervisors of stages and tasks
mod web; // HTTP and WebSockets

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::actors::service_alerter::state::ServiceAlertState;
use crate::alerting::service::MonitorParams;
use crate::config::{Config, Role, Servers, Sources};
use crate::embedded::{Embedded, EmbeddedParams, Endpoints, RunInfo};
use crate::{telemetry, ws};
use connections::Connections;
use pipeline::Pipeline;
use supervisors::{KillSwitch, Supervisors};

/// How long to wait for batches in flight once reading has stopped. Any remaining batches are delivered again, so
/// nothing is lost.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Number of I/O threads. They only move bytes. With a second one, a slow connection does not hold up the others.
const IO_THREADS: usize = 2;

/// Signals between a server and its caller.
pub struct Control {
    /// Cancelled by the caller to stop the server gracefully.
    pub stop: CancellationToken,
    /// Cancelled by the caller to exit at once. Batches in flight are delivered again.
    pub leave: CancellationToken,
    /// Receives the address once the server is listening.
    pub started: oneshot::Sender<Started>,
}

/// What the caller learns about a server once it is listening.
pub struct Started {
    /// Address on which the server listens, including a port chosen by the system.
    pub address: SocketAddr,
    /// Switches that make a stage or task panic, for tests only.
    pub kill: Vec<KillSwitch>,
}

/// Runs a server until SIGTERM or Ctrl-C, and returns whether that is why it stopped.
///
/// # Errors
/// If the server cannot start. The message says how to fix the problem.
pub fn serve(config: Config, sources: &Sources) -> anyhow::Result<bool> {
    config.check().map_err(|error| sources.locate(error))?;
    open_files::raise_limit();
    telemetry::init_tracing(&config.telemetry.log);
    info!("settings: {sources}");
    if let Some(warning) = sources.warning() {
        warn!("{warning}");
    }
    let (started, listening) = oneshot::channel();
    let control = Control { stop: CancellationToken::new(), leave: CancellationToken::new(), started };
    run(config, control, |io, control| {
        shutdown_signals::obey(io, control)?;
        // unsupervised: logs that the server is ready, and ends
        io.spawn(async move {
            if let Ok(started) = listening.await {
                announce(started.address);
            }
        });
        Ok(())
    })
}

/// Runs a server on this thread until [`Control::stop`] is cancelled, and returns whether that is why it stopped.
/// `prepare` is called before the server starts and may use the I/O runtime.
///
/// # Errors
/// If the server cannot start.
pub fn run(
    config: Config,
    control: Control,
    prepare: impl FnOnce(&Handle, &Control) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let metrics = telemetry::init_metrics()?;
    let io = runtime()?;
    prepare(io.handle(), &control)?;
    let outcome = actix::System::new().block_on(live(config, io.handle().clone(), metrics, control));
    // Connections are closed by now, so the remaining tasks have nothing left to do.
    io.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Creates the runtime for commands that end soon.
///
/// # Errors
/// If the operating system refuses to start another thread.
pub fn client_runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(IO_THREADS).thread_name("io").enable_all().build()?)
}

async fn live(
    config: Config,
    io: Handle,
    metrics: PrometheusHandle,
    control: Control,
) -> anyhow::Result<bool> {
    let started_at = Timestamp::now();
    let Control { stop: stop_asked, leave, started } = control;
    let (embedded, endpoints) = tokio::select! {
        servers = start_servers(&config, &io) => servers?,
        () = stop_asked.cancelled() => return Ok(true),
    };
    let connections = tokio::select! {
        connections = connections::connect(&config, &endpoints, &io) => connections,
        () = stop_asked.cancelled() => Err(anyhow!("stopped while starting")),
    };
    let connections = match connections {
        Ok(connections) => Arc::new(connections),
        Err(error) => {
            stop_servers(embedded, &io).await;
            return if stop_asked.is_cancelled() { Ok(true) } else { Err(error) };
        }
    };
    let service_alerts = Arc::new(service_alert_state(&config, &connections)?);
    let mut supervisors = Supervisors::new(io.clone());
    let pipeline = pipeline::start(&config, &connections, service_alerts, &mut supervisors);
    let sockets = web::sockets(&config, &pipeline);
    start_background_tasks(&mut supervisors, &sockets, &metrics);
    let subject = health_monitor::Subject {
        connections: Arc::clone(&connections),
        board: Arc::clone(&supervisors.supervision.board),
        cascade: Arc::clone(&pipeline.cascade),
        show: pipeline.show.clone(),
        observe: pipeline.observe.clone(),
        service_alerts: Arc::clone(&pipeline.service_alerts),
        data_dir: config.embedded.data_dir.clone(),
        sockets: sockets.clone(),
        sockets_max: config.live.sockets_max,
        mode: if embedded.is_some() { "embedded" } else { "external" },
        started_at,
    };
    let health = health_monitor::start(subject, &mut supervisors);
    update_listener::start(&connections, &pipeline, &mut supervisors);
    let (store, enricher) = (connections.alerting.clone(), Arc::clone(&connections.enricher));
    topic_refresher::start(store, enricher, &mut supervisors);
    let audit = audit_tasks::start(&config, &connections, &mut supervisors)?;
    let sources = config.pipeline.has_role(Role::Ingest).then(|| {
        topic_historian::start(&connections, &mut supervisors);
        source_listener::start(&config, &connections, &mut supervisors)
    });
    let web = web::Parts {
        config: &config,
        connections: &connections,
        pipeline: &pipeline,
        sockets,
        health,
        metrics,
    };
    let (web, noted) = match web::start(web, &mut supervisors) {
        Ok(web) => {
            let noted =
                embedded.as_ref().map(|embedded| run_info(&config, embedded, web.address, started_at));
            (
                Some(web),
                noted
                    .map_or(Ok(()), |info| info.write(&config.embedded.data_dir))
                    .map_err(anyhow::Error::from),
            )
        }
        Err(error) => (None, Err(error)),
    };
    let outcome = match (&web, noted) {
        (Some(web), Ok(())) => {
            access::Access::announce_setup(&web.accounts, web.address).await;
            // The caller may be gone.
            let _ = started.send(Started { address: web.address, kill: supervisors.kill.clone() });
            tokio::select! {
                () = stop_asked.cancelled() => Ok(true),
                () = supervisors.gave_up() => Ok(false),
            }
        }
        (_, noted) => noted.map(|()| false),
    };
    info!("stopping");
    tokio::select! {
        () = stop(&config, Stopping { embedded, connections, pipeline, sources, audit, supervisors, web }, &io) => {}
        () = leave.cancelled() => warn!("stopped twice, exiting at once: batches in flight will be delivered again"),
    }
    outcome
}

fn service_alert_state(config: &Config, connections: &Connections) -> anyhow::Result<ServiceAlertState> {
    let params = MonitorParams {
        instance: config.instance(),
        hold: SignedDuration::from_secs(config.alerting.service_alert_after_s),
        high_water: config.stream.high_water,
        backlog_max: config.pipeline.backlog_max(),
    };
    Ok(ServiceAlertState::new(params, config.notify.operators()?, connections.messenger.dashboard()))
}

struct Stopping {
    embedded: Option<Embedded>,
    connections: Arc<Connections>,
    pipeline: Pipeline,
    sources: Option<source_listener::Leases>,
    audit: audit_tasks::LastEntries,
    supervisors: Supervisors,
    web: Option<web::Web>,
}

/// Starts the tasks that belong to no stage: the socket watchdog and the upkeep of the metrics recorder.
fn start_background_tasks(supervisors: &mut Supervisors, sockets: &ws::Sockets, metrics: &PrometheusHandle) {
    let sockets = sockets.clone();
    supervisors.start_task(SupervisionPlan::task("socket_watchdog"), None, move |_| sockets.clone().watch());
    let metrics = metrics.clone();
    supervisors.start_task(SupervisionPlan::task("metrics_upkeep"), None, move |stage_metrics| {
        telemetry::run_upkeep(metrics.clone(), move || stage_metrics.finish(1))
    });
}

/// Stops everything in order: the ingester drains, sockets close, stages stop, the web server stops, and finally the
/// private servers stop.
async fn stop(config: &Config, parts: Stopping, io: &Handle) {
    let Stopping { embedded, connections, pipeline, sources, audit, supervisors, web } = parts;
    pipeline.drain.cancel();
    if pipeline.ingests && tokio::time::timeout(DRAIN_TIMEOUT, pipeline.drained.cancelled()).await.is_err() {
        warn!("some batches in flight were not stored in time, they will be delivered again");
    }
    // This happens before the broadcaster stops, because a session that loses the broadcaster closes with "try again"
    // instead of "server stopping".
    if let Some(web) = &web {
        web.close_sockets();
    }
    let tasks = supervisors.stop().await;
    if let Some(web) = web {
        web.stop().await;
    }
    if embedded.is_some()
        && let Err(error) = RunInfo::remove(Path::new(&config.embedded.data_dir))
    {
        warn!(%error, "the file that describes the running server was not removed");
    }
    if let Some(sources) = sources {
        // unsupervised: releasing ends, and the caller waits for it
        let releasing = io.spawn(async move { sources.release().await });
        if releasing.await.is_err() {
            warn!("releasing the sources panicked");
        }
    }
    // A task that outlived its connections would log that they are closed.
    tasks.abort();
    // unsupervised: chaining the last entries ends, and the caller waits for it
    if io.spawn(audit.chain()).await.is_err() {
        warn!("chaining the last entries of the audit log panicked");
    }
    let closing = Arc::clone(&connections);
    // unsupervised: closing ends, and the caller waits for it
    let closed = io.spawn(async move { closing.close().await });
    if closed.await.is_err() {
        warn!("closing the connections panicked");
    }
    stop_servers(embedded, io).await;
    info!("stopped");
}

async fn start_servers(config: &Config, io: &Handle) -> anyhow::Result<(Option<Embedded>, Endpoints)> {
    let params = match config.servers()? {
        Servers::External { database_url, redis_url } => {
            let postgres_url = database_url.expose().to_owned();
            return Ok((None, Endpoints { postgres_url, redis_url: redis_url.expose().to_owned() }));
        }
        Servers::Embedded => EmbeddedParams {
            data_dir: config.embedded.data_dir.clone(),
            redis_fsync: config.embedded.redis_fsync.into(),
            durable: config.embedded.durable,
        },
    };
    // unsupervised: starting ends, and the caller waits for it
    let embedded = io.spawn(Embedded::start(params)).await??;
    let endpoints = embedded.endpoints().clone();
    Ok((Some(embedded), endpoints))
}

async fn stop_servers(embedded: Option<Embedded>, io: &Handle) {
    let Some(embedded) = embedded else {
        return;
    };
    // unsupervised: stopping ends, and the caller waits for it
    match io.spawn(embedded.stop()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => error!(%error, "the private servers did not stop cleanly"),
        Err(error) => error!(%error, "stopping the private servers panicked"),
    }
}

fn run_info(config: &Config, embedded: &Embedded, address: SocketAddr, started_at: Timestamp) -> RunInfo {
    let endpoints = embedded.endpoints();
    RunInfo {
        pid: std::process::id(),
        address: format!("http://{address}"),
        postgres_url: endpoints.postgres_url.clone(),
        redis_url: endpoints.redis_url.clone(),
        prefix: config.stream.prefix.clone(),
        postgres_pid: embedded.postgres_pid(),
        redis_pid: embedded.redis_pid(),
        started_at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[expect(clippy::print_stdout, reason = "the one line that scripts and people wait for")]
fn announce(address: SocketAddr) {
    println!("Groundswell is listening on http://{address}");
}

/// Repeats attempts for up to 30 seconds until one succeeds, because the server may just be starting.
async fn retry_until_ready<T, E, F>(what: &str, mut attempt: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    const TIMEOUT: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_millis(500);
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if tokio::time::Instant::now() < deadline => warn!(%error, "waiting for {what}"),
            Err(error) => return Err(error).with_context(|| format!("{what} did not respond within 30 s")),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
