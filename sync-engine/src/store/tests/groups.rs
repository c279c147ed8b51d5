//! The writer: groups, lanes, failures.

use super::fixtures::*;
use crate::domain::{DocumentId, Timestamp};
use crate::store::{Lane, SqliteStore, Store, StoreError, StoreExt};
use std::sync::{Arc, Barrier, Mutex, mpsc};

/// Holds the writer inside a bulk unit until the sender is dropped, so that a queue can form behind it.
fn block(store: &Arc<SqliteStore>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    drop(store.write(Lane::Bulk, move |_| {
        entered.send(()).expect("the test waits");
        // Ends when the sender is dropped.
        let _ = released.recv();
        Ok(())
    }));
    inside.recv().expect("the writer is inside");
    release
}

#[test]
fn writes_that_wait_share_commits() {
    let opened = open();
    let gate = block(&opened.store);
    let before = opened.store.commits();
    let writes: Vec<_> = (0..200)
        .map(|n| {
            opened.store.write(Lane::Interactive, move |tx| {
                receive(tx, &order(&format!("PO-{n:04}"), None, 1), 1, NOW)
            })
        })
        .collect();
    drop(gate);
    for write in writes {
        wait(write).expect("saved");
    }
    let commits = opened.store.commits() - before;
    assert!(commits <= 3, "200 writes took {commits} commits");
    assert_eq!(opened.store.counters(&company()).expect("counters").documents, 200);
    assert_counters(&opened);
}

