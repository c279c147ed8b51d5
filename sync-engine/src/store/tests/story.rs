//! The story that any store must pass: an order comes, is listed, found, answered, delivered, changed and held.

use super::fixtures::*;
use crate::domain::chain::Event;
use crate::domain::{ChainState, DeliveryState, VersionNumber, VersionState};
use crate::store::{DocumentQuery, DocumentView, OperationQuery, Store};

#[test]
fn from_an_order_to_its_delivered_answer_and_a_change() {
    let opened = open();
    let store = &opened.store;
    let mut changes = store.subscribe();

    // It comes.
    let order = order("PO-2027-0001", Some("2027-03-01"), 3);
    let first = order.clone();
    let id = write(store, move |tx| receive(tx, &first, 1, NOW)).expect("version 1");
    let row = store.document(id).expect("read").expect("the row");
    assert_eq!(
        (row.state, row.current, row.needs_answer),
        (ChainState::Issued, VersionNumber(1), true)
    );
    assert_eq!(row.counterparty.as_deref(), Some("Müller Handels GmbH"));
    assert_eq!(row.promised_on, Some(day("2027-03-01")));
    assert_eq!(row.total.map(|total| total.minor), Some(3750));
    assert_eq!(row.line_count, 3);
    assert_eq!(changes.try_recv().expect("a change").document, Some(id));
    let listed = store.list_documents(&query(DocumentView::NeedsAnswer)).expect("list");
    assert_eq!(listed.items.len(), 1);
    for words in ["po-2027", "mull", "BOLT", "sku-00002", "螺栓", "po-2027-0001 galv"] {
        let found = store.list_documents(&DocumentQuery {
            search: Some(words.to_owned()),
            ..query(DocumentView::All)
        });
        assert_eq!(found.expect("search").items.len(), 1, "{words}");
    }

    // The same again is counted and changes nothing.
    let again = order.clone();
    assert_eq!(
        write(store, move |tx| receive(tx, &again, 1, NOW)).expect("duplicate"),
        id
    );
    assert_eq!(store.counters(&company()).expect("counters").duplicates, 1);
    assert_eq!(store.versions(id).expect("versions").len(), 1);

    // The clerk confirms; the dispatcher delivers.
    write(store, move |tx| confirm(tx, id, operation_id(1), VersionNumber(1), NOW)).expect("confirm");
    assert!(!store.document(id).expect("read").expect("row").needs_answer);
    assert_eq!(store.counters(&company()).expect("counters").queued, 1);
    assert_eq!(store.next_due(NOW).expect("due"), Some(NOW));
    let claimed = write(store, |tx| claim(tx, NOW, 10)).expect("claim").remove(0);
    assert_eq!(
        (claimed.was, claimed.taken_over, claimed.epoch),
        (DeliveryState::Queued, false, 1)
    );
    assert_eq!(claimed.document_number, "PO-2027-0001");
    let sent = claimed.clone();
    write(store, move |tx| {
        let delivered = Event::AnswerDelivered {
            operation: sent.operation,
            counter: None,
        };
        happen(tx, id, &delivered, "delivered", NOW)?;
        tx.finish(&finish(&sent, DeliveryState::Delivered, NOW))
    })
    .expect("finish");
    let row = store.document(id).expect("read").expect("the row");
    assert_eq!((row.state, row.agreed), (ChainState::Confirmed, Some(VersionNumber(1))));
    assert_eq!(row.operation.map(|o| o.state), Some(DeliveryState::Delivered));
    assert_eq!(store.attempts(claimed.operation).expect("attempts").len(), 1);
    assert_eq!(
        store
            .list_documents(&query(DocumentView::InDelivery))
            .expect("list")
            .items
            .len(),
        0
    );

    // The buyer changes it twice; the answer to the first change is held by the second.
    let change = super::fixtures::order("PO-2027-0001", Some("2027-04-01"), 4);
    write(store, move |tx| receive(tx, &change, 2, NOW.plus_seconds(1))).expect("version 2");
    let row = store.document(id).expect("read").expect("the row");
    assert_eq!(
        (row.state, row.agreed, row.needs_answer),
        (ChainState::ChangePending, Some(VersionNumber(1)), true)
    );
    assert_eq!(row.change_summary.as_deref(), Some("1 line changed"));
    write(store, move |tx| {
        confirm(tx, id, operation_id(2), VersionNumber(2), NOW.plus_seconds(2))
    })
    .expect("confirm");
    let change = super::fixtures::order("PO-2027-0001", None, 5);
    write(store, move |tx| receive(tx, &change, 3, NOW.plus_seconds(3))).expect("version 3");
    let held = store.operation(operation_id(2)).expect("read").expect("the operation");
    assert_eq!(held.state, DeliveryState::Held);
    let row = store.document(id).expect("read").expect("the row");
    assert!(row.needs_answer, "a held answer asks the clerk again");
    assert_eq!(row.promised_on, None);
    assert!(
        write(store, |tx| claim(tx, NOW.plus_seconds(9), 10))
            .expect("claim")
            .is_empty()
    );

    // She withdraws it.
    write(store, move |tx| {
        let withdrawn = Event::AnswerWithdrawn {
            operation: operation_id(2),
        };
        happen(tx, id, &withdrawn, "withdraw", NOW.plus_seconds(4))?;
        tx.set_operation_state(
            operation_id(2),
            DeliveryState::Withdrawn,
            NOW.plus_seconds(4),
            "user:anna",
        )
    })
    .expect("withdraw");
    let all = OperationQuery {
        document: Some(id),
        ..OperationQuery::default()
    };
    assert_eq!(store.list_operations(&all).expect("operations").items.len(), 2);

    // History tells it, newest first; nothing was overwritten.
    let history = store.history(id, None, 50).expect("history").items;
    let words: Vec<&str> = history.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(
        words,
        [
            "version",
            "confirm",
            "delivered",
            "version",
            "confirm",
            "version",
            "withdraw",
            "withdraw"
        ]
    );
    let versions = store.versions(id).expect("versions");
    let states: Vec<VersionState> = versions.iter().map(|version| version.state).collect();
    assert_eq!(
        states,
        [VersionState::Accepted, VersionState::Superseded, VersionState::Proposed]
    );
    let payload = store.payload(versions[0].payload).expect("read").expect("the payload");
    assert_eq!(payload.bytes, format!("{order:?}").into_bytes());
    let check = store.verify_audit().expect("verify");
    assert_eq!((check.rows, check.broken_at), (8, None));
    assert_counters(&opened);
}
