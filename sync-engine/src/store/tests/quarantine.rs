//! Quarantine, watermarks, named leases, partner states.

use super::fixtures::*;
use crate::domain::{DocumentKind, Timestamp};
use crate::store::{
    BreakerState, ChangeKind, NewQuarantine, Note, OperationError, PartnerState, PayloadRef, Problem, QuarantineQuery,
    QuarantineSettled, QuarantineState, Store, StoreError, StoreTx,
};

fn put(tx: &mut dyn StoreTx, payload: &str, message: &str) -> Result<i64, StoreError> {
    tx.put_quarantine(&NewQuarantine {
        company: &company(),
        partner: &partner(),
        stream: "orders",
        kind: DocumentKind::Order,
        number: Some("PO-9"),
        payload: PayloadRef {
            media_type: "application/json",
            bytes: payload.as_bytes(),
        },
        stage: "schema",
        problems: &[Problem {
            pointer: "/lines/0".to_owned(),
            message: message.to_owned(),
        }],
        at: NOW,
    })
}

#[test]
fn the_same_payload_is_kept_once_and_counted() {
    let opened = open();
    let store = &opened.store;
    let first = write(store, |tx| put(tx, "{bad", "no end")).expect("put");
    let again = write(store, |tx| put(tx, "{bad", "no end, says the new schema")).expect("put");
    let other = write(store, |tx| put(tx, "{worse", "no end")).expect("put");
    assert_eq!(first, again);
    assert_ne!(first, other);
    let row = store.quarantine(first).expect("read").expect("the row");
    assert_eq!((row.seen, row.runs, row.state), (2, 1, QuarantineState::Open));
    assert_eq!(row.problems[0].message, "no end, says the new schema");
    assert_eq!(
        store.payload(row.payload).expect("read").expect("the payload").bytes,
        b"{bad"
    );
    assert_eq!(store.counters(&company()).expect("counters").quarantine, 2);
    assert_counters(&opened);
}

