//! How many posts a second are stored, and how soon they are seen.
//!
//! Both loops are open: posts are due by the clock, whatever the server does, and a post that is late because the server
//! was busy is counted as late. The server, PostgreSQL, Redis and this load share the machine.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::cache_use::{self, CacheUse, HitShares};
use super::open_loop::{self, Latency, RunParams};
use super::posts::{self, Supply, TextsParams};
use super::server::{Server, Usage};
use super::stalls::{self, WorstSecond};
use crate::store::posts::counts;
use crate::stream::{Producer, Stream, StreamParams};

/// Posts are sent in groups this far apart; finer, and the load would use the processor that it measures.
const STORE_TICK: Duration = Duration::from_millis(20);

/// Posts sent before the measurement starts: the first statements are planned, the first pages allocated.
const WARM_UP: Duration = Duration::from_secs(5);

/// How long what was sent may take to be stored after the last was sent.
const DRAIN_PATIENCE: Duration = Duration::from_secs(120);

/// How long a silent socket is listened to.
const SILENCE: Duration = Duration::from_secs(10);

/// What to measure.
#[derive(Debug, Clone)]
pub struct PipelineParams {
    /// Which texts are sent.
    pub texts: TextsParams,
    /// How long each of the two loads lasts.
    pub seconds: u64,
    /// Posts offered each second while storing is measured. More than are stored, or that is what is measured.
    pub offered_per_second: u32,
    /// Posts sent each second while latency is measured.
    pub latency_per_second: u32,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    seconds: u64,
    offered_per_second: u32,
    stored_per_second: f64,
    n_sent: usize,
    n_stored: i64,
    n_lost: i64,
    n_counted: i64,
    cpu_microseconds_per_post: CpuPerPost,
    server_resident_mebibytes: f64,
    latency_per_second: u32,
    arrival_to_socket_ms: Latency,
    worst_seconds: Vec<WorstSecond>,
    n_seen: u64,
    n_latency_sent: usize,
    model: String,
    distinct_texts: usize,
    cache_hit_share: f64,
    cache_hit_share_by_tier: HitShares,
}

#[derive(Serialize)]
struct CpuPerPost {
    server: f64,
    postgres: f64,
    redis: f64,
}

/// Runs both loads against a fresh server and prints what came of them.
///
/// # Errors
/// When the server cannot be started or breaks; not when a figure is missed.
pub async fn run(params: PipelineParams) -> anyhow::Result<()> {
    let mut supply = Supply::open(&params.texts)?;
    let server = Server::start(&[]).await?;
    let latency = measure_latency(&server, &mut supply, &params).await?;
    let stored = measure_storing(&server, &mut supply, &params).await?;
    let counts = counts(&server.store).await?;
    let model = server_model(&server).await?;
    let cache = CacheUse::of(&server.metrics().await?);
    let sent = stored.n_sent + stored.n_warm_up + latency.n_sent + latency.n_warm_up;
    let report = Report {
        seconds: params.seconds,
        offered_per_second: params.offered_per_second,
        stored_per_second: stored.per_second,
        n_sent: sent,
        n_stored: counts.n_posts,
        n_lost: i64::try_from(sent)? - counts.n_posts,
        n_counted: counts.n_rolled_up,
        cpu_microseconds_per_post: stored.cpu,
        server_resident_mebibytes: stored.resident_bytes as f64 / 1_048_576.0,
        latency_per_second: params.latency_per_second,
        arrival_to_socket_ms: Latency::of(&latency.new),
        worst_seconds: latency.worst_seconds,
        n_seen: latency.new.len(),
        n_latency_sent: latency.n_sent,
        model,
        distinct_texts: supply.n_distinct(),
        cache_hit_share: cache.share(),
        cache_hit_share_by_tier: cache.shares(),
    };
    server.stop().await?;
    super::print(&report, &rows(&report), params.json)
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let Report { arrival_to_socket_ms: latency, cpu_microseconds_per_post: cpu, .. } = report;
    vec![
        ("model", report.model.clone()),
        ("texts", cache_use::in_words(report.distinct_texts, report.cache_hit_share_by_tier)),
        (
            "stored posts a second",
            format!(
                "{:.0} (of {} offered, for {} s)",
                report.stored_per_second, report.offered_per_second, report.seconds
            ),
        ),
        (
            "processor time a post",
            format!(
                "{:.0} µs server, {:.0} µs postgres, {:.0} µs redis",
                cpu.server, cpu.postgres, cpu.redis
            ),
        ),
        ("server's resident memory", format!("{:.0} MiB", report.server_resident_mebibytes)),
        (
            "sent, stored, counted, lost",
            format!("{}, {}, {}, {}", report.n_sent, report.n_stored, report.n_counted, report.n_lost),
        ),
        (
            "arrival to socket",
            format!("{} (at {} posts a second)", latency.in_words(), report.latency_per_second),
        ),
        ("worst seconds", stalls::in_words(&report.worst_seconds)),
        ("posts seen on the socket", format!("{} of {}", report.n_seen, report.n_latency_sent)),
    ]
}

