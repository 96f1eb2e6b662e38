//! Rebuilds the crate after the dashboard was built: its files are embedded, and cargo does not watch a folder that a
//! macro reads.

fn main() {
    // Cargo treats a missing folder as changed on every build.
    let _ = std::fs::create_dir_all("frontend/dist");
    println!("cargo::rerun-if-changed=frontend/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
