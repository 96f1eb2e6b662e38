//! Metrics are recorded under declared names. `/metrics` cannot show that: it omits what was not recorded yet.

use super::source::{self, Source};
use super::{numbered, reject};

/// The kinds of metrics, each with what declares it.
const KINDS: &[(&str, &str)] = &[
    ("metrics::counter!(", "describe_counter"),
    ("metrics::gauge!(", "describe_gauge"),
    ("metrics::histogram!(", "describe_histogram"),
];

/// The records in a file: the name, where it stands, and what must declare it.
fn records(code: &str) -> impl Iterator<Item = (&str, usize, &'static str)> {
    KINDS.iter().flat_map(move |(call, declares)| {
        code.match_indices(call).map(move |(at, _)| {
            let name = code[at + call.len()..].split([',', ')']).next().unwrap_or_default().trim();
            (name, at, *declares)
        })
    })
}

fn complaints(source: &Source, telemetry: &Source) -> Vec<String> {
    let is_declared = |name: &str| telemetry.code.contains(&format!("    {name}: describe_"));
    let last = numbered(&telemetry.code).filter(|(_, line)| line.contains(": describe_")).last();
    let line = last.map_or(1, |(line, _)| line + 1);
    let unknown = records(&source.code).filter(|(name, ..)| !is_declared(name));
    unknown
        .map(|(name, at, declares)| {
            format!(
                "{}: `{name}` is not declared: add `{name}: {declares}(…) = \"groundswell_…\";` with its description at \
                 src/telemetry.rs:{line}",
                source.place(at)
            )
        })
        .collect()
}

#[test]
fn every_metric_is_recorded_under_a_declared_name() {
    let sources = source::all();
    let telemetry = sources.iter().find(|source| source.path == "telemetry.rs").unwrap();
    reject(&sources.iter().flat_map(|source| complaints(source, telemetry)).collect::<Vec<_>>());
    let n_records: usize = sources.iter().map(|source| records(&source.code).count()).sum();
    assert!(n_records > 30, "only {n_records} records were found");
}

#[test]
fn a_planted_record_is_found() {
    let telemetry = Source::new(
        "telemetry.rs",
        "metrics! {\n    /// Posts.\n    POSTS: describe_counter(Count) = \"groundswell_posts\";\n}"
            .to_owned(),
    );
    let recorder = Source::new(
        "a.rs",
        "metrics::counter!(POSTS).increment(1);\nmetrics::gauge!(\n    OPEN, \"kind\" => kind).set(1);"
            .to_owned(),
    );
    assert_eq!(
        complaints(&recorder, &telemetry),
        [
            "src/a.rs:2: `OPEN` is not declared: add `OPEN: describe_gauge(…) = \"groundswell_…\";` with its description at \
          src/telemetry.rs:4"
        ]
    );
}
