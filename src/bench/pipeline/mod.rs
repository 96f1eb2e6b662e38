//! How many posts a second are stored, how soon they are seen, and how many are taken over HTTP.
//!
//! The loops of storing and of latency are open: posts are due by the clock, whatever the server does, and a post that is
//! late because the server was busy is counted as late. The server, PostgreSQL, Redis and this load share the machine.

mod ingestion; // posts over HTTP
mod latency; // posts by the clock, until a browser has them
mod report; // medians, sums and ratios
mod storing; // posts on the stream, at a steady rate, up to the ceiling, and above it

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::report::{Figures, Report, Round, Totals};
use super::cache_use::CacheUse;
use super::posts::{Supply, TextsParams};
use super::server::Server;
use crate::store::posts::record::counts;
use crate::stream::{Producer, Stream, StreamParams};

/// How long what was sent may take to be stored after the last was sent.
const DRAIN_PATIENCE: Duration = Duration::from_secs(180);

/// How often the stream is looked at while it drains.
const PAUSE: Duration = Duration::from_millis(100);

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct PipelineParams {
    /// Only these parts; each has a fresh server
    #[arg(long, value_enum, value_delimiter = ',', default_value = "latency,storing,ceiling,overload,http")]
    only: Vec<Part>,
    /// How long the loads of storing, overload and HTTP last, each
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How long latency is measured
    #[arg(long, default_value_t = 600)]
    latency_seconds: u64,
    /// Sent before each measurement and not counted into it
    #[arg(long, default_value_t = 5)]
    warm_up_seconds: u64,
    /// Posts offered each second while storing is measured
    #[arg(long, default_value_t = 10_000)]
    offered: u32,
    /// Posts sent each second while latency is measured
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// How long each rate is tried while the ceiling is looked for
    #[arg(long, default_value_t = 15)]
    step_seconds: u64,
    /// The most posts a second that are stored, for the part `overload`; without it, the part `ceiling` finds it
    #[arg(long, value_name = "N")]
    ceiling: Option<u32>,
    /// Another groundswell executable, such as an older one, that gets the same load by turns
    #[arg(long, value_name = "PATH")]
    baseline: Option<PathBuf>,
    /// How often everything is measured, by turns with the baseline
    #[arg(long, default_value_t = 1)]
    rounds: u64,
    #[command(flatten)]
    texts: TextsParams,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Options of `serve`, after `--`
    #[arg(last = true)]
    serve: Vec<String>,
}

/// A part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Time from arrival to the socket
    Latency,
    /// Posts stored of those offered on the stream
    Storing,
    /// The most posts that are stored a second
    Ceiling,
    /// Posts stored when 1.3 times as many as that are offered
    Overload,
    /// Posts taken over HTTP, one a request and in batches
    Http,
}

impl PipelineParams {
    /// In the order in which they are measured. An overload needs to know the ceiling.
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

/// Runs all parts, with a baseline by turns, and prints what came of them.
///
/// # Errors
/// When a server cannot be started or breaks; not when a figure is missed.
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

/// All parts of one round, of this program or of another one.
async fn measure(executable: Option<&Path>, params: &PipelineParams, round: u64) -> anyhow::Result<Round> {
    let who = if executable.is_some() { "baseline" } else { "this" };
    let mut round_so_far = Round { figures: Figures::default(), totals: Totals::default() };
    let mut cache = CacheUse::default();
    for part in params.parts() {
        eprintln!("round {}, {who}: {part:?}", round + 1);
        let server = match executable {
            None => Server::start(&params.serve).await?,
            Some(executable) => Server::start_another(executable, &params.serve).await?,
        };
        let texts = TextsParams { seed: params.texts.seed.wrapping_add(round), ..params.texts.clone() };
        let mut sitting = Sitting::of(server, Supply::open(&texts)?).await?;
        let Figures { storing, ceiling, overload, latency, http, .. } = &mut round_so_far.figures;
        match part {
            Part::Latency => *latency = Some(latency::measure(&mut sitting, params).await?),
            Part::Storing => *storing = Some(storing::measure(&mut sitting, params).await?),
            Part::Ceiling => *ceiling = Some(storing::find_ceiling(&mut sitting, params).await?),
            Part::Overload => {
                let known = params.ceiling.map(f64::from);
                let ceiling = known.or(ceiling.as_ref().map(|found| found.ceiling_per_second));
                *overload = Some(storing::overload(&mut sitting, params, ceiling.unwrap_or(0.0)).await?);
            }
            Part::Http => *http = Some(ingestion::measure(&mut sitting, params).await?),
        }
        cache = cache.and(CacheUse::of(&sitting.server.metrics().await?));
        round_so_far.figures.model = sitting.server.model().await?;
        round_so_far.figures.cache_hit_share = cache.share();
        round_so_far.figures.cache_hit_share_by_tier = cache.shares();
        round_so_far.totals.add(&sitting.settle(executable.is_none()).await?);
        // A run takes half an hour: what is known is told, whatever becomes of the rest.
        eprintln!("  so far: {}", serde_json::to_string(&round_so_far)?);
    }
    Ok(round_so_far)
}

/// A fresh server under load.
struct Sitting {
    server: Server,
    supply: Supply,
    producer: Producer,
    /// Posts that it accepted, or that were put on its stream.
    n_sent: usize,
}

impl Sitting {
    async fn of(server: Server, supply: Supply) -> anyhow::Result<Self> {
        let stream =
            StreamParams { redis_url: server.info.redis_url.clone(), prefix: server.info.prefix.clone() };
        let producer = Stream::connect(&stream).await?.producer();
        Ok(Self { server, supply, producer, n_sent: 0 })
    }

    /// Waits until everything that was sent is stored.
    async fn drain(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_PATIENCE;
        while self.producer.backlog().await?.length > 0 {
            let seconds = DRAIN_PATIENCE.as_secs();
            anyhow::ensure!(Instant::now() < deadline, "not everything was stored within {seconds} s");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Compares what was sent with what is stored, and ends the server. Of a baseline only its own count is known: its
    /// tables are its own business.
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
            // Some of those made ready for HTTP are never sent.
            distinct_texts: self.supply.n_distinct().min(self.n_sent),
        })
    }
}
