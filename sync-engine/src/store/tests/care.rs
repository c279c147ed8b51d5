//! Backup, and the write-ahead log going back into the database.

use super::fixtures::*;
use crate::domain::DocumentKind;
use crate::store::{DocumentView, DrillReport, NewQuarantine, PayloadRef, SqliteStore, Store, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_backup_taken_while_writing_is_whole_and_opens() {
    let opened = open();
    let stop = Arc::new(AtomicBool::new(false));
    let busy = {
        let (store, stop) = (Arc::clone(&opened.store), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut saved = 0;
            while !stop.load(Ordering::Relaxed) {
                let order = order(&format!("PO-{saved}"), None, 5);
                write(&store, move |tx| receive(tx, &order, 1, NOW)).expect("saved");
                saved += 1;
            }
            saved
        })
    };
    while opened.store.counters(&company()).expect("counters").documents < 20 {
        std::thread::yield_now();
    }
    let before = opened.store.counters(&company()).expect("counters").documents;
    let copy = opened.path.with_file_name("backup.db");
    let report = opened.store.backup(&copy).expect("a backup");
    stop.store(true, Ordering::Relaxed);
    let after = busy.join().expect("no panic");
    assert_eq!(report.integrity, "ok");
    assert_eq!(report.bytes, std::fs::metadata(&copy).expect("the copy").len());
    for beside in ["db-wal", "db.part"] {
        assert!(!copy.with_extension(beside).exists(), "one file, not a {beside}");
    }
    let restored = SqliteStore::open(&copy).expect("the copy opens");
    let documents = restored.counters(&company()).expect("counters").documents;
    assert!(
        (before..=after).contains(&documents),
        "{before} <= {documents} <= {after}"
    );
    assert_eq!(count(&copy, "SELECT count(*) FROM document"), documents);
    assert_eq!(restored.verify_audit().expect("verify").broken_at, None);
    assert!(
        !restored
            .list_documents(&query(DocumentView::NeedsAnswer))
            .expect("list")
            .items
            .is_empty()
    );
}

#[test]
fn a_backup_never_touches_an_existing_file_and_leaves_no_partial_one() {
    let opened = open();
    let there = opened.path.with_file_name("there.db");
    std::fs::write(&there, b"precious").expect("a file");
    let message = opened.store.backup(&there).expect_err("refused").to_string();
    assert!(message.contains("exists already"), "{message}");
    assert_eq!(std::fs::read(&there).expect("the file"), b"precious");
    let nowhere = opened.path.with_file_name("missing").join("copy.db");
    let message = opened.store.backup(&nowhere).expect_err("refused").to_string();
    assert!(message.contains("does not exist"), "{message}");
    assert!(!nowhere.exists());
    let itself = opened.store.backup(&opened.path).expect_err("refused").to_string();
    assert!(itself.contains("exists already"), "{itself}");
}

fn drilled(file: &Path) -> Result<DrillReport, StoreError> {
    let scratch = tempfile::tempdir().expect("a folder");
    SqliteStore::drill(file, scratch.path())
}

#[test]
fn what_a_killed_backup_left_goes_with_the_next_unless_another_is_at_work() {
    let opened = open();
    let part = |name: &str| opened.path.with_file_name(format!("{name}.db.part"));
    let leave = || {
        for name in ["killed", "next"] {
            std::fs::write(part(name), b"half of it").expect("written");
            std::fs::write(part(name).with_extension("part-journal"), b"its journal").expect("written");
        }
    };
    let next = opened.path.with_file_name("next.db");
    leave();
    // As another process does that is making a copy.
    let lock = std::fs::File::create(opened.path.with_file_name("countersign.db-copying")).expect("made");
    lock.lock_shared().expect("locked");
    let message = opened.store.backup(&next).expect_err("refused").to_string();
    assert!(message.contains("is in the way"), "{message}");
    assert!(part("killed").exists() && part("next").exists() && !next.exists());
    drop(lock);
    opened.store.backup(&next).expect("a backup");
    assert_eq!(drilled(&next).expect("restored").wrong(), None);
    for name in ["killed", "next"] {
        assert!(!part(name).exists(), "{name}");
        assert!(!part(name).with_extension("part-journal").exists(), "{name}");
    }
}

#[test]
fn what_is_no_backup_of_ours_is_refused_before_it_is_opened() {
    let opened = open();
    let folder = opened.path.parent().expect("a folder");
    let refused = |name: &str, words: &str| {
        let file = folder.join(name);
        let before = std::fs::read(&file).expect("there");
        let message = drilled(&file).expect_err(name).to_string();
        assert!(message.contains(words), "{name}: {message}");
        assert_eq!(std::fs::read(&file).expect("there"), before, "{name} is left as it was");
    };
    std::fs::write(folder.join("empty.db"), b"").expect("written");
    refused("empty.db", "it is empty");
    let replaced = SqliteStore::replace(&folder.join("empty.db"), &folder.join("none.db"), "now");
    assert!(replaced.is_err() && !folder.join("none.db").exists());
    std::fs::write(
        folder.join("letter.db"),
        "Dear Sir or Madam, this is no database at all.",
    )
    .expect("written");
    refused("letter.db", "not a database");
    let other = "CREATE TABLE bookmarks (url TEXT)";
    peek(&folder.join("other.db")).execute_batch(other).expect("made");
    refused("other.db", "another program's database");
    // The program's number, and nothing behind it.
    let hollow = format!("PRAGMA application_id = {}; CREATE TABLE t (x)", 0x4353_474E);
    peek(&folder.join("hollow.db")).execute_batch(&hollow).expect("made");
    refused("hollow.db", "it has no tables of ours");
}

#[test]
fn a_long_log_goes_back_into_the_database_while_the_store_is_open() {
    let opened = open();
    let put = |number: u8| {
        write(&opened.store, move |tx| {
            tx.put_quarantine(&NewQuarantine {
                company: &company(),
                partner: &partner(),
                stream: "orders",
                kind: DocumentKind::Order,
                number: None,
                payload: PayloadRef {
                    media_type: "application/octet-stream",
                    bytes: &vec![number; 4 << 20],
                },
                stage: "limit",
                problems: &[],
                at: NOW,
            })
        })
        .expect("put")
    };
    // 68 MiB: past the limit of 64.
    (0..17).for_each(|number| {
        put(number);
    });
    let started = Instant::now();
    let waited = || assert!(started.elapsed() < Duration::from_secs(120), "no checkpoint came");
    while std::fs::metadata(&opened.path).expect("the file").len() < 60 << 20 {
        waited();
        std::thread::sleep(Duration::from_millis(20));
    }
    // The next write after a whole checkpoint starts from the front, and cuts the log to its limit.
    let log = opened.path.with_extension("db-wal");
    let mut number = 17;
    while std::fs::metadata(&log).expect("the log").len() > 64 << 20 {
        waited();
        std::thread::sleep(Duration::from_millis(50));
        put(number);
        number += 1;
    }
    let kept = opened.store.counters(&company()).expect("counters").quarantine;
    assert_eq!(kept, i64::from(number));
}
