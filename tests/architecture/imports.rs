//! Modules use only what the table of ARCHITECTURE.md lets them.

use std::collections::BTreeSet;

use super::references::references;
use super::table::Table;
use super::{architecture, top_module};
use crate::support::source::{self, Source};

/// Files that belong to no module: the crate's root, and the program that calls it.
const ROOTS: [&str; 2] = ["lib", "main"];

fn violations(table: &Table, Source { path, code }: &Source) -> Vec<String> {
    let module = top_module(path);
    let used: BTreeSet<String> =
        references(path, code).into_iter().filter_map(|reference| reference.into_iter().next()).collect();
    // Types and constants at the root are nobody's.
    let is_module = |name: &str| name.starts_with(|c: char| c.is_ascii_lowercase());
    let foreign =
        used.iter().filter(|used| is_module(used) && *used != module && !table.allows(module, used));
    foreign
        .map(|used| format!("src/{path}: `{module}` may not use `{used}`, by the table in ARCHITECTURE.md"))
        .collect()
}

#[test]
fn every_module_uses_only_what_it_may() {
    let sources = source::all();
    let mut modules: Vec<String> = sources.iter().map(|source| top_module(&source.path).to_owned()).collect();
    modules.dedup();
    modules.retain(|module| !ROOTS.contains(&module.as_str()));
    let table = Table::parse(&architecture()).unwrap_or_else(|mistake| panic!("ARCHITECTURE.md: {mistake}"));
    let mut found = table.differences(&modules);
    let in_modules = sources.iter().filter(|source| !ROOTS.contains(&top_module(&source.path)));
    found.extend(in_modules.flat_map(|source| violations(&table, source)));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn check(path: &str, text: &str, expected: &[&str]) {
    let table = Table::parse(
        "| `src/store` | SQL | nothing |\n| `src/actors` | stages | store |\n\
         | `src/http` | routes | store |\n| `src/app` | wiring | everything |",
    );
    let planted = Source { path: path.to_owned(), code: source::code_of(text) };
    let found = violations(&table.unwrap(), &planted);
    let expected: Vec<String> = expected
        .iter()
        .map(|used| {
            let module = top_module(path);
            format!("src/{path}: `{module}` may not use `{used}`, by the table in ARCHITECTURE.md")
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_planted_use_is_found() {
    check("store/mod.rs", "use crate::http::Api;", &["http"]);
    check("store/mod.rs", "use super::http;", &["http"]);
    check("store/posts.rs", "use crate::{\n    models::alert::{Alert, Scope},\n    http,\n};", &["http"]);
    check("http/mod.rs", "let n = crate::actors::limit();", &["actors"]);
    check("actors/aggregator/commit.rs", "use super::super::super::config::Config;", &["config"]);
    check("actors/aggregator/mod.rs", "use super::super::{app, http};", &["app", "http"]);
}

#[test]
fn what_is_allowed_passes() {
    check("actors/aggregator/commit.rs", "use super::messages::Kill;\nuse crate::store::Store;", &[]);
    check("store/mod.rs", "// crate::http is not used here\nuse crate::models::post::Post;", &[]);
    check("store/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::http::state;\n}", &[]);
    check("http/mod.rs", "let report = crate::telemetry::NAME; let support = support::x();", &[]);
    check("app/mod.rs", "use crate::http::state;", &[]);
}
