//! The project's own source as text.

use std::fs;
use std::path::Path;

use super::ROOT;

/// One file as compiled for a release.
pub struct Source {
    /// Path below `src`, such as `store/posts.rs`.
    pub path: String,
    /// The whole file.
    pub text: String,
    /// Text without comments and tests. Its lines have the numbers that they have in the file.
    pub code: String,
}

impl Source {
    /// Returns a file of this content.
    pub fn new(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), code: code_of(&text), text }
    }

    /// Names the line in which the byte `at` of the code is, as `src/store/posts.rs:40`.
    pub fn place(&self, at: usize) -> String {
        format!("src/{}:{}", self.path, self.code[..at].matches('\n').count() + 1)
    }
}

/// Returns every file below `src` except those that hold only tests.
pub fn all() -> Vec<Source> {
    let root = Path::new(ROOT).join("src");
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
            let path_in_src = path.strip_prefix(root).unwrap().to_str().unwrap();
            sources.push(Source::new(path_in_src, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Returns the text with empty lines in place of comment lines, and without the tests at its end.
pub fn code_of(text: &str) -> String {
    let is_comment = |line: &str| line.trim_start().starts_with("//");
    let lines: Vec<&str> = text.lines().map(|line| if is_comment(line) { "" } else { line }).collect();
    let opens_tests = |index: usize| {
        let mut after = lines[index + 1..].iter().filter(|line| !line.is_empty());
        lines[index] == "#[cfg(test)]" && after.next().is_some_and(|line| line.ends_with('{'))
    };
    let end = (0..lines.len()).find(|index| opens_tests(*index)).unwrap_or(lines.len());
    lines[..end].join("\n")
}

/// Returns whether `code` contains `word`, other than as the end of a longer name.
pub fn mentions(code: &str, word: &str) -> bool {
    position(code, word).is_some()
}

/// Returns where `code` first contains `word`, other than as the end of a longer name.
pub fn position(code: &str, word: &str) -> Option<usize> {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // `::now()` has no longer name before it.
    let starts_name = is_letter(word.chars().next());
    let mut found = code.match_indices(word).map(|(at, _)| at);
    found.find(|at| !(starts_name && is_letter(code[..*at].chars().next_back())))
}

#[test]
fn code_keeps_the_numbers_of_its_lines() {
    let text = "//! Doc.\n\nfn f() {}\n    // Why.\n#[cfg(test)]\nuse a::b;\n\n#[cfg(test)]\n// Tests.\nmod tests {\n}";
    assert_eq!(code_of(text), "\n\nfn f() {}\n\n#[cfg(test)]\nuse a::b;\n");
    let source = Source::new("a.rs", text.to_owned());
    assert_eq!(source.place(position(&source.code, "f(").unwrap()), "src/a.rs:3");
}
