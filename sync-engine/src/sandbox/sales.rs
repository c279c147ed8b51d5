//! What we issue to the sandbox: orders that it sells us, delivery notes that it receives. It takes them once, answers
//! after a while, and delivers what it has confirmed.

use super::answers::Taken;
use super::compose::{self, day, moment};
use super::journal::Entry;
use super::parties::{self, MARKETS};
use super::wire::{DeliveryNote, NoteLine, Operation, OperationName};
use super::world::World;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;

/// A document that was issued to the sandbox.
pub(super) struct Ours {
    /// The sandbox's own name of it.
    pub id: String,
    /// Highest version taken.
    pub version: u32,
    pub document: Value,
    pub cancelled: bool,
}

/// How the sandbox answers what is issued to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mood {
    Confirm,
    /// With changes: less of the first line, and later. A delivery note is received short.
    Counter,
    Reject,
    /// Says nothing.
    Silent,
}

/// What the sandbox sells: documents by kind and number, and how it will answer the next ones.
#[derive(Default)]
pub(super) struct Sales {
    pub documents: std::collections::BTreeMap<(bool, String), Ours>,
    pub answers: Vec<std::sync::Arc<str>>,
    pub receipts: Vec<std::sync::Arc<str>>,
    pub moods: VecDeque<Mood>,
    /// Whether confirmed orders are delivered.
    pub delivers: bool,
}

fn key_of(operation: &Operation) -> (bool, String) {
    match (&operation.note_number, &operation.po_number) {
        (Some(note), _) => (true, note.clone()),
        (None, number) => (false, number.clone().unwrap_or_default()),
    }
}

impl World {
    /// The sandbox's own name of what an operation issued.
    pub(super) fn document_id(&self, operation: &Operation) -> Option<String> {
        let issues = operation.operation.issues();
        issues
            .then(|| self.sales.documents.get(&key_of(operation)).map(|d| d.id.clone()))
            .flatten()
    }

    /// Takes a document that is issued to the sandbox. Durable when it returns `Accepted`.
    pub(super) fn take_issue(&mut self, key: &str, body: &str, operation: &Operation, now: i64) -> io::Result<Taken> {
        let place = key_of(operation);
        let known = self.sales.documents.get(&place);
        let first = matches!(operation.operation, OperationName::Submit | OperationName::Despatch);
        let what = if place.0 { "delivery note" } else { "order" };
        match known {
            Some(known) if first || known.cancelled || operation.version <= known.version => {
                self.counts.superseded += 1;
                return Ok(Taken::Superseded { current: known.version });
            }
            Some(known) if operation.document_id.as_deref() != Some(known.id.as_str()) => {
                let message = format!("{what} {} has the id {}", place.1, known.id);
                return Ok(Taken::Invalid(vec![("/documentId".to_owned(), message)]));
            }
            None if !first => return Ok(Taken::Unknown { what, number: place.1 }),
            Some(_) | None => {}
        }
        let operation_id = format!("OP-{:06}", self.operations.len() + 1);
        self.record(vec![Entry::Accepted {
            key: key.to_owned(),
            body: body.to_owned(),
            operation_id: operation_id.clone(),
            at: now,
            due: now.saturating_add(self.apply_delay_ms),
        }])?;
        self.settle(now)?;
        Ok(Taken::Accepted {
            operation_id,
            document_id: self.document_id(operation),
        })
    }

    /// After it is durable.
    pub(super) fn absorb_issue(&mut self, operation: &Operation) {
        if !operation.operation.issues() {
            return;
        }
        let place = key_of(operation);
        let next = format!(
            "{}-{:06}",
            if place.0 { "GR" } else { "SO" },
            self.sales.documents.len() + 1
        );
        let document = self.sales.documents.entry(place).or_insert_with(|| Ours {
            id: next,
            version: 0,
            document: Value::Null,
            cancelled: false,
        });
        document.version = document.version.max(operation.version);
        document.cancelled = operation.operation == OperationName::Cancel;
        if let Some(content) = &operation.document {
            document.document = content.clone();
        }
    }

    /// The sandbox has thought about what it was issued.
    pub(super) fn react_to_issue(&mut self, key: String, operation: &Operation, now: i64) -> io::Result<()> {
        let mood = self.sales.moods.pop_front().unwrap_or(Mood::Confirm);
        let place = key_of(operation);
        let Some(document) = self.sales.documents.get(&place) else {
            return self.record(vec![Entry::Reacted { key }]);
        };
        let overtaken = document.version != operation.version;
        if mood == Mood::Silent || overtaken {
            return self.record(vec![Entry::Reacted { key }]);
        }
        let mut entries = Vec::new();
        if place.0 {
            if operation.operation != OperationName::Cancel {
                let number = self.sales.receipts.len() + 1;
                entries.push(Entry::Received(receipt(&place.1, document, mood, number, now)));
            }
        } else {
            let number = self.sales.answers.len() + 1;
            entries.push(Entry::Answered(answer(&place.1, document, mood, number, now)));
            let delivers = self.sales.delivers && mood == Mood::Confirm;
            if delivers && operation.operation != OperationName::Cancel {
                let content = document.document.clone();
                entries.extend(self.delivery(&content, now));
            }
        }
        entries.push(Entry::Reacted { key });
        self.record(entries)
    }

