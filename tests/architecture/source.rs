//! The project's own source as text.

use std::fs;
use std::path::Path;

/// One file as compiled for a release.
pub struct Source {
    /// Path below `src`, such as `store/posts.rs`.
    pub path: String,
    /// Text without comments and tests.
    pub code: String,
}

/// Returns every file below `src` except those that hold only tests.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                collect(root, &path, sources);
            }
            continue;
        }
        let is_test = ["tests.rs", "testing.rs"].contains(&name) || name.ends_with("_tests.rs");
        if name.ends_with(".rs") && !is_test {
            let path_in_src = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            sources.push(Source { path: path_in_src, code: code_of(&fs::read_to_string(&path).unwrap()) });
        }
    }
}

/// Returns the text without comment lines and without the tests at its end.
pub fn code_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let opens_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{');
    let end = lines.windows(2).position(opens_tests).unwrap_or(lines.len());
    lines[..end].join("\n")
}

/// Returns whether `code` contains `word`, other than as the end of a longer name.
pub fn mentions(code: &str, word: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // `::now()` has no longer name before it.
    let starts_name = is_letter(word.chars().next());
    code.match_indices(word).any(|(at, _)| !(starts_name && is_letter(code[..at].chars().next_back())))
}
