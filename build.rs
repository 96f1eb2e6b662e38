//! Rebuilds the crate when the dashboard was built: its files are embedded, and cargo does not watch a folder that
//! a macro reads.

fn main() {
    // A folder that does not exist would count as changed at every build.
    let _ = std::fs::create_dir_all("frontend/dist");
    println!("cargo::rerun-if-changed=frontend/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
