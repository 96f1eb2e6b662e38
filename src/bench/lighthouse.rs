//! Benchmark of the dashboard: Lighthouse audits of its pages while posts arrive.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::medians::medians;
use super::server::Server;

const SCRIPT: &str = "audit.mjs";

/// How long posts arrive before the first audit, so that the pages have something to draw.
const WARM_UP: Duration = Duration::from_secs(30);

/// Options for `bench lighthouse`.
#[derive(Debug, Clone, clap::Args)]
pub struct LighthouseParams {
    /// Pages to audit
    #[arg(long, value_delimiter = ',', default_value = "/,/explore")]
    pages: Vec<String>,
    /// Posts per second while the pages are audited
    #[arg(long, default_value_t = 35)]
    rate: u32,
    /// Number of audits per page and form factor; the medians are reported
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Directory with Lighthouse, as installed by `scripts/setup.sh bench`
    #[arg(long, value_name = "PATH", default_value = "bench/lighthouse")]
    lighthouse_dir: PathBuf,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Lighthouse's verdict on a page: scores from 0 to 100, and the measurements behind the performance score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Audit {
    page: String,
    /// `desktop` or `phone`. For a phone, Lighthouse simulates a slow network and a CPU that is four times slower.
    form: String,
    performance: f64,
    accessibility: f64,
    best_practices: f64,
    seo: f64,
    first_contentful_paint_ms: f64,
    largest_contentful_paint_ms: f64,
    total_blocking_time_ms: f64,
    speed_index_ms: f64,
    cumulative_layout_shift: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    posts_per_second: u32,
    rounds: usize,
    audits: Vec<Audit>,
}

/// Audits the pages of a fresh server and prints the medians.
///
/// # Errors
/// If the server cannot be started, Lighthouse is not installed, or an audit fails. A score that misses its target is
/// not an error.
pub async fn run(params: LighthouseParams) -> anyhow::Result<()> {
    let installed = params.lighthouse_dir.join("node_modules/lighthouse");
    anyhow::ensure!(installed.is_dir(), "Lighthouse is not installed: run `scripts/setup.sh bench`");
    let server = Server::start(&[]).await?;
    let mut feed = server.synth(params.rate)?;
    tokio::time::sleep(WARM_UP).await;
    let mut rounds = Vec::new();
    for round in 1..=params.rounds.max(1) {
        eprintln!("round {round}");
        rounds.push(audit(&server, &params).await?);
        anyhow::ensure!(feed.try_wait()?.is_none(), "the feed ended during the audits");
    }
    feed.kill().await?;
    server.stop().await?;
    let report = Report { posts_per_second: params.rate, rounds: rounds.len(), audits: by_page(&rounds)? };
    super::print(&report, &report.rows(), params.json)
}

/// Returns the medians across the rounds, in the order of the audits.
fn by_page(rounds: &[Vec<Audit>]) -> anyhow::Result<Vec<Audit>> {
    let first = rounds.first().context("nothing was audited")?;
    let of = |index: usize| {
        let audits: Vec<Audit> = rounds.iter().filter_map(|round| round.get(index).cloned()).collect();
        medians(&audits)
    };
    (0..first.len()).map(of).collect()
}

async fn audit(server: &Server, params: &LighthouseParams) -> anyhow::Result<Vec<Audit>> {
    let urls = params.pages.iter().map(|page| format!("{}{page}", server.info.address));
    let output = Command::new("node")
        .arg(params.lighthouse_dir.join(SCRIPT))
        .args(urls)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("Node.js is not installed")?;
    anyhow::ensure!(output.status.success(), "Lighthouse failed: {}", output.status);
    let lines = std::str::from_utf8(&output.stdout)?.lines();
    lines
        .map(|line| serde_json::from_str(line).with_context(|| format!("unexpected output `{line}`")))
        .collect()
}

impl Report {
    fn rows(&self) -> Vec<(&str, String)> {
        let mut rows =
            vec![("audits", format!("medians of {}, at {} posts/s", self.rounds, self.posts_per_second))];
        for audit in &self.audits {
            rows.push(("", String::new()));
            rows.push(("page", format!("{}, {}", audit.page, audit.form)));
            rows.push(("performance", format!("{:.0}", audit.performance)));
            rows.push((
                "accessibility, best practices, SEO",
                format!("{:.0}, {:.0}, {:.0}", audit.accessibility, audit.best_practices, audit.seo),
            ));
            rows.push((
                "first, largest contentful paint",
                format!(
                    "{:.0} ms, {:.0} ms",
                    audit.first_contentful_paint_ms, audit.largest_contentful_paint_ms
                ),
            ));
            rows.push(("total blocking time", format!("{:.0} ms", audit.total_blocking_time_ms)));
            rows.push(("speed index", format!("{:.0} ms", audit.speed_index_ms)));
            rows.push(("cumulative layout shift", format!("{:.3}", audit.cumulative_layout_shift)));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(page: &str, performance: f64) -> Audit {
        Audit {
            page: page.to_owned(),
            form: "desktop".to_owned(),
            performance,
            accessibility: 100.0,
            best_practices: 100.0,
            seo: 100.0,
            first_contentful_paint_ms: 1.0,
            largest_contentful_paint_ms: 2.0,
            total_blocking_time_ms: 3.0,
            speed_index_ms: 4.0,
            cumulative_layout_shift: 0.01,
        }
    }

    #[test]
    fn each_page_has_its_own_median() {
        let round = |live, explore| vec![audit("/", live), audit("/explore", explore)];
        let medians = by_page(&[round(90.0, 20.0), round(10.0, 60.0), round(50.0, 40.0)]).unwrap();
        assert_eq!(medians, [audit("/", 50.0), audit("/explore", 40.0)]);
    }
}
