//! Measurements that anybody can repeat: every figure we state is printed by one of these.

pub mod alerting; // how long a turn of the alerter takes with very many series
pub mod cascade; // how soon scores are corrected, and what that is worth
pub mod explore; // how soon history answers
pub mod fanout; // what a delivery to a browser costs, beside nchan and socket.io
pub mod inference; // how many texts a second the model reads
pub mod pipeline; // how many posts a second are stored, and how soon they are seen
pub mod posts; // real texts, recombined, under names of their own
pub mod score; // how many texts a second are scored over HTTP, beside FastAPI
pub mod signals; // how often signals are wrong, and how soon they are right

mod cache_use; // how much of a load a cache answered
mod deferral; // which posts the deep model should read, judged by labelled ones
mod http_load; // requests as fast as they are answered
mod open_loop; // posts by the clock, and when each is seen
mod process; // what processes use
mod schedule; // when the posts of an open-loop run are due
mod rounds; // medians of several rounds
mod server; // a server of its own, as a user would run it
mod distinct_texts; // texts that nobody has read before
mod stalls; // the worst seconds of a run
mod watcher; // a browser's side of the socket

use serde::Serialize;

/// Prints a report: as one JSON object for programs, else as a table for people.
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
