//! Reproducible measurements: every published figure is printed by one of these benchmarks.

pub mod audit; // writing and verifying the audit log
pub mod credentials; // cost of credentials per call
pub mod alerting; // the alerter under a large number of series
pub mod cascade; // latency of corrections, and the accuracy that they gain
pub mod explore; // latency of history queries
pub mod fanout; // cost of a delivery, compared with nchan and socket.io
pub mod lighthouse; // Lighthouse audits of the dashboard
pub mod inference; // throughput of the model
pub mod pipeline; // throughput and latency of the pipeline
pub mod posts; // posts with real texts, recombined, and unique ids
pub mod places; // lookup of locations
pub mod score; // scoring over HTTP, compared with FastAPI
pub mod topic_history; // topics applied to stored posts
pub mod topics; // matching of posts against queries
pub mod anomaly; // error rate and delay of anomaly detection

mod cache_use; // hit rate of the score caches
mod deferral_accuracy; // evaluation of deferral on labelled posts
mod closed_loop; // HTTP load in a closed loop
mod open_loop; // posts at a fixed rate, and their latency to the socket
mod process; // CPU and memory of processes
mod medians; // medians over rounds
mod schedule; // due times of an open loop
mod server; // a fresh server, as a user would run it
mod distinct_texts; // distinct texts, recombined from real ones
mod worst_seconds; // the worst seconds of a run
mod watcher; // a subscriber that times posts

use serde::Serialize;

/// Prints a report as one JSON object for programs, or as a table for people.
#[expect(clippy::print_stdout, reason = "printing is what a bench is for")]
pub fn print<R: Serialize>(report: &R, rows: &[(&str, String)], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(report)?);
        return Ok(());
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in rows {
        println!("{name:<width$}  {value}");
    }
    Ok(())
}
