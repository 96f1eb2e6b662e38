//! Modules use only what the table of ARCHITECTURE.md lets them.

use std::collections::{BTreeMap, BTreeSet};

use super::references::references;
use super::source::{self, Source};
use super::table::Table;
use super::{architecture, reject, top_module};

/// Files that belong to no module: the crate's root, and the program that calls it.
const ROOTS: &[&str] = &["lib", "main"];

/// Other modules that a file uses, and where it first uses each.
fn uses(source: &Source) -> BTreeMap<String, usize> {
    let mut used = BTreeMap::new();
    for (reference, at) in references(&source.path, &source.code) {
        let Some(module) = reference.into_iter().next() else { continue };
        // Types and constants at the root are nobody's.
        if module.starts_with(|c: char| c.is_ascii_lowercase()) && module != top_module(&source.path) {
            let first = used.entry(module).or_insert(at);
            *first = at.min(*first);
        }
    }
    used
}

fn violations(table: &Table, source: &Source) -> Vec<String> {
    let module = top_module(&source.path);
    let foreign = uses(source).into_iter().filter(|(used, _)| !table.allows(module, used));
    foreign
        .map(|(used, at)| {
            let (place, change) = (source.place(at), table.change_that_allows(module, &used));
            format!("{place}: `{module}` may not use `{used}`: remove this use, or {change}")
        })
        .collect()
}

#[test]
fn every_module_uses_only_what_it_may() {
    let table = Table::parse(&architecture()).unwrap_or_else(|mistake| panic!("\n\n{mistake}\n"));
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for source in source::all() {
        let module = top_module(&source.path);
        if !ROOTS.contains(&module) {
            modules.entry(module.to_owned()).or_default().extend(uses(&source).into_keys());
            found.extend(violations(&table, &source));
        }
    }
    found.extend(table.differences(&modules));
    reject(&found);
}

/// Checks which modules this file must not use, each with the line in which it uses them.
fn check(path: &str, text: &str, expected: &[(&str, usize)]) {
    let table = Table::parse(
        "| `src/store` | SQL | nothing |\n| `src/actors` | stages | store |\n\
         | `src/http` | routes | store |\n| `src/app` | wiring | everything |",
    );
    let table = table.unwrap();
    let found = violations(&table, &Source::new(path, text.to_owned()));
    let module = top_module(path);
    let expected: Vec<String> = expected
        .iter()
        .map(|(used, line)| {
            let change = table.change_that_allows(module, used);
            format!("src/{path}:{line}: `{module}` may not use `{used}`: remove this use, or {change}")
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_planted_use_is_found() {
    check("store/mod.rs", "use crate::http::Api;", &[("http", 1)]);
    check("store/mod.rs", "use super::http;", &[("http", 1)]);
    check(
        "store/posts.rs",
        "use crate::{\n    models::alert::{Alert, Scope},\n    http,\n};\n\nfn f() { crate::http::f() }",
        &[("http", 3)],
    );
    check("http/mod.rs", "//! Routes.\n\nlet n = crate::actors::limit();", &[("actors", 3)]);
    check("actors/aggregator/commit.rs", "use super::super::super::config::Config;", &[("config", 1)]);
    check("actors/aggregator/mod.rs", "use super::super::{app, http};", &[("app", 1), ("http", 1)]);
}

#[test]
fn what_is_allowed_passes() {
    check("actors/aggregator/commit.rs", "use super::messages::Kill;\nuse crate::store::Store;", &[]);
    check("store/mod.rs", "// crate::http is not used here\nuse crate::models::post::Post;", &[]);
    check("store/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::http::state;\n}", &[]);
    check("http/mod.rs", "let report = crate::telemetry::NAME; let support = support::x();", &[]);
    check("app/mod.rs", "use crate::http::state;", &[]);
}
