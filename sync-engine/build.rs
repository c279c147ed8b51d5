//! The UI's files are embedded from `ui/dist`; without a built UI a page says how to build it (`api/assets.rs`).

use std::path::Path;

fn main() {
    let dist = Path::new("../ui/dist");
    // A missing path would count as changed at every build. Where the folder cannot be made, nothing is lost by it.
    let _ = std::fs::create_dir_all(dist);
    println!("cargo::rerun-if-changed=build.rs");
    // Debug builds read the files when they are asked for; only a release holds them.
    if std::env::var("PROFILE").is_ok_and(|p| p == "release") {
        println!("cargo::rerun-if-changed=../ui/dist");
    }
}
