//! The `groundswell` command, which passes its arguments to [`groundswell::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    groundswell::cli::run(std::env::args_os())
}
