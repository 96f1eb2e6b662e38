//! What each command does.

mod dead_letters; // posts that died
mod doctor; // what is missing, and how to get it
mod feed; // what replay and synth share
mod replay; // real posts from a file
mod score; // texts from the command line
mod synth; // generated posts
mod target; // which Redis they write to

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::config::{self, Config, Sources};
use crate::inference::out_of_process;
use crate::process::background;
use crate::{app, bench, http};

/// Reads what people say about a brand, and tells within milliseconds how they feel, who is about to leave and what is
/// about to spread
#[derive(Debug, Parser)]
#[command(name = "groundswell", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: read the stream, score, store, alert, and show it live
    Serve(Box<Config>),
    /// Send real posts from a file, as if they were written now
    Replay(Box<replay::ReplayParams>),
    /// Send generated posts
    Synth(Box<synth::SynthParams>),
    /// See the posts that failed, and try them again
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Score a text, or one text a line from standard input, and print JSON lines
    Score {
        /// The text; `-` reads standard input
        #[arg(default_value = "-")]
        text: String,
        /// Print every probability of this model alone, and null for what it does not answer
        #[arg(long)]
        raw: bool,
        /// Texts handed to the model at a time
        #[arg(long = "batch", value_name = "N", default_value_t = 256)]
        n_batch: usize,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Say what is missing and how to get it
    Doctor(Box<Config>),
    /// Measure: every figure we state is printed by one of these
    Bench {
        #[command(subcommand)]
        bench: Bench,
    },
    /// Print a commented `groundswell.toml` with every setting and its default
    Config,
    /// Print the description of the HTTP interface (OpenAPI 3.1)
    Openapi,
    /// Run the deep model for the server, which starts this itself
    #[command(hide = true)]
    ReadDeep,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Posts stored a second, time from arrival to the socket, and posts taken over HTTP, on fresh servers of its own
    Pipeline(bench::pipeline::PipelineParams),
    /// How soon the fast model scores and the deep one corrects, on a fresh server of its own, and what correcting is worth
    Cascade {
        /// How long the load lasts
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Posts sent each second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        /// Let the models remember nothing, so that texts that come again are read again
        #[arg(long)]
        no_cache: bool,
        /// Posts of known sentiment, `label<TAB>text` in each line, by which the choice of what to read again is judged
        #[arg(long)]
        labelled: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
        /// Options of `serve`, after `--`
        #[arg(last = true)]
        serve: Vec<String>,
    },
    /// How soon history answers with a season of posts stored, and whether any answer reads a table from end to end
    Explore {
        /// Posts to store, in a private PostgreSQL that is removed afterwards
        #[arg(long = "posts", value_name = "N", default_value_t = 1_000_000)]
        n_posts: usize,
        /// Days over which they are spread
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
        /// How often each question is asked
        #[arg(long = "runs", value_name = "N", default_value_t = 7)]
        n_runs: usize,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// What a delivery costs and an idle connection weighs, and the same of nchan and socket.io
    Fanout(bench::fanout::FanoutParams),
    /// The subscribers of `bench fanout`, which starts them itself
    #[command(hide = true)]
    FanoutClient(bench::fanout::client::ClientParams),
    /// How long a turn of the alerter takes with very many series, and what posts and people notice of it
    Alerting {
        /// Products that are spoken of
        #[arg(long = "products", value_name = "N", default_value_t = 65_000)]
        n_products: usize,
        /// Rules about each product
        #[arg(long = "rules", value_name = "N", default_value_t = 197)]
        n_rules: usize,
        /// How long posts are sent, without rules and then with them
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Posts sent each second
        #[arg(long, default_value_t = 1_000)]
        rate: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Texts scored a second over HTTP, one a request and in batches, by each tier, and the same of FastAPI
    Score(bench::score::ScoreParams),
    /// How often signals are wrong on stable series, and how soon they find bursts; on simulated ones, so nothing is stored
    Signals {
        /// Simulated series of each of seven rates
        #[arg(long = "series", value_name = "N", default_value_t = 10)]
        n_series: u64,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Texts the model reads a second, tokenization included
    Inference {
        /// Threads that read, each with a session of its own; as many as these, one and two are measured
        #[arg(long = "threads", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
        n_threads: u8,
        /// What to compare with by turns: a model's folder, run as one session of two threads, 32 texts at a time as they come;
        /// or another groundswell executable, such as an older one
        #[arg(long, value_name = "PATH")]
        baseline: Option<PathBuf>,
        /// Texts in a run; by default as many as one thread reads in four seconds
        #[arg(long = "count", value_name = "N")]
        n_texts: Option<usize>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        config: Box<Config>,
    },
}

/// What a bench hands to its server, read as that server will.
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

/// Runs the command that the arguments name, to its end.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (cli, sources) = config::parse::<Cli>(arguments).unwrap_or_else(|error| error.exit());
    // Every HTTP client of the process needs one, also one that never speaks TLS. Only a second is refused.
    let _ = rustls::crypto::ring::default_provider().install_default();
    obey(cli.command, &sources).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn obey(command: Command, sources: &Sources) -> anyhow::Result<ExitCode> {
    match command {
        Command::ReadDeep => {
            let (requests, answers) = (std::io::stdin().lock(), std::io::stdout().lock());
            background::lower_priority();
            out_of_process::serve(requests, answers)?;
        }
        Command::Serve(config) => {
            let asked_to_stop = app::serve(*config, sources)?;
            return Ok(if asked_to_stop { ExitCode::SUCCESS } else { ExitCode::FAILURE });
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
            bench::signals::run(bench::signals::SignalsParams { n_series, json })?;
        }
        Command::Config => print(config::example().trim_end()),
        Command::Openapi => print(&http::openapi::document()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the answer of a command. A reader that has seen enough, as `head` has, is no error.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{text}");
}
