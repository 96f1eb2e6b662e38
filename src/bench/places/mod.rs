//! Benchmark of places: how many author locations are recognized, how fast, and with how much memory.

mod accuracy; // precision and recall on labelled locations

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::medians::medians;
use super::process::resident_bytes;
use crate::enrich::place_of;
use accuracy::{Accuracy, Labelled, Tally};

/// Number of lookups timed in each run.
const N_LOOKUPS: usize = 200_000;

/// Number of runs.
const N_RUNS: usize = 5;

/// Settings for `bench places`.
#[derive(Debug, Clone, clap::Args)]
pub struct PlacesParams {
    /// File of labelled locations, tab-separated, whose lookup is also timed
    #[arg(long, value_name = "FILE", default_value = "tests/fixtures/places/held_out.tsv")]
    labelled: PathBuf,
    /// List the locations in which the wrong place or none was found
    #[arg(long)]
    errors: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Time to unpack and index the gazetteer, which a process does once, on the first location.
    load_ms: f64,
    /// Increase of the process's resident memory while loading.
    memory_bytes: u64,
    accuracy: Accuracy,
    #[serde(flatten)]
    median: Run,
    runs: Vec<Run>,
}

/// Result of looking up locations on one thread.
#[derive(Clone, Serialize, Deserialize)]
struct Run {
    lookups_per_second: f64,
}

/// Looks up labelled locations on one thread, and prints precision, recall, the median speed and the memory.
///
/// # Errors
/// If the locations cannot be read.
pub fn run(params: &PlacesParams) -> anyhow::Result<()> {
    let labelled = Labelled::read(&params.labelled)?;
    let resident_before = resident_bytes(std::process::id());
    let started = Instant::now();
    black_box(place_of("the first lookup loads the gazetteer"));
    let load_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let memory_bytes = resident_bytes(std::process::id()).saturating_sub(resident_before);
    let accuracy = Accuracy::of(&labelled);
    let runs: Vec<Run> = (0..N_RUNS).map(|_| time(&labelled)).collect();
    let report = Report { load_ms, memory_bytes, accuracy, median: medians(&runs)?, runs };
    super::print(&report, &rows(&report, params.errors), params.json)
}

fn time(labelled: &[Labelled]) -> Run {
    let started = Instant::now();
    for label in labelled.iter().cycle().take(N_LOOKUPS) {
        black_box(place_of(black_box(&label.location)));
    }
    Run { lookups_per_second: N_LOOKUPS as f64 / started.elapsed().as_secs_f64() }
}

fn rows(report: &Report, with_errors: bool) -> Vec<(&'static str, String)> {
    let accuracy = &report.accuracy;
    let speeds = report.runs.iter().map(|run| run.lookups_per_second);
    let (slowest, fastest) = (speeds.clone().fold(f64::INFINITY, f64::min), speeds.fold(0.0, f64::max));
    let Run { lookups_per_second } = report.median;
    let mut rows = vec![
        ("locations", format!("{}, of which {} name no place", accuracy.n_locations, accuracy.n_nowhere)),
        ("country", in_words(&accuracy.country)),
        ("city", in_words(&accuracy.city)),
        ("places found where there is none", accuracy.n_nowhere_found.to_string()),
        ("lookups on one core", format!("{lookups_per_second:.0}/s ({slowest:.0} to {fastest:.0})")),
        ("gazetteer loaded in", format!("{:.0} ms", report.load_ms)),
        ("memory of the gazetteer", format!("{:.1} MB", report.memory_bytes as f64 / 1e6)),
    ];
    if with_errors {
        rows.extend(accuracy.errors.iter().map(|error| ("error", error.clone())));
    }
    rows
}

fn in_words(tally: &Tally) -> String {
    let Tally { n_labelled, n_found, n_right } = tally;
    let (precision, recall) = (tally.precision() * 100.0, tally.recall() * 100.0);
    format!(
        "precision {precision:.1}% ({n_right} of {n_found}), recall {recall:.1}% ({n_right} of {n_labelled})"
    )
}
