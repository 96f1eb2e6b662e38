//! What Prometheus is told.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::process::Process;
use crate::support::{Client, Space, posts, skipped, source};

#[tokio::test]
async fn every_exported_metric_is_described_and_prometheus_finds_nothing_wrong() {
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

/// What Prometheus itself would complain of.
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

/// Those that are not exported while a test looks are declared, and so described, as well.
#[test]
fn every_metric_is_recorded_under_a_declared_name() {
    let sources = source::all();
    let telemetry = &sources.iter().find(|source| source.path == "telemetry.rs").unwrap().code;
    let mut n_recorded = 0;
    for source in &sources {
        for kind in ["counter!(", "gauge!(", "histogram!("] {
            for (at, _) in source.code.match_indices(&format!("metrics::{kind}")) {
                let rest = &source.code[at..];
                let name = rest.split(['(', ',', ')']).nth(1).unwrap().trim();
                assert!(
                    telemetry.contains(&format!("    {name}: describe_")),
                    "src/{}: `{name}` is not declared in src/telemetry.rs",
                    source.path
                );
                n_recorded += 1;
            }
        }
    }
    assert!(n_recorded > 30, "only {n_recorded} records were found");
}
