//! Report of `bench pipeline`: medians over the rounds, total numbers of posts sent and stored, and ratios to a
//! baseline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PipelineParams;
use super::ingestion::HttpFigures;
use super::latency::LatencyFigures;
use super::throughput::{Ceiling, Overload, Storing};
use crate::bench::cache_use::{self, HitShares};
use crate::bench::medians::medians;

/// Figures compared with a baseline: name, and path in [`Figures`]. Rates are better when higher, latencies when lower.
const COMPARED: [(&str, &str); 10] = [
    ("stored_per_second", "/stored_per_second"),
    ("ceiling_per_second", "/ceiling_per_second"),
    ("overload_stored_per_second", "/overload/stored_per_second"),
    ("http_requests_per_second", "/http/requests_per_second"),
    ("http_batches_accepted_per_second", "/http/batches/accepted_per_second"),
    ("http_batches_stored_per_second", "/http/batches/stored_per_second"),
    ("arrival_to_socket_p50_ms", "/arrival_to_socket_ms/p50"),
    ("arrival_to_socket_p99_ms", "/arrival_to_socket_ms/p99"),
    ("arrival_to_socket_p999_ms", "/arrival_to_socket_ms/p999"),
    ("arrival_to_socket_max_ms", "/arrival_to_socket_ms/max"),
];

/// One program's results in one round.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    #[serde(flatten)]
    pub figures: Figures,
    #[serde(flatten)]
    pub totals: Totals,
}

/// Figures reported as medians across the rounds. Figures that were not measured are absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    pub model: String,
    pub cache_hit_share: f64,
    pub cache_hit_share_by_tier: HitShares,
    #[serde(flatten)]
    pub storing: Option<Storing>,
    #[serde(flatten)]
    pub ceiling: Option<Ceiling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overload: Option<Overload>,
    #[serde(flatten)]
    pub latency: Option<LatencyFigures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpFigures>,
}

/// Number of posts sent, and how many of them were stored, lost or stored twice, across all parts and rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    pub n_sent: i64,
    pub n_stored: i64,
    pub n_lost: i64,
    pub n_doubled: i64,
    /// Number of posts counted in the rollups; `None` for a baseline, whose tables may have a different schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_counted: Option<i64>,
    pub distinct_texts: usize,
}

impl Totals {
    /// Adds the totals of another part.
    pub fn add(&mut self, other: &Self) {
        self.n_sent += other.n_sent;
        self.n_stored += other.n_stored;
        self.n_lost += other.n_lost;
        self.n_doubled += other.n_doubled;
        if let Some(n_counted) = other.n_counted {
            *self.n_counted.get_or_insert(0) += n_counted;
        }
        self.distinct_texts += other.distinct_texts;
    }
}

/// Report that `bench pipeline` prints.
#[derive(Serialize)]
pub struct Report {
    seconds: u64,
    offered_per_second: u32,
    latency_seconds: u64,
    latency_per_second: u32,
    rounds: usize,
    #[serde(flatten)]
    ours: Round,
    /// Medians of the baseline under the same load.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<Round>,
    /// Medians of this program divided by those of the baseline.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    times_baseline: BTreeMap<&'static str, f64>,
    /// Figures for each round, if there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rounds_of_this: Vec<Round>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rounds_of_baseline: Vec<Round>,
    #[serde(skip)]
    params: PipelineParams,
}

impl Report {
    /// Computes the medians and sums of all rounds.
    ///
    /// # Errors
    /// If nothing was measured.
    pub fn of(params: &PipelineParams, ours: Vec<Round>, baselines: Vec<Round>) -> anyhow::Result<Self> {
        let together = |rounds: &[Round]| {
            let figures: Vec<Figures> = rounds.iter().map(|round| round.figures.clone()).collect();
            let mut totals = Totals::default();
            rounds.iter().for_each(|round| totals.add(&round.totals));
            anyhow::Ok(Round { figures: medians(&figures)?, totals })
        };
        let one = together(&ours)?;
        let baseline = if baselines.is_empty() { None } else { Some(together(&baselines)?) };
        let times_baseline = match &baseline {
            Some(baseline) => compare(&one.figures, &baseline.figures)?,
            None => BTreeMap::new(),
        };
        let if_several = |rounds: Vec<Round>| if rounds.len() > 1 { rounds } else { Vec::new() };
        Ok(Self {
            seconds: params.seconds,
            offered_per_second: params.offered,
            latency_seconds: params.latency_seconds,
            latency_per_second: params.rate,
            rounds: ours.len(),
            ours: one,
            baseline,
            times_baseline,
            rounds_of_this: if_several(ours),
            rounds_of_baseline: if_several(baselines),
            params: params.clone(),
        })
    }

