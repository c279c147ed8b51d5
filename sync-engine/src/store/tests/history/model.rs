//! The store as plain lists in memory: what it has to answer, worked out the slow and obvious way.

use super::super::fixtures::*;
use super::requests::Kept;
use crate::domain::chain::{Attention, Event, PendingAnswer, needs_answer};
use crate::domain::{
    Chain, Date, Decision, DeliveryState as State, Outcome, PartnerId, Progress, Timestamp, VersionNumber,
};
use crate::store::{Counters, DocumentView, IncidentRow, Marks, PartnerState, QuarantineState};
use std::collections::BTreeMap;

/// What lists show of one version.
#[derive(Debug, Clone)]
pub struct Facts {
    pub promised: Option<Date>,
    pub lines: u32,
    pub summary: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Document {
    /// Its pending answers are empty: they follow from the operations.
    pub chain: Chain,
    pub facts: Vec<Facts>,
    /// The rank of each version among all, for the order of a search.
    pub ranks: Vec<usize>,
    pub summary: Option<String>,
    pub conflict: bool,
    pub gap: bool,
    pub updated_at: Timestamp,
    pub history: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub document: usize,
    pub version: VersionNumber,
    pub state: State,
    pub due_at: Option<Timestamp>,
    pub attempts: Vec<State>,
    /// Attempts before a person last set its state.
    pub before: usize,
    pub epoch: i64,
    pub lease_until: Option<Timestamp>,
    pub claimed_from: Option<State>,
    pub hold: bool,
    pub updated_at: Timestamp,
    /// Who claimed it last.
    pub holder: &'static str,
    pub request: Option<Kept>,
    pub progress: Option<Progress>,
    /// By whose number the partner knows it.
    pub key: usize,
}

impl Operation {
    /// One that was just saved.
    pub fn new(number: usize, document: usize, version: VersionNumber, at: Timestamp) -> Self {
        Self {
            document,
            version,
            state: State::Queued,
            due_at: Some(at),
            attempts: Vec::new(),
            before: 0,
            epoch: 0,
            lease_until: None,
            claimed_from: None,
            hold: false,
            updated_at: at,
            holder: "",
            request: None,
            progress: None,
            key: number,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Lease {
    pub holder: Option<&'static str>,
    pub epoch: i64,
    pub until: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Quarantined {
    pub state: QuarantineState,
    pub seen: u32,
    pub runs: u32,
}

/// An operation that a claim has to bring, what it was, and whether it is taken over.
pub type Claim = (usize, State, bool);

#[derive(Debug, Clone, Default)]
pub struct Model {
    /// By number; those that have come.
    pub documents: BTreeMap<usize, Document>,
    /// In the order of their saving.
    pub operations: Vec<Operation>,
    pub versions: usize,
    pub duplicates: i64,
    pub leases: BTreeMap<usize, Lease>,
    pub watermarks: BTreeMap<usize, String>,
    pub quarantine: BTreeMap<usize, Quarantined>,
    pub partners: BTreeMap<PartnerId, PartnerState>,
    pub marks: BTreeMap<usize, Marks>,
    /// In the order of their beginning.
    pub incidents: Vec<IncidentRow>,
}

/// Two documents of each of two partners.
pub fn partner_of(document: usize) -> PartnerId {
    PartnerId(if document < 2 { "acme" } else { "bolt" }.to_owned())
}

fn waits(state: State) -> bool {
    matches!(state, State::Queued | State::Sending | State::Retrying | State::Unknown)
}

pub fn unfinished(state: State) -> bool {
    waits(state) || matches!(state, State::Held | State::Dead)
}

impl Model {
    /// The chain with what is pending on it.
    pub fn chain(&self, document: usize) -> Option<Chain> {
        let mut chain = self.documents.get(&document)?.chain.clone();
        let open = self.operations.iter().enumerate();
        let open = open.filter(|(_, o)| o.document == document && unfinished(o.state));
        chain.pending = open
            .map(|(number, o)| PendingAnswer {
                operation: operation_id(number as u128),
                version: o.version,
                act: crate::domain::chain::Act::AP,
                held: o.hold || o.state == State::Held,
            })
            .collect();
        Some(chain)
    }

    pub fn needs_answer(&self, document: usize) -> bool {
        self.chain(document).is_some_and(|chain| needs_answer(&chain))
    }

    /// Writes a decision; false when it is one that cannot be written.
    pub fn apply(&mut self, document: usize, decision: &Decision, facts: Facts, action: &str, at: Timestamp) -> bool {
        match decision.outcome {
            Outcome::Refused(_) => return false,
            Outcome::Duplicate => {
                self.duplicates += 1;
                return true;
            }
            Outcome::Applied | Outcome::Conflict | Outcome::Stale | Outcome::Late => {}
        }
        for pending in &decision.chain.pending {
            let number = usize::try_from(pending.operation.0.as_u128()).expect("small");
            let Some(known) = self.operations.get(number) else {
                continue;
            };
            if !unfinished(known.state) || pending.held == (known.hold || known.state == State::Held) {
                continue;
            }
            let free = matches!(known.state, State::Queued | State::Retrying) && known.lease_until.is_none();
            match pending.held {
                true if free => self.set(number, State::Held, None, at),
                false if known.state == State::Held => self.set(number, State::Queued, Some(at), at),
                held => self.operations[number].hold = held,
            }
        }
        let before = self.documents.get(&document).cloned();
        let known = self.documents.entry(document).or_insert_with(|| Document {
            chain: decision.chain.clone(),
            facts: Vec::new(),
            ranks: Vec::new(),
            summary: None,
            conflict: false,
            gap: false,
            updated_at: at,
            history: Vec::new(),
        });
        if decision.stored.is_some() {
            self.versions += 1;
            known.facts.push(facts);
            known.ranks.push(self.versions);
        }
        let chain = Chain {
            pending: Vec::new(),
            ..decision.chain.clone()
        };
        if before.as_ref().is_none_or(|b| b.chain.current != chain.current) {
            known.summary = current(&chain, &known.facts).and_then(|f| f.summary.clone());
        }
        if before.is_some() && chain.agreed == chain.current {
            known.summary = None;
        }
        let clash = decision.attention.contains(&Attention::SequenceConflict);
        let replaced = decision.outcome == Outcome::Applied && decision.stored.is_some();
        known.conflict = clash || (known.conflict && !replaced);
        let gap = decision.attention.contains(&Attention::SequenceGap);
        known.gap = gap || (known.gap && decision.stored.is_none());
        known.chain = chain;
        known.updated_at = at;
        known.history.push(action.to_owned());
        true
    }

    /// A state that ends a lease, and what follows from it.
    pub fn set(&mut self, number: usize, to: State, due_at: Option<Timestamp>, at: Timestamp) {
        let operation = &mut self.operations[number];
        operation.hold &= to != State::Queued;
        operation.claimed_from = None;
        operation.lease_until = None;
        operation.due_at = due_at;
        operation.updated_at = at;
        self.moved(number, to, at);
    }

    /// What asks a person comes to the top of the lists.
    fn moved(&mut self, number: usize, to: State, at: Timestamp) {
        let operation = &mut self.operations[number];
        let was = std::mem::replace(&mut operation.state, to);
        if was != to
            && matches!(to, State::Held | State::Dead | State::Unknown)
            && let Some(document) = self.documents.get_mut(&operation.document)
        {
            document.updated_at = document.updated_at.max(at);
        }
    }

    fn in_flight(&self, document: usize) -> bool {
        let mut of_document = self.operations.iter().filter(|o| o.document == document);
        of_document.any(|o| o.lease_until.is_some())
    }

    /// Free to be claimed once it is due: the oldest of its document that waits, or a delivered one to look up.
    fn is_ready(&self, number: usize) -> bool {
        let operation = &self.operations[number];
        if operation.lease_until.is_some() || operation.due_at.is_none() {
            return false;
        }
        let older = self.operations[..number].iter();
        let first = !older
            .clone()
            .any(|o| o.document == operation.document && waits(o.state));
        operation.state == State::Delivered || (waits(operation.state) && first)
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        let leases = self.operations.iter().filter_map(|o| o.lease_until);
        let ready = (0..self.operations.len()).filter(|n| self.is_ready(*n));
        leases.chain(ready.filter_map(|n| self.operations[n].due_at)).min()
    }

    /// What a claim with so many places for each partner has to bring.
    pub fn claim(&mut self, now: Timestamp, until: Timestamp, places: usize) -> Vec<Claim> {
        let mut claims: Vec<Claim> = Vec::new();
        for (number, operation) in self.operations.iter().enumerate() {
            if operation.lease_until.is_some_and(|until| until <= now) {
                let was = if operation.state == State::Sending {
                    State::Unknown
                } else {
                    operation.state
                };
                claims.push((number, was, true));
            }
        }
        let mut documents: Vec<usize> = claims.iter().map(|(n, ..)| self.operations[*n].document).collect();
        for partner in [partner_of(0), partner_of(2)] {
            let of_partner = |n: &usize| partner_of(self.operations[*n].document) == partner;
            let taken = claims.iter().filter(|(n, ..)| of_partner(n)).count();
            let mut due: Vec<usize> = (0..self.operations.len())
                .filter(|n| of_partner(n) && self.is_ready(*n))
                .filter(|n| self.operations[*n].due_at.is_some_and(|due| due <= now))
                .filter(|n| !self.in_flight(self.operations[*n].document))
                .collect();
            due.sort_by_key(|n| (self.operations[*n].due_at, *n));
            for number in due.into_iter().take(places.saturating_sub(taken)) {
                let document = self.operations[number].document;
                if !documents.contains(&document) {
                    documents.push(document);
                    claims.push((number, self.operations[number].state, false));
                }
            }
        }
        for (number, was, _) in &claims {
            let operation = &mut self.operations[*number];
            operation.epoch += 1;
            operation.lease_until = Some(until);
            operation.claimed_from = Some(*was);
            operation.updated_at = now;
            if matches!(operation.state, State::Queued | State::Retrying) {
                operation.state = State::Sending;
            }
        }
        claims
    }

    /// The end of an attempt; false when the lease is lost.
    pub fn finish(&mut self, number: usize, epoch: i64, to: State, due_at: Timestamp, at: Timestamp) -> bool {
        if !self.holds(number, epoch) {
            return false;
        }
        let due = matches!(to, State::Queued | State::Retrying | State::Unknown | State::Delivered).then_some(due_at);
        let (to, due) = self.held_back(number, to, due);
        let hold = self.operations[number].hold;
        self.operations[number].attempts.push(to);
        self.set(number, to, due, at);
        self.operations[number].hold = hold;
        let what = match to {
            State::Applied => "applied",
            State::Held => "held",
            State::Dead => "dead",
            _ => return true,
        };
        self.tell(number, what);
        true
    }

    pub fn tell(&mut self, number: usize, what: &str) {
        let document = self.operations[number].document;
        if let Some(document) = self.documents.get_mut(&document) {
            document.history.push(what.to_owned());
        }
    }

    pub fn holds(&self, number: usize, epoch: i64) -> bool {
        let operation = &self.operations[number];
        operation.lease_until.is_some() && operation.epoch == epoch
    }

    fn held_back(&self, number: usize, to: State, due: Option<Timestamp>) -> (State, Option<Timestamp>) {
        match to {
            State::Queued | State::Retrying if self.operations[number].hold => (State::Held, None),
            _ => (to, due),
        }
    }

    pub fn give_back(&mut self, number: usize, epoch: i64, due_at: Timestamp) -> bool {
        if !self.holds(number, epoch) {
            return false;
        }
        if let Some(request) = &mut self.operations[number].request {
            request.did_not_leave(epoch);
        }
        let from = self.operations[number].claimed_from.unwrap_or(State::Queued);
        let (to, due) = self.held_back(number, from, Some(due_at));
        self.set(number, to, due, due_at);
        true
    }

    /// A person's act; false when it is not allowed.
    pub fn person(&mut self, number: usize, to: State, at: Timestamp) -> bool {
        let operation = &self.operations[number];
        let from = operation.state;
        let again = [State::Queued, State::Retrying, State::Unknown];
        let what = match (from, to) {
            _ if operation.lease_until.is_some() => return false,
            (State::Delivered, State::Delivered) => "verify",
            (State::Sending | State::Applied | State::Withdrawn | State::Delivered, _) => return false,
            (State::Held, to) if again.contains(&to) => "release",
            (_, to) if again.contains(&to) => "retry",
            (_, State::Held) => "hold",
            (_, State::Dead) => "give-up",
            (_, State::Withdrawn) => "withdraw",
            (_, _) => return false,
        };
        let due = (again.contains(&to) || to == State::Delivered).then_some(at);
        let operation = &mut self.operations[number];
        operation.before = operation.attempts.len();
        operation.hold = false;
        self.set(number, to, due, at);
        self.tell(number, what);
        true
    }

    pub fn counters(&self) -> Counters {
        let count = |state| self.operations.iter().filter(|o| o.state == state).count() as i64;
        Counters {
            documents: self.documents.len() as i64,
            needs_answer: self.documents.keys().filter(|d| self.needs_answer(**d)).count() as i64,
            queued: count(State::Queued),
            sending: count(State::Sending),
            retrying: count(State::Retrying),
            delivered: count(State::Delivered),
            applied: count(State::Applied),
            unknown: count(State::Unknown),
            held: count(State::Held),
            dead: count(State::Dead),
            quarantine: self
                .quarantine
                .values()
                .filter(|q| q.state == QuarantineState::Open)
                .count() as i64,
            duplicates: self.duplicates,
        }
    }

    /// Numbers of the documents that a view lists, in its order. `ids` are the store's, for equal keys.
    pub fn list(&self, view: DocumentView, partner: Option<&PartnerId>, ids: &BTreeMap<usize, i64>) -> Vec<usize> {
        let open = |d: usize| self.operations.iter().any(|o| o.document == d && unfinished(o.state));
        let mut listed: Vec<usize> = self.documents.keys().copied().collect();
        listed.retain(|d| partner.is_none_or(|p| partner_of(*d) == *p));
        match view {
            DocumentView::NeedsAnswer => {
                listed.retain(|d| self.needs_answer(*d));
                listed.sort_by_key(|d| {
                    let promised = self.promised(*d);
                    (promised.is_none(), promised, ids[d])
                });
            }
            DocumentView::InDelivery | DocumentView::All => {
                listed.retain(|d| view == DocumentView::All || open(*d));
                listed.sort_by_key(|d| std::cmp::Reverse((self.documents[d].updated_at, ids[d])));
            }
        }
        listed
    }

    pub fn promised(&self, document: usize) -> Option<Date> {
        let document = &self.documents[&document];
        current(&document.chain, &document.facts)?.promised
    }

    pub fn lines(&self, document: usize) -> u32 {
        let document = &self.documents[&document];
        current(&document.chain, &document.facts).map_or(0, |f| f.lines)
    }

    /// Newest version first, of those whose current version has the word.
    pub fn search(&self) -> Vec<usize> {
        let mut found: Vec<usize> = self.documents.keys().copied().collect();
        let rank = |d: &usize| {
            let document = &self.documents[d];
            document.chain.current.map(|v| document.ranks[v.0 as usize - 1])
        };
        found.sort_by_key(|d| std::cmp::Reverse(rank(d)));
        found
    }
}

fn current<'f>(chain: &Chain, facts: &'f [Facts]) -> Option<&'f Facts> {
    facts.get(chain.current?.0 as usize - 1)
}

/// What the fixtures' order is decided with.
pub fn arrival(first: bool, sequence: i64, bytes: &[u8]) -> Event {
    Event::Version {
        author: crate::domain::chain::Author::Partner,
        purpose: if first {
            crate::domain::Purpose::Original
        } else {
            crate::domain::Purpose::Change
        },
        sequence: Some(sequence),
        hash: crate::domain::ContentHash::of(bytes),
        base: None,
        overtaken: false,
    }
}
