//! Benchmark of what credentials cost: scoring and ingest over HTTP with an API key and with an access token, compared with
//! calls that need no credential.
//!
//! Calls with a credential are counted against quotas, which the benchmark sets so high that none is refused. Every text is
//! sent once. Each credential has a server of its own, so all servers have handled the same load; they are idle between
//! loads, so no load pays for what an earlier one left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::closed_loop::{HttpLoad, Pace, Requests};
use super::medians::medians;
use super::posts::{Supply, TextsParams};
use super::server::Server;

/// Duration of the uncounted load that precedes the first counted one of each credential.
const WARM_UP: Duration = Duration::from_secs(2);

/// Maximum number of requests prepared per second of load. If all of them are sent before the time is up, the load ends
/// early; rates are based on the elapsed time.
const REQUESTS_PER_SECOND_MAX: usize = 30_000;

/// How long the server may take to store the posts of a load.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// Token of the operator of the server that requires credentials.
const OPERATOR: &str = "benchmark-operator-token";

/// Quotas beyond what one server serves.
const QUOTAS: &str = "--rate-limit-quotas=free.score=10000000/10000000,free.ingest=10000000/10000000,\
    pro.score=10000000/10000000,pro.ingest=10000000/10000000,\
    enterprise.score=10000000/10000000,enterprise.ingest=10000000/10000000";

/// Options for `bench credentials`.
#[derive(Debug, Clone, clap::Args)]
pub struct CredentialsParams {
    /// Duration of each load, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Number of rounds; the credentials take turns in each
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Number of connections
    #[arg(long, default_value_t = 16)]
    connections: usize,
    #[command(flatten)]
    texts: TextsParams,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    /// Score one text with the fast model.
    Score,
    /// Send one post.
    Ingest,
}

/// What calls present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Credential {
    None,
    /// Token of the operator, which has no quota and is not looked up anywhere: a control.
    Operator,
    ApiKey,
    AccessToken,
}

impl Credential {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "no credential",
            Self::Operator => "operator's token",
            Self::ApiKey => "API key",
            Self::AccessToken => "access token",
        }
    }
}

/// Figures for one call with one credential.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Figures {
    call: Call,
    credential: Credential,
    #[serde(flatten)]
    pace: Pace,
    /// CPU time of the server and its databases per request, in microseconds.
    cpu_us_per_request: f64,
}

#[derive(Serialize)]
struct Ratio {
    call: Call,
    credential: Credential,
    /// Requests per second divided by those without a credential.
    times_as_fast: f64,
    /// CPU time per request divided by that without a credential.
    times_the_cpu: f64,
}

#[derive(Serialize)]
struct Report {
    seconds: u64,
    rounds: u64,
    distinct_texts: usize,
    figures: Vec<Figures>,
    ratios: Vec<Ratio>,
}

/// Measures all calls with all credentials, and prints medians and ratios.
///
/// # Errors
/// If a server fails to start or refuses a request.
pub async fn run(params: CredentialsParams) -> anyhow::Result<()> {
    let mut callers = Vec::new();
    for credential in [Credential::None, Credential::Operator, Credential::ApiKey, Credential::AccessToken] {
        callers.push(Caller::start(credential).await?);
    }
    let mut supply = Supply::open(&params.texts)?;
    let mut rounds: Vec<Vec<Figures>> = Vec::new();
    for round in 0..params.rounds.max(1) {
        // The first one has the machine most to itself, so each round starts with another one.
        callers.rotate_left(usize::from(round > 0));
        let mut figures = Vec::new();
        for call in [Call::Score, Call::Ingest] {
            for caller in &callers {
                if round == 0 {
                    caller.measure(call, &mut supply, (WARM_UP, params.connections)).await?;
                }
                let length = Duration::from_secs(params.seconds);
                let measured = caller.measure(call, &mut supply, (length, params.connections)).await?;
                eprintln!("round {}: {}", round + 1, measured.summary());
                figures.push(measured);
            }
        }
        rounds.push(figures);
    }
    let figures = together(&rounds)?;
    let ratios = ratios(&figures);
    let (seconds, rounds) = (params.seconds, params.rounds.max(1));
    let report = Report { seconds, rounds, distinct_texts: supply.n_distinct(), figures, ratios };
    let rows = report.rows();
    let rows: Vec<(&str, String)> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    super::print(&report, &rows, params.json)?;
    for caller in callers {
        caller.server.stop().await?;
    }
    Ok(())
}

/// Somebody who calls a server with one kind of credential.
struct Caller {
    credential: Credential,
    server: Server,
    /// Bearer token.
    token: Option<String>,
}

impl Caller {
    /// Starts a server, and gets a credential for it. A key belongs to the installation.
    async fn start(credential: Credential) -> anyhow::Result<Self> {
        if credential == Credential::None {
            return Ok(Self { credential, server: Server::start(&[]).await?, token: None });
        }
        let options = ["--auth-token".to_owned(), OPERATOR.to_owned(), QUOTAS.to_owned()];
        let server = Server::start(&options).await?;
        let post = async |path: &str, body: Value, field: &str| -> anyhow::Result<String> {
            let request = reqwest::Client::new().post(format!("{}{path}", server.info.address)).json(&body);
            let response: Value =
                request.bearer_auth(OPERATOR).send().await?.error_for_status()?.json().await?;
            let found = response.get(field).and_then(Value::as_str);
            Ok(found.with_context(|| format!("the response has no {field}"))?.to_owned())
        };
        let wish = json!({"name": "Benchmark", "scopes": ["read", "ingest", "analyze"]});
        let token = match credential {
            Credential::ApiKey => post("/api/v1/api-keys", wish, "key").await?,
            Credential::AccessToken => {
                let key = post("/api/v1/api-keys", wish, "key").await?;
                post("/api/v1/auth/token", json!({"api_key": key}), "access_token").await?
            }
            _ => OPERATOR.to_owned(),
        };
        Ok(Self { credential, server, token: Some(token) })
    }

