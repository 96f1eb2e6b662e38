//! Benchmark of scoring over HTTP: texts per second, singly and in batches, in each tier, compared with FastAPI on the
//! same ONNX files.
//!
//! All services run at the same time and receive the same requests in turn. No service scores a text twice.

mod peer; // FastAPI

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use self::peer::{FastApi, Tuning};
use super::cache_use::CacheUse;
use super::closed_loop::{HttpLoad, Pace, Requests};
use super::medians::medians;
use super::posts::{Supply, TextsParams};
use super::server::Server;
use crate::inference::Tier;

/// Duration of the uncounted load that precedes each load of the first round and lets connections, caches and
/// allocators settle.
const WARM_UP: Duration = Duration::from_secs(1);

/// Number of connections that send batches. Each batch is as much work as many single texts.
const N_CONNECTIONS_OF_BATCHES: usize = 4;

/// Returns the maximum number of texts prepared per second of load. If all of them are sent before the time is up, the
/// load ends early; rates are based on the elapsed time.
const fn texts_per_second_max(tier: Tier) -> usize {
    match tier {
        Tier::Swift => 80_000,
        Tier::Deep => 4_000,
    }
}

/// Maximum rate of texts sent singly, each in a request of its own.
const REQUESTS_PER_SECOND_MAX: usize = 30_000;

/// Options for `bench score`.
#[derive(Debug, Clone, clap::Args)]
pub struct ScoreParams {
    /// Duration of each load, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Number of rounds; the services take turns in each
    #[arg(long, default_value_t = 3)]
    rounds: u64,
    /// Number of connections that send one text per request
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Numbers of texts per request to measure with, one after another
    #[arg(long, value_delimiter = ',', default_value = "1,32,256", value_parser = clap::value_parser!(u16).range(1..=256))]
    batches: Vec<u16>,
    /// Tiers to measure, one after another
    #[arg(long, value_enum, value_delimiter = ',', default_value = "swift,deep")]
    tiers: Vec<TierChoice>,
    /// Another groundswell executable, such as an older version, to measure in alternation under the same load
    #[arg(long, value_name = "PATH")]
    baseline: Option<PathBuf>,
    /// Peers to compare Groundswell with
    #[arg(long, value_enum, value_delimiter = ',', default_value = "fastapi,fastapi-defaults")]
    peers: Vec<PeerChoice>,
    /// Folder that holds the peers' files
    #[arg(long, default_value = "bench/peers")]
    peers_dir: PathBuf,
    /// Folder that holds one folder per model, for the peers
    #[arg(long, default_value = "weights")]
    peer_weights: PathBuf,
    #[command(flatten)]
    texts: TextsParams,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Options to pass to `serve`, after `--`
    #[arg(last = true)]
    serve: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum TierChoice {
    Swift,
    Deep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PeerChoice {
    /// FastAPI with two workers, tuned: single-threaded sessions, uvloop, httptools, no thread per request
    Fastapi,
    /// FastAPI with default settings: sessions with as many threads as cores, asyncio, h11, threads. Its responses take
    /// about 40 ms each, probably because of delayed acknowledgements, so it says little about FastAPI
    FastapiDefaults,
    /// Measure only Groundswell
    None,
}

/// Services whose scoring can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum System {
    Groundswell,
    Baseline,
    Fastapi,
    FastapiDefaults,
}

impl System {
    const fn name(self) -> &'static str {
        match self {
            Self::Groundswell => "groundswell",
            Self::Baseline => "baseline",
            Self::Fastapi => "fastapi",
            Self::FastapiDefaults => "fastapi with defaults",
        }
    }
}

/// Figures for one service under one load.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Figures {
    tier: String,
    texts_per_request: usize,
    connections: usize,
    system: System,
    #[serde(flatten)]
    pace: Pace,
    texts_per_second: f64,
    /// Share of the texts that the requested tier scored. The fast tier scores a text if the deep tier would be too
    /// late.
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_by_tier_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_hit_share: Option<f64>,
}

#[derive(Serialize)]
struct Ratio {
    tier: String,
    texts_per_request: usize,
    to: System,
    /// Groundswell's texts per second divided by the peer's.
    times_as_fast: f64,
}

