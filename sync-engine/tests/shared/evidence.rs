//! How much of a promise's test really ran, for the table at the end of `cargo xtask test` (docs/promises.md).

use std::path::PathBuf;

/// Keeps a sentence of figures under the full name of the test, as cargo prints it.
///
/// A folder that cannot be written to costs the table a cell, and the test nothing.
pub fn ran(test: &str, figures: &str) {
    println!("{test}: {figures}");
    let Some(folder) = folder() else { return };
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(file_of(test)), figures));
    if let Err(error) = kept {
        println!("{test}: its figures are not kept: {error}");
    }
}

/// `target/promises`, from where the test's program lies: `target/debug/deps`.
fn folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.parent()?.parent()?.join("promises"))
}

/// Colons are no part of a file's name on Windows.
fn file_of(test: &str) -> String {
    format!("{}.txt", test.replace("::", "."))
}
