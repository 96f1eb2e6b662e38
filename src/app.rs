//! Wiring only: servers, then connections, then stages from last to first, then HTTP; and a graceful stop.

mod connections; // Postgres, Redis and the model
mod health_monitor; // measures how everything is
mod listener; // sentiment_updates → live metrics and broadcaster
pub mod open_files; // how many browsers there may be
mod pipeline; // the stages, from last to first
mod signals; // when people want it to stop
pub mod supervisors; // everything that may not end
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
use crate::alerting::service::WatchParams;
use crate::config::{Config, Servers, Sources};
use crate::embedded::{Embedded, EmbeddedParams, Endpoints, RunInfo};
use crate::{telemetry, ws};
use connections::Connections;
use pipeline::Pipeline;
use supervisors::{KillSwitch, Supervisors};

/// How long batches in flight may take to settle once nothing more is read. They would be delivered again
/// otherwise, so giving up loses nothing.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Threads for connections. They only move bytes; two keep a slow one from holding up the rest.
const IO_THREADS: usize = 2;

/// Tells a server when to stop, and whoever started it how to reach it.
pub struct Control {
    /// Cancelled once: stop gracefully. Whoever cancels it need not wait.
    pub stop: CancellationToken,
    /// Cancelled: leave at once. What is in flight will be delivered again.
    pub leave: CancellationToken,
    /// Told once the server listens.
    pub started: oneshot::Sender<Started>,
}

/// A server that listens.
pub struct Started {
    /// Where.
    pub address: SocketAddr,
    /// Makes any stage or task panic. Nothing outside the tests uses it.
    pub kill: Vec<KillSwitch>,
}

/// Runs a server until SIGTERM or Ctrl-C. Returns whether it stopped because it was told to.
///
/// # Errors
/// When it cannot start; the message says what to do.
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
        signals::obey(io, control)?;
        io.spawn(async move {
            if let Ok(started) = listening.await {
                announce(started.address);
            }
        });
        Ok(())
    })
}

/// Runs a server on this thread until [`Control::stop`]. `prepare` may use the runtime for connections.
///
/// # Errors
/// When it cannot start.
pub fn run(
    config: Config,
    control: Control,
    prepare: impl FnOnce(&Handle, &Control) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let metrics = telemetry::init_metrics()?;
    let io = runtime()?;
    prepare(io.handle(), &control)?;
    let outcome = actix::System::new().block_on(live(config, io.handle().clone(), metrics, control));
    // Connections are closed by now; whatever still runs has nobody left to answer to.
    io.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// What the short commands run on.
///
/// # Errors
/// When the system gives no more threads.
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
        () = stop_asked.cancelled() => Err(anyhow!("told to stop while starting")),
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
    start_helpers(&mut supervisors, &sockets, &metrics);
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
    listener::start(&connections, &pipeline, &mut supervisors);
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
            // Whoever started us may have lost interest.
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
        () = stop(&config, Stopping { embedded, connections, pipeline, supervisors, web }, &io) => {}
        () = leave.cancelled() => warn!("told twice to stop, leaving at once: what is in flight will be delivered again"),
    }
    outcome
}

fn service_alert_state(config: &Config, connections: &Connections) -> anyhow::Result<ServiceAlertState> {
    let params = WatchParams {
        instance: config.instance(),
        hold: SignedDuration::from_secs(config.alerting.service_alert_after_s),
        high_water: config.stream.high_water,
        backlog_max: pipeline::backlog_max(&config.pipeline),
    };
    Ok(ServiceAlertState::new(params, config.notify.operators()?, connections.messenger.dashboard()))
}

struct Stopping {
    embedded: Option<Embedded>,
    connections: Arc<Connections>,
    pipeline: Pipeline,
    supervisors: Supervisors,
    web: Option<web::Web>,
}

/// What works beside the pipeline and belongs to no part of it.
fn start_helpers(supervisors: &mut Supervisors, sockets: &ws::Sockets, metrics: &PrometheusHandle) {
    let sockets = sockets.clone();
    supervisors.start_task(SupervisionPlan::task("socket_watchdog"), None, move |_| sockets.clone().watch());
    let metrics = metrics.clone();
    supervisors.start_task(SupervisionPlan::task("metrics_upkeep"), None, move |stage_metrics| {
        telemetry::run_upkeep(metrics.clone(), move || stage_metrics.finish(1))
    });
}

/// First nothing more is read and what is in flight settles; then stages stop, sockets close, and the servers go.
async fn stop(config: &Config, parts: Stopping, io: &Handle) {
    let Stopping { embedded, connections, pipeline, supervisors, web } = parts;
    pipeline.drain.cancel();
    if pipeline.ingests && tokio::time::timeout(DRAIN_TIMEOUT, pipeline.drained.cancelled()).await.is_err() {
        warn!("not everything in flight was stored in time, it will be delivered again");
    }
    // Before the broadcaster goes: sockets that lose it are told to try again, not that the server is stopping.
    if let Some(web) = &web {
        web.close_sockets();
    }
    supervisors.stop().await;
    if let Some(web) = web {
        web.stop().await;
    }
    if embedded.is_some()
        && let Err(error) = RunInfo::remove(Path::new(&config.embedded.data_dir))
    {
        warn!(%error, "the note of the running server was not removed");
    }
    let closing = Arc::clone(&connections);
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
    let embedded = io.spawn(Embedded::start(params)).await??;
    let endpoints = embedded.endpoints().clone();
    Ok((Some(embedded), endpoints))
}

async fn stop_servers(embedded: Option<Embedded>, io: &Handle) {
    let Some(embedded) = embedded else {
        return;
    };
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

/// Waits until a server that is starting, or away for a moment, answers.
async fn patiently<T, E, F>(what: &str, mut attempt: impl FnMut() -> F) -> anyhow::Result<T>
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
            Err(error) => return Err(error).with_context(|| format!("{what} did not answer within 30 s")),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
