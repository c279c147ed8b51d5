//! The change feed of several stores on one database, as several processes have them.

use super::fixtures::*;
use crate::store::{ChangeRow, SqliteStore, Store};
use std::sync::Arc;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

fn ids(told: &mut Receiver<ChangeRow>) -> Vec<i64> {
    std::iter::from_fn(|| match told.try_recv() {
        Ok(row) => Some(row.id),
        Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        Err(TryRecvError::Lagged(missed)) => panic!("{missed} were too many"),
    })
    .collect()
}

#[test]
fn what_another_process_wrote_is_told_once_and_in_order() {
    let opened = open();
    let other = Arc::new(SqliteStore::open(&opened.path).expect("opened beside it"));
    let take = |store: &Arc<SqliteStore>, nth: usize| {
        let number = format!("PO-{nth}");
        write(store, move |tx| receive(tx, &order(&number, None, 1), 1, NOW)).expect("saved");
    };
    let (mut here, mut there) = (opened.store.subscribe(), other.subscribe());
    take(&other, 1);
    take(&other, 2);
    assert_eq!(ids(&mut here), [] as [i64; 0]);
    // Between two of ours, and after the last of them.
    take(&opened.store, 3);
    assert_eq!(ids(&mut here), [1, 2, 3], "before what is written next");
    take(&other, 4);
    opened.store.look_for_others().expect("looked");
    assert_eq!(ids(&mut here), [4]);
    opened.store.look_for_others().expect("looked");
    take(&opened.store, 5);
    take(&opened.store, 6);
    opened.store.look_for_others().expect("looked");
    assert_eq!(ids(&mut here), [5, 6], "what was told is not told again");
    other.look_for_others().expect("looked");
    assert_eq!(ids(&mut there), [1, 2, 3, 4, 5, 6]);
    assert_eq!((opened.store.newest_told(), other.newest_told()), (6, 6));
}

#[test]
fn of_more_than_can_be_told_the_newest_is_and_leaves_a_gap() {
    let opened = open();
    let other = Arc::new(SqliteStore::open(&opened.path).expect("opened beside it"));
    let take = |store: &Arc<SqliteStore>, from: usize, to: usize| {
        let many = write(store, move |tx| {
            (from..to).try_for_each(|nth| receive(tx, &order(&format!("PO-{nth}"), None, 1), 1, NOW).map(|_| ()))
        });
        many.expect("saved");
    };
    let mut here = opened.store.subscribe();
    take(&other, 0, 1_100);
    opened.store.look_for_others().expect("looked");
    assert_eq!(ids(&mut here), [1_100]);
    take(&other, 1_100, 2_200);
    take(&opened.store, 2_200, 2_201);
    assert_eq!(ids(&mut here), [2_201]);
}
