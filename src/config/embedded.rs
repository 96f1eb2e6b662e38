//! Settings for the private PostgreSQL and Redis.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::embedded::RedisFsync;

/// The table `[embedded]`: the private PostgreSQL and Redis.
#[derive(Debug, Clone, Args)]
#[group(id = "embedded")]
pub struct EmbeddedSettings {
    /// Directory in which the private servers keep their files
    #[arg(long, env = "GROUNDSWELL_DATA_DIR", default_value = ".groundswell")]
    pub data_dir: PathBuf,
    /// When the private Redis syncs to disk: before it acknowledges a write (always), or every second (every-sec),
    /// which can lose the last second of accepted posts in a power cut; a killed process loses nothing in either case
    #[arg(long, env = "GROUNDSWELL_REDIS_FSYNC", default_value = "every-sec")]
    pub redis_fsync: Fsync,
    /// Whether the private PostgreSQL syncs to disk before it acknowledges a commit; false is for tests only
    #[arg(long, env = "GROUNDSWELL_DURABLE", default_value = "true", action = clap::ArgAction::Set)]
    pub durable: bool,
}

/// When the private Redis syncs accepted writes to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fsync {
    /// Before it acknowledges a write.
    Always,
    /// Every second; a power cut may lose the last one.
    EverySec,
}

impl From<Fsync> for RedisFsync {
    fn from(fsync: Fsync) -> Self {
        match fsync {
            Fsync::Always => Self::Always,
            Fsync::EverySec => Self::EverySec,
        }
    }
}
