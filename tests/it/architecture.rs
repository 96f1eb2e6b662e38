//! Who may use whom, and what is kept to one place.

use std::collections::BTreeSet;

use crate::support::source::{self, Source, mentions};

/// What each module may use. `telemetry` only names things, so all may use it.
const MAY_USE: [(&str, &str); 21] = [
    ("models", ""),
    ("process", ""),
    ("embedded", "process"),
    ("telemetry", "models"),
    ("virality", "models"),
    ("anomaly", "models"),
    ("alerting", "models"),
    ("inference", "models"),
    ("enrich", "models"),
    ("trends", "models"),
    ("store", "models"),
    ("stream", "models"),
    ("egress", ""),
    ("notify", "models egress"),
    ("auth", "models"),
    ("connectors", "models stream"),
    ("live", "models"),
    ("actors", "models live enrich inference virality anomaly alerting store stream notify trends"),
    ("ws", "models live actors auth"),
    // The route table leads to the live sockets as well.
    ("http", "models live actors store stream inference notify auth ws trends alerting"),
    ("config", "models embedded enrich inference egress notify stream"),
];

/// They tie everything together.
const MAY_USE_ALL: [&str; 5] = ["main", "lib", "app", "cli", "bench"];

/// What is named in one place only: the words, and where.
const KEPT_TO: [(&[&str], &[&str]); 8] = [
    (&["tokio_postgres", "deadpool_postgres", "refinery::", "INSERT INTO ", "DELETE FROM "], &["store"]),
    (&["fred::"], &["stream"]),
    (&["ort::"], &["inference/onnx.rs"]),
    (&["actix_web_actors"], &["ws/session.rs"]),
    (&["env::var", "env = \"", "env::set_var"], &["config", "cli", "process/child.rs"]),
    // Elsewhere children would inherit our secrets. Benches start this very program, and programs to compare it with.
    (&["Command::new("], &["process/child.rs", "bench"]),
    (&["do_send("], &["actors/runtime/downstream.rs"]),
    (&["unbounded_channel", "unbounded()", "sync::mpsc::channel"], &[]),
];

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

/// What a module must never know, because it is to be tried out with a table of numbers.
const NEVER_KNOWS: [(&str, &[&str]); 8] = [
    ("models", &["actix", "async fn", "tokio"]),
    ("virality", &["actix", "async fn", "tokio", "::now()"]),
    ("anomaly", &["actix", "async fn", "tokio", "::now()"]),
    ("alerting", &["actix", "async fn", "tokio", "::now()"]),
    ("trends", &["actix", "async fn", "tokio", "::now()"]),
    ("inference", &["actix", "async fn", "tokio"]),
    ("store", &["actix"]),
    ("actors", &["actix_web", "utoipa"]),
];

fn violations(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for Source { path, code } in sources {
        let module = path.split('/').next().unwrap().trim_end_matches(".rs");
        let foreign =
            used_by(path, code).into_iter().filter(|used| *used != module && !may_use(module, used));
        found.extend(foreign.map(|used| format!("src/{path}: `{module}` may not use `{used}`")));
        for (words, places) in KEPT_TO {
            let is_at_home = places.iter().any(|place| path == place || module == *place);
            let strays = words.iter().filter(|word| !is_at_home && mentions(code, word));
            found.extend(strays.map(|word| format!("src/{path}: `{word}` belongs to {places:?}")));
        }
        for (_, words) in NEVER_KNOWS.into_iter().filter(|(of, _)| *of == module) {
            let known = words.iter().filter(|word| mentions(code, word));
            found.extend(known.map(|word| format!("src/{path}: `{module}` must never know `{word}`")));
        }
    }
    found
}

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

fn may_use(module: &str, used: &str) -> bool {
    if MAY_USE_ALL.contains(&module) || used == "telemetry" {
        return true;
    }
    let row = MAY_USE.iter().find(|(name, _)| *name == module);
    row.unwrap_or_else(|| panic!("`{module}` has no row in the table of who may use whom"))
        .1
        .split(' ')
        .any(|allowed| allowed == used)
}

/// The modules below `src` that a file names, by `crate::…` or by climbing up to there.
fn used_by(path: &str, code: &str) -> BTreeSet<String> {
    let is_folder = path.ends_with("/mod.rs");
    let depth = path.split('/').count() - usize::from(is_folder);
    let code = code.replace(&"super::".repeat(depth), "crate::");
    let mut used = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => used.extend(names_in(group)),
            None => used.extend(name_at(rest)),
        }
    }
    used
}

/// The first names of `a, b::c, d::{e, f}}…`, up to the closing brace.
fn names_in(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names: Vec<String> = name_at(group.trim_start()).into_iter().collect();
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(name_at(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names
}

/// The module named at the start of `text`; macros and types at the root are nobody's.
fn name_at(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn every_module_uses_only_what_it_may() {
    let found = violations(&source::all());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn check(path: &str, text: &str, expected: &[&str]) {
    let planted = Source { path: path.to_owned(), code: source::code_of(text) };
    assert_eq!(violations(&[planted]), expected, "{text}");
}

#[test]
fn a_planted_violation_is_found() {
    let told = ["src/virality/mod.rs: `virality` may not use `store`"];
    check("virality/mod.rs", "use crate::store::Store;", &told);
    check("virality/mod.rs", "use super::store;", &told);
    check("virality/mod.rs", "use crate::{\n    models::alert::{Alert, Scope},\n    store,\n};", &told);
    check("ws/session.rs", "let n = crate::http::limit();", &["src/ws/session.rs: `ws` may not use `http`"]);
    check(
        "actors/aggregator/commit.rs",
        "use super::super::super::config::Config;",
        &["src/actors/aggregator/commit.rs: `actors` may not use `config`"],
    );
    check(
        "http/posts.rs",
        "client.query(\"INSERT INTO posts\")",
        &["src/http/posts.rs: `INSERT INTO ` belongs to [\"store\"]"],
    );
    check(
        "inference/batch.rs",
        "use ort::session::Session;",
        &["src/inference/batch.rs: `ort::` belongs to [\"inference/onnx.rs\"]"],
    );
    check(
        "app.rs",
        "let (a, b) = mpsc::unbounded_channel();",
        &["src/app.rs: `unbounded_channel` belongs to []"],
    );
    check(
        "embedded/redis.rs",
        "let mut command = Command::new(program);",
        &["src/embedded/redis.rs: `Command::new(` belongs to [\"process/child.rs\", \"bench\"]"],
    );
    check("virality/rules.rs", "let now = Timestamp::now();", &[]);
}

#[test]
fn what_is_allowed_passes() {
    check("actors/aggregator/commit.rs", "use super::messages::Kill;\nuse crate::store::Store;", &[]);
    check("store/mod.rs", "// crate::http is not used here\nuse crate::models::post::Post;", &[]);
    check("stream/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::http::state;\n}", &[]);
    check("http/mod.rs", "let report = crate::telemetry::NAME; let support = support::x();", &[]);
}