    async fn measure(
        &self,
        call: Call,
        supply: &mut Supply,
        (length, n_connections): (Duration, usize),
    ) -> anyhow::Result<Figures> {
        let n_requests = REQUESTS_PER_SECOND_MAX * usize::try_from(length.as_secs())?.max(1);
        let texts = supply.take(n_requests)?;
        let mut requests = match &self.token {
            Some(token) => Requests::with_token(token),
            None => Requests::default(),
        };
        let first_id = supply.n_distinct();
        for (n, text) in texts.into_iter().enumerate() {
            let (path, body) = match call {
                Call::Score => ("/api/v1/score", json!({"text": text, "budget_ms": 0})),
                Call::Ingest => {
                    let post = json!({"id": (first_id + n).to_string(), "platform": "bench", "text": text});
                    ("/api/v1/posts", post)
                }
            };
            requests.post(path, &serde_json::to_vec(&body)?);
        }
        let before = self.cpu_seconds();
        let address = self.server.info.address.clone();
        let load = HttpLoad { address, requests: Arc::new(requests), n_connections, length };
        let result = load.send().await?;
        let n_accepted = result.n_accepted;
        self.drain().await?;
        let cpu_seconds = self.cpu_seconds() - before;
        Ok(Figures {
            call,
            credential: self.credential,
            pace: result.pace(),
            cpu_us_per_request: cpu_seconds * 1e6 / (n_accepted as f64).max(1.0),
        })
    }

    fn cpu_seconds(&self) -> f64 {
        let usage = self.server.usage();
        usage.server + usage.postgres + usage.redis
    }

    /// Waits until every post is stored.
    async fn drain(&self) -> anyhow::Result<()> {
        let began_at = Instant::now();
        let http = reqwest::Client::new();
        while began_at.elapsed() < DRAIN_TIMEOUT {
            let request =
                http.get(format!("{}/api/v1/system", self.server.info.address)).bearer_auth(OPERATOR);
            let system: Value = request.send().await?.error_for_status()?.json().await?;
            if system.pointer("/stream/length") == Some(&Value::from(0)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("the posts were not stored within {} s", DRAIN_TIMEOUT.as_secs())
    }
}

impl Figures {
    fn is_alike(&self, other: &Self) -> bool {
        self.call == other.call && self.credential == other.credential
    }

    fn name(&self) -> String {
        let call = match self.call {
            Call::Score => "score",
            Call::Ingest => "ingest",
        };
        format!("{call}, {}", self.credential.name())
    }

    fn summary(&self) -> String {
        format!(
            "{}: {}, {:.0} µs of CPU per request",
            self.name(),
            self.pace.summary(),
            self.cpu_us_per_request
        )
    }
}

/// Returns the median of each figure across the rounds.
fn together(rounds: &[Vec<Figures>]) -> anyhow::Result<Vec<Figures>> {
    let mut all = Vec::new();
    for first in rounds.first().into_iter().flatten() {
        let same: Vec<Figures> =
            rounds.iter().flatten().filter(|other| first.is_alike(other)).cloned().collect();
        all.push(medians(&same)?);
    }
    Ok(all)
}

fn ratios(figures: &[Figures]) -> Vec<Ratio> {
    let free =
        |call| figures.iter().find(move |other| other.call == call && other.credential == Credential::None);
    let others = figures.iter().filter(|figures| figures.credential != Credential::None);
    let ratios = others.filter_map(|figures| {
        let free = free(figures.call)?;
        Some(Ratio {
            call: figures.call,
            credential: figures.credential,
            times_as_fast: figures.pace.requests_per_second / free.pace.requests_per_second,
            times_the_cpu: figures.cpu_us_per_request / free.cpu_us_per_request,
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
            let Ratio { call, credential, times_as_fast, times_the_cpu } = ratio;
            let call = if *call == Call::Score { "score" } else { "ingest" };
            let words = format!("{times_as_fast:.2} times as fast, {times_the_cpu:.2} times the CPU time");
            (format!("{call}, {} to none", credential.name()), words)
        }));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(call: Call, credential: Credential, per_second: f64, cpu_us_per_request: f64) -> Figures {
        let pace =
            Pace { requests_per_second: per_second, p50_ms: 1.0, p99_ms: 1.0, p999_ms: 1.0, max_ms: 1.0 };
        Figures { call, credential, pace, cpu_us_per_request }
    }

    #[test]
    fn each_credential_is_compared_with_none_for_the_same_call() {
        let round = |per_second: f64| {
            vec![
                figures(Call::Score, Credential::None, 100.0, 50.0),
                figures(Call::Ingest, Credential::None, 1_000.0, 10.0),
                figures(Call::Score, Credential::ApiKey, per_second, 55.0),
            ]
        };
        let figures = together(&[round(10.0), round(95.0), round(99.0)]).unwrap();
        let ratios = ratios(&figures);
        let [ratio] = &ratios[..] else { panic!("there are {} ratios", ratios.len()) };
        assert_eq!((ratio.call, ratio.credential), (Call::Score, Credential::ApiKey));
        assert!((ratio.times_as_fast - 0.95).abs() < 1e-9 && (ratio.times_the_cpu - 1.1).abs() < 1e-9);
    }
}
