//! Claims, leases, epochs, order within a document.

use super::fixtures::*;
use crate::domain::chain::Event;
use crate::domain::{ContentHash, DeliveryState, DocumentId, OperationId, PartnerId, VersionNumber};
use crate::store::{
    ClaimRequest, Claimed, FinishAttempt, NewOperation, OperationError, OperationKind, SqliteStore, Store, StoreError,
    StoreTx, StoredRequest,
};
use std::sync::Arc;

mod clocks;

fn document(store: &Arc<SqliteStore>, number: &str) -> DocumentId {
    let order = order(number, None, 1);
    write(store, move |tx| receive(tx, &order, 1, NOW)).expect("a document")
}

/// Enqueues without asking the chain: several per document, as retried and acknowledging answers make them.
fn enqueue(tx: &mut dyn StoreTx, document: DocumentId, id: u128, due: i64) -> Result<(), StoreError> {
    tx.enqueue(&NewOperation {
        id: operation_id(id),
        company: company(),
        partner: partner(),
        document,
        version: VersionNumber(1),
        kind: OperationKind::Acknowledge,
        act: crate::domain::Act::AB,
        answer: serde_json::json!({"code": "AB", "note": "12.50"}),
        state: DeliveryState::Queued,
        due_at: NOW.plus_seconds(due),
        created_at: NOW,
        actor: "user:anna".to_owned(),
    })
}

fn claim_at(store: &Arc<SqliteStore>, seconds: i64, limit: u32) -> Vec<Claimed> {
    write(store, move |tx| claim(tx, NOW.plus_seconds(seconds), limit)).expect("claim")
}

fn ids(claimed: &[Claimed]) -> Vec<OperationId> {
    claimed.iter().map(|c| c.operation).collect()
}

fn end(store: &Arc<SqliteStore>, claimed: &Claimed, to: DeliveryState, due: Option<i64>) -> Result<(), StoreError> {
    let claimed = claimed.clone();
    write(store, move |tx| {
        tx.finish(&FinishAttempt {
            next: None,
            due_at: due.map(|seconds| NOW.plus_seconds(seconds)),
            ..finish(&claimed, to, NOW)
        })
    })
}

#[test]
fn one_in_flight_per_document_and_the_oldest_first() {
    let opened = open();
    let store = &opened.store;
    let (a, b) = (document(store, "A"), document(store, "B"));
    write(store, move |tx| {
        enqueue(tx, a, 1, 0)?;
        enqueue(tx, a, 2, 0)?;
        enqueue(tx, b, 3, 0)
    })
    .expect("enqueued");
    let first = claim_at(store, 1, 10);
    assert_eq!(ids(&first), [operation_id(1), operation_id(3)]);
    assert!(claim_at(store, 1, 10).is_empty(), "both documents have one in flight");
    // A failure keeps its place before the younger one, even while it waits.
    end(store, &first[0], DeliveryState::Retrying, Some(60)).expect("finish");
    assert!(claim_at(store, 2, 10).is_empty());
    let again = claim_at(store, 60, 10);
    assert_eq!(
        (ids(&again), again[0].was),
        (vec![operation_id(1)], DeliveryState::Retrying)
    );
    assert_eq!((again[0].attempts, again[0].epoch), (1, 2));
    end(store, &again[0], DeliveryState::Delivered, None).expect("finish");
    assert_eq!(ids(&claim_at(store, 61, 10)), [operation_id(2)]);
    assert_counters(&opened);
}

#[test]
fn a_dead_or_held_answer_lets_the_next_one_pass_and_comes_back_to_its_place() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| {
        enqueue(tx, a, 1, 0)?;
        enqueue(tx, a, 2, 0)
    })
    .expect("enqueued");
    let first = claim_at(store, 1, 10);
    end(store, &first[0], DeliveryState::Dead, None).expect("finish");
    write(store, |tx| {
        tx.set_operation_state(operation_id(1), DeliveryState::Queued, NOW.plus_seconds(5), "user:anna")
    })
    .expect("replayed");
    let replayed = claim_at(store, 6, 10);
    assert_eq!(ids(&replayed), [operation_id(1)], "the older one has its turn back");
    assert_eq!(
        (replayed[0].attempts, replayed[0].scheduled_from),
        (0, NOW.plus_seconds(5))
    );
    assert_eq!(store.attempts(operation_id(1)).expect("attempts").len(), 1);
    end(store, &replayed[0], DeliveryState::Held, None).expect("finish");
    assert_eq!(ids(&claim_at(store, 7, 10)), [operation_id(2)]);
    assert_counters(&opened);
}

