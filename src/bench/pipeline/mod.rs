//! Benchmark of the pipeline: posts stored per second, latency to the socket, and posts accepted over HTTP.
//!
//! The storing and latency loads are open loops: posts are due at fixed times, whatever the server does, and a post
//! delayed by a busy server counts as late. The server, PostgreSQL, Redis and the load generator share the machine.

mod ingestion; // posts over HTTP
mod latency; // latency to the socket
mod report; // medians, sums and ratios
mod throughput; // posts on the stream: at a steady rate, up to the ceiling, and above it

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::report::{Figures, Report, Round, Totals};
use super::cache_use::CacheUse;
use super::posts::{Supply, TextsParams};
use super::server::Server;
use crate::store::posts::record::counts;
use crate::stream::{Producer, Stream, StreamParams};

/// How long to wait for all posts to be stored after the last one has been sent.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(180);

/// Interval between checks of whether the stream is empty.
const PAUSE: Duration = Duration::from_millis(100);

/// Options for `bench pipeline`.
#[derive(Debug, Clone, clap::Args)]
pub struct PipelineParams {
    /// Parts to run, each on a fresh server; the search for the ceiling starts a fresh server for every step
    #[arg(long, value_enum, value_delimiter = ',', default_value = "latency,storing,ceiling,overload,http")]
    only: Vec<Part>,
    /// Duration of each of the storing, overload and HTTP loads, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Duration of the latency measurement, in seconds
    #[arg(long, default_value_t = 600)]
    latency_seconds: u64,
    /// Duration of the uncounted load before each measurement, in seconds
    #[arg(long, default_value_t = 5)]
    warm_up_seconds: u64,
    /// Posts offered per second in the part `storing`
    #[arg(long, default_value_t = 10_000)]
    offered: u32,
    /// Posts sent per second in the part `latency`
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Duration of each step in the search for the ceiling, in seconds
    #[arg(long, default_value_t = 15)]
    step_seconds: u64,
    /// Ceiling to assume in the part `overload`, in posts stored per second; by default, the part `ceiling` measures it
    #[arg(long, value_name = "N")]
    ceiling: Option<u32>,
    /// Another groundswell executable, such as an older version, to measure in alternation under the same load
    #[arg(long, value_name = "PATH")]
    baseline: Option<PathBuf>,
    /// Number of rounds; this program and the baseline take turns in each
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    #[command(flatten)]
    texts: TextsParams,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Options to pass to `serve`, after `--`
    #[arg(last = true)]
    serve: Vec<String>,
}

/// Parts of the benchmark that can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Latency from arrival to the socket
    Latency,
    /// Posts stored per second, at a fixed rate of posts offered on the stream
    Storing,
    /// Maximum number of posts stored per second
    Ceiling,
    /// Posts stored per second when 1.3 times the ceiling is offered
    Overload,
    /// Posts accepted per second over HTTP, singly and in batches
    Http,
}

impl PipelineParams {
    /// Returns the selected parts in the order they run. `overload` needs the result of `ceiling`, which is therefore
    /// added unless the ceiling is given.
    fn parts(&self) -> Vec<Part> {
        let is_wanted = |part: &Part| {
            let finds_ceiling = *part == Part::Ceiling && self.ceiling.is_none();
            self.only.contains(part) || finds_ceiling && self.only.contains(&Part::Overload)
        };
        let all = [Part::Latency, Part::Storing, Part::Ceiling, Part::Overload, Part::Http];
        all.into_iter().filter(is_wanted).collect()
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds)
    }
}

/// Runs the selected parts, in alternation with a baseline if there is one, and prints the results.
///
/// # Errors
/// If a server fails to start or stops responding. A figure that misses its target is not an error.
pub async fn run(params: PipelineParams) -> anyhow::Result<()> {
    let (mut ours, mut baselines) = (Vec::new(), Vec::new());
    for round in 0..params.rounds.max(1) {
        ours.push(measure(None, &params, round).await?);
        if let Some(executable) = &params.baseline {
            baselines.push(measure(Some(executable), &params, round).await?);
        }
    }
    let report = Report::of(&params, ours, baselines)?;
    super::print(&report, &report.rows(), params.json)
}

/// Runs the selected parts of one round with this program or another executable.
async fn measure(executable: Option<&Path>, params: &PipelineParams, round: u64) -> anyhow::Result<Round> {
    let who = if executable.is_some() { "baseline" } else { "this" };
    let texts = TextsParams { seed: params.texts.seed.wrapping_add(round), ..params.texts.clone() };
    let so_far = Round { figures: Figures::default(), totals: Totals::default() };
    let mut servers = FreshServers { executable, params, texts, cache: CacheUse::default(), so_far };
    for part in params.parts() {
        eprintln!("round {}, {who}: {part:?}", round + 1);
        servers.measure(part).await?;
        // A run takes half an hour, so print the results so far in case the rest fails.
        eprintln!("  so far: {}", serde_json::to_string(&servers.so_far)?);
    }
    Ok(servers.so_far)
}

