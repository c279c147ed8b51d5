//! Does each act on the store and on the model.

use super::super::fixtures::*;
use super::model::{Facts, Lease, Model, Operation, Quarantined, arrival, partner_of};
use super::{Act, HOLDERS, STREAMS};
use crate::domain::chain::Event;
use crate::domain::{
    Chain, DeliveryState as State, DocumentId, DocumentKind, HeaderAnswer, PartnerRules, Side, Timestamp, decide,
};
use crate::store::{
    BreakerState, ClaimRequest, FinishAttempt, NewOperation, NewQuarantine, Note, OperationKind, PartnerState,
    PayloadRef, QuarantineQuery, QuarantineSettled, QuarantineState, SqliteStore, Store, StoreError,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct World {
    pub store: Arc<SqliteStore>,
    pub model: Model,
    pub ids: BTreeMap<usize, i64>,
    sequence: [i64; 4],
    pub now: Timestamp,
}

/// Refusals are part of history: what the model refuses the store refuses, and neither changes.
fn agree<T>(expected: bool, answer: Result<T, StoreError>, act: &Act) -> Option<T> {
    match answer {
        Ok(value) => {
            assert!(expected, "{act:?} is allowed, and should not be");
            Some(value)
        }
        Err(error) => {
            let refusal = matches!(
                error,
                StoreError::Refused(_) | StoreError::Conflict(_) | StoreError::NotFound { .. } | StoreError::LeaseLost
            );
            assert!(refusal && !expected, "{act:?}: {error}");
            None
        }
    }
}

fn number_of(document: usize) -> String {
    format!("PO-{document}")
}

impl World {
    pub fn new(store: &Arc<SqliteStore>) -> Self {
        Self {
            store: Arc::clone(store),
            model: Model::default(),
            ids: BTreeMap::new(),
            sequence: [0; 4],
            now: NOW,
        }
    }

    pub fn act(&mut self, act: &Act) {
        self.now = self.now.plus_millis(100);
        let now = self.now;
        match act.clone() {
            Act::Wait { seconds } => self.now = now.plus_seconds(seconds),
            Act::Receive {
                document,
                back,
                lines,
                refused,
            } => self.receive(act, document, back, lines, refused),
            Act::Clash { document } => self.clash(act, document),
            Act::Confirm { document } => self.confirm(act, document),
            Act::Claim { places } => self.claim(places),
            Act::Finish {
                operation,
                to,
                stale,
                apart,
            } => self.finish(act, operation, to, stale, apart),
            Act::GiveBack { operation, stale } => {
                let Some((id, epoch)) = self.epoch(operation, stale) else {
                    return;
                };
                let expected = self.model.give_back(operation, epoch, now);
                agree(
                    expected,
                    write(&self.store, move |tx| tx.give_back(id, epoch, now)),
                    act,
                );
            }
            Act::Renew { operation, stale } => {
                let Some((id, epoch)) = self.epoch(operation, stale) else {
                    return;
                };
                let expected = self.model.holds(operation, epoch);
                let until = now.plus_seconds(60);
                if expected {
                    self.model.operations[operation].lease_until = Some(until);
                }
                agree(
                    expected,
                    write(&self.store, move |tx| tx.renew_lease(id, epoch, until)),
                    act,
                );
            }
            Act::Person { operation, to } => {
                let expected = operation < self.model.operations.len() && self.model.person(operation, to, now);
                let id = operation_id(operation as u128);
                let done = write(&self.store, move |tx| tx.set_operation_state(id, to, now, "user:anna"));
                agree(expected, done, act);
            }
            Act::Withdraw { operation } => self.withdraw(act, operation),
            Act::Lease { .. } | Act::Extend { .. } | Act::Release { .. } => self.lease(act),
            Act::Watermark { stream, value } => {
                let value = value.to_string();
                self.model.watermarks.insert(stream, value.clone());
                let set = write(&self.store, move |tx| {
                    tx.set_watermark(&company(), &partner(), STREAMS[stream], &value)
                });
                agree(true, set, act);
            }
            Act::Quarantine { payload } => self.quarantine(act, payload),
            Act::Settle { payload, how } => self.settle(act, payload, how),
            Act::Partner { document, paused } => {
                let state = PartnerState {
                    company: company(),
                    partner: partner_of(document),
                    breaker: BreakerState::Open,
                    credentials_broken: !paused,
                    paused,
                    last_success_at: Some(now),
                    last_failure_at: None,
                    last_error: None,
                    probe_at: Some(now),
                };
                self.model.partners.insert(state.partner.clone(), state.clone());
                agree(true, write(&self.store, move |tx| tx.set_partner_state(&state)), act);
            }
        }
    }

    fn receive(&mut self, act: &Act, document: usize, back: i64, lines: usize, refused: bool) {
        let now = self.now;
        // From before: the same lines are the same version again, others are another version of that sequence.
        let sequence = (self.sequence[document] - back).max(1);
        let order = order(
            &number_of(document),
            Some(["2027-05-05", "2027-01-01"][lines % 2]),
            lines,
        );
        let chain = self.model.chain(document);
        let event = arrival(chain.is_none(), sequence, format!("{order:?}").as_bytes());
        let chain = chain.unwrap_or_else(|| Chain::new(DocumentKind::Order, Side::Seller));
        let decision = decide(&chain, &event, &PartnerRules::default());
        let facts = Facts {
            promised: order.requested_delivery.map(|range| range.first),
            lines: u32::try_from(lines).expect("few"),
            summary: (sequence > 1).then(|| "1 line changed".to_owned()),
        };
        let mut after = self.model.clone();
        let expected = !refused && after.apply(document, &decision, facts, "version", now);
        let from = partner_of(document);
        let received = write(&self.store, move |tx| {
            let id = receive_from(tx, &from, &order, sequence, now)?;
            if refused {
                Err(StoreError::Refused("no".into()))
            } else {
                Ok(id)
            }
        });
        if let Some(id) = agree(expected, received, act) {
            self.sequence[document] = self.sequence[document].max(sequence);
            self.ids.insert(document, id.0);
            self.model = after;
        }
    }

    fn clash(&mut self, act: &Act, document: usize) {
        let Some(known) = self.model.documents.get_mut(&document) else {
            return;
        };
        if !std::mem::replace(&mut known.conflict, true) {
            known.history.push(Note::CONFLICT.to_owned());
        }
        let (id, at, from) = (DocumentId(self.ids[&document]), self.now, partner_of(document));
        let noted = write(&self.store, move |tx| {
            tx.note(&Note {
                document: Some(id),
                company: &company(),
                partner: Some(&from),
                actor: "engine",
                action: Note::CONFLICT,
                at,
                detail: serde_json::Value::Null,
            })
        });
        agree(true, noted, act);
    }

    fn confirm(&mut self, act: &Act, document: usize) {
        let Some(chain) = self.model.chain(document) else {
            return;
        };
        let (now, version) = (self.now, chain.current.expect("a version"));
        let number = self.model.operations.len();
        let operation = operation_id(number as u128);
        let event = Event::AnswerSaved {
            operation,
            version,
            code: HeaderAnswer::AP,
        };
        let decision = decide(&chain, &event, &PartnerRules::default());
        let mut after = self.model.clone();
        let expected = after.apply(document, &decision, no_facts(), "confirm", now);
        after.operations.push(Operation {
            document,
            version,
            state: State::Queued,
            due_at: Some(now),
            attempts: Vec::new(),
            before: 0,
            epoch: 0,
            lease_until: None,
            claimed_from: None,
            hold: false,
            updated_at: now,
        });
        let id = DocumentId(self.ids[&document]);
        let saved = write(&self.store, move |tx| {
            let partner = happen(tx, id, &event, "confirm", now)?;
            tx.enqueue(&NewOperation {
                id: operation,
                company: company(),
                partner,
                document: id,
                version,
                kind: OperationKind::Confirm,
                act: HeaderAnswer::AP.into(),
                answer: serde_json::json!({"code": "AP"}),
                state: State::Queued,
                due_at: now,
                created_at: now,
                actor: "user:anna".to_owned(),
            })
        });
        if agree(expected, saved, act).is_some() {
            self.model = after;
        }
    }

    fn claim(&mut self, places: u32) {
        let (now, until) = (self.now, self.now.plus_seconds(120));
        // At most two documents of a partner can be in flight: every lease that ran out finds a place.
        let places = places.max(2);
        let expected = self.model.claim(now, until, places as usize);
        let claimed = write(&self.store, move |tx| {
            tx.claim(&ClaimRequest {
                company: &company(),
                now,
                lease_until: until,
                holder: "test",
                partners: &[(partner_of(0), places), (partner_of(2), places)],
                working: &[],
                made_with: &[],
            })
        });
        let mut found: Vec<_> = claimed
            .expect("claimed")
            .into_iter()
            .map(|c| {
                let number = usize::try_from(c.operation.0.as_u128()).expect("small");
                let operation = &self.model.operations[number];
                assert_eq!(c.epoch, operation.epoch);
                assert_eq!(c.attempts as usize, operation.attempts.len() - operation.before);
                (number, c.was, c.taken_over)
            })
            .collect();
        let mut expected = expected;
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "claimed");
    }

    /// The operation and the epoch of its lease, or of one before.
    fn epoch(&self, operation: usize, stale: bool) -> Option<(crate::domain::OperationId, i64)> {
        let known = self.model.operations.get(operation)?;
        Some((operation_id(operation as u128), known.epoch - i64::from(stale)))
    }

    fn finish(&mut self, act: &Act, operation: usize, to: State, stale: bool, apart: bool) {
        let Some((id, epoch)) = self.epoch(operation, stale) else {
            return;
        };
        let (now, due) = (self.now, self.now.plus_seconds(5));
        let document = self.model.operations[operation].document;
        let delivered = Event::AnswerDelivered {
            operation: id,
            counter: None,
        };
        let mut after = self.model.clone();
        let effect = to == State::Delivered && !apart;
        if effect {
            let decision = decide(
                &after.chain(document).expect("there"),
                &delivered,
                &PartnerRules::default(),
            );
            after.apply(document, &decision, no_facts(), "delivered", now);
        }
        let expected = after.finish(operation, epoch, to, due, now);
        let stored = DocumentId(self.ids[&document]);
        let finished = write(&self.store, move |tx| {
            if effect {
                // Refused when it is a verify: the chain has it already.
                let _ = happen(tx, stored, &delivered, "delivered", now);
            }
            tx.finish(&FinishAttempt {
                next: None,
                operation: id,
                epoch,
                started_at: now,
                at: now,
                step: "send",
                status: Some(200),
                to,
                due_at: Some(due),
                error: None,
                receipt: None,
                response_excerpt: None,
            })
        });
        if agree(expected, finished, act).is_some() {
            self.model = after;
        }
    }

    fn withdraw(&mut self, act: &Act, operation: usize) {
        let Some(known) = self.model.operations.get(operation) else {
            return;
        };
        let (id, now, document) = (operation_id(operation as u128), self.now, known.document);
        let withdrawn = Event::AnswerWithdrawn { operation: id };
        let mut after = self.model.clone();
        let decision = decide(
            &after.chain(document).expect("there"),
            &withdrawn,
            &PartnerRules::default(),
        );
        let expected = after.apply(document, &decision, no_facts(), "withdraw", now)
            && after.person(operation, State::Withdrawn, now);
        let stored = DocumentId(self.ids[&document]);
        let done = write(&self.store, move |tx| {
            happen(tx, stored, &withdrawn, "withdraw", now)?;
            tx.set_operation_state(id, State::Withdrawn, now, "user:anna")
        });
        if agree(expected, done, act).is_some() {
            self.model = after;
        }
    }

    fn lease(&mut self, act: &Act) {
        let (now, until) = (self.now, self.now.plus_seconds(60));
        match *act {
            Act::Lease { name, holder } => {
                let free = self
                    .model
                    .leases
                    .get(&name)
                    .is_none_or(|l| l.holder.is_none() || l.until <= now);
                let expected = free.then(|| {
                    let epoch = self.model.leases.get(&name).map_or(1, |l| l.epoch + 1);
                    self.model.leases.insert(
                        name,
                        Lease {
                            holder: Some(HOLDERS[holder]),
                            epoch,
                            until,
                        },
                    );
                    epoch
                });
                let taken = write(&self.store, move |tx| {
                    tx.take_lease(STREAMS[name], HOLDERS[holder], now, until)
                });
                assert_eq!(taken.expect("answered"), expected, "{act:?}");
            }
            Act::Extend { name, stale } | Act::Release { name, stale } => {
                let Some(known) = self.model.leases.get_mut(&name) else {
                    return;
                };
                let epoch = known.epoch - i64::from(stale);
                let expected = known.holder.is_some() && !stale;
                let release = matches!(act, Act::Release { .. });
                match (expected, release) {
                    (true, true) => known.holder = None,
                    (true, false) => known.until = until,
                    (false, _) => {}
                }
                let done = write(&self.store, move |tx| {
                    let checked = tx.check_lease(STREAMS[name], epoch);
                    assert_eq!(checked.is_ok(), expected);
                    if release {
                        tx.release_lease(STREAMS[name], epoch)
                    } else {
                        tx.extend_lease(STREAMS[name], epoch, until)
                    }
                });
                agree(expected, done, act);
            }
            _ => {}
        }
    }

    fn quarantine(&mut self, act: &Act, payload: usize) {
        let known = self.model.quarantine.entry(payload).or_insert(Quarantined {
            state: QuarantineState::Open,
            seen: 0,
            runs: 1,
        });
        known.seen += 1;
        if known.state == QuarantineState::Resolved {
            known.state = QuarantineState::Open;
        }
        let at = self.now;
        let put = write(&self.store, move |tx| {
            tx.put_quarantine(&NewQuarantine {
                company: &company(),
                partner: &partner(),
                stream: STREAMS[0],
                kind: DocumentKind::Order,
                number: Some(&payload.to_string()),
                payload: PayloadRef {
                    media_type: "application/json",
                    bytes: &[payload as u8; 100],
                },
                stage: "schema",
                problems: &[],
                at,
            })
        });
        agree(true, put, act);
    }

    fn settle(&mut self, act: &Act, payload: usize, how: usize) {
        let rows = self.store.list_quarantine(&all_quarantine()).expect("readable").items;
        let Some(row) = rows.iter().find(|row| row.number == Some(payload.to_string())) else {
            return;
        };
        let Some(document) = self.ids.values().next().copied() else {
            return;
        };
        let (how, state) = match how {
            0 => (
                QuarantineSettled::Resolved(DocumentId(document)),
                QuarantineState::Resolved,
            ),
            1 => (QuarantineSettled::Dismissed, QuarantineState::Dismissed),
            _ => {
                let (stage, problems) = ("mapping".to_owned(), Vec::new());
                (QuarantineSettled::StillWrong { stage, problems }, QuarantineState::Open)
            }
        };
        let known = self.model.quarantine.get_mut(&payload).expect("there");
        let expected = known.state == QuarantineState::Open;
        if expected {
            known.state = state;
            known.runs += u32::from(state != QuarantineState::Dismissed);
        }
        let (id, at) = (row.id, self.now);
        let settled = write(&self.store, move |tx| tx.settle_quarantine(id, &how, "user:anna", at));
        agree(expected, settled, act);
    }
}

fn no_facts() -> Facts {
    Facts {
        promised: None,
        lines: 0,
        summary: None,
    }
}

pub fn all_quarantine() -> QuarantineQuery {
    QuarantineQuery {
        company: company(),
        partner: None,
        state: None,
        cursor: None,
        limit: 50,
    }
}