    /// A delivery note for an order of ours; `None` when there is no such order.
    pub(super) fn deliver(&mut self, number: &str, now: i64) -> io::Result<Option<String>> {
        let place = (false, number.to_owned());
        let Some(content) = self.sales.documents.get(&place).map(|d| d.document.clone()) else {
            return Ok(None);
        };
        let Some(Entry::Note(note)) = self.delivery(&content, now) else {
            return Ok(None);
        };
        let name = note.note_number.clone();
        self.record(vec![Entry::Note(note)])?;
        Ok(Some(name))
    }

    fn delivery(&mut self, order: &Value, now: i64) -> Option<Entry> {
        let market = MARKETS.first()?;
        let lines = order.get("lines")?.as_array()?;
        let number = super::trade::next_number(self.notes.keys().next_back(), super::trade::FIRST_NOTE_NUMBER);
        let mut note: DeliveryNote = compose::delivery_note(number, market, 1, now, &mut self.random);
        note.buyer = parties::ourselves();
        let po_number = order.get("orderNumber")?.as_str()?.to_owned();
        note.lines = lines
            .iter()
            .zip(1u32..)
            .map(|(line, line_no)| NoteLine {
                line_no,
                po_number: po_number.clone(),
                po_line_no: text(line, "lineId").parse().unwrap_or(line_no),
                sku: text(line, "sku"),
                gtin: "4006381333931".to_owned(),
                description: text(line, "description"),
                delivered: quantity(line),
                outstanding: Decimal::ZERO,
                uom: text(line, "uom"),
                batch: format!("L{}", self.random.between(100_000, 999_999)),
            })
            .collect();
        Some(Entry::Note(Box::new(note)))
    }
}

fn answer(number: &str, document: &Ours, mood: Mood, count: usize, now: i64) -> Value {
    let lines: Vec<Value> = document
        .document
        .get("lines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(at, line)| {
            let id = text(line, "lineId");
            let less = (quantity(line) / Decimal::from(2)).ceil();
            if at == 0 && less < quantity(line) {
                json!({"lineId": id, "code": "CHANGED", "quantity": less.to_string(), "date": day(now, 21)})
            } else if at == 0 {
                json!({"lineId": id, "code": "CHANGED", "date": day(now, 21)})
            } else {
                json!({"lineId": id, "code": "ACCEPTED"})
            }
        })
        .collect();
    let mut out = json!({
        "answerNumber": format!("OR-{count:06}"), "orderNumber": number, "id": document.id,
        "version": document.version, "answeredAt": moment(now),
        "status": match mood { Mood::Confirm | Mood::Silent => "CONFIRMED", Mood::Counter => "COUNTERED", Mood::Reject => "REJECTED" },
    });
    if let Some(object) = out.as_object_mut() {
        match mood {
            Mood::Counter => {
                object.insert("lines".to_owned(), Value::Array(lines));
            }
            Mood::Reject => {
                object.insert("reason".to_owned(), json!({"code": "QTY", "text": "not available"}));
            }
            Mood::Confirm | Mood::Silent => {}
        }
    }
    out
}

fn receipt(number: &str, document: &Ours, mood: Mood, count: usize, now: i64) -> Value {
    let lines: Vec<Value> = document
        .document
        .get("lines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(at, line)| {
            let id = text(line, "lineId");
            let delivered = quantity(line);
            let arrived = match (mood, at) {
                (Mood::Reject, _) => Decimal::ZERO,
                (Mood::Counter, 0) => (delivered - Decimal::ONE).max(Decimal::ZERO),
                (_, _) => delivered,
            };
            let short = delivered - arrived;
            match short.is_zero() {
                true => json!({"lineId": id, "received": arrived.to_string()}),
                false => json!({"lineId": id, "received": arrived.to_string(), "short": short.to_string()}),
            }
        })
        .collect();
    json!({
        "receiptNumber": format!("RC-{count:06}"), "noteNumber": number, "id": document.id,
        "version": document.version, "receivedOn": day(now, 0), "lines": lines,
    })
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn quantity(line: &Value) -> Decimal {
    text(line, "quantity").parse().unwrap_or(Decimal::ONE)
}