#[derive(Serialize)]
struct Report {
    seconds: u64,
    rounds: u64,
    distinct_texts: usize,
    figures: Vec<Figures>,
    ratios: Vec<Ratio>,
    /// Reason why no peer was available for comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

/// Kind of request that a load consists of.
#[derive(Debug, Clone, Copy)]
struct Load {
    tier: Tier,
    texts_per_request: usize,
    connections: usize,
}

/// Measures all services and prints medians and ratios.
///
/// # Errors
/// If a server fails to start or rejects a request. An unavailable peer is only reported.
pub async fn run(params: ScoreParams) -> anyhow::Result<()> {
    let mut services = vec![Service::own(System::Groundswell, Server::start(&params.serve).await?)];
    if let Some(executable) = &params.baseline {
        let server = Server::start_another(executable, &params.serve).await?;
        services.push(Service::own(System::Baseline, server));
    }
    let missing = peer::obstacle();
    for choice in &params.peers {
        let (system, tuning) = match choice {
            PeerChoice::Fastapi => (System::Fastapi, Tuning::Tuned),
            PeerChoice::FastapiDefaults => (System::FastapiDefaults, Tuning::Defaults),
            PeerChoice::None => continue,
        };
        if let Some(why) = &missing {
            eprintln!("skipping {}: {why}", system.name());
            continue;
        }
        let peer = FastApi::start(&params.peers_dir, &params.peer_weights, tuning).await?;
        services.push(Service::FastApi { system, peer: Box::new(peer) });
    }
    let mut supply = Supply::open(&params.texts)?;
    let mut rounds: Vec<Vec<Figures>> = Vec::new();
    for round in 0..params.rounds.max(1) {
        // The first service has the machine most to itself, so each round starts with another one.
        services.rotate_left(usize::from(round > 0));
        let mut figures = Vec::new();
        for load in loads(&params) {
            if round == 0 {
                let requests = Arc::new(load.requests(&mut supply, WARM_UP)?);
                for service in &services {
                    service.measure(load, Arc::clone(&requests), WARM_UP).await?;
                }
            }
            let length = Duration::from_secs(params.seconds);
            let requests = Arc::new(load.requests(&mut supply, length)?);
            for service in &services {
                let measured = service.measure(load, Arc::clone(&requests), length).await?;
                eprintln!("round {}: {}", round + 1, measured.summary());
                figures.push(measured);
            }
        }
        rounds.push(figures);
    }
    for service in services {
        service.stop().await?;
    }
    let figures = together(&rounds)?;
    let ratios = ratios(&figures);
    let distinct_texts = supply.n_distinct();
    let report = Report {
        seconds: params.seconds,
        rounds: params.rounds.max(1),
        distinct_texts,
        figures,
        ratios,
        missing,
    };
    let rows = report.rows();
    let rows: Vec<(&str, String)> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    super::print(&report, &rows, params.json)
}

fn loads(params: &ScoreParams) -> Vec<Load> {
    let tier = |choice: &TierChoice| match choice {
        TierChoice::Swift => Tier::Swift,
        TierChoice::Deep => Tier::Deep,
    };
    let of_tier = |tier: Tier| {
        params.batches.iter().map(move |n_texts| {
            let connections = if *n_texts == 1 { params.connections } else { N_CONNECTIONS_OF_BATCHES };
            Load { tier, texts_per_request: usize::from(*n_texts), connections }
        })
    };
    params.tiers.iter().map(tier).flat_map(of_tier).collect()
}

impl Load {
    /// Prepares enough requests for a load that lasts for `length`.
    fn requests(self, supply: &mut Supply, length: Duration) -> anyhow::Result<Requests> {
        let per_second =
            texts_per_second_max(self.tier).min(REQUESTS_PER_SECOND_MAX * self.texts_per_request);
        let seconds = usize::try_from(length.as_secs())?.max(1);
        // Provides at least one request per connection, however slow the service is.
        let n_requests = (per_second * seconds / self.texts_per_request).max(2 * self.connections);
        let texts = supply.take(n_requests * self.texts_per_request)?;
        let budget_ms = match self.tier {
            Tier::Swift => 0,
            Tier::Deep => 60_000,
        };
        let mut requests = Requests::default();
        for texts in texts.chunks_exact(self.texts_per_request) {
            let wish = match texts {
                [one] => json!({ "text": one, "budget_ms": budget_ms }),
                many => json!({ "texts": many, "budget_ms": budget_ms }),
            };
            requests.post("/api/v1/score", &serde_json::to_vec(&wish)?);
        }
        Ok(requests)
    }
}

/// A service that scores texts over HTTP.
enum Service {
    Own { system: System, server: Box<Server> },
    FastApi { system: System, peer: Box<FastApi> },
}

impl Service {
    fn own(system: System, server: Server) -> Self {
        Self::Own { system, server: Box::new(server) }
    }

    async fn measure(
        &self,
        load: Load,
        requests: Arc<Requests>,
        length: Duration,
    ) -> anyhow::Result<Figures> {
        let Load { tier, texts_per_request, connections } = load;
        let before = self.cache().await?;
        let address = self.address().to_owned();
        let result = HttpLoad { address, requests, n_connections: connections, length }.send().await?;
        let read = match (before, self.cache().await?) {
            (Some(before), Some(after)) => Some(after.since(before)),
            _ => None,
        };
        let n_texts = result.n_accepted * texts_per_request;
        Ok(Figures {
            tier: tier.as_str().to_owned(),
            texts_per_request,
            connections,
            system: match self {
                Self::Own { system, .. } | Self::FastApi { system, .. } => *system,
            },
            pace: result.pace(),
            texts_per_second: n_texts as f64 / result.elapsed.as_secs_f64(),
            answered_by_tier_share: read.map(|read| read.n_texts(tier) / (n_texts as f64).max(1.0)),
            cache_hit_share: read.map(CacheUse::share),
        })
    }

