//! How many texts a second the model reads.

use std::path::PathBuf;

use serde::Serialize;

use super::posts::Texts;
use crate::inference::throughput::{Throughput, ThroughputParams, measure};
use crate::inference::{LoadParams, load};

/// As the pipeline hands them over under load.
const BATCH_SIZE: usize = 500;

const N_RUNS: usize = 5;

/// What to measure.
#[derive(Debug, Clone)]
pub struct InferenceParams {
    /// Where the texts come from.
    pub texts: PathBuf,
    /// Which model, and where it lies.
    pub load: LoadParams,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    version: String,
    one_thread: Throughput,
    two_threads: Throughput,
}

/// Reads all texts several times with one thread and with two, and prints the medians.
///
/// # Errors
/// When the model cannot be loaded: the lexicon's figure would pass for the model's.
pub fn run(params: InferenceParams) -> anyhow::Result<()> {
    let texts = Texts::read(&params.texts)?;
    let loaded = load(&params.load);
    if let Some(reason) = loaded.degraded {
        anyhow::bail!("no model could be loaded: {reason}");
    }
    let with = |n_threads| {
        measure(&ThroughputParams {
            factory: loaded.factory.as_ref(),
            texts: texts.as_slice(),
            n_threads,
            batch_size: BATCH_SIZE,
            n_runs: N_RUNS,
        })
    };
    let id = loaded.factory.model();
    let report = Report {
        model: id.name.clone(),
        version: id.version.clone(),
        one_thread: with(1)?,
        two_threads: with(2)?,
    };
    let line = |speed: &Throughput| {
        format!(
            "{:.0} texts a second, median of {N_RUNS} runs (from {:.0} to {:.0})",
            speed.texts_per_second_median, speed.texts_per_second_min, speed.texts_per_second_max
        )
    };
    let rows = [
        ("model", format!("{} {}", report.model, report.version)),
        ("texts", format!("{} real tweets, tokenization included", report.one_thread.n_texts)),
        ("one thread", line(&report.one_thread)),
        ("two threads", line(&report.two_threads)),
    ];
    super::print(&report, &rows, params.json)
}
