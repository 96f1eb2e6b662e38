//! Reads settings from the command line, the environment and the settings file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Parser};

use super::file::SettingsFile;
use super::{Sources, setting};

/// Option that names the settings file.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct FileOption {
    /// Settings file in TOML; a file named here must exist
    #[arg(long, value_name = "FILE", env = "GROUNDSWELL_CONFIG", default_value = "groundswell.toml")]
    pub config: PathBuf,
}

/// Parses a command line. A setting that is given neither there nor in the environment comes from the settings file, if
/// there is one, and otherwise has its default.
///
/// # Errors
/// If an argument, a variable or the file is wrong. The error message contains no secret.
pub fn parse<C: Parser>(arguments: impl IntoIterator<Item = OsString>) -> Result<(C, Sources), clap::Error> {
    parse_in(Path::new(""), arguments)
}

/// Parses a command line like [`parse`], but looks for the settings file in `directory`.
pub(super) fn parse_in<C: Parser>(
    directory: &Path,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(C, Sources), clap::Error> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    // Parsed twice: once to find out which file to read, and once with the file's values as the defaults.
    let matches = C::command().try_get_matches_from(&arguments).map_err(without_secret)?;
    let file = file_of(directory, innermost(&matches))?;
    let matches = match &file {
        Some(file) => file.apply_to(C::command()).try_get_matches_from(&arguments).map_err(without_secret)?,
        None => matches,
    };
    Ok((C::from_arg_matches(&matches)?, Sources::of(innermost(&matches), file.as_ref())))
}

/// Reads the settings file that the command line or the environment names, or the default one if it exists. Returns
/// `None` for commands that have no settings.
fn file_of(directory: &Path, matches: &ArgMatches) -> Result<Option<SettingsFile>, clap::Error> {
    const CONFIG: &str = "config";
    if !matches.ids().any(|id| id == CONFIG) {
        return Ok(None);
    }
    let Some(path) = matches.get_one::<PathBuf>(CONFIG).map(|path| directory.join(path)) else {
        return Ok(None);
    };
    if matches.value_source(CONFIG) == Some(ValueSource::DefaultValue) && !path.exists() {
        return Ok(None);
    }
    let refused = |error| clap::Error::raw(ErrorKind::ValueValidation, format!("{error}\n"));
    SettingsFile::read(&path).map(Some).map_err(refused)
}

fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, matches)| innermost(matches))
}

/// Removes secrets from an error, because clap quotes the value that it rejects.
fn without_secret(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return error };
    let option = argument.split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    if setting::all().iter().any(|it| it.is_secret() && it.option() == option) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
    error
}
