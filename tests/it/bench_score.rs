//! The command behind the figures of scoring over HTTP runs, and its texts are read by the model that is measured.

use serde_json::Value;
use tokio::process::Command;

#[tokio::test]
async fn the_bench_of_scoring_measures_the_tier_that_it_names_on_texts_that_no_cache_knows() {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    bench.args(["bench", "score", "--json", "--seconds", "1", "--rounds", "1", "--batches", "1,32"]);
    bench.args(["--tiers", "swift", "--peers", "none", "--", "--deep-model", "none"]);
    let output = bench.kill_on_drop(true).output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).expect(&complaint);
    let figures = report["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 2, "{report}");
    for load in figures {
        let figure = |name: &str| load[name].as_f64().unwrap_or_else(|| panic!("no {name}: {report}"));
        assert!(figure("requests_per_second") > 0.0, "{report}");
        let took_ms = ["p50_ms", "p99_ms", "p999_ms", "max_ms"].map(figure);
        assert!(took_ms[0] > 0.0 && took_ms.is_sorted(), "{report}");
        assert_eq!(load["cache_hit_share"], 0.0, "{report}");
        assert_eq!(load["answered_by_tier_share"], 1.0, "{report}");
    }
    let rates: Vec<f64> = figures.iter().map(|load| load["texts_per_second"].as_f64().unwrap()).collect();
    assert!(rates.iter().all(|rate| *rate > 0.0), "{report}");
    let batched = figures[1]["requests_per_second"].as_f64().unwrap() * 32.0;
    assert!((rates[1] - batched).abs() <= 1e-6 * batched, "{report}");
}