struct Stored {
    per_second: f64,
    n_sent: usize,
    n_warm_up: usize,
    cpu: CpuPerPost,
    resident_bytes: u64,
}

async fn measure_storing(
    server: &Server,
    supply: &mut Supply,
    params: &PipelineParams,
) -> anyhow::Result<Stored> {
    let stream =
        StreamParams { redis_url: server.info.redis_url.clone(), prefix: server.info.prefix.clone() };
    let producer = Stream::connect(&stream).await?.producer();
    let per_tick =
        usize::try_from(params.offered_per_second)? * usize::try_from(STORE_TICK.as_millis())? / 1_000;
    let n_warm_up_ticks = usize::try_from(WARM_UP.as_millis() / STORE_TICK.as_millis())?;
    let n_ticks = usize::try_from(u128::from(params.seconds) * 1_000 / STORE_TICK.as_millis())?;
    // Made before the clock starts: the load shares the processor that it measures.
    let texts = supply.take((n_warm_up_ticks + n_ticks) * per_tick)?;
    let mut groups = texts.chunks(per_tick.max(1));
    let mut ticks = tokio::time::interval(STORE_TICK);
    // A tick that is late is made up for at once: the loop is open.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut before = None;
    for tick in 0..n_warm_up_ticks + n_ticks {
        ticks.tick().await;
        if tick == n_warm_up_ticks {
            before = Some((Instant::now(), server.n_stored().await?, server.usage()));
        }
        let numbered = groups.next().unwrap_or_default().iter().zip(tick * per_tick..);
        let posts: Vec<_> = numbered.map(|(text, n)| posts::accepted("store", n, text)).collect();
        producer.publish(&posts).await?;
    }
    let (started, posts_before, usage_before) =
        before.ok_or_else(|| anyhow::anyhow!("the load was over before it began"))?;
    let stored = server.n_stored().await? - posts_before;
    let elapsed = started.elapsed().as_secs_f64();
    let usage = server.usage();
    let per_post = |after: f64, before: f64| (after - before) * 1_000_000.0 / stored.max(1.0);
    let n_warm_up = n_warm_up_ticks * per_tick;
    drain(server, &producer).await?;
    Ok(Stored {
        per_second: stored / elapsed,
        n_sent: n_ticks * per_tick,
        n_warm_up,
        cpu: cpu_per_post(&usage_before, &usage, per_post),
        resident_bytes: usage.resident_bytes,
    })
}

fn cpu_per_post(before: &Usage, after: &Usage, per_post: impl Fn(f64, f64) -> f64) -> CpuPerPost {
    CpuPerPost {
        server: per_post(after.server, before.server),
        postgres: per_post(after.postgres, before.postgres),
        redis: per_post(after.redis, before.redis),
    }
}

async fn drain(server: &Server, producer: &Producer) -> anyhow::Result<()> {
    let deadline = Instant::now() + DRAIN_PATIENCE;
    while Instant::now() < deadline {
        if producer.backlog().await?.length == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!(
        "not everything was stored within {} s of the last post: see {}",
        DRAIN_PATIENCE.as_secs(),
        server.info.address
    )
}

struct Seen {
    new: Histogram<u64>,
    worst_seconds: Vec<WorstSecond>,
    n_sent: usize,
    n_warm_up: usize,
}

async fn measure_latency(
    server: &Server,
    supply: &mut Supply,
    params: &PipelineParams,
) -> anyhow::Result<Seen> {
    let per_second = params.latency_per_second;
    // A short run first, whose figures are thrown away.
    let run = RunParams { name: "warm-up", per_second, length: WARM_UP, silence: SILENCE };
    let warm_up = open_loop::run(server, supply, run).await?;
    let length = Duration::from_secs(params.seconds);
    let run = RunParams { name: "latency", per_second, length, silence: SILENCE };
    let latency = open_loop::run(server, supply, run).await?;
    let worst_seconds = latency.seen.seconds.worst();
    Ok(Seen { new: latency.seen.new, worst_seconds, n_sent: latency.n_sent, n_warm_up: warm_up.n_sent })
}

async fn server_model(server: &Server) -> anyhow::Result<String> {
    let system = server.system().await?;
    Ok(format!("{} {}", system.model.id.name, system.model.id.version))
}
