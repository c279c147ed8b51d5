//! What counts as settled: nothing that somebody still needs goes into an archive.

use super::archive::{DAY, order_of, run, settled_as};
use super::fixtures::*;
use crate::store::Store;

#[test]
fn a_delivery_note_stays_as_long_as_one_of_its_orders() {
    let opened = open();
    let first = order_of(&opened, 1, 0, true);
    // Confirmed and applied later than its note.
    let second = order_of(&opened, 2, 100, true);
    let of_both = settled_as(&opened, note("DN-1", &["PO-1", "PO-2"]), 11, NOW, true);
    let of_none = settled_as(&opened, note("DN-2", &["PO-77"]), 12, NOW, true);
    let there = || {
        let all = [first, second, of_both, of_none];
        all.map(|id| opened.store.document(id).expect("readable").is_some())
    };
    let notes = |order: &str| {
        let found = opened.store.notes_of_order(&company(), &partner(), order);
        found.expect("readable").len()
    };

    run(&opened, NOW.plus_seconds(50 * DAY)).expect("archived");
    assert_eq!(there(), [false, true, true, false]);
    assert_eq!((notes("PO-2"), notes("PO-77")), (1, 0));
    // Of the same run is enough.
    let retired = run(&opened, NOW.plus_seconds(150 * DAY)).expect("archived");
    assert_eq!((there(), retired.documents), ([false; 4], 2));
    assert_eq!(count(&opened.path, "SELECT count(*) FROM note_of_order"), 0);
    assert_counters(&opened);
}
