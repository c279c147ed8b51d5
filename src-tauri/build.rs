//! Embeds the UI and the window's rights. The commands are declared here, so that a window may call only those that
//! its capability names.

fn main() {
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(&["request", "subscribe", "save_file", "open_pdf"]))
        .codegen(tauri_build::CodegenContext::new());
    if let Err(error) = tauri_build::try_build(attributes) {
        if !std::path::Path::new("../ui/dist/index.html").exists() {
            println!("cargo::error=the UI is not built yet: run `cargo xtask setup` once");
        }
        println!("cargo::error={error:#}");
    }
}
