//! What ARCHITECTURE.md and STYLE.md say of the source, held to the source.
//!
//! A package of its own without dependencies: it compiles and runs in seconds, before anything else is built. Each complaint
//! names a file and a line, and says what to write there.

// A test may fail anywhere, in its helpers as in its own lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod cycles; // files that need each other
mod imports; // which modules a module uses
mod log_format; // how logs and errors sound
mod metrics; // metrics that are recorded but not declared
mod migrations; // numbers that migrations take when they land
mod modules; // files that no `mod` line leads to
mod paths; // the names that ARCHITECTURE.md quotes
mod references; // the paths that a file names
mod source; // the project's own source, read as text
mod spawns; // tasks that nobody supervises
mod table; // the table of modules
mod words; // what only some modules may name

/// The folder of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn architecture() -> String {
    std::fs::read_to_string(format!("{ROOT}/ARCHITECTURE.md")).unwrap()
}

/// The module below `src` that a file belongs to.
fn top_module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The lines of a text with their numbers.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Fails with all complaints, one a line.
fn reject(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n\n{}\n", complaints.join("\n"));
}