#[test]
fn limits_and_partners_are_kept() {
    let opened = open();
    let store = &opened.store;
    let other = PartnerId("other".to_owned());
    for n in 0..6u128 {
        let partner = if n < 4 { partner() } else { other.clone() };
        write(store, move |tx| {
            let id = receive_from(tx, &partner, &order(&format!("PO-{n}"), None, 1), 1, NOW)?;
            tx.enqueue(&NewOperation {
                partner,
                ..new_operation(id, n)
            })
        })
        .expect("enqueued");
    }
    let claimed = write(store, move |tx| {
        tx.claim(&ClaimRequest {
            working: &[],
            company: &company(),
            now: NOW,
            lease_until: NOW.plus_seconds(120),
            holder: "test",
            partners: &[(partner(), 3), (PartnerId("unknown".to_owned()), 9)],
            made_with: &[],
        })
    })
    .expect("claim");
    assert_eq!(ids(&claimed), [operation_id(0), operation_id(1), operation_id(2)]);
    assert_eq!(
        store.next_due(NOW).expect("due"),
        Some(NOW),
        "the other partner's is due"
    );
}

fn new_operation(document: DocumentId, id: u128) -> NewOperation {
    NewOperation {
        id: operation_id(id),
        company: company(),
        partner: partner(),
        document,
        version: VersionNumber(1),
        kind: OperationKind::Confirm,
        act: crate::domain::Act::AP,
        answer: serde_json::json!({"code": "AP"}),
        state: DeliveryState::Queued,
        due_at: NOW,
        created_at: NOW,
        actor: "user:anna".to_owned(),
    }
}

#[test]
fn a_lease_that_ran_out_is_taken_over_and_the_old_epoch_writes_nothing() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| enqueue(tx, a, 1, 0)).expect("enqueued");
    let old = claim_at(store, 0, 1).remove(0);
    assert_eq!(
        store.next_due(NOW).expect("due"),
        Some(NOW.plus_seconds(120)),
        "the lease's end"
    );
    assert!(claim_at(store, 119, 1).is_empty());
    let lease = old.clone();
    write(store, move |tx| {
        tx.renew_lease(lease.operation, lease.epoch, NOW.plus_seconds(200))
    })
    .expect("renewed");
    assert!(claim_at(store, 130, 1).is_empty());
    let new = claim_at(store, 200, 1).remove(0);
    assert!(new.taken_over);
    assert_eq!((new.was, new.epoch), (DeliveryState::Unknown, old.epoch + 1));
    let stale = old.clone();
    for result in [
        end(store, &old, DeliveryState::Delivered, None),
        write(store, move |tx| {
            tx.renew_lease(stale.operation, stale.epoch, NOW.plus_seconds(900))
        }),
        write(store, {
            let old = old.clone();
            move |tx| tx.give_back(old.operation, old.epoch, NOW)
        }),
        write(store, {
            let old = old.clone();
            move |tx| tx.store_request(old.operation, old.epoch, &request("late")).map(drop)
        }),
    ] {
        assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
    }
    assert_eq!(store.attempts(old.operation).expect("attempts").len(), 0);
    end(store, &new, DeliveryState::Applied, None).expect("the new holder writes");
    assert_eq!(store.next_due(NOW).expect("due"), None);
    assert_counters(&opened);
}

fn request(body: &str) -> StoredRequest {
    StoredRequest {
        method: "POST".to_owned(),
        url: "http://127.0.0.1/api/operations".to_owned(),
        headers: vec![("If-Match".to_owned(), "\"7\"".to_owned())],
        media_type: "application/json".to_owned(),
        body: body.as_bytes().to_vec().into(),
        hash: ContentHash::of(body.as_bytes()),
    }
}