#[test]
fn an_item_is_settled_once() {
    let opened = open();
    let store = &opened.store;
    let (bad, worse) = write(store, |tx| Ok((put(tx, "{bad", "x")?, put(tx, "{worse", "x")?))).expect("put");
    let settle = |id, how: QuarantineSettled| write(store, move |tx| tx.settle_quarantine(id, &how, "user:anna", NOW));
    let still = QuarantineSettled::StillWrong {
        stage: "mapping".to_owned(),
        problems: Vec::new(),
    };
    settle(bad, still).expect("run again");
    let row = store.quarantine(bad).expect("read").expect("the row");
    assert_eq!(
        (row.runs, row.stage.as_str(), row.state),
        (2, "mapping", QuarantineState::Open)
    );
    let document = write(store, |tx| receive(tx, &order("PO-9", None, 1), 1, NOW)).expect("a document");
    settle(bad, QuarantineSettled::Resolved(document)).expect("resolved");
    settle(worse, QuarantineSettled::Dismissed).expect("dismissed");
    assert!(matches!(
        settle(bad, QuarantineSettled::Dismissed),
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        settle(99, QuarantineSettled::Dismissed),
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(store.counters(&company()).expect("counters").quarantine, 0);
    // What was dismissed stays so; what had become a version and fails again is open again.
    write(store, |tx| {
        put(tx, "{worse", "x")?;
        put(tx, "{bad", "x")
    })
    .expect("put");
    let state = |id| store.quarantine(id).expect("read").expect("the row").state;
    assert_eq!(
        (state(worse), state(bad)),
        (QuarantineState::Dismissed, QuarantineState::Open)
    );
    let open = QuarantineQuery {
        company: company(),
        partner: Some(partner()),
        state: Some(QuarantineState::Open),
        cursor: None,
        limit: 1,
    };
    let page = store.list_quarantine(&open).expect("list");
    assert_eq!((page.items.len(), page.next), (1, None));
    assert_counters(&opened);
}

#[test]
fn a_named_lease_has_one_holder_and_a_growing_epoch() {
    let opened = open();
    let take = |holder: &'static str, now: i64| {
        write(&opened.store, move |tx| {
            tx.take_lease("poll:acme", holder, Timestamp(now), Timestamp(now + 100))
        })
        .expect("take")
    };
    let lost = |result: Result<(), StoreError>| matches!(result, Err(StoreError::LeaseLost));
    assert_eq!(take("one", 0), Some(1));
    assert_eq!(take("two", 99), None);
    assert_eq!(take("one", 99), None, "not even its holder takes it twice");
    write(&opened.store, |tx| tx.extend_lease("poll:acme", 1, Timestamp(150))).expect("extended");
    assert_eq!(take("two", 149), None);
    assert_eq!(take("two", 150), Some(2));
    assert!(lost(write(&opened.store, |tx| tx.check_lease("poll:acme", 1))));
    assert!(lost(write(&opened.store, |tx| tx.extend_lease(
        "poll:acme",
        1,
        Timestamp(999)
    ))));
    assert!(lost(write(&opened.store, |tx| tx.release_lease("poll:acme", 1))));
    write(&opened.store, |tx| {
        tx.check_lease("poll:acme", 2)?;
        tx.release_lease("poll:acme", 2)
    })
    .expect("released");
    assert!(lost(write(&opened.store, |tx| tx.check_lease("poll:acme", 2))));
    assert_eq!(take("one", 151), Some(3));
    let ended = |holder: &'static str| write(&opened.store, move |tx| tx.end_leases_of(holder, Timestamp(160)));
    assert_eq!(ended("two").expect("ended"), 0, "its own is released");
    assert_eq!(take("two", 160), None);
    assert_eq!(ended("one").expect("ended"), 1);
    assert_eq!(take("two", 160), Some(4), "the holder that is gone is not waited for");
    assert!(lost(write(&opened.store, |tx| tx.check_lease("never", 1))));
}

#[test]
fn steps_under_a_lease_are_taken_in_order_without_holes() {
    const NAME: &str = "poll:acme";
    let opened = open();
    let take = || {
        write(&opened.store, |tx| {
            tx.take_lease(NAME, "one", Timestamp(0), Timestamp(100))
        })
        .expect("take")
    };
    let step = |epoch, step| write(&opened.store, move |tx| tx.take_step(NAME, epoch, step));
    let taken = |result: Result<bool, StoreError>| result.expect("the lease is ours");
    assert_eq!(take(), Some(1));
    assert!(!taken(step(1, 2)), "the first is missing");
    assert!(taken(step(1, 1)));
    assert!(!taken(step(1, 1)), "it is taken once");
    let undone = write(&opened.store, |tx| {
        assert!(tx.take_step(NAME, 1, 2)?);
        Err::<(), _>(StoreError::Conflict("undone".to_owned()))
    });
    assert!(matches!(undone, Err(StoreError::Conflict(_))));
    assert!(!taken(step(1, 3)), "what was rolled back was not taken");
    assert!(taken(step(1, 2)) && taken(step(1, 3)));
    write(&opened.store, |tx| tx.release_lease(NAME, 1)).expect("released");
    assert!(matches!(step(1, 4), Err(StoreError::LeaseLost)));
    assert_eq!(take(), Some(2));
    assert!(matches!(step(1, 4), Err(StoreError::LeaseLost)));
    assert!(!taken(step(2, 4)), "each epoch begins anew");
    assert!(taken(step(2, 1)));
}

#[test]
fn watermarks_and_partner_states_are_kept() {
    let opened = open();
    let store = &opened.store;
    write(store, |tx| {
        assert_eq!(tx.watermark(&company(), &partner(), "orders")?, None);
        tx.set_watermark(&company(), &partner(), "orders", "41")?;
        tx.set_watermark(&company(), &partner(), "orders", "42")
    })
    .expect("set");
    assert_eq!(
        store
            .watermark(&company(), &partner(), "orders")
            .expect("read")
            .as_deref(),
        Some("42")
    );
    let state = PartnerState {
        company: company(),
        partner: partner(),
        breaker: BreakerState::HalfOpen,
        credentials_broken: true,
        paused: false,
        last_success_at: None,
        last_failure_at: Some(NOW),
        last_error: Some(OperationError {
            code: "partner.credentials".to_owned(),
            status: Some(401),
            message: None,
        }),
        probe_at: Some(NOW.plus_seconds(60)),
    };
    let mut told = store.subscribe();
    let set = state.clone();
    write(store, move |tx| tx.set_partner_state(&set)).expect("set");
    assert_eq!(told.try_recv().expect("told").kind, ChangeKind::Partner);
    assert_eq!(
        store.partner_states(&company()).expect("read"),
        std::slice::from_ref(&state)
    );
    let read = write(store, |tx| tx.partner_state(&company(), &partner())).expect("read");
    assert_eq!(read, Some(state));
}

#[test]
fn a_duplicate_is_only_counted_and_a_conflict_marks_the_document_once() {
    let opened = open();
    let store = &opened.store;
    let id = write(store, |tx| receive(tx, &order("PO-9", None, 1), 1, NOW)).expect("a document");
    for action in [Note::DUPLICATE, Note::CONFLICT, Note::DUPLICATE, Note::CONFLICT] {
        write(store, move |tx| {
            tx.note(&Note {
                document: Some(id),
                company: &company(),
                partner: Some(&partner()),
                actor: "partner:acme",
                action,
                at: NOW,
                detail: serde_json::Value::Null,
            })
        })
        .expect("noted");
    }
    assert_eq!(store.counters(&company()).expect("counters").duplicates, 2);
    assert!(store.document(id).expect("read").expect("row").conflict);
    let words: Vec<String> = store
        .history(id, None, 10)
        .expect("history")
        .items
        .into_iter()
        .map(|r| r.action)
        .collect();
    assert_eq!(words, ["conflict", "version"]);
    write(store, |tx| receive(tx, &order("PO-9", None, 2), 2, NOW)).expect("version 2");
    assert!(
        !store.document(id).expect("read").expect("row").conflict,
        "a later version settles it"
    );
}