/// Starts fresh servers of one program, and collects their results.
struct FreshServers<'a> {
    executable: Option<&'a Path>,
    params: &'a PipelineParams,
    texts: TextsParams,
    cache: CacheUse,
    so_far: Round,
}

impl FreshServers<'_> {
    async fn measure(&mut self, part: Part) -> anyhow::Result<()> {
        let params = self.params;
        if part == Part::Ceiling {
            self.so_far.figures.ceiling = Some(throughput::find_ceiling(self).await?);
            return Ok(());
        }
        let mut under_load = self.start().await?;
        let Figures { storing, ceiling, overload, latency, http, .. } = &mut self.so_far.figures;
        match part {
            Part::Latency => *latency = Some(latency::measure(&mut under_load, params).await?),
            Part::Storing => *storing = Some(throughput::measure(&mut under_load, params).await?),
            Part::Overload => {
                let known = params.ceiling.map(f64::from);
                let ceiling = known.or(ceiling.as_ref().map(|found| found.ceiling_per_second));
                *overload =
                    Some(throughput::overload(&mut under_load, params, ceiling.unwrap_or(0.0)).await?);
            }
            Part::Http => *http = Some(ingestion::measure(&mut under_load, params).await?),
            // Measured above, because each of its steps has a server of its own.
            Part::Ceiling => {}
        }
        self.settle(under_load).await
    }

    async fn start(&self) -> anyhow::Result<ServerUnderLoad> {
        let server = match self.executable {
            None => Server::start(&self.params.serve).await?,
            Some(executable) => Server::start_another(executable, &self.params.serve).await?,
        };
        ServerUnderLoad::of(server, Supply::open(&self.texts)?).await
    }

    /// Adds the server's counts to the results, and stops the server.
    async fn settle(&mut self, under_load: ServerUnderLoad) -> anyhow::Result<()> {
        self.cache = self.cache.and(CacheUse::of(&under_load.server.metrics().await?));
        let figures = &mut self.so_far.figures;
        figures.model = under_load.server.model().await?;
        figures.cache_hit_share = self.cache.share();
        figures.cache_hit_share_by_tier = self.cache.shares();
        let totals = under_load.settle(self.executable.is_none()).await?;
        // Each server of a round gets the same texts.
        let distinct_texts = self.so_far.totals.distinct_texts.max(totals.distinct_texts);
        self.so_far.totals.add(&totals);
        self.so_far.totals.distinct_texts = distinct_texts;
        Ok(())
    }
}

/// A fresh server and the load that it receives.
struct ServerUnderLoad {
    server: Server,
    supply: Supply,
    producer: Producer,
    /// Number of posts sent: those that the server accepted over HTTP or that were put on its stream.
    n_sent: usize,
}

impl ServerUnderLoad {
    async fn of(server: Server, supply: Supply) -> anyhow::Result<Self> {
        let stream =
            StreamParams { redis_url: server.info.redis_url.clone(), prefix: server.info.prefix.clone() };
        let producer = Stream::connect(&stream).await?.producer();
        Ok(Self { server, supply, producer, n_sent: 0 })
    }

    /// Waits until every post sent has been stored.
    async fn drain(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        while self.producer.backlog().await?.length > 0 {
            let seconds = DRAIN_TIMEOUT.as_secs();
            anyhow::ensure!(Instant::now() < deadline, "not all posts were stored within {seconds} s");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Compares the posts sent with the posts stored, and stops the server. A baseline is judged by its own count
    /// alone, because its tables may have a different schema.
    async fn settle(self, knows_tables: bool) -> anyhow::Result<Totals> {
        self.drain().await?;
        let n_sent = i64::try_from(self.n_sent)?;
        let (n_stored, n_counted) = if knows_tables {
            let counts = counts(&self.server.store).await?;
            (counts.n_posts, Some(counts.n_rolled_up))
        } else {
            (self.server.n_stored().await?, None)
        };
        self.server.stop().await?;
        let n_most = n_stored.max(n_counted.unwrap_or(0));
        Ok(Totals {
            n_sent,
            n_stored,
            n_lost: n_sent - n_stored,
            n_doubled: (n_most - n_sent).max(0),
            n_counted,
            // Some of the texts prepared for HTTP are never sent.
            distinct_texts: self.supply.n_distinct().min(self.n_sent),
        })
    }
}
