//! Every I/O of opening, migrating, reading and closing fails in turn.

use super::super::fixtures::{is_later, later};
use super::work::*;
use super::{Failure, Io};
use crate::store::{SqliteStore, Store};
use std::path::Path;

/// Rows that an upgrade makes.
const ROWS: u32 = 300;
const FIRST: Step = Step {
    kind: Kind::Receive,
    round: 0,
};

/// Opens, does one step, closes; the I/O number `number` fails. Then opens on a healthy disk and compares.
fn one_io(made: Option<&Path>, number: u64, failure: Failure, before: &Content, after: &Content) -> Option<Io> {
    let mut subject = Watched::new();
    if let Some(made) = made {
        copy(made, subject.folder.path());
    }
    subject.disk.arm(number, failure);
    let what = format!("number {number}, {failure:?}");
    let answer = match subject.open() {
        Ok(store) => Some(run(store, FIRST)),
        Err(error) => {
            let text = error.to_string();
            for wrong in ["damaged", "not a database", "another program"] {
                assert!(!text.contains(wrong), "{what}: {text}");
            }
            None
        }
    };
    drop(subject.store.take());
    let io = subject.disk.mend();
    let store = subject.open().unwrap_or_else(|e| panic!("{what}, {io:?}: {e}"));
    assert_eq!(store.verify_audit().expect("verified").broken_at, None, "{what}");
    let there = content(&subject.path);
    match answer {
        Some(Ok(())) => assert_eq!(&there, after, "answered as saved: {what}, {io:?}"),
        Some(Err(_)) => assert!(&there == before || &there == after, "all or nothing: {what}, {io:?}"),
        None => assert_eq!(&there, before, "{what}, {io:?}"),
    }
    drop(subject.store.take());
    assert_whole(&subject.path, &what);
    io
}

/// From `first` on, every `step`th I/O; how many were tried.
fn sweep(made: Option<&Path>, failure: Failure, first: u64, step: usize) -> usize {
    let twin = match made {
        Some(made) => content(made),
        None => Twin::new().content,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = match made {
        Some(made) => copy(made, folder.path()),
        None => folder.path().join("countersign.db"),
    };
    let store = std::sync::Arc::new(SqliteStore::open(&path).expect("opened"));
    run(&store, FIRST).expect("a healthy disk");
    let after = content(&path);
    for (tried, number) in (first..).step_by(step).enumerate() {
        if one_io(made, number, failure, &twin, &after).is_none() {
            return tried;
        }
    }
    unreachable!("the numbers do not end")
}

/// A later program opens a full database, which the I/O number `number` keeps it from, and opens it again.
fn one_io_of_an_upgrade(made: &Path, number: u64, failure: Failure, after: &Content) -> Option<Io> {
    let subject = Watched::new();
    copy(made, subject.folder.path());
    subject.disk.arm(number, failure);
    let what = format!("number {number}, {failure:?}");
    // It is opened, or says why not.
    drop(SqliteStore::open_later(&subject.path, later(ROWS)));
    let io = subject.disk.mend();
    let store = SqliteStore::open_later(&subject.path, later(ROWS)).unwrap_or_else(|e| panic!("{what}, {io:?}: {e}"));
    assert_eq!(store.verify_audit().expect("verified").broken_at, None, "{what}");
    drop(store);
    assert!(is_later(&subject.path, ROWS), "{what}, {io:?}");
    assert_eq!(&content(&subject.path), after, "{what}, {io:?}");
    assert_whole(&subject.path, &what);
    io
}

/// Every I/O when `COUNTERSIGN_LONG_TESTS` is set, else a part that changes nothing of what is looked at.
fn stride(part: usize) -> usize {
    if std::env::var_os("COUNTERSIGN_LONG_TESTS").is_some() {
        1
    } else {
        part
    }
}

#[test]
fn a_new_database_comes_to_be_whatever_io_fails() {
    let tried = sweep(None, Failure::Once, 1, stride(4)) + sweep(None, Failure::Lasting, 2, stride(4));
    println!("{tried} I/O failed while a database was made");
    assert!(tried > 100, "{tried}");
}

#[test]
fn a_database_opens_and_closes_whatever_io_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("made.db");
    let store = std::sync::Arc::new(SqliteStore::open(&path).expect("opened"));
    for kind in KINDS {
        run(&store, Step { kind, round: 7 }).expect("a healthy disk");
    }
    drop(store);
    let tried = sweep(Some(&path), Failure::Once, 1, stride(1))
        + sweep(Some(&path), Failure::Lasting, 1, stride(2))
        + sweep(Some(&path), Failure::Full, 1, stride(1));
    println!("{tried} I/O failed while a database was opened, written and closed");
    assert!(tried > 100, "{tried}");
}

#[test]
fn an_upgrade_of_a_full_database_is_done_at_the_next_start_whatever_io_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("made.db");
    let store = std::sync::Arc::new(SqliteStore::open(&path).expect("opened"));
    for round in 0..4 {
        for kind in KINDS {
            run(&store, Step { kind, round }).expect("a healthy disk");
        }
    }
    drop(store);
    let upgraded = tempfile::tempdir().expect("a temporary folder");
    let upgraded = (copy(&path, upgraded.path()), upgraded);
    drop(SqliteStore::open_later(&upgraded.0, later(ROWS)).expect("upgraded"));
    let after = content(&upgraded.0);
    let mut tried = 0;
    for (failure, first) in [(Failure::Once, 1), (Failure::Lasting, 2), (Failure::Full, 1)] {
        let mut numbers = (first..).step_by(stride(3));
        while numbers
            .next()
            .is_some_and(|number| one_io_of_an_upgrade(&path, number, failure, &after).is_some())
        {
            tried += 1;
        }
    }
    println!("{tried} I/O failed while a full database was upgraded");
    assert!(tried > 100, "{tried}");
}