#[test]
fn the_first_request_is_kept_and_comes_back_with_every_claim() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| enqueue(tx, a, 1, 0)).expect("enqueued");
    let first = claim_at(store, 0, 1).remove(0);
    assert_eq!(first.request, None);
    assert_eq!(first.answer, serde_json::json!({"code": "AB", "note": "12.50"}));
    let (operation, epoch) = (first.operation, first.epoch);
    write(store, move |tx| tx.store_request(operation, epoch, &request("one"))).expect("stored");
    let kept = write(store, move |tx| tx.store_request(operation, epoch, &request("two"))).expect("kept");
    assert_eq!(kept, request("one"));
    end(store, &first, DeliveryState::Unknown, Some(5)).expect("finish");
    let lookup = claim_at(store, 5, 1).remove(0);
    assert_eq!(
        (lookup.was, lookup.request.as_ref()),
        (DeliveryState::Unknown, Some(&request("one")))
    );
    let row = store.operation(operation).expect("read").expect("the operation");
    assert_eq!(
        row.state,
        DeliveryState::Unknown,
        "it stays unknown while it is looked up"
    );
    let sent = lookup.clone();
    write(store, move |tx| {
        tx.give_back(sent.operation, sent.epoch, NOW.plus_seconds(9))
    })
    .expect("given back");
    let row = store.operation(operation).expect("read").expect("the operation");
    assert_eq!((row.state, row.attempts), (DeliveryState::Unknown, 1));
}

#[test]
fn a_delivered_operation_is_verified_and_the_next_answer_does_not_wait_for_that() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| {
        enqueue(tx, a, 1, 0)?;
        enqueue(tx, a, 2, 30)
    })
    .expect("enqueued");
    let sent = claim_at(store, 0, 1).remove(0);
    let receipt = serde_json::json!({"operationId": 7});
    let error = OperationError {
        code: "partner.timeout".to_owned(),
        status: Some(504),
        message: Some("gateway".to_owned()),
    };
    write(store, move |tx| {
        tx.finish(&FinishAttempt {
            next: None,
            due_at: Some(NOW.plus_seconds(10)),
            receipt: Some(&receipt),
            error: Some(&error),
            response_excerpt: Some(&"ü".repeat(5000)),
            ..finish(&sent, DeliveryState::Delivered, NOW)
        })
    })
    .expect("finish");
    let attempt = store.attempts(operation_id(1)).expect("attempts").remove(0);
    assert_eq!(attempt.response_excerpt.map(|text| text.len()), Some(4096));
    assert_eq!(
        (attempt.duration_ms, attempt.error.and_then(|e| e.status)),
        (40, Some(504))
    );
    let verify = claim_at(store, 10, 10);
    assert_eq!(
        (ids(&verify), verify[0].was),
        (vec![operation_id(1)], DeliveryState::Delivered)
    );
    assert_eq!(verify[0].receipt, Some(serde_json::json!({"operationId": 7})));
    end(store, &verify[0], DeliveryState::Delivered, Some(40)).expect("not shown yet");
    // Both are due; one document, one at a time.
    assert_eq!(claim_at(store, 50, 10).len(), 1);
    assert_counters(&opened);
}

#[test]
fn a_hold_meant_for_an_answer_in_flight_takes_effect_when_it_comes_back() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| confirm(tx, a, operation_id(1), VersionNumber(1), NOW)).expect("confirmed");
    let sent = claim_at(store, 0, 1).remove(0);
    write(store, |tx| receive(tx, &order("A", None, 2), 2, NOW.plus_seconds(1))).expect("version 2");
    let row = store.operation(operation_id(1)).expect("read").expect("the operation");
    assert_eq!(
        row.state,
        DeliveryState::Sending,
        "it may have left: it is not called held"
    );
    let chain = store.chain(a).expect("read").expect("the chain");
    assert!(chain.pending[0].held);
    end(store, &sent, DeliveryState::Retrying, Some(9)).expect("finish");
    let row = store.operation(operation_id(1)).expect("read").expect("the operation");
    assert_eq!((row.state, row.due_at), (DeliveryState::Held, None));
    assert!(store.document(a).expect("read").expect("row").needs_answer);
    // Released by a person, as it is.
    write(store, move |tx| {
        let released = Event::AnswerReleased {
            operation: operation_id(1),
        };
        happen(tx, a, &released, "release", NOW.plus_seconds(20)).map(drop)
    })
    .expect("released");
    assert_eq!(ids(&claim_at(store, 20, 1)), [operation_id(1)]);
    assert!(!store.document(a).expect("read").expect("row").needs_answer);
    assert_counters(&opened);
}

