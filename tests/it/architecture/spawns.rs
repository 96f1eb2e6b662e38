//! Tasks that nobody supervises, each with the reason why nobody need.

use crate::support::source::{self, Source, mentions};

/// Where something is spawned, how often, and why nobody need watch it. Whatever may not end is started by
/// `app::supervisors`. What an actor's own context runs is the actor's: its panic is the death of the stage.
const MAY_SPAWN: [(&str, usize, &str); 28] = [
    ("http/posts/export_limits.rs", 1, "ends with the body it watches, which aborts it"),
    (
        "actors/aggregator/mod.rs",
        3,
        "transactions end, and the actor waits for them; the actor ends with what publishes",
    ),
    ("actors/alerter/mod.rs", 1, "a turn ends, and the actor waits for it"),
    ("actors/broadcaster/mod.rs", 1, "a reading ends, and the actor waits for it"),
    ("actors/deep_pool.rs", 1, "a claim ends, and the actor waits for it"),
    ("actors/live_metrics/mod.rs", 2, "readings and writes of the cache end"),
    ("actors/maintenance.rs", 2, "housekeeping and merging end, and the actor waits for them"),
    (
        "actors/notifier/mod.rs",
        3,
        "claims and attempts end, and the actor waits for them; tidying ends and comes again",
    ),
    ("actors/service_alerter/mod.rs", 2, "attempts and questions end, and the actor waits for them"),
    ("actors/anomaly_detector/monitored_series.rs", 1, "a computation ends, and the caller waits for it"),
    ("actors/anomaly_detector/mod.rs", 1, "a look ends, and the actor waits for it"),
    ("actors/trend_counter/mod.rs", 1, "a report ends, and the actor waits for it"),
    ("actors/scoring/worker_threads.rs", 1, "the pool looks at its threads each second"),
    ("app.rs", 4, "starting, stopping and announcing end"),
    ("app/connections.rs", 1, "connecting ends, and the caller waits for it"),
    ("app/health_monitor.rs", 1, "a look at the disk; the monitor waits for it, for a while"),
    ("app/signals.rs", 1, "it waits for two signals and cancels two tokens; nothing in it can panic"),
    ("app/supervisors.rs", 3, "the supervisors, whose ends are watched, and what they watch"),
    ("app/web.rs", 1, "the life of a supervised task"),
    ("bench", usize::MAX, "a command that ends"),
    ("cli", usize::MAX, "a command that ends"),
    (
        "embedded/process_supervisor.rs",
        3,
        "its thread catches its panics and goes on; the others are the server it keeps",
    ),
    ("process/background.rs", 1, "who asks it sees its end, and starts another"),
    ("store/mod.rs", 2, "a connection: the pool sees its end and makes another"),
    ("stream/subscription.rs", 1, "its end is that of the subscription, and with it of the task `listener`"),
    ("telemetry.rs", 1, "folding ends, and the task waits for it"),
    ("ws/mod.rs", 1, "a farewell has a deadline"),
    ("ws/pump.rs", 1, "it catches its panics, closes its sockets and goes on"),
];

/// How often something is spawned whose end nobody need notice.
fn n_spawns(code: &str) -> usize {
    let spawns = |line: &&str| {
        let is_spawn = ["spawn(", "spawn_local(", "spawn_blocking("].iter().any(|word| mentions(line, word));
        is_spawn && !line.contains("context.spawn(") && !line.contains("fn spawn(")
    };
    code.lines().filter(spawns).count()
}

#[test]
fn nothing_is_spawned_that_nobody_watches() {
    let mut found = Vec::new();
    for Source { path, code } in source::all() {
        let module = path.split('/').next().unwrap();
        let row =
            MAY_SPAWN.iter().find(|(place, ..)| *place == path || *place == module.trim_end_matches(".rs"));
        let (n_allowed, why) = row.map_or((0, "it is not in the list"), |(_, n, why)| (*n, *why));
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
