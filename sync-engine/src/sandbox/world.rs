//! The partner's side of the trade: its orders and delivery notes, and the answers it was given. No network here.
//!
//! Everything that happens is an `Entry`: made durable first, then absorbed. Time comes in with each call, and what
//! has fallen due since the last one happens then (`settle`).

use super::journal::{Entry, Journal};
use super::options::SandboxOptions;
use super::random::Random;
use super::sales::Sales;
use super::view::Counts;
use super::wire::{DeliveryNote, Operation, OperationName, PurchaseOrder};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// Documents that the sandbox makes up by itself; on request there may be more.
const MAX_DOCUMENTS_UNASKED: usize = 5_000;

pub(super) struct World {
    pub(super) apply_delay_ms: i64,
    pub(super) reaction_delay_ms: i64,
    pub(super) takes_counter_percent: u64,
    event_interval_ms: Option<i64>,
    next_event_at: i64,
    pub(super) random: Random,
    pub(super) orders: BTreeMap<String, OrderChain>,
    pub(super) notes: BTreeMap<String, NoteChain>,
    /// Every version ever issued, as it goes over the wire; sequence number is the index plus one.
    pub(super) order_feed: Vec<Arc<str>>,
    pub(super) note_feed: Vec<Arc<str>>,
    /// By idempotency key.
    pub(super) operations: BTreeMap<String, Recorded>,
    pub(super) due: BTreeSet<(i64, Due, String)>,
    pub(super) counts: Counts,
    pub(super) sales: Sales,
    journal: Option<Journal>,
}

/// What waits for its time, with the key of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Apply,
    React,
}

pub(super) struct OrderChain {
    /// In the order of issue; never empty. Version numbers count from 1.
    pub versions: Vec<PurchaseOrder>,
    /// Sequence number of each version in the feed.
    pub sequences: Vec<usize>,
    pub status: String,
    /// What a refused cancellation or change falls back to.
    pub settled_status: String,
    /// Key of the answer applied last.
    pub response: Option<String>,
}

pub(super) struct NoteChain {
    pub versions: Vec<DeliveryNote>,
    pub status: String,
    pub response: Option<String>,
}

/// An answer that was taken.
pub(super) struct Recorded {
    pub operation: Operation,
    pub body: String,
    pub operation_id: String,
    pub received_at: i64,
    pub due: i64,
    /// When, and the error if it could not be.
    pub applied: Option<(i64, Option<String>)>,
    pub replays: u32,
}

impl Recorded {
    pub(super) fn status(&self) -> &'static str {
        match &self.applied {
            None => "RECEIVED",
            Some((_, None)) => "APPLIED",
            Some((_, Some(_))) => "FAILED",
        }
    }

    pub(super) fn number(&self) -> &str {
        let operation = &self.operation;
        operation
            .po_number
            .as_deref()
            .or(operation.note_number.as_deref())
            .unwrap_or_default()
    }
}

impl World {
    pub(super) fn open(options: &SandboxOptions, now: i64) -> io::Result<Self> {
        let (journal, entries) = match &options.state_file {
            Some(path) => {
                let (journal, entries) = Journal::open(path)?;
                (Some(journal), entries)
            }
            None => (None, Vec::new()),
        };
        let millis = |d: std::time::Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        let interval = options.event_interval.map(|d| millis(d).max(1));
        let mut world = Self {
            apply_delay_ms: millis(options.apply_delay),
            reaction_delay_ms: millis(options.reaction_delay),
            takes_counter_percent: u64::from(options.takes_counter_percent),
            event_interval_ms: interval,
            next_event_at: now.saturating_add(interval.unwrap_or(0)),
            // A restarted sandbox goes on with other numbers than it began with.
            random: Random::new(options.seed.wrapping_add(entries.len() as u64)),
            orders: BTreeMap::new(),
            notes: BTreeMap::new(),
            order_feed: Vec::new(),
            note_feed: Vec::new(),
            operations: BTreeMap::new(),
            due: BTreeSet::new(),
            counts: Counts::default(),
            sales: Sales {
                delivers: options.delivers_orders,
                ..Sales::default()
            },
            journal: None,
        };
        let fresh = entries.is_empty();
        for entry in entries {
            world.absorb(entry);
        }
        world.journal = journal;
        if fresh {
            world.open_shop(options, now)?;
        }
        Ok(world)
    }