    /// Formats the report as table rows.
    pub fn rows(&self) -> Vec<(&str, String)> {
        let mut rows = rows_of(&self.ours, &self.params);
        if let Some(baseline) = &self.baseline {
            rows.push(("", String::new()));
            rows.push((
                "baseline",
                self.params.baseline.iter().map(|path| path.display().to_string()).collect(),
            ));
            rows.extend(rows_of(baseline, &self.params));
            rows.push(("", String::new()));
            rows.push(("ratio to the baseline", format!("medians of {} alternating rounds", self.rounds)));
            rows.extend(self.times_baseline.iter().map(|(name, times)| (*name, format!("{times:.2}"))));
        }
        rows
    }
}

fn rows_of(round: &Round, params: &PipelineParams) -> Vec<(&'static str, String)> {
    let Round { figures, totals } = round;
    let mut rows = vec![
        ("model", figures.model.clone()),
        ("texts", cache_use::summary(totals.distinct_texts, figures.cache_hit_share_by_tier)),
    ];
    rows.extend(figures.storing.iter().flat_map(|storing| storing.rows(params)));
    rows.extend(
        figures
            .ceiling
            .iter()
            .map(|ceiling| ("maximum posts stored per second", format!("{:.0}", ceiling.ceiling_per_second))),
    );
    rows.extend(figures.overload.iter().flat_map(Overload::rows));
    rows.extend(figures.latency.iter().flat_map(|latency| latency.rows(params)));
    rows.extend(figures.http.iter().flat_map(HttpFigures::rows));
    let counted = totals.n_counted.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    let Totals { n_sent, n_stored, n_lost, n_doubled, .. } = totals;
    rows.push((
        "sent, stored, counted, lost, doubled",
        format!("{n_sent}, {n_stored}, {counted}, {n_lost}, {n_doubled}"),
    ));
    rows
}

fn compare(ours: &Figures, theirs: &Figures) -> anyhow::Result<BTreeMap<&'static str, f64>> {
    let (ours, theirs) = (serde_json::to_value(ours)?, serde_json::to_value(theirs)?);
    let ratio = |pointer: &str| {
        let number = |figures: &Value| figures.pointer(pointer).and_then(Value::as_f64);
        Some(number(&ours)? / number(&theirs).filter(|theirs| *theirs > 0.0)?)
    };
    Ok(COMPARED.into_iter().filter_map(|(name, pointer)| Some((name, ratio(pointer)?))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn figures(p99: f64, stored: f64) -> Figures {
        let figures = json!({
            "model": "swift 1", "cache_hit_share": 0.0, "cache_hit_share_by_tier": {"swift": 0.0, "deep": 0.0},
            "stored_per_second": stored, "server_resident_mebibytes": 300.0,
            "cpu_microseconds_per_post": {"server": 1.0, "postgres": 2.0, "redis": 3.0, "load": 4.0},
            "arrival_to_socket_ms": {"p50": 1.0, "p90": 2.0, "p99": p99, "p999": 4.0, "max": 5.0},
            "n_seen": 10, "n_latency_sent": 10, "n_left_out": 0.0, "share_deep": 0.5, "worst_seconds": [],
            "database": {"checkpoints": 1, "autovacuums": 0, "autoanalyzes": 0, "events": []},
        });
        serde_json::from_value(figures).unwrap()
    }

    #[test]
    fn medians_keep_all_figures_and_unmeasured_ones_are_absent() {
        let one = medians(&[figures(9.0, 100.0), figures(3.0, 300.0), figures(6.0, 200.0)]).unwrap();
        let json = serde_json::to_value(&one).unwrap();
        assert_eq!(json["arrival_to_socket_ms"]["p99"], 6.0, "{json}");
        assert_eq!((&json["stored_per_second"], &json["n_seen"]), (&json!(200.0), &json!(10)));
        for absent in ["http", "overload", "ceiling_per_second"] {
            assert!(json.get(absent).is_none(), "{absent}: {json}");
        }
    }

    #[test]
    fn what_both_have_is_compared() {
        let compared = compare(&figures(5.0, 300.0), &figures(10.0, 200.0)).unwrap();
        assert_eq!(compared["stored_per_second"], 1.5);
        assert_eq!(compared["arrival_to_socket_p99_ms"], 0.5);
        assert!(!compared.contains_key("http_requests_per_second"));
    }

    #[test]
    fn totals_are_sums() {
        let mut all = Totals::default();
        let part = Totals { n_sent: 5, n_stored: 4, n_lost: 1, n_counted: Some(4), ..Totals::default() };
        all.add(&part);
        all.add(&part);
        assert_eq!((all.n_sent, all.n_lost, all.n_counted), (10, 2, Some(8)));
    }
}
