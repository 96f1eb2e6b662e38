//! Settings for the models.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::inference::{LoadParams, ModelChoice};

/// The table `[inference]`: the models, and the resources that they may use.
#[derive(Debug, Clone, Args)]
#[group(id = "inference")]
pub struct InferenceSettings {
    /// Model that scores every post: lexicon, or one or more models separated by commas, each given as a path or as the
    /// name of a directory in the weights directory; each head comes from the first model that has it
    #[arg(long, visible_alias = "model", env = "GROUNDSWELL_FAST_MODEL", default_value = "swift", value_parser = fast_model)]
    pub fast_model: ModelChoice,
    /// Model that corrects uncertain scores of the fast model, given in the same way, or none
    #[arg(long, env = "GROUNDSWELL_DEEP_MODEL", default_value = "deep")]
    pub deep_model: ModelChoice,
    /// How long after its arrival the deep model may correct a post, such as 1s or 500ms, at most 15s; 0 turns
    /// corrections off
    #[arg(long, env = "GROUNDSWELL_LATENCY_BUDGET", default_value = "1s", value_parser = latency_budget)]
    pub latency_budget: Duration,
    /// Megabytes of results that each model caches, because reposts repeat texts; 0 turns the cache off
    #[arg(long, env = "GROUNDSWELL_RESULT_CACHE_MB", default_value_t = 32)]
    pub result_cache_mb: usize,
    /// Threads that run the fast model; 0 means one per core, at most two
    #[arg(long, env = "GROUNDSWELL_INFERENCE_THREADS", default_value_t = 0)]
    pub inference_threads: usize,
    /// Processes that run the deep model, which uses only idle CPU; 0 means one per core
    #[arg(long, env = "GROUNDSWELL_DEEP_THREADS", default_value_t = 0)]
    pub deep_threads: usize,
    /// Directory that holds one directory per model; by default, looked up next to the executable, then in the checkout
    #[arg(long, env = "GROUNDSWELL_WEIGHTS_DIR")]
    pub weights_dir: Option<PathBuf>,
    /// ONNX Runtime library; by default, looked up next to the executable, then in the checkout
    #[arg(long, env = "ORT_DYLIB_PATH")]
    pub ort_dylib_path: Option<PathBuf>,
}

impl InferenceSettings {
    /// Returns which models to load, and where to find their files.
    pub fn load_params(&self) -> LoadParams {
        LoadParams {
            fast: self.fast_model.clone(),
            deep: self.deep_model.clone(),
            weights_dir: self.weights_dir.clone(),
            runtime_library: self.ort_dylib_path.clone(),
            executable: std::env::current_exe().ok(),
            cache_bytes: self.result_cache_mb.saturating_mul(1 << 20),
            ..LoadParams::default()
        }
    }

    /// Returns the number of threads that run the fast model, with 0 resolved to a number for this machine.
    pub fn n_inference_threads(&self) -> usize {
        if self.inference_threads > 0 {
            return self.inference_threads;
        }
        // More would not help, because the databases need the other cores.
        std::thread::available_parallelism().map_or(1, usize::from).min(2)
    }

    /// Returns the number of processes that run the deep model, with 0 resolved to a number for this machine.
    pub fn n_deep_threads(&self) -> usize {
        if self.deep_threads > 0 {
            return self.deep_threads;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

/// Maximum latency budget: half the time for which a process claims a post
/// ([`crate::store::posts::corrections::FIRST_CLAIM`]), because a correction may take up to twice the budget. With a
/// longer budget, other processes would take over posts that are still being processed.
pub(super) const LATENCY_BUDGET_MAX: Duration = Duration::from_secs(15);

/// Parses a latency budget such as `1s`, `500ms` or `0`.
pub(super) fn latency_budget(text: &str) -> Result<Duration, String> {
    const FORM: &str = "must be of the form `1s`, `500ms` or `0`";
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| FORM)?;
    let budget = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "" if number == 0 => Duration::ZERO,
        _ => return Err(FORM.to_owned()),
    };
    if budget > LATENCY_BUDGET_MAX {
        return Err("must be at most 15s".to_owned());
    }
    Ok(budget)
}

fn fast_model(text: &str) -> Result<ModelChoice, String> {
    match text.parse()? {
        ModelChoice::Off => Err("must name a model: every post is scored".to_owned()),
        model => Ok(model),
    }
}
