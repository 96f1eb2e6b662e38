//! Files that need each other to be understood. A cycle has no first file to read, and none that can be tested alone.

use std::collections::{BTreeMap, BTreeSet};

use super::references::{imports, module_of, references};
use super::reject;
use super::source::{self, Source};

/// For each file those that it refers to, with one such reference.
type Graph = BTreeMap<String, BTreeMap<String, Reference>>;

/// A reference to an item of another file.
struct Reference {
    /// Where it stands, such as `src/store/posts.rs:40`.
    place: String,
    /// What it refers to, such as `store::Store`.
    item: String,
}

/// Files by module.
type Files<'a> = BTreeMap<Vec<String>, &'a str>;

/// The graph of references between files, imports and re-exports followed to the item. A module and those it contains
/// belong together: `mod.rs` calls its files, and they use the types that it defines.
fn graph(sources: &[Source]) -> Graph {
    let files: Files<'_> =
        sources.iter().map(|source| (module_of(&source.path), source.path.as_str())).collect();
    let imports = sources.iter().flat_map(|source| imports(&source.path, &source.code)).collect();
    let mut graph = Graph::new();
    for source in sources {
        let module = module_of(&source.path);
        let edges = graph.entry(source.path.clone()).or_default();
        for (item, at) in references(&source.path, &source.code) {
            let Some((used, file)) = file_of(&item, &files, &imports) else { continue };
            if !used.starts_with(&module) && !module.starts_with(used) {
                let reference = || Reference { place: source.place(at), item: item.join("::") };
                edges.entry((*file).to_owned()).or_insert_with(reference);
            }
        }
    }
    graph
}

/// The file that an item is in, and its module: that of the longest module on its path, or of the item re-exported there.
fn file_of<'a>(
    path: &[String],
    files: &'a Files<'a>,
    imports: &BTreeMap<Vec<String>, Vec<String>>,
) -> Option<(&'a Vec<String>, &'a &'a str)> {
    let n_module = (0..=path.len()).rev().find(|n| files.contains_key(&path[..*n]))?;
    match path.get(..=n_module).and_then(|name| imports.get(name)) {
        Some(item) if item != path => file_of(item, files, imports),
        _ => files.get_key_value(&path[..n_module]),
    }
}

fn reachable<'a>(graph: &'a Graph, from: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(graph[file].keys().map(String::as_str).filter(|next| found.insert(*next)));
    }
    found
}

/// The strongly connected components of more than one file.
fn cycles(graph: &Graph) -> BTreeSet<BTreeSet<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|file| (file.as_str(), reachable(graph, file))).collect();
    let in_cycle = reached.iter().filter(|(file, others)| others.contains(*file));
    in_cycle
        .map(|(file, others)| others.iter().copied().filter(|other| reached[other].contains(file)).collect())
        .collect()
}

/// The references within a cycle, one a line.
fn describe(graph: &Graph, cycle: &BTreeSet<&str>) -> String {
    let edges = cycle.iter().flat_map(|file| {
        let within = graph[*file].iter().filter(|(used, _)| cycle.contains(used.as_str()));
        within.map(|(used, Reference { place, item })| format!("{place}: `{item}` is in src/{used}"))
    });
    let lines: Vec<String> = edges.collect();
    format!(
        "{}\n  These files need each other: move what they share into a file of its own.",
        lines.join("\n")
    )
}

#[test]
fn no_files_refer_to_each_other_in_a_cycle() {
    let graph = graph(&source::all());
    reject(&cycles(&graph).iter().map(|cycle| describe(&graph, cycle)).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::new(path, (*text).to_owned())).collect();
        let graph = graph(&sources);
        let found: Vec<Vec<&str>> =
            cycles(&graph).into_iter().map(|cycle| cycle.into_iter().collect()).collect();
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn a_planted_cycle_is_found() {
        check(
            &[("store/a.rs", "use super::b::B;"), ("store/b.rs", "use crate::store::a::A;")],
            &[&["store/a.rs", "store/b.rs"]],
        );
        check(
            &[
                ("store/a.rs", "use super::{c, b::B};"),
                ("store/b.rs", "fn f() { super::c::f() }"),
                ("store/c.rs", "use crate::{live, store::a};"),
                ("live/mod.rs", "use crate::store::a::A;"),
                ("ws/mod.rs", "use crate::store::a::A;"),
            ],
            &[&["live/mod.rs", "store/a.rs", "store/b.rs", "store/c.rs"]],
        );
        check(
            &[
                ("store/mod.rs", "mod a;\nmod b;\npub use b::B;"),
                ("store/a.rs", "use super::B;"),
                ("store/b.rs", "use super::a::A;"),
            ],
            &[&["store/a.rs", "store/b.rs"]],
        );
    }

    #[test]
    fn modules_and_what_they_contain_are_no_cycle_and_nor_are_tests() {
        check(&[("store/mod.rs", "mod a;\npub use self::a::A;"), ("store/a.rs", "use super::Store;")], &[]);
        check(
            &[
                ("store/a.rs", "use super::b::B;"),
                ("store/b.rs", "// super::a\n#[cfg(test)]\nmod tests {\n    use crate::store::a::A;\n}"),
            ],
            &[],
        );
    }

    #[test]
    fn a_cycle_is_described_by_its_references() {
        let planted = [("a.rs", "\nuse crate::b::B;"), ("b.rs", "use crate::a::f;")]
            .map(|(path, code)| Source::new(path, code.to_owned()));
        let graph = graph(&planted);
        let cycles = cycles(&graph);
        assert_eq!(
            describe(&graph, cycles.first().unwrap()),
            "src/a.rs:2: `b::B` is in src/b.rs\nsrc/b.rs:1: `a::f` is in src/a.rs\n  \
             These files need each other: move what they share into a file of its own."
        );
    }
}
