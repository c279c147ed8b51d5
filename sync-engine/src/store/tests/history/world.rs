//! Does each act on the store and on the model.

use super::super::fixtures::*;
use super::model::{Facts, Model, Operation, arrival, partner_of};
use super::requests::{Kept, draft_of, request};
use super::{Act, FINGERPRINTS, STREAMS};
use crate::domain::chain::Event;
use crate::domain::{
    Chain, DeliveryState as State, DocumentId, DocumentKind, HeaderAnswer, PartnerRules, Side, Timestamp, decide,
};
use crate::store::{
    BreakerState, FinishAttempt, NewOperation, NextRequest, Note, OperationKind, PartnerState, QuarantineQuery,
    SqliteStore, StoreError,
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
pub fn agree<T>(expected: bool, answer: Result<T, StoreError>, act: &Act) -> Option<T> {
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
            Act::Confirm { document, draft } => self.confirm(act, document, draft),
            Act::Claim {
                places,
                holder,
                made_with,
            } => self.claim(places, holder, made_with),
            Act::Store { operation, stale } => self.store_request(act, operation, stale),
            Act::Replay { operation, key, held } => self.replay(act, operation, key, held),
            Act::EndLeases { holder } => self.end_leases(act, holder),
            Act::KeepMarks { operation } => self.keep_marks(act, operation),
            Act::TakeMarks { operation } => self.take_marks(act, operation),
            Act::Incidents { present } => self.incidents(act, present),
            Act::Finish {
                operation,
                to,
                stale,
                apart,
                next,
            } => self.finish(act, (operation, stale), to, apart, next),
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

    fn confirm(&mut self, act: &Act, document: usize, draft: Option<usize>) {
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
            request: draft.map(|draft| Kept::draft(number, draft)),
            ..Operation::new(number, document, version, now)
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
            })?;
            match draft {
                Some(draft) => tx.draft_request(operation, &request(&draft_of(number)), FINGERPRINTS[draft]),
                None => Ok(()),
            }
        });
        if agree(expected, saved, act).is_some() {
            self.model = after;
        }
    }

    /// The operation and the epoch of its lease, or of one before.
    pub fn epoch(&self, operation: usize, stale: bool) -> Option<(crate::domain::OperationId, i64)> {
        let known = self.model.operations.get(operation)?;
        Some((operation_id(operation as u128), known.epoch - i64::from(stale)))
    }

    fn finish(&mut self, act: &Act, (operation, stale): (usize, bool), to: State, apart: bool, next: Option<bool>) {
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
        let progress = expected
            .then(|| next.map(|onward| after.go_on(operation, onward)))
            .flatten();
        let stored = DocumentId(self.ids[&document]);
        let finished = write(&self.store, move |tx| {
            if effect {
                // Refused when it is a verify: the chain has it already.
                let _ = happen(tx, stored, &delivered, "delivered", now);
            }
            tx.finish(&FinishAttempt {
                next: progress
                    .as_ref()
                    .zip(next)
                    .map(|(progress, onward)| NextRequest { progress, onward }),
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
