//! The OpenAPI document that is checked in is the one that the handlers say.

use std::path::Path;

#[test]
fn the_checked_in_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/api/openapi.json");
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == sync_engine::api::openapi_text(),
        "{} is stale: run `cargo xtask openapi` (it writes what `countersign openapi` prints) and commit the result",
        path.display()
    );
}
