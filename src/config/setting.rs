//! A setting as a key in the settings file, derived from its clap argument.

use std::any::TypeId;
use std::error::Error as _;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, Command};
use figment::value::Value;

use super::{Config, Secret};

/// A setting, as defined by its clap argument.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Table of the settings file that contains the key; named after the argument's group.
    pub table: String,
    /// The clap argument, which holds the default, variable, help and check.
    pub arg: Arg,
}

/// Type of a setting's value in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A TOML integer, such as `500`.
    Integer,
    /// A TOML boolean, such as `true`.
    Boolean,
    /// A TOML array of strings, such as `["a", "b"]`.
    List,
    /// A TOML string, such as `"text"`.
    Text,
}

/// Returns all settings in the order in which they are defined.
pub fn all() -> Vec<Setting> {
    let command = Config::augment_args(Command::default());
    let in_group = |group: &clap::ArgGroup| {
        let table = group.get_id().to_string();
        let args = group.get_args().filter_map(|id| command.get_arguments().find(|arg| arg.get_id() == id));
        args.map(|arg| Setting { table: table.clone(), arg: arg.clone() }).collect::<Vec<_>>()
    };
    command.get_groups().flat_map(in_group).collect()
}

impl Setting {
    /// Returns the setting's key in its table.
    pub fn key(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// Returns the command-line option, such as `--listen`.
    pub fn option(&self) -> String {
        format!("--{}", self.arg.get_long().unwrap_or_default())
    }

    /// Returns the environment variable that sets the value, such as `GROUNDSWELL_LISTEN`.
    pub fn variable(&self) -> String {
        self.arg.get_env().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns whether the value is a secret that must never be printed.
    pub fn is_secret(&self) -> bool {
        self.arg.get_value_parser().type_id() == TypeId::of::<Secret>()
    }

    /// Returns the type of the setting's value in TOML.
    pub fn kind(&self) -> Kind {
        let integers = [TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>(), TypeId::of::<i64>()];
        let value = self.arg.get_value_parser().type_id();
        if self.arg.get_value_delimiter().is_some() {
            Kind::List
        } else if value == TypeId::of::<bool>() {
            Kind::Boolean
        } else if integers.iter().any(|integer| value == *integer) {
            Kind::Integer
        } else {
            Kind::Text
        }
    }

    /// Returns the default in the form that clap parses; empty if there is none. Only a list can have several values.
    pub fn defaults(&self) -> Vec<String> {
        let defaults = self.arg.get_default_values().iter().map(|value| value.to_string_lossy());
        match self.arg.get_value_delimiter() {
            Some(delimiter) => defaults.flat_map(|it| split(&it, delimiter)).collect(),
            None => defaults.map(Into::into).collect(),
        }
    }

    /// Converts a TOML value to the strings that the command line would accept, and checks each of them.
    ///
    /// # Errors
    /// A description of the problem, worded to continue a sentence, without secrets.
    pub fn read(&self, value: &Value) -> Result<Vec<String>, String> {
        let texts = match self.kind() {
            Kind::Integer => value.to_i128().map(|number| vec![number.to_string()]),
            Kind::Boolean => value.to_bool().map(|it| vec![it.to_string()]),
            Kind::Text => value.as_str().map(|text| vec![text.to_owned()]),
            Kind::List => value.as_array().and_then(|entries| {
                entries.iter().map(|entry| entry.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            }),
        };
        let texts = texts.ok_or_else(|| format!("must be {}{}", self.kind().name(), self.hint()))?;
        if texts.is_empty() && !self.defaults().is_empty() {
            return Err(format!("must not be empty{}", self.hint()));
        }
        if value.to_i128().is_some_and(i128::is_negative) {
            return Err(format!("must not be negative{}", self.hint()));
        }
        for text in &texts {
            self.check(text)?;
        }
        Ok(texts)
    }

    /// Checks a string with clap's own parser, so that the file must satisfy the same checks as the variable.
    fn check(&self, text: &str) -> Result<(), String> {
        let command = Command::default().no_binary_name(true).disable_help_flag(true).arg(&self.arg);
        let Err(error) = command.try_get_matches_from([format!("{}={text}", self.option())]) else {
            return Ok(());
        };
        let problem = match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
                format!("must be one of {}", valid.join(", "))
            }
            _ => error.source().map_or_else(|| "must not be empty".to_owned(), ToString::to_string),
        };
        let shown = if self.is_secret() { String::new() } else { format!("`{text}`: ") };
        Err(format!("{shown}{problem}{}", self.hint()))
    }

    /// Returns a hint that shows the default as an example of an allowed value.
    fn hint(&self) -> String {
        match self.defaults().join(",") {
            default if default.is_empty() => String::new(),
            default => format!(" (default: {default})"),
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Boolean => "true or false",
            Self::List => "a list of strings",
            Self::Text => "a string",
        }
    }
}

fn split(text: &str, delimiter: char) -> Vec<String> {
    text.split(delimiter).map(str::to_owned).collect()
}
