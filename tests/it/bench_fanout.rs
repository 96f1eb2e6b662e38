//! A figure exists only if a command prints it, so the command must run. It has subscribers of its own and counts what
//! each of them got.

use serde_json::Value;
use tokio::process::Command;

#[tokio::test]
async fn the_bench_of_deliveries_measures_and_every_subscriber_got_everything() {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_groundswell"));
    bench.args(["bench", "fanout", "--connections", "20", "--rounds", "1", "--seconds", "1"]);
    let output = bench.args(["--peers", "none", "--json"]).kill_on_drop(true).output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let report: Value = serde_json::from_slice(&output.stdout).expect(&complaint);
    let figures = &report["figures"][0];
    assert!(figures["n_deliveries"].as_u64().unwrap() > 0, "{report}");
    for nothing in ["n_lost", "n_disordered", "n_ended"] {
        assert_eq!(figures[nothing], 0, "{nothing}: {report}");
    }
    let delivery_ms = ["/p50/median", "/p99/median", "/max"]
        .map(|figure| figures["delivery_ms"].pointer(figure).and_then(Value::as_f64).unwrap());
    assert!(delivery_ms[0] > 0.0 && delivery_ms.is_sorted(), "{report}");
}
