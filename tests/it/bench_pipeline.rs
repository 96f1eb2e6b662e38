//! The command behind the figures of the pipeline runs, loses nothing, and says what it sent.

use serde_json::Value;
use tokio::process::Command;

/// Runs the bench with loads that are short, but long enough to store posts on a busy machine. The baseline, if there is one, is this
/// same program.
async fn bench(options: &[&str]) -> Value {
    let executable = env!("CARGO_BIN_EXE_groundswell");
    let mut bench = Command::new(executable);
    bench.args(["bench", "pipeline", "--json", "--seconds", "3", "--latency-seconds", "1"]);
    bench.args(["--warm-up-seconds", "1", "--step-seconds", "1", "--rate", "50", "--offered", "200"]);
    bench.args(options).args(["--", "--fast-model", "lexicon", "--deep-model", "none"]);
    let output = bench.kill_on_drop(true).output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).expect(&complaint)
}

fn number(report: &Value, pointer: &str) -> f64 {
    report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer}: {report}"))
}

#[tokio::test]
async fn the_bench_of_the_pipeline_measures_every_part_and_loses_nothing() {
    let report = bench(&["--ceiling", "100", "--only", "latency,storing,overload,http"]).await;
    for measured in [
        "/stored_per_second",
        "/cpu_microseconds_per_post/server",
        "/cpu_microseconds_per_post/postgres",
        "/overload/offered_per_second",
        "/overload/stored_per_second",
        "/arrival_to_socket_ms/p50",
        "/arrival_to_socket_ms/p999",
        "/arrival_to_socket_ms/max",
        "/worst_seconds/0/max_ms",
        "/http/requests_per_second",
        "/http/p50_ms",
        "/http/p99_ms",
        "/http/batches/stored_per_second",
    ] {
        assert!(number(&report, measured) > 0.0, "{measured}: {report}");
    }
    let arrival_ms = ["p50", "p90", "p99", "p999", "max"]
        .map(|figure| number(&report, &format!("/arrival_to_socket_ms/{figure}")));
    assert!(arrival_ms.is_sorted(), "{report}");
    let http_ms =
        ["p50_ms", "p99_ms", "p999_ms", "max_ms"].map(|figure| number(&report, &format!("/http/{figure}")));
    assert!(http_ms.is_sorted(), "{report}");
    let n_sent = number(&report, "/n_sent");
    assert_eq!(number(&report, "/n_stored"), n_sent, "{report}");
    assert_eq!(number(&report, "/n_counted"), n_sent, "{report}");
    assert_eq!((&report["n_lost"], &report["n_doubled"]), (&0.into(), &0.into()), "{report}");
    let n_left_out = number(&report, "/n_left_out");
    assert_eq!(number(&report, "/n_seen") + n_left_out, number(&report, "/n_latency_sent"), "{report}");
    // The four servers get the same texts, which are new to each of them.
    let n_distinct = number(&report, "/distinct_texts");
    assert!((n_sent / 4.0..n_sent).contains(&n_distinct), "{report}");
    assert_eq!(number(&report, "/cache_hit_share"), 0.0, "{report}");
    assert!(report.get("ceiling_per_second").is_none(), "{report}");
    assert!(report["model"].as_str().unwrap().starts_with("lexicon"), "{report}");
}

#[tokio::test]
async fn another_executable_gets_the_same_load_by_turns() {
    let options = ["--baseline", env!("CARGO_BIN_EXE_groundswell"), "--rounds", "2", "--only", "storing"];
    let report = bench(&options).await;
    assert_eq!(report["rounds_of_baseline"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["n_sent"], report["baseline"]["n_sent"], "{report}");
    assert_eq!(report["baseline"]["n_lost"], 0, "{report}");
    let (ours, theirs) =
        (number(&report, "/stored_per_second"), number(&report, "/baseline/stored_per_second"));
    assert!(ours > 0.0 && theirs > 0.0, "{report}");
    let times = number(&report, "/times_baseline/stored_per_second");
    assert!((times * theirs - ours).abs() <= 1e-9 * ours, "{report}");
}
