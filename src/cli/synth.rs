//! `groundswell synth`: sends generated posts.

use jiff::Timestamp;

use super::feed::{FeedParams, feed};
use crate::connectors::synth;

/// Options of `groundswell synth`.
#[derive(Debug, Clone, clap::Args)]
pub struct SynthParams {
    /// Posts per second, not counting bursts
    #[arg(long, default_value_t = 5.0)]
    pub rate: f64,
    /// Number of posts; by default unlimited
    #[arg(long)]
    pub count: Option<u64>,
    /// Seed; the same seed generates the same texts
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub feed: FeedParams,
}

/// Writes generated posts into the stream.
///
/// # Errors
/// If the rate is not valid or the stream cannot be found.
pub async fn run(params: SynthParams) -> anyhow::Result<()> {
    let generator = synth::Synth::new(synth::SynthParams {
        rate: params.rate,
        count: params.count,
        seed: params.seed,
        begun_at: Timestamp::now(),
    })?;
    feed(generator, &params.feed).await
}
