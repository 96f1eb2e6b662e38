//! Spawns outside the supervisors, each with the reason why it is safe.
//!
//! `app::supervisors` starts every task that must not end. Any other spawn has a comment above it: `// unsupervised: ` and
//! why the task may end or fail without anyone noticing. Futures on an actor's own context need none: if they panic, the
//! stage dies and is rebuilt.

use super::source::{self, Source, mentions};
use super::{reject, top_module};

/// What begins the comment.
const MARK: &str = "// unsupervised: ";

/// Modules of commands that end.
const COMMANDS: &[&str] = &["bench", "cli"];

/// Whether a line of code spawns a task that outlives its caller's context.
fn spawns(line: &str) -> bool {
    let is_spawn = ["spawn(", "spawn_local(", "spawn_blocking("].iter().any(|word| mentions(line, word));
    is_spawn && !line.contains("context.spawn(") && !line.contains("fn spawn(")
}

fn complaints(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let mut used = Vec::new();
    let mut found = Vec::new();
    for (index, _) in source.code.lines().enumerate().filter(|(_, line)| spawns(line)) {
        let statement = start_of_statement(&lines, index);
        let comments = lines[..statement].iter().rev().take_while(|line| line.starts_with("//")).count();
        let reason = (statement - comments..statement).find(|line| reason_in(lines[*line]).is_some());
        let Some(reason) = reason else {
            found.push(format!(
                "src/{}:{}: add the line `{MARK}<why this task may end or fail unnoticed>`, or start the task in \
                 `app::supervisors`",
                source.path,
                statement + 1
            ));
            continue;
        };
        used.push(reason);
    }
    let n_lines = source.code.lines().count();
    let marked = lines.iter().take(n_lines).enumerate().filter(|(_, line)| line.starts_with(MARK.trim_end()));
    let unused = marked.filter(|(index, _)| !used.contains(index));
    found.extend(unused.map(|(index, line)| {
        format!("src/{}:{}: delete the line `{line}`: nothing is spawned below it", source.path, index + 1)
    }));
    found
}

/// The reason that a comment gives, if it is one in words.
fn reason_in(line: &str) -> Option<&str> {
    line.strip_prefix(MARK).filter(|reason| reason.split_whitespace().count() >= 3)
}

/// The first line of the statement that contains this line, as far as its comments.
fn start_of_statement(lines: &[&str], index: usize) -> usize {
    let is_within = |index: usize| {
        let before = lines[index - 1];
        !before.is_empty() && !before.starts_with("//") && !before.ends_with([';', '{', '}', ','])
    };
    (1..=index).rev().find(|index| !is_within(*index)).unwrap_or_default()
}

#[test]
fn nothing_runs_unsupervised_without_a_reason() {
    let sources = source::all();
    let servers = sources.iter().filter(|source| !COMMANDS.contains(&top_module(&source.path)));
    reject(&servers.flat_map(complaints).collect::<Vec<_>>());
    let n_spawns: usize =
        sources.iter().map(|source| source.code.lines().filter(|line| spawns(line)).count()).sum();
    assert!(n_spawns > 20, "only {n_spawns} spawns were found");
}

/// Checks in which lines a comment is missing, or is there for nothing.
fn check(text: &str, expected: &[usize]) {
    let found = complaints(&Source::new("app/x.rs", text.to_owned()));
    let lines: Vec<usize> = found.iter().map(|it| it.split(':').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(lines, expected, "{text}\n{found:?}");
}

#[test]
fn a_planted_spawn_without_a_reason_is_found() {
    check("tokio::spawn(task());", &[1]);
    check("let a = 1;\nrt::spawn_local(x);", &[2]);
    check("let done =\n    tokio::task::spawn_blocking(work);", &[1]);
    check("// it ends\ntokio::spawn(task());", &[2]);
    check("// unsupervised:\ntokio::spawn(task());", &[2, 1]);
    check("// unsupervised: ok\ntokio::spawn(task());", &[2, 1]);
    check("// unsupervised: the first one ends\ntokio::spawn(one());\ntokio::spawn(two());", &[3]);
    check("// unsupervised: it is elsewhere\n\ntokio::spawn(task());", &[3, 1]);
    check("// unsupervised: it was here once\nlet a = 1;", &[1]);
}

#[test]
fn a_spawn_with_a_reason_passes() {
    check("// unsupervised: the caller waits\ntokio::spawn(task());", &[]);
    check("// Why it is here.\n// unsupervised: the caller waits\n// for it\ntokio::spawn(task());", &[]);
    check(
        "// unsupervised: the pool checks its threads\nthread::Builder::new()\n    .name(name)\n    .spawn(work);",
        &[],
    );
    check(
        "if a {\n    // unsupervised: the caller waits\n    let done =\n        tokio::spawn(task());\n}",
        &[],
    );
    check("context.spawn(future);\nfn spawn() {}\nrespawn(x);", &[]);
    check("#[cfg(test)]\nmod tests {\n    tokio::spawn(task());\n}", &[]);
}
