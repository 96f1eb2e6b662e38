//! The `groundswell` command: arguments, then [`groundswell::cli`].

use std::process::ExitCode;

use clap::Parser;
use groundswell::cli::Cli;

fn main() -> ExitCode {
    groundswell::cli::run(Cli::parse())
}
