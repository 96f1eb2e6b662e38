//! `groundswell synth`: sends generated posts.

use jiff::Timestamp;

use super::feed::{FeedParams, feed};
use crate::connectors::playback::synth;

/// Options for `groundswell synth`.
#[derive(Debug, Clone, clap::Args)]
pub struct SynthParams {
    /// Posts per second outside bursts
    #[arg(long, default_value_t = 5.0)]
    pub rate: f64,
    /// Number of posts to send; unlimited by default
    #[arg(long)]
    pub count: Option<u64>,
    /// Seed for the texts; the same seed produces the same texts
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub feed: FeedParams,
}

/// Sends generated posts to the stream.
///
/// # Errors
/// If the rate is not positive, or the stream cannot be found.
pub async fn run(params: SynthParams) -> anyhow::Result<()> {
    let generator = synth::Synth::new(synth::SynthParams {
        rate: params.rate,
        count: params.count,
        seed: params.seed,
        begun_at: Timestamp::now(),
    })?;
    feed(generator, &params.feed).await
}
