//! What the page may do, spelled out once more: a change of the window's rights has to be made in two places.

use serde_json::{Value, json};

fn read(path: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).expect("the file is in the repository");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_page_may_call_our_own_commands_and_nothing_else() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities");
    let files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|f| f.file_name())
        .collect();
    assert_eq!(files, ["main.json"]);
    let mut capability = read("capabilities/main.json");
    capability.as_object_mut().expect("an object").remove("description");
    let expected = json!({
        "identifier": "main",
        "local": true,
        "windows": ["main"],
        "permissions": ["allow-request", "allow-subscribe", "allow-save-file", "allow-open-pdf"],
    });
    assert_eq!(capability, expected);
}

#[test]
fn the_window_is_closed_to_foreign_content() {
    let app = &read("tauri.conf.json")["app"];
    let csp = "default-src 'self'; connect-src 'self' ipc: http://ipc.localhost; img-src 'self' data:; style-src \
               'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action \
               'none'";
    let expected = json!({ "csp": csp, "freezePrototype": true, "capabilities": ["main"] });
    assert_eq!(app["security"], expected);
    assert_eq!(app["withGlobalTauri"], false);
    assert_eq!(app["windows"].as_array().map(Vec::len), Some(1));
}
