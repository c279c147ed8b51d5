//! A store whose writer is in the caller's hands.

use super::fixtures::*;
use crate::store::{HostedWriter, Lane, SqliteStore, Store, StoreError, StoreExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn hosted(path: &Path) -> (Arc<SqliteStore>, HostedWriter) {
    let (store, writer) = SqliteStore::open_hosted(path, Arc::new(|| Duration::ZERO)).expect("opens");
    (Arc::new(store), writer)
}

#[test]
fn waits_for_its_host_to_commit_and_loses_what_it_did_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("countersign.db");
    let (store, mut writer) = hosted(&path);
    assert!(!writer.step(), "nothing waits");
    let saved = |name: &str| {
        let order = order(name, None, 1);
        Box::pin(store.write(Lane::Bulk, move |tx| receive(tx, &order, 1, NOW)))
    };
    let mut first = saved("PO-1");
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(writer.is_waiting());
    assert_eq!(count(&path, "SELECT count(*) FROM document"), 0);
    let mut second = saved("PO-2");
    assert!(writer.step());
    assert_eq!(store.commits(), 1, "both went into one group");
    assert!(matches!(first.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    assert!(matches!(second.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    // Reads need no thread, and no runtime.
    let mut reading = Box::pin(store.read(|store| store.counters(&company())));
    let Poll::Ready(Ok(counters)) = reading.as_mut().poll(&mut context) else {
        panic!("a hosted store reads at once");
    };
    assert_eq!(counters.documents, 2);

    drop(saved("PO-3"));
    assert!(writer.is_waiting());
    drop((writer, store));
    let (store, _writer) = hosted(&path);
    assert_eq!(store.counters(&company()).expect("counters").documents, 2);
}

#[test]
fn a_writer_that_ends_lets_go_of_what_waits_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, writer) = hosted(&folder.path().join("countersign.db"));
    // As the engine's units do, it holds the store that it waits in.
    let held = Arc::clone(&store);
    let mut waiting = Box::pin(store.write(Lane::Bulk, move |_| Ok(held.commits())));
    drop(writer);
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(
        waiting.as_mut().poll(&mut context),
        Poll::Ready(Err(StoreError::Closed))
    ));
    assert_eq!(Arc::strong_count(&store), 1);
}

/// Bulk units of which each takes so long; how many of them each group had.
fn groups(
    store: &Arc<SqliteStore>,
    writer: &mut HostedWriter,
    (units, each): (usize, Duration),
    time: &Time,
) -> Vec<u64> {
    let done = Arc::new(AtomicU64::new(0));
    for _ in 0..units {
        let (time, done) = (Arc::clone(time), Arc::clone(&done));
        drop(store.write(Lane::Bulk, move |_| {
            time.fetch_add(u64::try_from(each.as_micros()).expect("short"), Ordering::Relaxed);
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }));
    }
    let mut sizes = Vec::new();
    while writer.step() {
        sizes.push(done.swap(0, Ordering::Relaxed));
    }
    sizes
}

/// Microseconds.
type Time = Arc<AtomicU64>;

#[test]
fn bulk_groups_are_short_beside_a_person_and_end_when_a_write_is_announced() {
    let folder = tempfile::tempdir().expect("a folder");
    let time = Time::default();
    let told = Arc::clone(&time);
    let stopwatch = Arc::new(move || Duration::from_micros(told.load(Ordering::Relaxed)));
    let (store, mut writer) = SqliteStore::open_hosted(folder.path().join("countersign.db"), stopwatch).expect("opens");
    let store = Arc::new(store);
    let work = (20, Duration::from_millis(4));
    assert_eq!(groups(&store, &mut writer, work, &time), [10, 10], "nobody is there");
    {
        let announced = store.announce();
        assert_eq!(
            groups(&store, &mut writer, (3, work.1), &time),
            [1, 1, 1],
            "a write is announced"
        );
        drop(announced);
    }
    drop(store.write(Lane::Interactive, |_| Ok(())));
    writer.step();
    assert_eq!(
        groups(&store, &mut writer, (4, work.1), &time),
        [2, 2],
        "a person is at work"
    );
    time.fetch_add(60_000_000, Ordering::Relaxed);
    assert_eq!(groups(&store, &mut writer, work, &time), [10, 10], "a minute later");
}
