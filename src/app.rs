//! Wiring only: servers, then connections, then stages from last to first, then HTTP; and a graceful stop.

mod connections; // Postgres, Redis and the model
mod health_monitor; // measures how everything is
mod listener; // sentiment_updates → aggregator and broadcaster
mod pipeline; // the stages, from last to first
mod signals; // when people want it to stop
mod web; // HTTP and WebSockets

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::runtime::{Handle, Runtime};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::{Config, Servers};
use crate::embedded::{Embedded, EmbeddedParams, Endpoints, RunInfo};
use crate::telemetry;
use connections::Connections;
use pipeline::Pipeline;

/// How long batches in flight may take to settle once nothing more is read. They would be delivered again
/// otherwise, so giving up loses nothing.
const DRAIN_PATIENCE: Duration = Duration::from_secs(15);

/// Threads for connections. They only move bytes; two keep a slow one from holding up the rest.
const IO_THREADS: usize = 2;

/// Runs a server until it is told to stop. Returns whether it stopped because it was told to.
///
/// # Errors
/// When it cannot start; the message says what to do.
pub fn serve(config: Config) -> anyhow::Result<bool> {
    config.check()?;
    telemetry::init_tracing(&config.log);
    let metrics = telemetry::init_metrics()?;
    let io = runtime()?;
    let home = io.handle().clone();
    let outcome = actix::System::new().block_on(run(config, home, metrics));
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

async fn run(
    config: Config,
    io: Handle,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
) -> anyhow::Result<bool> {
    let started_at = Timestamp::now();
    let mut signals = signals::Signals::listen()?;
    let starting = start_servers(&config, &io);
    let (embedded, endpoints) = tokio::select! {
        servers = starting => servers?,
        () = signals.stop() => return Ok(true),
    };
    let connecting = connections::connect(&config, &endpoints, &io);
    let connections = tokio::select! {
        connections = connecting => Arc::new(connections?),
        () = signals.stop() => {
            stop_servers(embedded, &io).await;
            return Ok(true);
        }
    };
    let pipeline = pipeline::start(&config, &connections, &io)?;
    let health = health_monitor::start(health_monitor::Subject {
        connections: Arc::clone(&connections),
        pipeline: pipeline.watched(),
        sockets_max: config.sockets_max,
        mode: if embedded.is_some() { "embedded" } else { "external" },
        started_at,
        io: io.clone(),
    });
    listener::start(&connections, &pipeline, &io);
    let web = web::start(web::Parts {
        config: &config,
        connections: &connections,
        pipeline: &pipeline,
        health,
        metrics,
        io: &io,
    })?;
    if let Some(embedded) = &embedded {
        run_info(&config, embedded, web.address, started_at).write(&config.data_dir)?;
    }
    announce(web.address);

    let asked_to_stop = tokio::select! {
        () = signals.stop() => true,
        () = pipeline.supervision.gave_up.cancelled() => false,
    };
    info!(asked_to_stop, "stopping");
    let stopping = stop(&config, Stopping { embedded, connections, pipeline, web }, &io);
    tokio::select! {
        () = stopping => {}
        () = signals.stop() => warn!("told twice to stop, leaving at once: what is in flight will be delivered again"),
    }
    Ok(asked_to_stop)
}

struct Stopping {
    embedded: Option<Embedded>,
    connections: Arc<Connections>,
    pipeline: Pipeline,
    web: web::Web,
}

/// First nothing more is read and what is in flight settles; then stages stop, sockets close, and the servers go.
async fn stop(config: &Config, parts: Stopping, io: &Handle) {
    let Stopping { embedded, connections, pipeline, web } = parts;
    pipeline.drain.cancel();
    if pipeline.ingests && tokio::time::timeout(DRAIN_PATIENCE, pipeline.drained.cancelled()).await.is_err() {
        warn!("not everything in flight was stored in time, it will be delivered again");
    }
    pipeline.stop().await;
    web.stop().await;
    if embedded.is_some()
        && let Err(error) = RunInfo::remove(Path::new(&config.data_dir))
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
            return Ok((None, Endpoints { postgres_url: database_url, redis_url }));
        }
        Servers::Embedded => EmbeddedParams {
            data_dir: config.data_dir.clone(),
            redis_fsync: config.redis_fsync.into(),
            durable: config.durable,
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
        prefix: config.prefix.clone(),
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

/// Fires when stages must no longer be mended.
fn supervision(board: Arc<crate::actors::vitals::HealthBoard>) -> crate::actors::supervisor::Supervision {
    crate::actors::supervisor::Supervision {
        board,
        stopping: CancellationToken::new(),
        gave_up: CancellationToken::new(),
    }
}

/// Waits until a server that is starting, or away for a moment, answers.
async fn patiently<T, E, F>(what: &str, mut attempt: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    const PATIENCE: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_millis(500);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if tokio::time::Instant::now() < deadline => warn!(%error, "waiting for {what}"),
            Err(error) => return Err(error).with_context(|| format!("{what} did not answer within 30 s")),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
