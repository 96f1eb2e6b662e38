//! Every file is compiled: a chain of `mod` lines leads to it. A file whose line is lost, such as in a merge, is silently
//! left out, and its tests with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{ROOT, reject};

/// Files by their path in the repository.
type Files = BTreeMap<String, String>;

/// Returns all Rust files below a folder.
fn files_below(folder: &str) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(ROOT).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") {
                let text = fs::read_to_string(entry.path()).unwrap();
                files.insert(path, text);
            }
        }
    }
    files
}

/// Returns the files that a file may declare by its `mod` lines.
fn declared(path: &str, text: &str) -> Vec<String> {
    let (folder, name) = path.rsplit_once('/').unwrap();
    let is_root = ["main.rs", "lib.rs", "mod.rs", "architecture.rs"].contains(&name);
    let own = if is_root { folder.to_owned() } else { format!("{folder}/{}", name.trim_end_matches(".rs")) };
    let mut found = Vec::new();
    let mut named = None;
    for line in text.lines().map(|line| line.split("//").next().unwrap().trim()) {
        if let Some(file) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            named = Some(format!("{folder}/{file}"));
        } else if let Some(module) = module_in(line) {
            let usual = [format!("{own}/{module}.rs"), format!("{own}/{module}/mod.rs")];
            found.extend(named.take().map_or_else(|| usual.to_vec(), |file| vec![file]));
        }
    }
    found
}

/// Returns the module that a line such as `pub(crate) mod posts;` declares.
fn module_in(line: &str) -> Option<&str> {
    let (visibility, module) = line.strip_suffix(';')?.rsplit_once("mod ")?;
    let is_name = module.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_declaration = visibility.is_empty() || visibility.starts_with("pub");
    (is_name && is_declaration).then_some(module)
}

fn complaints(files: &Files, roots: &[&str]) -> Vec<String> {
    let mut compiled = BTreeSet::new();
    let mut next: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
    while let Some(path) = next.pop() {
        if let Some(text) = files.get(&path)
            && compiled.insert(path.clone())
        {
            next.extend(declared(&path, text));
        }
    }
    let lost = files.keys().filter(|path| !compiled.contains(*path));
    lost.map(|path| {
        format!("{path}:1: no `mod` line leads here, so it is not compiled: add one or delete it")
    })
    .collect()
}

#[test]
fn every_file_is_compiled() {
    reject(&complaints(&files_below("src"), &["src/lib.rs", "src/main.rs"]));
    reject(&complaints(&files_below("tests/it"), &["tests/it/main.rs"]));
    reject(&complaints(&files_below("tests/architecture"), &["tests/architecture/architecture.rs"]));
}

#[test]
fn a_planted_file_without_its_line_is_found() {
    let files = |pairs: &[(&str, &str)]| -> Files {
        pairs.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    };
    for (root, path, is_lost) in [
        ("mod a;", "src/a.rs", false),
        ("pub(crate) mod a; // why", "src/a/mod.rs", false),
        ("#[path = \"a_tests.rs\"]\nmod tests;", "src/a_tests.rs", false),
        ("// mod a;", "src/a.rs", true),
        ("mod a { }", "src/a.rs", true),
        ("mod ab;", "src/a.rs", true),
        ("mod a;", "src/a/b.rs", true),
    ] {
        let found = complaints(&files(&[("src/lib.rs", root), (path, "")]), &["src/lib.rs"]);
        assert_eq!(found.len(), usize::from(is_lost), "{root}: {found:?}");
    }
    let chain = files(&[("src/lib.rs", "mod a;"), ("src/a.rs", "pub mod b;"), ("src/a/b.rs", "")]);
    assert!(complaints(&chain, &["src/lib.rs"]).is_empty());
}