#[test]
fn many_threads_write_at_once_and_nothing_is_lost() {
    let opened = open();
    let (threads, each) = (8u32, 25u32);
    let start = Arc::new(Barrier::new(threads as usize));
    let writers: Vec<_> = (0..threads)
        .map(|thread| {
            let (store, start) = (Arc::clone(&opened.store), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                for n in 0..each {
                    let order = order(&format!("PO-{thread}-{n}"), None, 1);
                    write(&store, move |tx| receive(tx, &order, 1, NOW)).expect("saved");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("no panic");
    }
    assert_eq!(
        opened.store.counters(&company()).expect("counters").documents,
        i64::from(threads * each)
    );
    assert_eq!(opened.store.verify_audit().expect("verify").broken_at, None);
}

#[test]
fn interactive_work_overtakes_bulk_and_bulk_is_not_starved() {
    let opened = open();
    let gate = block(&opened.store);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut writes = Vec::new();
    let mut say = |lane, what: String| {
        let order = Arc::clone(&order);
        writes.push(opened.store.write(lane, move |_| {
            order.lock().expect("not poisoned").push(what);
            Ok(())
        }));
    };
    (0..20).for_each(|n| say(Lane::Bulk, format!("bulk {n}")));
    (0..5).for_each(|n| say(Lane::Interactive, format!("interactive {n}")));
    drop(gate);
    for write in writes {
        wait(write).expect("done");
    }
    let order = order.lock().expect("not poisoned").clone();
    assert_eq!(order.len(), 25);
    assert_eq!(
        order[..5],
        [
            "interactive 0",
            "interactive 1",
            "interactive 2",
            "interactive 3",
            "interactive 4"
        ]
    );
    assert_eq!(order[5], "bulk 0");
}

/// The first unit of a group has no savepoint: what undoes it is the rollback of the whole transaction.
#[test]
fn a_first_unit_that_fails_or_panics_leaves_nothing_to_those_behind_it() {
    let opened = open();
    for (nth, panics) in [(1, false), (2, true)] {
        let before = opened.store.commits();
        let (entered, inside) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let first = opened
            .store
            .write(Lane::Bulk, move |tx| -> Result<DocumentId, StoreError> {
                receive(tx, &order(&format!("PO-first-{nth}"), None, 2), 1, NOW)?;
                entered.send(()).expect("the test waits");
                // Ends when the sender is dropped.
                let _ = released.recv();
                assert!(!panics, "on purpose");
                Err(StoreError::Refused("no".into()))
            });
        inside.recv().expect("the writer is inside");
        let behind = opened.store.write(Lane::Interactive, move |tx| {
            receive(tx, &order(&format!("PO-behind-{nth}"), None, 2), 1, NOW)
        });
        drop(release);
        match (panics, wait(first)) {
            (false, Err(StoreError::Refused(_))) | (true, Err(StoreError::Panicked(_))) => {}
            (_, other) => panic!("{other:?}"),
        }
        wait(behind).expect("the one behind it");
        assert_eq!(opened.store.commits() - before, 1, "both were in one group");
        assert_eq!(opened.store.counters(&company()).expect("counters").documents, nth);
    }
    assert_eq!(opened.store.verify_audit().expect("verify").broken_at, None);
    assert_counters(&opened);
}

#[test]
fn a_unit_that_fails_or_panics_harms_only_itself() {
    let opened = open();
    let gate = block(&opened.store);
    let good = |n: u32| {
        opened.store.write(Lane::Interactive, move |tx| {
            receive(tx, &order(&format!("PO-{n}"), None, 2), 1, NOW)
        })
    };
    let first = good(1);
    let refused = opened
        .store
        .write(Lane::Interactive, |tx| -> Result<DocumentId, StoreError> {
            receive(tx, &order("PO-refused", None, 2), 1, NOW)?;
            Err(StoreError::Refused("no".into()))
        });
    let second = good(2);
    let panicked = opened
        .store
        .write(Lane::Interactive, |tx| -> Result<DocumentId, StoreError> {
            receive(tx, &order("PO-panicked", None, 2), 1, NOW)?;
            panic!("on purpose")
        });
    let failed_in_sql = opened.store.write(Lane::Interactive, |tx| -> Result<(), StoreError> {
        receive(tx, &order("PO-sql", None, 2), 1, NOW)?;
        confirm(
            tx,
            DocumentId(999),
            operation_id(9),
            crate::domain::VersionNumber(1),
            NOW,
        )
    });
    let third = good(3);
    drop(gate);
    wait(first).expect("first");
    wait(second).expect("second");
    wait(third).expect("third");
    assert!(matches!(wait(refused), Err(StoreError::Refused(_))));
    assert!(matches!(wait(panicked), Err(StoreError::Panicked(text)) if text == "on purpose"));
    assert!(wait(failed_in_sql).is_err());
    assert_eq!(opened.store.counters(&company()).expect("counters").documents, 3);
    assert_counters(&opened);
    assert_eq!(opened.store.verify_audit().expect("verify").rows, 3);
    let words = "SELECT count(*) FROM document_words WHERE document_words MATCH '\"bolt\"'";
    assert_eq!(
        count(&opened.path, words),
        3,
        "words of what was rolled back are not in the index"
    );
}

#[test]
fn a_full_disk_is_said_and_nothing_is_called_saved() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("full.db");
    drop(SqliteStore::open(&path).expect("a new store"));
    let pages = u32::try_from(count(&path, "PRAGMA page_count")).expect("few pages");
    let store = Arc::new(SqliteStore::open_limited(&path, pages + 60).expect("a small store"));
    let mut saved = 0;
    let error = loop {
        let number = format!("PO-{saved}");
        match write(&store, move |tx| receive(tx, &order(&number, None, 20), 1, NOW)) {
            Ok(_) => saved += 1,
            Err(error) => break error,
        }
        assert!(saved < 10_000, "the limit does not hold");
    };
    assert!(matches!(error, StoreError::DiskFull), "{error}");
    assert_eq!(error.to_string(), "the disk is full: nothing was changed");
    assert_eq!(store.counters(&company()).expect("reads go on").documents, saved);
    assert_eq!(count(&path, "SELECT count(*) FROM document"), saved);
    assert_eq!(store.verify_audit().expect("verify").broken_at, None);
    // Still alive: what needs no page is done.
    write(&store, |tx| tx.watermark(&company(), &partner(), "orders")).expect("a read in a unit");
}

#[test]
fn closing_does_what_waits_and_refuses_what_comes_later() {
    let opened = open();
    let gate = block(&opened.store);
    let waiting: Vec<_> = (0..50)
        .map(|n| {
            opened.store.write(Lane::Bulk, move |tx| {
                receive(tx, &order(&format!("PO-{n}"), None, 1), 1, Timestamp(n))
            })
        })
        .collect();
    let closing = {
        let store = Arc::clone(&opened.store);
        std::thread::spawn(move || store.close())
    };
    drop(gate);
    for write in waiting {
        wait(write).expect("done before the end");
    }
    closing.join().expect("closed");
    let late = write(&opened.store, |tx| tx.watermark(&company(), &partner(), "orders"));
    assert!(matches!(late, Err(StoreError::Closed)));
    assert!(matches!(opened.store.counters(&company()), Err(StoreError::Closed)));
    assert_eq!(count(&opened.path, "SELECT count(*) FROM document"), 50);
    let wal = std::fs::metadata(opened.path.with_extension("db-wal")).map_or(0, |meta| meta.len());
    assert_eq!(wal, 0, "the log went back into the database");
}

#[test]
fn changes_are_told_after_the_commit_and_can_be_read_again() {
    let opened = open();
    let mut told = opened.store.subscribe();
    let id = write(&opened.store, |tx| receive(tx, &order("PO-1", None, 1), 1, NOW)).expect("saved");
    write(&opened.store, |tx| -> Result<(), StoreError> {
        receive(tx, &order("PO-2", None, 1), 1, NOW)?;
        Err(StoreError::Refused("no".into()))
    })
    .expect_err("refused");
    let change = told.try_recv().expect("told");
    assert_eq!((change.id, change.document), (1, Some(id)));
    assert!(told.try_recv().is_err(), "what was rolled back is not told");
    assert_eq!(opened.store.changes(0, 10).expect("changes"), [change]);
    assert_eq!(opened.store.changes(1, 10).expect("changes"), []);
}
