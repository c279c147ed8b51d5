//! The table of docs/promises.md with what really ran: promise, test, how much of it, result.

use crate::process::{root, target_dir};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the tests leave their figures, one file for each test (sync-engine/tests/shared/evidence.rs).
fn folder() -> PathBuf {
    target_dir().join("promises")
}

/// Takes away the figures of an earlier run.
///
/// # Errors
/// When they cannot be removed.
pub fn forget() -> Result<(), String> {
    match std::fs::remove_dir_all(folder()) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {e}", folder().display())),
        _ => Ok(()),
    }
}

/// A promise and the tests that hold it, of the page's table.
fn rows(page: &str) -> Vec<(String, Vec<String>)> {
    let rows = page.lines().filter(|l| l.starts_with("| ")).skip(1);
    rows.map(|row| {
        let mut cells = row.split('|').skip(1);
        let promise = cells.next().unwrap_or_default().trim().to_owned();
        let tests = cells.nth(1).unwrap_or_default();
        (
            promise,
            tests.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
        )
    })
    .collect()
}

/// Prints the table. `named`: the tests that ran, and whether they passed.
///
/// # Errors
/// The page cannot be read. Inner: which of its tests did not run.
pub fn table(named: &BTreeMap<String, bool>) -> Result<Result<(), String>, String> {
    let path = root().join("docs/promises.md");
    let page = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut missing = Vec::new();
    println!("| promise | test | how much ran | result |\n|---|---|---|---|");
    for (promise, tests) in rows(&page) {
        for test in tests {
            let figures = std::fs::read_to_string(folder().join(format!("{}.txt", test.replace("::", "."))));
            let result = match named.get(&test) {
                Some(true) => "held",
                Some(false) => "BROKEN",
                None => "DID NOT RUN",
            };
            println!(
                "| {promise} | {test} | {} | {result} |",
                figures.as_deref().unwrap_or("all of it")
            );
            if !named.contains_key(&test) && !missing.contains(&test) {
                missing.push(test);
            }
        }
    }
    Ok(match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("promises: did not run: {}", missing.join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_rows_are_read() {
        let page = "# Title\n| promise | how | tests |\n|---|---|---|\n| kept | so | `a::b`, `c` | all |\n";
        let read = rows(page);
        assert_eq!(read, [("kept".to_owned(), vec!["a::b".to_owned(), "c".to_owned()])]);
    }

    #[test]
    fn a_test_that_did_not_run_is_told() {
        let told = table(&BTreeMap::new()).expect("the page").expect_err("nothing ran");
        assert!(
            told.contains("kill::nothing_is_lost_and_nothing_happens_twice"),
            "{told}"
        );
    }
}