#[test]
fn a_person_who_retries_a_marked_answer_lets_it_go_though_its_state_stays() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| confirm(tx, a, operation_id(1), VersionNumber(1), NOW)).expect("confirmed");
    let sent = claim_at(store, 0, 1).remove(0);
    write(store, |tx| receive(tx, &order("A", None, 2), 2, NOW.plus_seconds(1))).expect("version 2");
    end(store, &sent, DeliveryState::Unknown, Some(9)).expect("finish");
    assert!(store.document(a).expect("read").expect("row").needs_answer);
    write(store, |tx| {
        tx.set_operation_state(
            operation_id(1),
            DeliveryState::Unknown,
            NOW.plus_seconds(2),
            "user:anna",
        )
    })
    .expect("looked up again");
    assert!(!store.chain(a).expect("read").expect("the chain").pending[0].held);
    assert!(!store.document(a).expect("read").expect("row").needs_answer);
    assert_counters(&opened);
}

#[test]
fn a_person_cannot_touch_what_is_in_flight_or_final() {
    let opened = open();
    let store = &opened.store;
    let a = document(store, "A");
    write(store, move |tx| enqueue(tx, a, 1, 0)).expect("enqueued");
    let set = |to| {
        write(store, move |tx| {
            tx.set_operation_state(operation_id(1), to, NOW.plus_seconds(1), "user:anna")
        })
    };
    let sent = claim_at(store, 0, 1).remove(0);
    for to in [DeliveryState::Queued, DeliveryState::Withdrawn, DeliveryState::Held] {
        assert!(
            matches!(set(to), Err(StoreError::Conflict(_))),
            "{to:?} while in flight"
        );
    }
    end(store, &sent, DeliveryState::Retrying, Some(900)).expect("finish");
    assert!(set(DeliveryState::Sending).is_err());
    assert!(set(DeliveryState::Applied).is_err());
    set(DeliveryState::Queued).expect("try now");
    let sent = claim_at(store, 1, 1).remove(0);
    end(store, &sent, DeliveryState::Applied, None).expect("finish");
    for to in [DeliveryState::Queued, DeliveryState::Withdrawn, DeliveryState::Dead] {
        assert!(set(to).is_err(), "{to:?} after it was applied");
    }
    let missing = write(store, |tx| {
        tx.set_operation_state(operation_id(99), DeliveryState::Queued, NOW, "user:anna")
    });
    assert!(matches!(missing, Err(StoreError::NotFound { what: "operation", .. })));
}

#[test]
fn a_deep_queue_costs_no_more_to_claim() {
    let opened = open();
    let store = &opened.store;
    for batch in 0..20u128 {
        write(store, move |tx| {
            for n in batch * 100..(batch + 1) * 100 {
                let id = receive(tx, &order(&format!("PO-{n}"), None, 1), 1, NOW)?;
                enqueue(tx, id, n, 0)?;
            }
            Ok(())
        })
        .expect("enqueued");
    }
    let db = peek(&opened.path);
    let mut due = db
        .prepare(
            "SELECT seq FROM operation o INDEXED BY operation_ready
             WHERE ready = 1 AND company = 'main' AND partner = 'acme' AND due_at <= 9e15
               AND NOT EXISTS (SELECT 1 FROM operation f
                               WHERE f.document_id = o.document_id AND f.lease_until IS NOT NULL)
             ORDER BY due_at, seq LIMIT 32",
        )
        .expect("the claim's query");
    assert_eq!(due.query_map([], |row| row.get::<_, i64>(0)).expect("rows").count(), 32);
    let steps = due.get_status(rusqlite::StatementStatus::VmStep);
    assert!(steps < 32 * 40, "{steps} steps for 32 of 2000");
}

#[test]
fn what_an_engine_works_on_is_not_taken_over_by_itself() {
    let opened = open();
    let store = &opened.store;
    write(store, |tx| {
        let id = receive(tx, &order("PO-1", None, 1), 1, NOW)?;
        tx.enqueue(&new_operation(id, 1))
    })
    .expect("enqueued");
    assert_eq!(claim_at(store, 0, 10).len(), 1);
    // The clock was set forward, and the lease looks run out.
    let again = |working: Vec<OperationId>| {
        let claimed = write(store, move |tx| {
            tx.claim(&ClaimRequest {
                working: &working,
                company: &company(),
                now: NOW.plus_seconds(3_600),
                lease_until: NOW.plus_seconds(3_720),
                holder: "test",
                partners: &[(partner(), 3)],
                made_with: &[],
            })
        });
        claimed.expect("claim").len()
    };
    assert_eq!(again(vec![operation_id(1)]), 0);
    assert_eq!(again(vec![]), 1);
}
