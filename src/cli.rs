//! The command line: its commands, their options, and what each of them runs.

mod dead_letters; // lists and replays dead letters
mod doctor; // reports what is missing and how to fix it
mod feed; // the sending loop that `replay` and `synth` share
mod replay; // sends real posts from a file
mod score; // scores texts from the command line
mod synth; // sends generated posts
mod target; // finds the Redis that the commands write to

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::config::{self, Config, Sources};
use crate::inference::out_of_process;
use crate::process::background;
use crate::{app, bench, http};

/// Analyses what people say about a brand, and shows within milliseconds how they feel, who is about to leave and what is
/// about to spread
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
    /// Send posts from a file to the running server, as if they were written now
    Replay(Box<replay::ReplayParams>),
    /// Send generated posts to the running server
    Synth(Box<synth::SynthParams>),
    /// List and replay posts that could not be stored
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Score a text, or one text per line of standard input, and print JSON lines
    Score {
        /// Text to score; `-` reads standard input
        #[arg(default_value = "-")]
        text: String,
        /// Print every probability of this model alone, and null for heads that it lacks
        #[arg(long)]
        raw: bool,
        /// Texts per batch
        #[arg(long = "batch", value_name = "N", default_value_t = 256)]
        n_batch: usize,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Report what is missing on this machine and how to install it
    Doctor(Box<Config>),
    /// Run a benchmark: each published figure comes from one of these
    Bench {
        #[command(subcommand)]
        bench: Bench,
    },
    /// Print a commented `groundswell.toml` with every setting and its default
    Config,
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Run the deep model for the server, which starts this command itself
    #[command(hide = true)]
    ReadDeep,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Measure latency from arrival to the socket, stored posts per second, and ingest over HTTP, on private servers
    Pipeline(bench::pipeline::PipelineParams),
    /// Measure how fast the fast model scores and the deep model corrects, and what the corrections gain, on a private server
    Cascade {
        /// Duration of the load in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Posts sent per second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        /// Turn off the result cache, so that repeated texts are scored again
        #[arg(long)]
        no_cache: bool,
        /// Posts with known sentiment, `label<TAB>text` per line, to judge which posts were chosen for correction
        #[arg(long)]
        labelled: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
        /// Options passed to `serve`, after `--`
        #[arg(last = true)]
        serve: Vec<String>,
    },
    /// Measure history queries over a large number of posts, and check that none scans a whole table
    Explore {
        /// Posts to store, in a private PostgreSQL that is removed afterwards
        #[arg(long = "posts", value_name = "N", default_value_t = 1_000_000)]
        n_posts: usize,
        /// Days over which the posts are spread
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
        /// Runs of each query
        #[arg(long = "runs", value_name = "N", default_value_t = 7)]
        n_runs: usize,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Measure the cost of a delivery and of an idle connection, compared with nchan and socket.io
    Fanout(bench::fanout::FanoutParams),
    /// Run the subscribers of `bench fanout`, which starts this itself
    #[command(hide = true)]
    FanoutClient(bench::fanout::client::ClientParams),
    /// Measure how long the alerter evaluates very many series, and how that affects latency
    Alerting {
        /// Products that the posts mention
        #[arg(long = "products", value_name = "N", default_value_t = 65_000)]
        n_products: usize,
        /// Rules per product
        #[arg(long = "rules", value_name = "N", default_value_t = 197)]
        n_rules: usize,
        /// Duration of the load in seconds, without rules and again with them
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Posts sent per second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Measure texts scored per second over HTTP, singly and in batches, by each model, compared with FastAPI
    Score(bench::score::ScoreParams),
    /// Measure how often signals are wrong on stable series and how soon they detect bursts, on simulated data
    Signals {
        /// Simulated series for each of seven rates
        #[arg(long = "series", value_name = "N", default_value_t = 10)]
        n_series: u64,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Measure texts scored per second without a server, tokenization included
    Inference {
        /// Maximum number of threads, each with its own session; one, two and this many are measured
        #[arg(long = "threads", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
        n_threads: u8,
        /// Baseline, measured in alternation: a model's directory, run as one session of two threads with batches of 32 texts in
        /// their order; or another groundswell executable, such as an older one
        #[arg(long, value_name = "PATH")]
        baseline: Option<PathBuf>,
        /// Texts per run; by default, as many as one thread scores in four seconds
        #[arg(long = "count", value_name = "N")]
        n_texts: Option<usize>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        config: Box<Config>,
    },
}

/// The options that a benchmark passes to its server, parsed as that server parses them.
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
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command in `arguments` to completion and returns the process's exit code.
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
        Command::Doctor(config) => return Runtime::new()?.block_on(doctor::run(&config, sources)),
        Command::Bench { bench: Bench::Pipeline(params) } => {
            Runtime::new()?.block_on(bench::pipeline::run(params))?;
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
        Command::Bench { bench: Bench::Score(params) } => {
            Runtime::new()?.block_on(bench::score::run(params))?;
        }
        Command::Bench { bench: Bench::Fanout(params) } => {
            Runtime::new()?.block_on(bench::fanout::run(params))?;
        }
        Command::Bench { bench: Bench::FanoutClient(params) } => {
            app::client_runtime()?.block_on(bench::fanout::client::run(params))?;
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
        Command::Config => print(config::example().trim_end()),
        Command::Openapi => print(&http::openapi::document()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a command's output. If a reader closes the pipe early, as `head` does, that is not an error.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}
