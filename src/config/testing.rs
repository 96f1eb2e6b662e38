//! Command line and working directory for tests of the settings file.

use clap::Parser;
use tempfile::TempDir;

use super::command_line::parse_in;
use super::{Config, FileOption, Sources};

/// Commands with all settings, with a few of them, and with none.
#[derive(Debug, Parser)]
pub enum Program {
    Serve(Box<Config>),
    Feed {
        #[command(flatten)]
        file: FileOption,
        #[arg(long, env = "GROUNDSWELL_PREFIX")]
        prefix: Option<String>,
        /// Option that shares its name with a setting but is not one.
        #[arg(long, default_value_t = 7)]
        batch_size: usize,
    },
    Openapi,
}

/// Returns a working directory whose `groundswell.toml` has this content.
pub fn directory(file: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("groundswell.toml"), file).unwrap();
    directory
}

pub fn run(file: &str, arguments: &[&str]) -> Result<(Program, Sources), clap::Error> {
    let arguments = std::iter::once("groundswell").chain(arguments.iter().copied());
    parse_in(directory(file).path(), arguments.map(Into::into))
}

pub fn serve(file: &str, arguments: &[&str]) -> (Config, Sources) {
    match run(file, &[&["serve"], arguments].concat()).unwrap() {
        (Program::Serve(config), sources) => (*config, sources),
        (other, _) => panic!("{other:?}"),
    }
}

pub fn refusal(file: &str) -> String {
    run(file, &["serve"]).unwrap_err().to_string()
}
