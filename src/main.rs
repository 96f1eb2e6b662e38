//! The `groundswell` command: arguments, then [`groundswell::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    groundswell::cli::run(std::env::args_os())
}
