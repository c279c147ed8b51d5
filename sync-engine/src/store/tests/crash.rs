//! Kill -9 in the middle of writing: what was acknowledged is there, and the file is whole.

use super::fixtures::*;
use crate::store::{SqliteStore, Store, StoreExt};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Set for the child: the database it writes to until it is killed.
const DATABASE: &str = "COUNTERSIGN_TEST_CRASH_DATABASE";
const KILLS: usize = 8;

/// Not a test of its own: the child process runs it. Without the variable it has nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    let store = Arc::new(SqliteStore::open(path).expect("the store"));
    let first = store.counters(&company()).expect("counters").documents;
    let mut saved = Vec::new();
    for number in first.. {
        let name = format!("PO-{number}");
        let order = order(&name, None, 12);
        let lane = if number % 3 == 0 {
            crate::store::Lane::Interactive
        } else {
            crate::store::Lane::Bulk
        };
        saved.push((name, store.write(lane, move |tx| receive(tx, &order, 1, NOW))));
        if saved.len() == 4 {
            let mut out = std::io::stdout().lock();
            for (name, write) in saved.drain(..) {
                wait(write).expect("saved");
                writeln!(out, "saved {name}").expect("the parent reads");
            }
            out.flush().expect("the parent reads");
        }
    }
}

/// Starts the child, reads what it acknowledges, kills it after `lines`, and returns every acknowledged number.
fn run_and_kill(path: &Path, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("the test program"))
        .args([
            "--exact",
            "store::tests::crash::child_writes_until_it_is_killed",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut saved = Vec::new();
    let mut line = String::new();
    while saved.len() < lines && output.read_line(&mut line).expect("its output") > 0 {
        saved.extend(line.trim().strip_prefix("saved ").map(str::to_owned));
        line.clear();
    }
    child.kill().expect("killed");
    // What it still acknowledged before it died counts too.
    while output.read_line(&mut line).unwrap_or(0) > 0 {
        if line.ends_with('\n') {
            saved.extend(line.trim().strip_prefix("saved ").map(str::to_owned));
        }
        line.clear();
    }
    child.wait().expect("gone");
    saved
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("crash.db");
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let saved = run_and_kill(&path, 3 + kill * 17);
        assert!(!saved.is_empty(), "the child wrote");
        acknowledged.extend(saved);
        let store = SqliteStore::open(&path).expect("opens after a kill");
        for number in &acknowledged {
            let found = store.find_document(&company(), &partner(), crate::domain::DocumentKind::Order, number);
            assert!(found.expect("read").is_some(), "{number} was acknowledged and is lost");
        }
        assert_eq!(store.verify_audit().expect("verify").broken_at, None);
        assert_eq!(
            store.counters(&company()).expect("counters").documents,
            count(&path, "SELECT count(*) FROM document")
        );
        let integrity: String = peek(&path)
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("checked");
        assert_eq!(integrity, "ok");
    }
    assert!(acknowledged.len() > KILLS * 3);
    crate::evidence::ran(
        "store::tests::crash::nothing_acknowledged_is_lost_by_a_kill",
        &format!("{KILLS} kills, {} documents acknowledged", acknowledged.len()),
    );
}
