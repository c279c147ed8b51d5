//! Every I/O of every kind of transaction fails in turn: all of it is there or nothing, and what was answered as saved
//! is there.

use super::work::*;
use super::{Failure, Io};
use crate::store::{Store, StoreError};

/// Fails the first I/O of a step, then the second and so on, until the step passes untouched. How many failed.
fn every_io(failure: Failure) -> usize {
    let mut subject = Watched::new();
    subject.open().expect("opened");
    let mut twin = Twin::new();
    let mut failed = 0;
    let mut round = [0; KINDS.len()];
    for (index, kind) in KINDS.into_iter().enumerate() {
        for number in 1.. {
            // Each kind stands on the rows of the kinds before it, in a round that they have passed.
            let step = Step {
                kind,
                round: round[index],
            };
            for (before, known) in round.iter_mut().enumerate().take(index) {
                while *known <= step.round {
                    let step = Step {
                        kind: KINDS[before],
                        round: *known,
                    };
                    run(subject.store(), step).expect("a healthy disk");
                    twin.run(step);
                    *known += 1;
                }
            }
            let answer = run_armed(subject.store(), step, || subject.disk.arm(number, failure));
            if one_io(&subject, &mut twin, step, &answer, failure) {
                round[index] += 1;
            }
            let passed = subject.disk.mend().is_none();
            if passed {
                assert!(answer.is_ok(), "{step:?} on a healthy disk: {answer:?}");
                break;
            }
            failed += 1;
        }
    }
    drop(subject.store.take());
    let store = subject.open().expect("opens again");
    assert_eq!(store.verify_audit().expect("verified").broken_at, None);
    assert_eq!(content(&subject.path), twin.content, "after all failures");
    assert_whole(&subject.path, "after all failures");
    failed
}

/// Compares what was answered with what is there; whether the step was done.
fn one_io(subject: &Watched, twin: &mut Twin, step: Step, answer: &Result<(), StoreError>, failure: Failure) -> bool {
    let what = format!("{step:?}, {failure:?}: {answer:?}");
    let Err(error) = answer else {
        let io = subject.disk.mend();
        subject.disk.note_fired(io);
        twin.run(step);
        assert_eq!(content(&subject.path), twin.content, "answered as saved: {what}");
        return true;
    };
    assert!(
        matches!(
            error,
            StoreError::Disk(_) | StoreError::DiskFull | StoreError::Uncertain(_)
        ),
        "the disk is named: {what}"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = copy(&subject.path, folder.path());
    let trouble = subject.store().trouble();
    let io = subject.disk.mend();
    if failure != Failure::Once {
        assert!(trouble.is_some(), "health says why: {what}");
    }
    assert_eq!(content(&subject.path), twin.content, "nothing is there: {what}, {io:?}");
    // A power cut right after the answer.
    if matches!(io, Some(Io::Write | Io::Sync | Io::Truncate)) {
        let store = crate::store::SqliteStore::open(&found).unwrap_or_else(|e| panic!("{what}: {e}"));
        let there = content(&found);
        let uncertain = matches!(error, StoreError::Uncertain(_));
        assert!(
            there == twin.content || (uncertain && there == twin.after(step)),
            "opened anew: {what}, {io:?}"
        );
        drop(store);
        assert_whole(&found, &what);
    }
    // `mend` answers once; the caller asks again.
    subject.disk.note_fired(io);
    false
}

#[test]
fn an_io_that_fails_once_leaves_all_or_nothing() {
    let failed = every_io(Failure::Once);
    println!("{failed} I/O failed, each once");
    assert!(failed > 150, "{failed}");
}

#[test]
fn a_disk_that_fails_from_one_io_on_leaves_all_or_nothing() {
    let failed = every_io(Failure::Lasting);
    println!("{failed} I/O failed, and all after them");
    assert!(failed > 150, "{failed}");
}

#[test]
fn a_disk_that_is_full_from_one_write_on_leaves_all_or_nothing() {
    let failed = every_io(Failure::Full);
    println!("{failed} writes found the disk full");
    assert!(failed > 80, "{failed}");
}
