//! A window with a static page and nothing behind it: what `cargo xtask bench --only desktop` measures ours against.
//! Built with our versions, profile and features; without plugins, tray, engine and script.

use tauri::http::Response;
use tauri::{Url, WebviewUrl, WebviewWindowBuilder};

/// Its text stands where ours has rows: there it is looked for.
const PAGE: &str = r#"<!doctype html><html lang="en"><title>Empty</title><body style="padding: 20em 5em"><h1>An empty window</h1></body></html>"#;

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .register_uri_scheme_protocol("empty", |_, _| {
            let page = Response::builder().header("content-type", "text/html; charset=utf-8");
            // Its parts are constants: there is nothing in them to be refused.
            page.body(PAGE.as_bytes()).unwrap_or_default()
        })
        .setup(|app| {
            let page = WebviewUrl::CustomProtocol(Url::parse("empty://localhost/")?);
            // As large as ours.
            WebviewWindowBuilder::new(app, "empty", page)
                .inner_size(1280.0, 800.0)
                .build()?;
            Ok(())
        })
        .run(tauri::tauri_build_context!())
}
