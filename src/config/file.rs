//! The settings file: TOML with a table for each topic, checked as strictly as the command line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Command;
use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Value};

use super::setting::{self, Setting};

/// A settings file that has been read and checked.
pub struct SettingsFile {
    /// Where the file is, for messages.
    pub path: PathBuf,
    /// Whether the file contains secrets and every user of this machine can read it.
    pub exposes_secrets: bool,
    /// Values by key, in the form that the command line accepts.
    values: BTreeMap<String, Vec<String>>,
}

/// Reasons why a settings file cannot be used. No message contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file does not exist or cannot be read.
    #[error("settings file `{0}`: {1}")]
    Unreadable(PathBuf, io::Error),
    /// The file is not valid TOML.
    #[error("settings file `{0}`, line {1}: {2}")]
    Syntax(PathBuf, usize, String),
    /// The file has unknown keys or values that are not allowed; the message lists all of them, one per line.
    #[error("settings file `{0}`:{1}")]
    Refused(PathBuf, String),
}

impl SettingsFile {
    /// Reads and checks a settings file.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or has unknown keys or values that are not allowed. All such keys and
    /// values are listed.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |error| FileError::Unreadable(path.to_owned(), error);
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        // Not `Display`: it quotes the line, which may hold a secret.
        let tables: Dict = Toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            FileError::Syntax(path.to_owned(), line, error.message().trim().to_owned())
        })?;
        let settings = setting::all();
        let (values, problems) = values_in(&tables, &settings);
        if !problems.is_empty() {
            let lines = problems.iter().fold(String::new(), |mut lines, problem| {
                let _ = write!(lines, "\n  {problem}");
                lines
            });
            return Err(FileError::Refused(path.to_owned(), lines));
        }
        let holds_secrets = settings.iter().any(|it| it.is_secret() && values.contains_key(it.key()));
        Ok(Self { path: path.to_owned(), exposes_secrets: holds_secrets && mode & 0o004 != 0, values })
    }

    /// Makes the values in the file the defaults of a command and its subcommands, so the command line and the
    /// environment take precedence.
    pub fn apply_to(&self, command: Command) -> Command {
        let settings = setting::all();
        self.apply(command, &settings)
    }

    fn apply(&self, command: Command, settings: &[Setting]) -> Command {
        let command = command.mut_args(|arg| {
            // A subcommand's own argument may have the same name.
            let is_setting = settings
                .iter()
                .any(|it| it.arg.get_id() == arg.get_id() && it.arg.get_env() == arg.get_env());
            match self.values.get(arg.get_id().as_str()) {
                Some(values) if is_setting => arg.default_values(values),
                _ => arg,
            }
        });
        command.mut_subcommands(|subcommand| self.apply(subcommand, settings))
    }

    /// Returns whether the file contains a value for `key`.
    pub fn gives(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }
}

/// Returns the valid values by key, and what is wrong with the others.
fn values_in(tables: &Dict, settings: &[Setting]) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for (table, content) in tables {
        let keys = match keys_of(table, content, settings) {
            Ok(keys) => keys,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        for (key, value) in keys {
            match read((table, key), value, settings) {
                Ok(texts) => drop(values.insert(key.clone(), texts)),
                Err(problem) => problems.push(problem),
            }
        }
    }
    (values, problems)
}

fn keys_of<'a>(table: &str, content: &'a Value, settings: &[Setting]) -> Result<&'a Dict, String> {
    let is_known = settings.iter().any(|it| it.table == table);
    match content {
        Value::Dict(_, keys) if is_known => Ok(keys),
        Value::Dict(..) => {
            Err(format!("unknown table `[{table}]`; the nearest is {}", nearest_table(table, settings)))
        }
        _ if is_known => Err(format!("`{table}` must be a table")),
        _ => Err(format!("unknown key `{table}`; the nearest is {}", nearest_key(table, settings))),
    }
}

fn read((table, key): (&str, &str), value: &Value, settings: &[Setting]) -> Result<Vec<String>, String> {
    match settings.iter().find(|it| it.table == table && it.key() == key) {
        Some(setting) => setting.read(value).map_err(|problem| format!("`{key}` in `[{table}]`: {problem}")),
        None => {
            let nearest = nearest_key(key, settings);
            Err(format!("unknown key `{key}` in `[{table}]`; the nearest is {nearest}"))
        }
    }
}

fn nearest_key(key: &str, settings: &[Setting]) -> String {
    nearest(key, settings, Setting::key)
        .map_or_else(String::new, |it| format!("`{}` in `[{}]`", it.key(), it.table))
}

fn nearest_table(table: &str, settings: &[Setting]) -> String {
    nearest(table, settings, |it| &it.table).map_or_else(String::new, |it| format!("`[{}]`", it.table))
}

fn nearest<'a>(name: &str, settings: &'a [Setting], of: impl Fn(&Setting) -> &str) -> Option<&'a Setting> {
    let similarity = |it: &&Setting| strsim::jaro_winkler(name, of(it));
    settings.iter().max_by(|left, right| similarity(left).total_cmp(&similarity(right)))
}
