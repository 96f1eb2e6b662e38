//! Benchmark of the models by themselves: texts scored per second.

mod throughput; // throughput of several models, alternating

mod baseline_executable; // comparison with another executable

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use self::throughput::{Configuration, Throughput, ThroughputParams, measure};
use super::posts::{Supply, Texts, TextsParams};
use crate::inference::{Alone, Batching, LoadParams, ModelChoice, ScorerFactory, load_alone};

/// Batch size of the pipeline under load.
const BATCH_SIZE: usize = 500;

/// Batch size of typical embedding servers, which batch texts in order of arrival.
const BASELINE_BATCH_SIZE: usize = 32;

/// Number of threads in the only session of such a server: as many as there are cores, two on the reference machine.
const BASELINE_THREADS: usize = 2;

const N_RUNS: usize = 5;

/// Target duration of a run: long enough for a meaningful median, short enough that ten runs of a slow model stay
/// bearable.
const RUN: Duration = Duration::from_secs(4);

/// Number of texts scored to estimate the speed, which determines the number of texts per run.
const N_TEXTS_TO_GUESS_BY: usize = 200;

/// Minimum number of batches per run, so that two threads share it evenly.
const N_BATCHES_MIN: usize = 8;

/// Settings for `bench inference`.
#[derive(Debug, Clone)]
pub struct InferenceParams {
    /// Where the texts to score come from, and how they are recombined.
    pub texts: TextsParams,
    /// The model to measure, and where to find it and its runtime.
    pub load: LoadParams,
    /// Maximum number of threads, each with its own session. Runs with one thread and with two are also measured, if
    /// this number allows.
    pub n_threads: usize,
    /// What to compare with: a model folder, run as one session of two threads, in batches of 32 in order of arrival,
    /// padded to the longest text; or another groundswell executable.
    pub baseline: Option<PathBuf>,
    /// Texts per run; `None` for as many as one thread scores in four seconds.
    pub n_texts: Option<usize>,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    version: String,
    /// Number of distinct texts across all runs. They are scored without a cache.
    distinct_texts: usize,
    cache_hit_share: f64,
    one_thread: Throughput,
    two_threads: Option<Throughput>,
    /// Result with the requested number of threads, if that is more than two.
    all_threads: Option<Throughput>,
    baseline: Option<Baseline>,
}

#[derive(Serialize)]
struct Baseline {
    model: String,
    version: String,
    threads_per_session: usize,
    #[serde(flatten)]
    throughput: Throughput,
    /// Speed of two threads, or of one if only one was requested, divided by the baseline's.
    times_as_fast: f64,
}

/// Scores texts with one thread and with two, alternating with the baseline, and prints medians. Each run uses new
/// texts, and there is no cache.
///
/// # Errors
/// If the model cannot be loaded. Falling back to the lexicon would publish its speed as the model's.
pub fn run(params: InferenceParams) -> anyhow::Result<()> {
    if let Some(executable) = params.baseline.as_deref().filter(|path| path.is_file()) {
        return baseline_executable::run(&params, executable);
    }
    let Alone { factory, .. } = load_alone(&LoadParams { cache_bytes: 0, ..params.load.clone() })?;
    let baseline =
        params.baseline.as_deref().map(|folder| load_baseline(&params.load, folder)).transpose()?;
    let mut supply = Supply::open(&params.texts)?;
    let n_texts = match params.n_texts {
        Some(n_texts) => n_texts,
        None => guess_n_texts(factory.as_ref(), &mut supply)?,
    };
    let texts = texts_of_runs(&mut supply, n_texts, &params.texts)?;
    let runs: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
    let n_texts = runs.first().map_or(0, |texts| texts.len());
    let batch_size = BATCH_SIZE.min(n_texts / N_BATCHES_MIN).max(BASELINE_BATCH_SIZE);
    let mut counts = vec![1, 2, params.n_threads];
    counts.retain(|n_threads| *n_threads <= params.n_threads);
    counts.dedup();
    let mut configurations: Vec<Configuration<'_>> = counts
        .iter()
        .map(|n_threads| Configuration { factory: factory.as_ref(), n_threads: *n_threads, batch_size })
        .collect();
    if let Some(baseline) = &baseline {
        let factory = baseline.factory.as_ref();
        configurations.push(Configuration { factory, n_threads: 1, batch_size: BASELINE_BATCH_SIZE });
    }
    let measured = measure(&ThroughputParams { configurations: &configurations, runs: &runs })?;
    let report = report(factory.as_ref(), baseline.as_ref(), &measured, distinct(&texts))?;
    super::print(&report, &rows(&report), params.json)
}