    fn address(&self) -> &str {
        match self {
            Self::Own { server, .. } => &server.info.address,
            Self::FastApi { peer, .. } => peer.address(),
        }
    }

    async fn cache(&self) -> anyhow::Result<Option<CacheUse>> {
        Ok(match self {
            Self::Own { server, .. } => Some(CacheUse::of(&server.metrics().await?)),
            Self::FastApi { .. } => None,
        })
    }

    async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Own { server, .. } => server.stop().await,
            Self::FastApi { peer, .. } => peer.stop().await,
        }
    }
}

impl Figures {
    fn is_alike(&self, other: &Self) -> bool {
        self.tier == other.tier && self.texts_per_request == other.texts_per_request
    }

    fn name(&self) -> String {
        format!("{}, {} per request", self.tier, self.texts_per_request)
    }

    fn summary(&self) -> String {
        let shares = self.answered_by_tier_share.zip(self.cache_hit_share).map(|(answered, known)| {
            let percent = |share: f64| share * 100.0;
            format!("; {:.1}% by this tier, {:.1}% from the cache", percent(answered), percent(known))
        });
        format!(
            "{}: {}: {:.0} texts per second, {}{}",
            self.name(),
            self.system.name(),
            self.texts_per_second,
            self.pace.summary(),
            shares.unwrap_or_default()
        )
    }
}

/// Returns the median of each figure across the rounds, in the order of the loads, with Groundswell's figures first.
fn together(rounds: &[Vec<Figures>]) -> anyhow::Result<Vec<Figures>> {
    let mut all = Vec::new();
    for first in rounds.first().into_iter().flatten() {
        let is_same = |other: &&Figures| first.is_alike(other) && first.system == other.system;
        let same: Vec<Figures> = rounds.iter().flatten().filter(is_same).cloned().collect();
        all.push(medians(&same)?);
    }
    Ok(all)
}

fn ratios(figures: &[Figures]) -> Vec<Ratio> {
    let ours = figures.iter().filter(|figures| figures.system == System::Groundswell);
    let ratios = ours.flat_map(|ours| {
        let others = figures.iter().filter(move |other| other.is_alike(ours) && other.system != ours.system);
        others.map(move |other| Ratio {
            tier: ours.tier.clone(),
            texts_per_request: ours.texts_per_request,
            to: other.system,
            times_as_fast: ours.texts_per_second / other.texts_per_second,
        })
    });
    ratios.collect()
}

impl Report {
    fn rows(&self) -> Vec<(String, String)> {
        let mut rows = vec![
            ("texts".to_owned(), format!("{} prepared, all distinct unless repeated", self.distinct_texts)),
            (
                "loads".to_owned(),
                format!("{} s each, medians of {} alternating rounds", self.seconds, self.rounds),
            ),
        ];
        rows.extend(self.figures.iter().map(|figures| {
            let words = figures.summary();
            let (name, rest) = words.split_once(": ").unwrap_or_default();
            (name.to_owned(), rest.to_owned())
        }));
        rows.extend(self.ratios.iter().map(|ratio| {
            let Ratio { tier, texts_per_request, to, times_as_fast } = ratio;
            let name = format!("{tier}, {texts_per_request} per request");
            (name, format!("{times_as_fast:.1} times as fast as {}", to.name()))
        }));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(system: System, texts_per_second: f64) -> Figures {
        let pace = Pace { requests_per_second: 1.0, p50_ms: 1.0, p99_ms: 1.0, p999_ms: 1.0, max_ms: 1.0 };
        Figures {
            tier: "swift".to_owned(),
            texts_per_request: 1,
            connections: 16,
            system,
            pace,
            texts_per_second,
            answered_by_tier_share: None,
            cache_hit_share: None,
        }
    }

    #[test]
    fn each_service_is_compared_by_its_median() {
        let round = |ours: f64, theirs: f64| {
            vec![figures(System::Groundswell, ours), figures(System::Fastapi, theirs)]
        };
        let figures = together(&[round(10.0, 2.0), round(30.0, 1.0), round(20.0, 4.0)]).unwrap();
        assert_eq!(figures.len(), 2);
        let ratios = ratios(&figures);
        assert_eq!((ratios.len(), ratios[0].times_as_fast, ratios[0].to), (1, 10.0, System::Fastapi));
    }

    #[test]
    fn every_connection_has_a_request_to_send() {
        let params = TextsParams {
            texts: "data/mayweather-mcgregor_tweets.csv.gz".into(),
            repeat_texts: false,
            seed: 1,
        };
        let mut supply = Supply::open(&params).unwrap();
        let load = Load { tier: Tier::Deep, texts_per_request: 256, connections: 16 };
        let requests = load.requests(&mut supply, Duration::from_secs(1)).unwrap();
        assert_eq!(requests.len(), 32);
        assert_eq!(supply.n_distinct(), 32 * 256);
    }
}
