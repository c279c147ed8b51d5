//! A real disk: small, so that it fills up, or mounted so that nothing can be written.

use super::super::fixtures::*;
use crate::domain::DocumentKind;
use crate::store::{Lane, SqliteStore, Store, StoreError, StoreExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A file system of its own, as long as this lives. Needs the rights to mount one: where they are missing the test
/// fails and says so.
struct Mount {
    at: PathBuf,
    _folder: tempfile::TempDir,
}

impl Mount {
    fn new(mebibytes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path().to_path_buf();
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(&at));
        Self { at, _folder: folder }
    }

    fn remount(&self, how: &str) {
        run(Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(&self.at));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a failed test may still have files open there.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("mount is there");
    assert!(
        output.status.success(),
        "this test mounts a small disk, which takes root: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn save(store: &Arc<SqliteStore>, number: usize, lane: Lane) -> Result<(), StoreError> {
    let order = order(&format!("PO-{number}"), None, 40);
    wait(store.write(lane, move |tx| receive(tx, &order, 1, NOW).map(drop)))
}

fn assert_saved(store: &SqliteStore, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        let number = format!("PO-{number}");
        let found = store.find_document(&company(), &partner(), DocumentKind::Order, &number);
        assert!(found.expect("readable").is_some(), "{number} was answered as saved");
    }
}

fn fill(at: &Path) {
    // What is left goes too, page by page.
    for bytes in [1 << 20, 4096] {
        let mut part = 0;
        while std::fs::write(at.join(format!("fill-{bytes}-{part}")), vec![1u8; bytes]).is_ok() {
            part += 1;
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_and_is_over_by_itself() {
    let disk = Mount::new(32);
    let path = disk.at.join("countersign.db");
    let store = Arc::new(SqliteStore::open(&path).expect("opened"));
    (0..20).for_each(|number| save(&store, number, Lane::Interactive).expect("room"));
    assert_eq!(store.trouble(), None);
    fill(&disk.at);

    let mut saved = 20;
    let refused = loop {
        match save(&store, saved, Lane::Interactive) {
            Ok(()) => saved += 1,
            Err(error) => break error,
        }
        assert!(saved < 10_000, "the disk does not fill");
    };
    assert!(matches!(refused, StoreError::DiskFull), "{refused}");
    assert_eq!(store.trouble().map(|t| t.code), Some("store.disk_full"));
    assert!(matches!(save(&store, saved, Lane::Bulk), Err(StoreError::DiskFull)));
    assert_saved(&store, 0..saved);
    let there = store.counters(&company()).expect("readable").documents;
    assert_eq!(
        there,
        i64::try_from(saved).expect("small"),
        "nothing that was refused is there"
    );

    // Some room is not enough; it has to last.
    for part in 0..20 {
        let _ = std::fs::remove_file(disk.at.join(format!("fill-{}-{part}", 1 << 20)));
    }
    let freed = Instant::now();
    while store.trouble().is_some() {
        assert!(
            freed.elapsed() < Duration::from_secs(60),
            "it is not noticed that there is room"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    save(&store, saved, Lane::Interactive).expect("room again");
    store.close();
    drop(store);
    let store = SqliteStore::open(&path).expect("opens again");
    assert_saved(&store, 0..=saved);
    assert_eq!(store.verify_audit().expect("verified").broken_at, None);
    drop(store);
    super::work::assert_whole(&path, "after a full disk");
}

#[test]
fn a_store_closes_on_a_full_disk_and_opens_when_there_is_room() {
    let disk = Mount::new(16);
    let path = disk.at.join("countersign.db");
    let store = Arc::new(SqliteStore::open(&path).expect("opened"));
    (0..20).for_each(|number| save(&store, number, Lane::Interactive).expect("room"));
    fill(&disk.at);
    store.close();
    drop(store);
    // As it is, the log cannot go back into the database: it stays, and with it everything.
    if let Ok(store) = SqliteStore::open(&path) {
        assert_saved(&store, 0..20);
    }
    for file in std::fs::read_dir(&disk.at).expect("readable") {
        let file = file.expect("an entry").path();
        if file
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with("fill"))
        {
            std::fs::remove_file(file).expect("removed");
        }
    }
    let store = SqliteStore::open(&path).expect("opens with room");
    assert_saved(&store, 0..20);
}

#[test]
fn a_read_only_disk_is_said_and_left_as_it_is() {
    let disk = Mount::new(16);
    let path = disk.at.join("countersign.db");
    let store = Arc::new(SqliteStore::open(&path).expect("opened"));
    (0..5).for_each(|number| save(&store, number, Lane::Interactive).expect("room"));
    store.close();
    drop(store);
    disk.remount("ro");
    let refused = SqliteStore::open(&path)
        .err()
        .expect("nothing can be written there")
        .to_string();
    assert!(
        refused.contains("cannot be written") || refused.contains("may be written"),
        "{refused}"
    );
    disk.remount("rw");
    let store = Arc::new(SqliteStore::open(&path).expect("opens again"));
    assert_saved(&store, 0..5);
    save(&store, 5, Lane::Interactive).expect("saved");
}
