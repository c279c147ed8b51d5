//! A store whose writer is in the caller's hands.

use super::fixtures::*;
use crate::store::{HostedWriter, Lane, SqliteStore, Store, StoreError, StoreExt};
use std::path::Path;
use std::sync::Arc;
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
