//! Records where each setting came from.

use std::fmt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::error::ConfigError;
use super::file::SettingsFile;
use super::setting::{self, Setting};

/// Where the settings of a command came from. It contains no values, so it is safe to print.
#[derive(Debug, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    exposes_secrets: bool,
    from_file: Vec<String>,
    from_environment: Vec<String>,
    from_command_line: Vec<String>,
}

impl Sources {
    /// Returns where the settings in `matches` came from. Values from the file look like defaults in `matches`.
    pub(super) fn of(matches: &ArgMatches, file: Option<&SettingsFile>) -> Self {
        let mut sources = Self {
            file: file.map(|file| file.path.clone()),
            exposes_secrets: file.is_some_and(|file| file.exposes_secrets),
            ..Self::default()
        };
        for setting in setting::all().iter().filter(|it| matches.ids().any(|id| id == it.arg.get_id())) {
            let given_by_file = file.is_some_and(|file| file.gives(setting.key()));
            let from = match matches.value_source(setting.key()) {
                Some(ValueSource::CommandLine) => &mut sources.from_command_line,
                Some(ValueSource::EnvVariable) => &mut sources.from_environment,
                _ if given_by_file => &mut sources.from_file,
                _ => continue,
            };
            from.push(setting.key().to_owned());
        }
        sources
    }

    /// Adds the file and the key to an error about a value that came from the file.
    pub fn locate(&self, error: ConfigError) -> anyhow::Error {
        let (ConfigError::Invalid { variable, problem }, Some(file)) = (&error, &self.file) else {
            return error.into();
        };
        let settings = setting::all();
        let is_it =
            |it: &&Setting| it.variable() == *variable && self.from_file.iter().any(|key| key == it.key());
        match settings.iter().find(is_it) {
            Some(it) => {
                let (file, key, table) = (file.display(), it.key(), &it.table);
                anyhow::anyhow!("settings file `{file}`: `{key}` in `[{table}]`: {problem}")
            }
            None => error.into(),
        }
    }

    /// Returns a warning if every user of this machine can read secrets in the file.
    pub fn warning(&self) -> Option<String> {
        let path = self.file.as_ref().filter(|_| self.exposes_secrets)?.display();
        Some(format!("every user of this machine can read the secrets in `{path}`: run `chmod o-r {path}`"))
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_ref().map_or_else(String::new, |file| file.display().to_string());
        let parts = [
            (file.as_str(), &self.from_file),
            ("environment", &self.from_environment),
            ("command line", &self.from_command_line),
        ];
        let given: Vec<_> = parts
            .iter()
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(source, keys)| format!("{source}: {}", keys.join(", ")))
            .collect();
        f.write_str(&if given.is_empty() { "defaults".to_owned() } else { given.join("; ") })
    }
}