/// Returns texts for the warm-up run and for each timed run.
fn texts_of_runs(
    supply: &mut Supply,
    n_texts: usize,
    params: &TextsParams,
) -> anyhow::Result<Vec<Vec<String>>> {
    if params.repeat_texts {
        let texts = spread(Texts::read(&params.texts)?.as_slice(), n_texts);
        return Ok(vec![texts; N_RUNS + 1]);
    }
    (0..=N_RUNS).map(|_| supply.take(n_texts)).collect()
}

fn distinct(runs: &[Vec<String>]) -> usize {
    runs.iter().flatten().collect::<HashSet<_>>().len()
}

fn load_baseline(load: &LoadParams, folder: &Path) -> anyhow::Result<Alone> {
    let params = LoadParams {
        fast: ModelChoice::Folders(vec![folder.to_path_buf()]),
        cache_bytes: 0,
        threads_per_session: BASELINE_THREADS,
        batching: Batching::AsGiven,
        ..load.clone()
    };
    Ok(load_alone(&params)?)
}

fn guess_n_texts(factory: &dyn ScorerFactory, supply: &mut Supply) -> anyhow::Result<usize> {
    let texts = supply.take(N_TEXTS_TO_GUESS_BY)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut scorer = factory.build()?;
    let started = Instant::now();
    scorer.score(&texts)?;
    let runs = RUN.as_nanos() / started.elapsed().as_nanos().max(1);
    Ok(usize::try_from(runs).unwrap_or(usize::MAX).saturating_mul(texts.len()).max(texts.len()))
}

/// Returns at most `n` of the texts, evenly spaced and in their original order.
fn spread(texts: &[String], n: usize) -> Vec<String> {
    let step = texts.len().div_ceil(n.max(1)).max(1);
    texts.iter().step_by(step).cloned().collect()
}

fn report(
    factory: &dyn ScorerFactory,
    baseline: Option<&Alone>,
    measured: &[Throughput],
    distinct_texts: usize,
) -> anyhow::Result<Report> {
    let (ours, theirs) = match baseline {
        Some(_) => measured.split_at(measured.len().saturating_sub(1)),
        None => (measured, &[][..]),
    };
    let of = |n_threads: usize| ours.iter().find(|ours| ours.n_threads == n_threads).copied();
    let one_thread = of(1).ok_or_else(|| anyhow::anyhow!("one thread was not measured"))?;
    let best = of(2).unwrap_or(one_thread);
    let baseline = baseline.zip(theirs.first()).map(|(baseline, throughput)| {
        let id = baseline.factory.model();
        Baseline {
            model: id.name.clone(),
            version: id.version.clone(),
            threads_per_session: BASELINE_THREADS,
            throughput: *throughput,
            times_as_fast: best.texts_per_second_median / throughput.texts_per_second_median,
        }
    });
    let id = factory.model();
    Ok(Report {
        model: id.name.clone(),
        version: id.version.clone(),
        distinct_texts,
        cache_hit_share: 0.0,
        one_thread,
        two_threads: of(2),
        all_threads: ours.last().filter(|last| last.n_threads > 2).copied(),
        baseline,
    })
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let line = |speed: &Throughput| {
        format!(
            "{:.0} texts per second, median of {N_RUNS} runs (from {:.0} to {:.0})",
            speed.texts_per_second_median, speed.texts_per_second_min, speed.texts_per_second_max
        )
    };
    let Throughput { n_texts, batch_size, .. } = report.one_thread;
    let mut rows = vec![
        ("model", format!("{} {}", report.model, report.version)),
        (
            "texts",
            format!("{n_texts} per run, in batches of {batch_size}, tokenization included; no score cache"),
        ),
        ("distinct texts", report.distinct_texts.to_string()),
        ("one thread", line(&report.one_thread)),
    ];
    rows.extend(report.two_threads.as_ref().map(|speed| ("two threads", line(speed))));
    rows.extend(report.all_threads.as_ref().map(|speed| ("all threads", line(speed))));
    if let Some(baseline) = &report.baseline {
        let how = "one session of two threads, batches of 32 in order of arrival";
        rows.push(("baseline", format!("{} {}, {how}", baseline.model, baseline.version)));
        rows.push(("", line(&baseline.throughput)));
        rows.push(("speedup", format!("{:.2}", baseline.times_as_fast)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_evenly_from_the_list() {
        let texts: Vec<String> = (0..10).map(|i| i.to_string()).collect();
        let check = |n: usize, expected: &[&str]| assert_eq!(spread(&texts, n), expected, "{n}");
        check(5, &["0", "2", "4", "6", "8"]);
        check(4, &["0", "3", "6", "9"]);
        check(1, &["0"]);
        check(100, &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        check(0, &["0"]);
    }
}
