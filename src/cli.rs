//! What each command does.

mod doctor; // what is missing here

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;
use crate::config::Config;

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
    /// Say what is missing to run here, and how to get it
    Doctor(Box<Config>),
}

/// Runs a command to its end.
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Serve(config) => app::serve(*config)
            .map(|asked_to_stop| if asked_to_stop { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Command::Doctor(config) => {
            app::client_runtime().and_then(|runtime| runtime.block_on(doctor::run(&config)))
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
