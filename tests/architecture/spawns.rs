//! Spawns outside the supervisors, each with the reason why it is safe.

use crate::support::source::{self, Source, mentions};

/// Files that spawn, how often, and why the task needs no supervision. `app::supervisors` starts every task that must not
/// end. Futures on an actor's own context are not listed: if they panic, the stage dies and is rebuilt.
const MAY_SPAWN: [(&str, usize, &str); 28] = [
    ("http/posts/export_limits.rs", 1, "ends with the body that it watches, which aborts it"),
    ("actors/runtime/exclusive_task.rs", 1, "the work ends, and the actor waits for it"),
    ("actors/aggregator/mod.rs", 1, "the actor ends with the publisher"),
    ("actors/broadcaster/mod.rs", 1, "a read of the history ends, and the actor waits for it"),
    ("actors/live_metrics/mod.rs", 2, "reads and writes of the cache end"),
    (
        "actors/notifier/mod.rs",
        2,
        "attempts end, and the actor waits for them; expiry ends and runs again later",
    ),
    ("actors/service_alerter/mod.rs", 1, "attempts end, and the actor waits for them"),
    ("actors/alerter/evaluator.rs", 1, "a computation ends, and the caller waits for it"),
    ("actors/anomaly_detector/monitored_series.rs", 1, "a computation ends, and the caller waits for it"),
    ("actors/scoring/worker_threads.rs", 1, "the pool checks its threads every second"),
    ("app/mod.rs", 5, "startup, shutdown and the log line about readiness end"),
    ("app/connections.rs", 1, "connecting ends, and the caller waits for it"),
    ("app/health_monitor.rs", 1, "a disk check ends, and the monitor waits for it with a timeout"),
    ("app/source_listener.rs", 1, "a source: the listener sees its end and starts it again"),
    ("app/shutdown_signals.rs", 1, "waits for two signals and cancels two tokens; nothing in it can panic"),
    ("app/supervisors.rs", 3, "the supervisors, whose exits are watched, and what they supervise"),
    ("app/web.rs", 1, "part of a supervised task"),
    ("bench", usize::MAX, "a command that ends"),
    ("cli", usize::MAX, "a command that ends"),
    ("connectors/feed/mod.rs", 1, "reading a document ends, and the connector waits for it"),
    (
        "embedded/process_supervisor.rs",
        3,
        "its thread catches its panics and goes on; the others are the server that it supervises",
    ),
    (
        "process/background.rs",
        2,
        "the caller sees the child's exit and starts another; a thread waits for that exit",
    ),
    ("process/chromium.rs", 1, "a process that the caller waits for, and kills when it stops waiting"),
    ("store/connection.rs", 2, "a connection: the pool sees its end and makes another"),
    ("stream/subscription.rs", 1, "ends the subscription, and with it the supervised task `listener`"),
    ("telemetry.rs", 1, "aggregation of histograms ends, and the task waits for it"),
    ("ws/mod.rs", 1, "a close handshake has a deadline"),
    ("ws/pump.rs", 1, "catches its panics, closes its sockets and goes on"),
];

/// Returns how many lines spawn a task that outlives its caller's context.
fn n_spawns(code: &str) -> usize {
    let spawns = |line: &&str| {
        let is_spawn = ["spawn(", "spawn_local(", "spawn_blocking("].iter().any(|word| mentions(line, word));
        is_spawn && !line.contains("context.spawn(") && !line.contains("fn spawn(")
    };
    code.lines().filter(spawns).count()
}

#[test]
fn nothing_runs_unsupervised_without_a_reason() {
    let mut found = Vec::new();
    for Source { path, code } in source::all() {
        let module = path.split('/').next().unwrap();
        let row =
            MAY_SPAWN.iter().find(|(place, ..)| *place == path || *place == module.trim_end_matches(".rs"));
        let (n_allowed, why) = row.map_or(
            (0, "start it by `app::supervisors`, or add it to `MAY_SPAWN` with the reason why it is safe"),
            |(_, n, why)| (*n, *why),
        );
        let n_found = n_spawns(&code);
        if n_found > n_allowed || (n_allowed != usize::MAX && n_found < n_allowed) {
            found.push(format!("src/{path} spawns {n_found} times, not {n_allowed}: {why}"));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert_eq!(
        n_spawns("tokio::spawn(task());\ncontext.spawn(future);\nfn spawn() {}\nrt::spawn_local(x);"),
        2
    );
}
