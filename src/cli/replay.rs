//! `groundswell replay`: sends real posts from a file, with timestamps shifted to the present.

use std::path::PathBuf;

use jiff::Timestamp;

use super::feed::{FeedParams, feed};
use crate::connectors::playback::replay::{Replay, ReplayFileParams, run_name};

/// Options for `groundswell replay`.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayParams {
    /// File to replay: NDJSON or CSV, plain or gzipped
    pub file: PathBuf,
    /// Factor by which to speed up the original timing
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Start over at the end of the file; each round gets new ids, so that its posts count as new
    #[arg(long = "loop")]
    pub loop_forever: bool,
    /// Keep the ids in the file, so that posts that were already replayed are not counted again
    #[arg(long)]
    pub keep_ids: bool,
    #[command(flatten)]
    pub feed: FeedParams,
}

/// Replays a file into the stream.
///
/// # Errors
/// If the file cannot be read or the stream cannot be found.
pub async fn run(params: ReplayParams) -> anyhow::Result<()> {
    let run = if params.keep_ids { String::new() } else { run_name(Timestamp::now()) };
    let replay = Replay::open(ReplayFileParams {
        file: params.file,
        speed: params.speed,
        loop_forever: params.loop_forever,
        run,
    })?;
    if !replay.ignored_columns().is_empty() {
        eprintln!("ignoring columns that are not fields of a post: {}", replay.ignored_columns().join(", "));
    }
    feed(replay, &params.feed).await
}
