//! The command line: its commands, their options, and what each command runs.

mod api; // the API of a running server
mod audit; // verifies the audit log
mod dead_letters; // lists and replays dead letters
mod doctor; // reports what is missing and how to fix it
mod feed; // sending loop that `replay` and `synth` share
mod replay; // sends real posts from a file
mod score; // scores texts from the command line
mod server_key; // finds the secret key of a server
mod sources; // manages sources
mod synth; // sends generated posts
mod target; // finds the Redis that the commands write to
mod topics; // checks queries of topics
mod users; // manages accounts

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::config::{self, Config, Sources};
use crate::inference::out_of_process;
use crate::process::background;
use crate::{app, bench, http};

/// Analyses what people say about a brand, and shows within milliseconds how they feel, who is about to leave and what
/// is about to spread
#[derive(Debug, Parser)]
#[command(name = "groundswell", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<Config>),
    /// Send posts from a file to the running server, as if they were being written now
    Replay(Box<replay::ReplayParams>),
    /// Send generated posts to the running server
    Synth(Box<synth::SynthParams>),
    /// List and replay posts that could not be processed
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Score a text, or each line of standard input, and print the scores as JSON lines
    Score {
        /// Text to score; `-` scores each line of standard input
        #[arg(default_value = "-")]
        text: String,
        /// Print every probability of this model alone, with null for outputs that it does not have
        #[arg(long)]
        raw: bool,
        /// Number of texts per call to the model
        #[arg(long = "batch", value_name = "N", default_value_t = 256)]
        n_batch: usize,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Manage the sources of the running server
    #[command(subcommand)]
    Sources(sources::SourcesCommand),
    /// Manage the accounts of people
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// List topics, and check their queries
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Verify the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Check whether this machine has everything that the server needs, and say how to install what is missing
    Doctor(Box<Config>),
    /// Run one of the benchmarks behind the published figures
    Bench {
        #[command(subcommand)]
        bench: Bench,
    },
    /// Print a `groundswell.toml` with every setting, its help and its default, all commented out
    Config,
    /// Print the OpenAPI 3.1 description of the HTTP API
    Openapi,
    /// Run the deep model on behalf of the server, which starts this command itself
    #[command(hide = true)]
    ReadDeep,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Measure the pipeline: latency from arrival to the socket, posts stored per second, and posts accepted over HTTP
    Pipeline(bench::pipeline::PipelineParams),
    /// Measure the audit log: entries written per second by concurrent requests, and entries verified per second
    Audit(bench::audit::AuditParams),
    /// Measure what an API key and an access token cost per call to score and to ingest
    Credentials(bench::credentials::CredentialsParams),
    /// Measure the cascade: how soon fast scores and corrections arrive, and how much accuracy the corrections gain
    Cascade {
        /// Duration of the load, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Posts sent per second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        /// Turn off the caches of predictions, so that repeated texts are scored again
        #[arg(long)]
        no_cache: bool,
        /// File of posts with known sentiment, one `label<TAB>text` per line, used to evaluate the choice of posts to
        /// correct
        #[arg(long)]
        labelled: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
        /// Options to pass to `serve`, after `--`
        #[arg(last = true)]
        serve: Vec<String>,
    },
    /// Measure history queries on a large number of posts, and check that none of them scans a whole table
    Explore {
        /// Number of posts to store, in a private PostgreSQL that is removed afterwards
        #[arg(long = "posts", value_name = "N", default_value_t = 1_000_000)]
        n_posts: usize,
        /// Number of days over which the posts are spread
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
        /// How often each query runs
        #[arg(long = "runs", value_name = "N", default_value_t = 7)]
        n_runs: usize,
        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Measure the fan-out: the cost of a delivery and of an idle connection, compared with nchan and socket.io
    Fanout(bench::fanout::FanoutParams),
    /// Run the subscribers of `bench fanout`, which starts this command itself
    #[command(hide = true)]
    FanoutClient(bench::fanout::subscribers::ClientParams),
    /// Measure the alerter under a large number of rules and products: how long an evaluation takes, and how much it
    /// delays posts
    Alerting {
        /// Number of products that the posts mention
        #[arg(long = "products", value_name = "N", default_value_t = 65_000)]
        n_products: usize,
        /// Number of rules, each of which is evaluated for every product
        #[arg(long = "rules", value_name = "N", default_value_t = 197)]
        n_rules: usize,
        /// Duration of each load, in seconds: one runs without rules, one with them
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Posts sent per second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Audit the dashboard with Lighthouse, as a desktop and as a phone, while posts arrive
    Lighthouse(bench::lighthouse::LighthouseParams),
    /// Measure the lookup of the locations that authors write: precision, recall, lookups per second and memory
    Places(bench::places::PlacesParams),
    /// Measure scoring over HTTP: texts per second with each model, singly and in batches, compared with FastAPI
    Score(bench::score::ScoreParams),
    /// Measure anomaly detection on simulated series: how often it raises false alarms, and how soon it detects bursts
    Signals {
        /// Number of simulated series for each of seven rates
        #[arg(long = "series", value_name = "N", default_value_t = 10)]
        n_series: u64,
        /// Print one JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Measure how many posts per second one core matches against the queries of topics
    Topics {
        /// Number of topics
        #[arg(long = "topics", value_name = "N", default_value_t = 1_000)]
        n_topics: usize,
        #[command(flatten)]
        output: Output,
    },
    /// Measure a topic that is applied to stored posts: posts per second, how much it delays new posts, and whether all
    /// counts are exact afterwards
    TopicHistory {
        /// Number of stored posts
        #[arg(long = "posts", value_name = "N", default_value_t = 1_000_000)]
        n_posts: usize,
        /// Number of days over which they are spread
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=89))]
        days: u32,
        /// Duration of each load, in seconds: one runs before the topic is applied, one meanwhile
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
        /// New posts sent per second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Measure how many texts per second the model scores without a server, tokenization included
    Inference {
        /// Maximum number of threads, each with its own session; one, two and this many are measured
        #[arg(long = "threads", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
        n_threads: u8,
        /// What to compare with, in alternation: a model's directory, run as one session of two threads on batches of
        /// 32 texts in their original order; or another groundswell executable, such as an older version
        #[arg(long, value_name = "PATH")]
        baseline: Option<PathBuf>,
        /// Number of texts per run; by default, as many as one thread scores in four seconds
        #[arg(long = "count", value_name = "N")]
        n_texts: Option<usize>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        config: Box<Config>,
    },
}

/// Options that `bench cascade` passes to its server, parsed as that server parses them.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Serve {
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, clap::Args)]
struct Output {
    #[command(flatten)]
    texts: bench::posts::TextsParams,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs the command that `arguments` name, and returns the exit code of the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (cli, sources) = config::parse::<Cli>(arguments).unwrap_or_else(|error| error.exit());
    // Every HTTP client in the process needs a provider, even without TLS. Installing one fails only if there already
    // is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    execute(cli.command, &sources).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn execute(command: Command, sources: &Sources) -> anyhow::Result<ExitCode> {
    match command {
        Command::ReadDeep => {
            let (requests, responses) = (std::io::stdin().lock(), std::io::stdout().lock());
            background::lower_priority();
            out_of_process::server::serve(requests, responses)?;
        }
        Command::Serve(config) => {
            let stop_requested = app::serve(*config, sources)?;
            return Ok(if stop_requested { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Replay(params) => Runtime::new()?.block_on(replay::run(*params))?,
        Command::Synth(params) => Runtime::new()?.block_on(synth::run(*params))?,
        Command::DeadLetters(command) => Runtime::new()?.block_on(dead_letters::run(command))?,
        Command::Score { text, raw, n_batch, config } => {
            score::run(&score::ScoreParams { text, raw, n_batch, load: config.inference.load_params() })?;
        }
        Command::Sources(command) => Runtime::new()?.block_on(sources::run(command))?,
        Command::Users(command) => Runtime::new()?.block_on(users::run(command))?,
        Command::Topics(command) => Runtime::new()?.block_on(topics::run(command))?,
        Command::Audit(command) => return Runtime::new()?.block_on(audit::run(command)),
        Command::Doctor(config) => return Runtime::new()?.block_on(doctor::run(&config, sources)),
        Command::Bench { bench: Bench::Pipeline(params) } => {
            Runtime::new()?.block_on(bench::pipeline::run(params))?;
        }
        Command::Bench { bench: Bench::Audit(params) } => {
            Runtime::new()?.block_on(bench::audit::run(params))?;
        }
        Command::Bench { bench: Bench::Credentials(params) } => {
            Runtime::new()?.block_on(bench::credentials::run(params))?;
        }
        Command::Bench { bench: Bench::Cascade { seconds, rate, no_cache, labelled, output, serve } } => {
            let load = Serve::try_parse_from(&serve)?.config.inference.load_params();
            let params = bench::cascade::CascadeParams {
                texts: output.texts,
                seconds,
                per_second: rate,
                caches: !no_cache,
                labelled,
                load,
                serve,
                json: output.json,
            };
            Runtime::new()?.block_on(bench::cascade::run(params))?;
        }
        Command::Bench { bench: Bench::Explore { n_posts, days, n_runs, json } } => {
            let params = bench::explore::ExploreParams { n_posts, days, n_runs, json };
            Runtime::new()?.block_on(bench::explore::run(params))?;
        }
        Command::Bench { bench: Bench::Inference { n_threads, baseline, n_texts, output, config } } => {
            let load = config.inference.load_params();
            bench::inference::run(bench::inference::InferenceParams {
                texts: output.texts,
                load,
                n_threads: n_threads.into(),
                baseline,
                n_texts,
                json: output.json,
            })?;
        }
        Command::Bench { bench: Bench::Lighthouse(params) } => {
            Runtime::new()?.block_on(bench::lighthouse::run(params))?;
        }
        Command::Bench { bench: Bench::Places(params) } => bench::places::run(&params)?,
        Command::Bench { bench: Bench::Score(params) } => {
            Runtime::new()?.block_on(bench::score::run(params))?;
        }
        Command::Bench { bench: Bench::Fanout(params) } => {
            Runtime::new()?.block_on(bench::fanout::run(params))?;
        }
        Command::Bench { bench: Bench::FanoutClient(params) } => {
            app::client_runtime()?.block_on(bench::fanout::subscribers::run(params))?;
        }
        Command::Bench { bench: Bench::Alerting { n_products, n_rules, seconds, rate, output } } => {
            let params = bench::alerting::AlertingParams {
                texts: output.texts,
                n_products,
                n_rules,
                seconds,
                per_second: rate,
                json: output.json,
            };
            Runtime::new()?.block_on(bench::alerting::run(params))?;
        }
        Command::Bench { bench: Bench::Signals { n_series, json } } => {
            bench::anomaly::run(bench::anomaly::SignalsParams { n_series, json })?;
        }
        Command::Bench { bench: Bench::Topics { n_topics, output } } => {
            let Output { texts, json } = output;
            bench::topics::run(&bench::topics::TopicsParams { texts, n_topics, json })?;
        }
        Command::Bench { bench: Bench::TopicHistory { n_posts, days, seconds, rate, output } } => {
            let params = bench::topic_history::TopicHistoryParams {
                texts: output.texts,
                n_posts,
                days,
                seconds,
                per_second: rate,
                json: output.json,
            };
            Runtime::new()?.block_on(bench::topic_history::run(params))?;
        }
        Command::Config => print(config::example().trim_end()),
        Command::Openapi => print(&http::openapi::document()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the output of a command. Ignores the error if the reader closes the pipe early, as `head` does.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}