    /// Durable, then true.
    pub(super) fn record(&mut self, entries: Vec<Entry>) -> io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.append(&entries)?;
        }
        for entry in entries {
            self.absorb(entry);
        }
        Ok(())
    }

    fn absorb(&mut self, entry: Entry) {
        match entry {
            Entry::Order(order) => self.absorb_order(*order),
            Entry::Note(note) => self.absorb_note(*note),
            Entry::Accepted {
                key,
                body,
                operation_id,
                at,
                due,
            } => {
                // Only what could be read was ever accepted.
                let Some(operation) = read_operation(&body) else { return };
                self.absorb_issue(&operation);
                self.due.insert((due, Due::Apply, key.clone()));
                self.operations.insert(
                    key,
                    Recorded {
                        operation,
                        body,
                        operation_id,
                        received_at: at,
                        due,
                        applied: None,
                        replays: 0,
                    },
                );
            }
            Entry::Applied { key, at, error } => self.absorb_applied(&key, at, error),
            Entry::Answered(answer) => self.sales.answers.push(answer.to_string().into()),
            Entry::Received(receipt) => self.sales.receipts.push(receipt.to_string().into()),
            Entry::Reacted { key } => self.due.retain(|(_, due, k)| *due != Due::React || *k != key),
        }
    }

    fn absorb_order(&mut self, order: PurchaseOrder) {
        self.order_feed.push(text(&order));
        let sequence = self.order_feed.len();
        let status = order.status.clone();
        match self.orders.get_mut(&order.po_number) {
            Some(chain) => {
                chain.versions.push(order);
                chain.sequences.push(sequence);
                chain.status = status;
            }
            None => {
                let chain = OrderChain {
                    settled_status: status.clone(),
                    status,
                    sequences: vec![sequence],
                    response: None,
                    versions: vec![order.clone()],
                };
                self.orders.insert(order.po_number, chain);
            }
        }
    }

    fn absorb_note(&mut self, note: DeliveryNote) {
        self.note_feed.push(text(&note));
        match self.notes.get_mut(&note.note_number) {
            Some(chain) => {
                chain.status.clone_from(&note.status);
                chain.versions.push(note);
            }
            None => {
                let chain = NoteChain {
                    status: note.status.clone(),
                    response: None,
                    versions: vec![note.clone()],
                };
                self.notes.insert(note.note_number, chain);
            }
        }
    }

    fn absorb_applied(&mut self, key: &str, at: i64, error: Option<String>) {
        let Some(recorded) = self.operations.get_mut(key) else {
            return;
        };
        self.due.remove(&(recorded.due, Due::Apply, key.to_owned()));
        let failed = error.is_some();
        recorded.applied = Some((at, error));
        if failed {
            return;
        }
        let name = recorded.operation.operation;
        if name.issues() {
            let due = at.saturating_add(self.reaction_delay_ms);
            self.due.insert((due, Due::React, key.to_owned()));
            return;
        }
        if let Some(chain) = self.notes.get_mut(recorded.number()) {
            chain.status = name.applied_status().into();
            chain.response = Some(key.to_owned());
        }
        if let Some(chain) = self.orders.get_mut(recorded.number()) {
            chain.response = Some(key.to_owned());
            chain.status = chain.status_after(name);
            if matches!(name, OperationName::Confirm | OperationName::Reject) {
                chain.settled_status.clone_from(&chain.status);
            }
        }
        if name == OperationName::Counter {
            let due = at.saturating_add(self.reaction_delay_ms);
            self.due.insert((due, Due::React, key.to_owned()));
        }
    }

    /// Lets everything happen whose time has come.
    pub(super) fn settle(&mut self, now: i64) -> io::Result<()> {
        while let Some((_, due, key)) = self.due.first().filter(|(at, ..)| *at <= now).cloned() {
            match due {
                Due::Apply => self.apply(key, now)?,
                Due::React => self.react(key, now)?,
            }
        }
        if let Some(interval) = self.event_interval_ms
            && self.next_event_at <= now
        {
            self.next_event_at = now.saturating_add(interval);
            if self.orders.len() + self.notes.len() < MAX_DOCUMENTS_UNASKED {
                self.something_happens(now)?;
            }
        }
        Ok(())
    }
}

impl OrderChain {
    pub(super) fn current(&self) -> u32 {
        self.versions.last().map_or(0, |v| v.version)
    }

    /// A refused change or cancellation leaves what was settled before it; a confirmed cancellation ends the order.
    fn status_after(&self, answer: OperationName) -> String {
        let cancels = self
            .versions
            .last()
            .is_some_and(|v| v.document_type == "PURCHASE_ORDER_CANCEL");
        match answer {
            OperationName::Confirm if cancels => "CANCELLED".into(),
            OperationName::Reject if self.versions.len() > 1 => self.settled_status.clone(),
            OperationName::Acknowledge if cancels => self.status.clone(),
            OperationName::Acknowledge
            | OperationName::Confirm
            | OperationName::Reject
            | OperationName::Counter
            | OperationName::Receipt
            | OperationName::Submit
            | OperationName::Update
            | OperationName::Cancel
            | OperationName::Despatch => answer.applied_status().into(),
        }
    }
}

/// Through `Value`: the schema has said that it fits.
pub(super) fn read_operation(body: &str) -> Option<Operation> {
    serde_json::from_str(body)
        .and_then(serde_json::from_value::<Operation>)
        .ok()
}

fn text(document: &impl serde::Serialize) -> Arc<str> {
    // Serialising plain structs of text and numbers cannot fail.
    serde_json::to_string(document).unwrap_or_default().into()
}
