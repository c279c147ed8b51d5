//! Kill -9 in the middle of writing: what was acknowledged is there, and the file is whole.

use super::fixtures::*;
use crate::store::{SqliteStore, Store, StoreExt};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

/// Set for the child: the database it writes to until it is killed.
const DATABASE: &str = "COUNTERSIGN_TEST_CRASH_DATABASE";
const KILLS: usize = 8;
/// Set for the child: the database that it upgrades.
const UPGRADED: &str = "COUNTERSIGN_TEST_UPGRADED_DATABASE";
const UPGRADES: u32 = 30;
/// Rows that the upgrade makes: more than SQLite keeps in memory, so that half of them are in the log before its end.
const ROWS: u32 = 8_000;

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

/// Not a test of its own: the child process runs it. Without the variable it has nothing to do.
#[test]
fn child_upgrades_a_database() {
    let Ok(path) = std::env::var(UPGRADED) else { return };
    drop(SqliteStore::open_later(path.as_ref(), later(ROWS)).expect("upgraded"));
}

#[test]
fn an_upgrade_of_a_full_database_that_is_killed_is_done_by_the_next_start() {
    let opened = open();
    for number in 0..50 {
        let order = order(&format!("PO-{number}"), None, 5);
        write(&opened.store, move |tx| receive(tx, &order, 1, NOW)).expect("saved");
    }
    opened.store.close();
    let start = |path: &Path| {
        Command::new(std::env::current_exe().expect("the test program"))
            .args([
                "--exact",
                "store::tests::crash::child_upgrades_a_database",
                "--test-threads=1",
            ])
            .env(UPGRADED, path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child")
    };
    let log_of = |path: &Path| std::fs::metadata(path.with_extension("db-wal")).map_or(0, |log| log.len());
    // From the first of the upgrade that is in the log to the end of the child, or until it is over.
    let begun = |path: &Path, child: &mut std::process::Child| {
        while log_of(path) == 0 && child.try_wait().expect("its status").is_none() {
            std::thread::yield_now();
        }
        Instant::now()
    };
    let copied = |name: &str| {
        let path = opened.path.with_file_name(name);
        std::fs::copy(&opened.path, &path).expect("copied");
        path
    };
    let path = copied("whole.db");
    let mut child = start(&path);
    let seen = begun(&path, &mut child);
    assert!(child.wait().expect("its status").success());
    let takes = seen.elapsed();
    assert!(is_later(&path, ROWS));

    let mut half_way = 0;
    for n in 0..UPGRADES {
        let path = copied(&format!("{n}.db"));
        let mut child = start(&path);
        begun(&path, &mut child);
        std::thread::sleep(takes * n / UPGRADES);
        // It may be through.
        let _ = child.kill();
        child.wait().expect("gone");
        let written = log_of(&path) > 0;
        half_way += u32::from(!is_later(&path, ROWS) && written);
        let store = SqliteStore::open_later(&path, later(ROWS)).expect("the next start");
        assert_eq!(store.counters(&company()).expect("counters").documents, 50);
        assert_eq!(store.verify_audit().expect("verify").broken_at, None);
        drop(store);
        assert!(is_later(&path, ROWS), "upgraded");
        assert_eq!(count(&path, "SELECT count(*) FROM document"), 50);
        std::fs::remove_file(&path).expect("removed");
    }
    assert!(half_way > 0, "none of {UPGRADES} was killed half way");
    crate::evidence::ran(
        "store::tests::crash::an_upgrade_of_a_full_database_that_is_killed_is_done_by_the_next_start",
        &format!("{UPGRADES} kills, {half_way} of them half way"),
    );
}
