//! What ARCHITECTURE.md says of the source, held to the source: its tables are read from there.

mod cycles; // files that need each other
mod imports; // which modules a module uses
mod references; // the paths that a file names
mod spawns; // tasks that nobody supervises
mod table; // the table of modules
mod words; // what only some modules may name

fn architecture() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md");
    std::fs::read_to_string(path).unwrap()
}

/// The module below `src` that a file belongs to.
fn top_module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}
