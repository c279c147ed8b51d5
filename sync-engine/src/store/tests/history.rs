//! Random histories: the numbers kept on write always equal a count of the rows.

use super::fixtures::*;
use crate::domain::chain::Event;
use crate::domain::{DeliveryState, DocumentId, VersionNumber};
use crate::store::{FinishAttempt, SqliteStore, Store, StoreError};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Debug, Clone)]
enum Act {
    Receive { document: usize, refused: bool },
    Confirm { document: usize },
    ClaimAndFinish { to: DeliveryState, apart: bool },
    Abandon,
    Person { operation: usize, to: DeliveryState },
    Withdraw { operation: usize },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let state = prop::sample::select(vec![
        DeliveryState::Delivered,
        DeliveryState::Applied,
        DeliveryState::Retrying,
        DeliveryState::Unknown,
        DeliveryState::Held,
        DeliveryState::Dead,
        DeliveryState::Queued,
        DeliveryState::Withdrawn,
    ]);
    let act = prop_oneof![
        3 => (0..4usize, prop::bool::weighted(0.2)).prop_map(|(document, refused)| Act::Receive { document, refused }),
        3 => (0..4usize).prop_map(|document| Act::Confirm { document }),
        4 => (state.clone(), any::<bool>()).prop_map(|(to, apart)| Act::ClaimAndFinish { to, apart }),
        1 => Just(Act::Abandon),
        2 => (0..8usize, state).prop_map(|(operation, to)| Act::Person { operation, to }),
        1 => (0..8usize).prop_map(|operation| Act::Withdraw { operation }),
    ];
    prop::collection::vec(act, 1..40)
}

#[derive(Default)]
struct World {
    documents: [Option<DocumentId>; 4],
    versions: [i64; 4],
    operations: u128,
    clock: i64,
}

impl World {
    /// Refusals are part of history: whatever is refused changes nothing.
    fn act(&mut self, store: &Arc<SqliteStore>, act: &Act) -> Result<(), StoreError> {
        self.clock += 1_000;
        let now = NOW.plus_seconds(self.clock);
        match act.clone() {
            Act::Receive { document, refused } => {
                self.versions[document] += 1;
                let sequence = self.versions[document];
                let lines = usize::try_from(sequence).unwrap_or(1);
                let order = order(&format!("PO-{document}"), Some("2027-05-05"), lines);
                let id = write(store, move |tx| {
                    let id = receive(tx, &order, sequence, now)?;
                    if refused {
                        Err(StoreError::Refused("no".into()))
                    } else {
                        Ok(id)
                    }
                })?;
                self.documents[document] = Some(id);
                Ok(())
            }
            Act::Confirm { document } => {
                let Some(id) = self.documents[document] else {
                    return Ok(());
                };
                let operation = operation_id(self.operations);
                self.operations += 1;
                let current = store.document(id)?.map_or(VersionNumber(1), |row| row.current);
                write(store, move |tx| confirm(tx, id, operation, current, now))
            }
            Act::ClaimAndFinish { to, apart } => {
                let Some(claimed) = write(store, move |tx| claim(tx, now, 1))?.pop() else {
                    return Ok(());
                };
                write(store, move |tx| {
                    let delivered = Event::AnswerDelivered {
                        operation: claimed.operation,
                        counter: None,
                    };
                    if to == DeliveryState::Delivered && !apart {
                        // Refused when it is a verify: the chain has it already.
                        let _ = happen(tx, claimed.document, &delivered, "delivered", now);
                    }
                    tx.finish(&FinishAttempt {
                        next: None,
                        due_at: Some(now.plus_seconds(5)),
                        ..finish(&claimed, to, now)
                    })
                })
            }
            Act::Abandon => write(store, move |tx| claim(tx, now, 2)).map(drop),
            Act::Person { operation, to } => write(store, move |tx| {
                tx.set_operation_state(operation_id(operation as u128), to, now, "user:anna")
            }),
            Act::Withdraw { operation } => {
                let id = operation_id(operation as u128);
                let Some(row) = store.operation(id)? else { return Ok(()) };
                write(store, move |tx| {
                    tx.set_operation_state(id, DeliveryState::Withdrawn, now, "user:anna")?;
                    tx.load_by_id(row.document).map(drop)
                })
            }
        }
    }
}

/// What has to hold of the rows whatever happened.
fn assert_rows(opened: &Opened) {
    let zero = [
        (
            "waiting documents have exactly their oldest operation ready, unless one is in flight",
            "SELECT count(*) FROM operation o WHERE state IN ('Queued','Sending','Retrying','Unknown')
             AND ready <> (lease_until IS NULL AND NOT EXISTS (
                 SELECT 1 FROM operation f WHERE f.document_id = o.document_id AND f.seq < o.seq
                 AND f.state IN ('Queued','Sending','Retrying','Unknown')))",
        ),
        (
            "what does not wait is ready only to be verified",
            "SELECT count(*) FROM operation WHERE ready = 1 AND state IN ('Applied','Held','Dead','Withdrawn','Sending')",
        ),
        (
            "a sending operation has a lease",
            "SELECT count(*) FROM operation WHERE state = 'Sending' AND lease_until IS NULL",
        ),
        (
            "the index has the words of current versions only",
            "SELECT (SELECT count(*) FROM document_words WHERE document_words MATCH '\"bolt\"')
                 <> (SELECT count(*) FROM document)",
        ),
        (
            "attempts are counted",
            "SELECT count(*) FROM operation o
             WHERE attempts <> (SELECT count(*) FROM attempt t WHERE t.operation_seq = o.seq)",
        ),
    ];
    let db = peek(&opened.path);
    for (rule, sql) in zero {
        let found: i64 = db.query_row(sql, [], |row| row.get(0)).expect(sql);
        assert_eq!(found, 0, "{rule}");
    }
    for document in (1..=4).map(DocumentId) {
        let Some(chain) = opened.store.chain(document).expect("read") else {
            continue;
        };
        let row = opened.store.document(document).expect("read").expect("the row");
        assert_eq!(
            row.needs_answer,
            crate::domain::chain::needs_answer(&chain),
            "needs an answer: {chain:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn kept_numbers_equal_counted_ones(acts in acts()) {
        let opened = open();
        let mut world = World::default();
        for act in &acts {
            match world.act(&opened.store, act) {
                Ok(()) | Err(StoreError::Refused(_) | StoreError::Conflict(_) | StoreError::NotFound { .. }) => {}
                Err(error) => panic!("{act:?}: {error}"),
            }
            assert_counters(&opened);
            assert_rows(&opened);
        }
        prop_assert_eq!(opened.store.verify_audit().expect("verify").broken_at, None);
    }
}
