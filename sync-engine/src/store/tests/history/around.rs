//! What stands around the queue: named leases, holders that are gone, quarantine, incidents, ways back.

use super::super::fixtures::*;
use super::model::{Lease, Quarantined};
use super::world::{World, agree, all_quarantine};
use super::{Act, HOLDERS, INCIDENTS, STREAMS};
use crate::domain::{DocumentId, DocumentKind};
use crate::store::{
    IncidentRow, IncidentTurn, Marks, NewQuarantine, PayloadRef, PresentIncident, QuarantineSettled, QuarantineState,
    Store,
};

impl World {
    pub fn lease(&mut self, act: &Act) {
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

    pub fn quarantine(&mut self, act: &Act, payload: usize) {
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

    pub fn settle(&mut self, act: &Act, payload: usize, how: usize) {
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

    /// A holder is gone: its jobs are taken over by the next claim, its names are free.
    pub fn end_leases(&mut self, act: &Act, holder: usize) {
        let (now, gone) = (self.now, HOLDERS[holder]);
        let mut expected = 0;
        for lease in self.model.leases.values_mut() {
            if lease.holder == Some(gone) && lease.until > now {
                lease.until = now;
                expected += 1;
            }
        }
        for operation in &mut self.model.operations {
            if operation.holder == gone && operation.lease_until.is_some_and(|until| until > now) {
                operation.lease_until = Some(now);
                expected += 1;
            }
        }
        let ended = write(&self.store, move |tx| tx.end_leases_of(gone, now));
        assert_eq!(agree(true, ended, act), Some(expected), "{act:?}");
    }

    pub fn keep_marks(&mut self, act: &Act, operation: usize) {
        let id = operation_id(operation as u128);
        let chain = self.model.operations.get(operation).map(|o| o.document);
        let chain = chain.and_then(|document| self.model.chain(document));
        let expected = chain.is_some();
        let mark = chain
            .map(|chain| chain.mark())
            .unwrap_or_else(|| crate::domain::Chain::new(DocumentKind::Order, crate::domain::Side::Seller).mark());
        let marks = Marks {
            before: mark.clone(),
            after: mark,
        };
        if expected {
            self.model.marks.insert(operation, marks.clone());
        }
        let kept = write(&self.store, move |tx| tx.keep_marks(id, &marks));
        agree(expected, kept, act);
    }

    pub fn take_marks(&mut self, act: &Act, operation: usize) {
        let id = operation_id(operation as u128);
        let expected = self.model.marks.remove(&operation);
        let taken = write(&self.store, move |tx| tx.take_marks(id));
        assert_eq!(agree(true, taken, act), Some(expected), "{act:?}");
    }

    /// `present` has a bit for each of the incidents.
    pub fn incidents(&mut self, act: &Act, present: usize) {
        let at = self.now;
        let is_there = |subject: &str| {
            INCIDENTS
                .iter()
                .enumerate()
                .any(|(n, s)| *s == subject && present & (1 << n) > 0)
        };
        let mut expected = Vec::new();
        for known in self.model.incidents.iter_mut().filter(|i| i.ended_at.is_none()) {
            if !is_there(&known.subject) {
                known.ended_at = Some(at);
                expected.push(IncidentTurn {
                    began: false,
                    incident: known.clone(),
                });
            }
        }
        let mut told = Vec::new();
        for subject in INCIDENTS.into_iter().filter(|subject| is_there(subject)) {
            told.push(PresentIncident {
                kind: "partner.unreachable".to_owned(),
                subject: subject.to_owned(),
                detail: format!("since {}", at.0),
            });
            let mut open = self.model.incidents.iter().filter(|i| i.ended_at.is_none());
            if open.any(|i| i.subject == subject) {
                continue;
            }
            let began = IncidentRow {
                id: self.model.incidents.len() as i64 + 1,
                kind: "partner.unreachable".to_owned(),
                subject: subject.to_owned(),
                detail: format!("since {}", at.0),
                began_at: at,
                ended_at: None,
            };
            self.model.incidents.push(began.clone());
            expected.push(IncidentTurn {
                began: true,
                incident: began,
            });
        }
        let turns = write(&self.store, move |tx| tx.settle_incidents(&company(), &told, at));
        assert_eq!(agree(true, turns, act), Some(expected), "{act:?}");
        let open: Vec<_> = self
            .model
            .incidents
            .iter()
            .filter(|i| i.ended_at.is_none())
            .cloned()
            .collect();
        assert_eq!(self.store.open_incidents(&company()).expect("readable"), open);
        let ended = self.model.incidents.iter().filter(|i| i.ended_at.is_some());
        let all: Vec<_> = open.iter().rev().chain(ended.rev()).cloned().collect();
        assert_eq!(self.store.incidents(&company(), 100).expect("readable"), all);
    }
}
