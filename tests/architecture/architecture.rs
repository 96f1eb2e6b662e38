//! What ARCHITECTURE.md says of the source, held to the source: its tables are read from there.

mod cycles; // files that need each other
mod imports; // which modules a module uses
mod paths; // the names that ARCHITECTURE.md quotes
mod references; // the paths that a file names
mod spawns; // tasks that nobody supervises
mod table; // the table of modules
mod words; // what only some modules may name

/// The folder of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn architecture() -> String {
    std::fs::read_to_string(format!("{ROOT}/ARCHITECTURE.md")).unwrap()
}

/// The module below `src` that a file belongs to.
fn top_module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}
