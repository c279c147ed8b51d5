//! Backup, and the write-ahead log going back into the database.

use super::fixtures::*;
use crate::domain::DocumentKind;
use crate::store::{DocumentView, NewQuarantine, PayloadRef, SqliteStore, Store};
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
    assert!(!copy.with_extension("db-wal").exists(), "one file");
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
