//! Rebuilds the release after the dashboard was built: it embeds the dashboard's files, and cargo does not watch a folder
//! that a macro reads. Debug builds read the files at run time.

use std::{env, fs};

fn main() {
    // The macro needs the folder, also before the dashboard is built.
    let _ = fs::create_dir_all("frontend/dist");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=frontend/dist");
    }
}
