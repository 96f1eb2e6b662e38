//! What ARCHITECTURE.md quotes exists: every file, module, type and function.

use std::path::Path;

use super::references::module_of;
use super::source::{self, Source};
use super::words::{Invariant, quoted};
use super::{ROOT, architecture, numbered, reject};

/// Whether a quoted word exists, where it looks like a name from this repository.
fn exists(word: &str, sources: &[Source]) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if word.contains("::") && word.chars().all(|c| is_name(c) || c == ':') {
        return item_exists(&word.split("::").collect::<Vec<_>>(), sources);
    }
    if word.chars().all(|c| is_name(c) || "/.-".contains(c)) && !word.starts_with(['/', '-', '.']) {
        if word.contains('/') {
            return ["", "src"].iter().any(|folder| Path::new(ROOT).join(folder).join(word).exists());
        }
        if word.ends_with(".rs") {
            return sources.iter().any(|source| source.path.rsplit('/').next() == Some(word));
        }
    }
    let is_type = word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
    !(is_type && word.chars().all(is_name)) || sources.iter().any(|source| names(&source.code, word))
}

/// Whether one file is the module that a path begins with, the modules above it left out or not, and contains the rest
/// of the path. A path that begins with a type leaves out all modules.
fn item_exists(path: &[&str], sources: &[Source]) -> bool {
    let n_least = usize::from(path[0].starts_with(char::is_lowercase));
    sources.iter().any(|source| {
        let module = module_of(&source.path);
        (n_least..=path.len()).any(|n| {
            let (modules, rest) = path.split_at(n);
            let is_module = modules.iter().rev().eq(module.iter().rev().take(n));
            is_module && rest.iter().all(|name| names(&source.code, name))
        })
    })
}

/// Whether code contains a name, other than as a part of a longer one.
fn names(code: &str, name: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(name).any(|(at, _)| {
        !is_part(code[..at].chars().next_back()) && !is_part(code[at + name.len()..].chars().next())
    })
}

fn complaints(text: &str, sources: &[Source]) -> Vec<String> {
    // Words that nothing may name are words of the source's language or of libraries.
    let lines = numbered(text).filter(|line| Invariant::parse(*line).is_none());
    let words = lines.flat_map(|(line, text)| quoted(text).map(move |word| (line, word)));
    let unknown = words.filter(|(_, word)| !exists(word, sources));
    unknown
        .map(|(line, word)| {
            format!("ARCHITECTURE.md:{line}: `{word}` does not exist: correct it or delete it")
        })
        .collect()
}

#[test]
fn everything_that_the_architecture_names_exists() {
    reject(&complaints(&architecture(), &source::all()));
}

#[test]
fn a_planted_name_that_does_not_exist_is_found() {
    let sources = [
        ("store/posts/record.rs", "pub async fn record(store: &Store) {}"),
        ("store/mod.rs", "pub struct Store; impl Store { fn open() {} }"),
    ]
    .map(|(path, code)| Source::new(path, code.to_owned()));
    for (word, expected) in [
        ("src/main.rs", true),
        ("src/nowhere.rs", false),
        ("store/mod.rs", true),
        ("store/nowhere", false),
        ("tests/it", true),
        ("record.rs", true),
        ("nowhere.rs", false),
        ("store::posts::record", true),
        ("posts::record::record", true),
        ("store::nowhere", false),
        ("store::posts::record::nowhere", false),
        ("Store", true),
        ("Nowhere", false),
        ("Stor", false),
        ("Store::open", true),
        ("Store::nowhere", false),
        ("/api/v1/posts", true),
        ("XACK", true),
        ("sentiment_updates", true),
        ("POST /api/v1/posts", true),
    ] {
        assert_eq!(exists(word, &sources), expected, "{word}");
    }
    let text = "- Only `src/store` knows `Nowhere::x`.\n1. `Store` is here, `Nowhere` is not.";
    let found = ["ARCHITECTURE.md:2: `Nowhere` does not exist: correct it or delete it"];
    assert_eq!(complaints(text, &sources), found);
}
