//! A setting as a key in the settings file. Everything is derived from its clap argument.

use std::any::TypeId;
use std::error::Error as _;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Args, Command};
use figment::value::Value;

use super::{Config, Secret};

/// A setting, as its clap argument defines it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The table that contains the key: the topic, which is the argument's group.
    pub table: String,
    /// The argument, with default, variable, help and check.
    pub arg: Arg,
}

/// How a setting's value is written in TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Such as `500`.
    Integer,
    /// Such as `true`.
    Boolean,
    /// Such as `["a", "b"]`.
    List,
    /// Such as `"text"`.
    Text,
}

/// Returns all settings in the order of their definition.
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
    /// Returns the key in the settings file.
    pub fn key(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// Returns the command-line option, for example `--listen`.
    pub fn option(&self) -> String {
        format!("--{}", self.arg.get_long().unwrap_or_default())
    }

    /// Returns the environment variable.
    pub fn variable(&self) -> String {
        self.arg.get_env().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns whether the value is secret and must never be printed.
    pub fn is_secret(&self) -> bool {
        self.arg.get_value_parser().type_id() == TypeId::of::<Secret>()
    }

    /// Returns how the setting's value is written in TOML.
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

    /// Returns the default in the form that clap parses; empty if there is none. A list has several values.
    pub fn defaults(&self) -> Vec<String> {
        let defaults = self.arg.get_default_values().iter().map(|value| value.to_string_lossy());
        match self.arg.get_value_delimiter() {
            Some(delimiter) => defaults.flat_map(|it| split(&it, delimiter)).collect(),
            None => defaults.map(Into::into).collect(),
        }
    }

    /// Converts a TOML value to the texts that the command line would take, and checks them in the same way.
    ///
    /// # Errors
    /// What is wrong, worded to continue a sentence; shows no secret.
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

    /// Runs clap's own parser, so that the file has to satisfy the same checks as the variable.
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

    /// Returns the default as an example of what is allowed.
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
