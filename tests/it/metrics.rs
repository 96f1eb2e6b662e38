//! Metrics for Prometheus.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::process::Process;
use crate::support::{Client, Space, post, posts, skipped, until};

#[tokio::test]
async fn every_exported_metric_is_described_and_passes_promtool() {
    let space = Space::new().await;
    let mut server = Process::start_on(&space, &[]);
    let client = Client::new(server.ready().await);
    client.publish(posts(0..10)).await;
    space.assert_counted_once(10).await;
    client.get("/api/v1/system").await;
    let exported = client.text("/metrics").await;
    let declared = |what: &str| -> BTreeSet<String> {
        let lines = exported.lines().filter_map(|line| line.strip_prefix(what));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let (typed, described) = (declared("# TYPE "), declared("# HELP "));
    assert!(typed.len() > 10, "{exported}");
    assert_eq!(typed, described);
    check_by_promtool(&exported);
}

#[tokio::test]
async fn process_and_live_metrics_are_exported_and_live_ones_agree_across_processes() {
    let space = Space::new().await;
    // What is stored stays in the window, however long the test takes.
    let options = ["--live-window=15m"];
    let (mut one, mut other) = (Process::start_on(&space, &options), Process::start_on(&space, &options));
    let (one, other) = (Client::new(one.ready().await), Client::new(other.ready().await));
    one.publish((0..4).map(|id| post(id, "I love it")).collect()).await;
    space.assert_counted_once(4).await;
    for client in [&one, &other] {
        until("the live window is exported", async || {
            let exported = client.text("/metrics").await;
            let is = |name: &str, value: f64| value_of(&exported, name) == Some(value);
            is("groundswell_live_posts{sentiment=\"positive\"}", 4.0)
                && is("groundswell_live_posts{sentiment=\"negative\"}", 0.0)
                && is("groundswell_live_window_seconds", 900.0)
                && is("groundswell_open_alerts{rule=\"negativity\",severity=\"warning\"}", 0.0)
                && value_of(&exported, "groundswell_live_sentiment_average").is_some_and(|it| it > 0.0)
        })
        .await;
        let exported = client.text("/metrics").await;
        for (name, least) in [
            ("process_cpu_seconds_total", 0.01),
            ("process_resident_memory_bytes", 1e6),
            ("process_open_fds", 5.0),
            ("process_threads", 5.0),
            ("process_start_time_seconds", 1.7e9),
            ("process_network_receive_bytes_total", 0.0),
        ] {
            assert!(value_of(&exported, name).is_some_and(|it| it >= least), "{name}: {exported}");
        }
    }
}

/// Returns the value of a metric with these labels.
fn value_of(exported: &str, name: &str) -> Option<f64> {
    let line = exported.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
}

/// Checks the exposition with Prometheus' own linter.
fn check_by_promtool(exported: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match promtool.spawn() {
        Ok(child) => child,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "promtool does not start: {error}; run `make setup`");
            return skipped(&format!("promtool does not start ({error}); run `make setup`"));
        }
    };
    child.stdin.take().unwrap().write_all(exported.as_bytes()).unwrap();
    let found = child.wait_with_output().unwrap();
    let text = [found.stdout, found.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(found.status.success() && text.trim().is_empty(), "promtool: {text}");
}
