//! What counts as settled: nothing that somebody still needs goes into an archive.

use super::archive::{DAY, came, dismissed, order_of, run, run_of, settled_as};
use super::fixtures::*;
use crate::domain::CompanyId;
use crate::store::{ArchivePlace, ArchiveQuery, Forget, Note, QuarantineState, Store};

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

#[test]
fn what_is_another_companys_is_not_archived_and_its_history_not_cut() {
    let opened = open();
    let (other, before) = (CompanyId("other".to_owned()), NOW.plus_seconds(100 * DAY));
    order_of(&opened, 1, 0, true);
    dismissed(&opened, 1);
    let ours = opened.store.verify_audit().expect("verified").rows;
    let of = other.clone();
    write(&opened.store, move |tx| {
        tx.note(&Note {
            company: &of,
            document: None,
            partner: Some(&partner()),
            actor: "user:bob",
            action: "paused",
            detail: serde_json::Value::Null,
            at: NOW,
        })
    })
    .expect("noted");
    order_of(&opened, 2, 0, true);

    let retired = run_of(&opened, &other, before).expect("looked");
    assert_eq!((retired.archives.len(), retired.documents, retired.audit), (0, 0, 0));
    let retired = run(&opened, before).expect("archived");
    // Two orders and what was dismissed; of the history what lies before the first row of the other's.
    assert_eq!((retired.documents, retired.audit as i64), (3, ours));
    let first = count(&opened.path, "SELECT min(id) FROM audit WHERE company = 'other'");
    assert_eq!(count(&opened.path, "SELECT min(id) FROM audit"), first);
    assert_eq!(opened.store.verify_audit().expect("verified").broken_at, None);
    // Now it is the other's to cut, as far as it goes.
    let retired = run_of(&opened, &other, before).expect("archived");
    assert_eq!((retired.documents, retired.audit), (0, 1));
}

#[test]
fn a_run_goes_on_where_its_last_archive_ended() {
    let opened = open();
    let ids = [1, 2, 3].map(|number| order_of(&opened, number, i64::from(number), true));
    let before = NOW.plus_seconds(100 * DAY);
    let mut query = ArchiveQuery {
        company: company(),
        before,
        after: ArchivePlace {
            document: Some((NOW.plus_seconds(2 * DAY), ids[1])),
            quarantine: 0,
        },
    };
    let folder = opened.path.with_file_name("archives");
    let archive = opened
        .store
        .archive(&folder, &query, "1")
        .expect("written")
        .expect("one");
    assert_eq!(archive.documents, [(ids[2], NOW.plus_seconds(3 * DAY))]);
    query.after = archive.place(query.after);
    assert_eq!(query.after.document, Some((NOW.plus_seconds(3 * DAY), ids[2])));
    let rest = opened
        .store
        .archive(&folder, &query, "2")
        .expect("written")
        .expect("the history");
    assert_eq!((rest.documents.len(), rest.place(query.after)), (0, query.after));
}

#[test]
fn what_was_dismissed_stays_so_as_long_as_it_comes() {
    let opened = open();
    dismissed(&opened, 1);
    let there = || count(&opened.path, "SELECT count(*) FROM quarantine");
    // Polled again and again: never new to anybody.
    for days in (0..200).step_by(25) {
        let at = NOW.plus_seconds(days * DAY);
        run(&opened, at.plus_seconds(-90 * DAY)).expect("archived");
        let id = came(&opened, 1, at);
        let row = opened.store.quarantine(id).expect("readable").expect("the row");
        assert_eq!(row.state, QuarantineState::Dismissed, "day {days}");
    }
    assert_eq!(there(), 1);
    // It came once more after it was archived.
    let last = NOW.plus_seconds(175 * DAY);
    let id = count(&opened.path, "SELECT id FROM quarantine");
    let forget = move |at| Forget::Quarantine(vec![(id, at)]);
    let gone = write(&opened.store, move |tx| tx.forget(&forget(NOW)));
    assert_eq!((gone.expect("looked"), there()), (0, 1));
    run(&opened, last).expect("archived");
    assert_eq!(there(), 1);
    run(&opened, last.plus_seconds(1)).expect("archived");
    assert_eq!(there(), 0);
    assert_counters(&opened);
}
