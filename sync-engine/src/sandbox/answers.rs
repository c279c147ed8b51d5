//! What the sandbox does with an answer: takes it once, applies it after a while, and reacts to a counter-offer.

use super::compose;
use super::journal::Entry;
use super::wire::{AnswerLine, Operation, OperationName};
use super::world::{Recorded, World};
use std::io;

/// What becomes of a posted answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Taken now, or the same again.
    Accepted {
        operation_id: String,
        /// The sandbox's own name of what was issued to it.
        document_id: Option<String>,
    },
    /// The key was used for another body.
    KeyReused,
    Unknown {
        what: &'static str,
        number: String,
    },
    Superseded {
        current: u32,
    },
    /// JSON pointers with a sentence each.
    Invalid(Vec<(String, String)>),
}

impl World {
    /// An answer whose key is known already, whatever its body says by now.
    pub(super) fn replay(&mut self, key: &str, body: &str) -> Option<Taken> {
        let recorded = self.operations.get_mut(key)?;
        if recorded.body != body {
            self.counts.key_conflicts += 1;
            return Some(Taken::KeyReused);
        }
        recorded.replays += 1;
        self.counts.replays += 1;
        let (operation_id, operation) = (recorded.operation_id.clone(), recorded.operation.clone());
        Some(Taken::Accepted {
            operation_id,
            document_id: self.document_id(&operation),
        })
    }

    /// Takes a new answer. Durable when it returns `Accepted`.
    pub(super) fn take(&mut self, key: &str, body: &str, operation: &Operation, now: i64) -> io::Result<Taken> {
        if operation.operation.issues() {
            return self.take_issue(key, body, operation, now);
        }
        let (what, number) = match (&operation.po_number, &operation.note_number) {
            (Some(number), _) => ("purchase order", number.as_str()),
            (None, number) => ("delivery note", number.as_deref().unwrap_or_default()),
        };
        let known = if operation.operation == OperationName::Receipt {
            self.notes.get(number).and_then(|c| c.versions.last()).map(|v| {
                let lines: Vec<u32> = v.lines.iter().map(|l| l.line_no).collect();
                (v.version, lines)
            })
        } else {
            self.orders.get(number).and_then(|c| c.versions.last()).map(|v| {
                let lines: Vec<u32> = v.lines.iter().map(|l| l.line_no).collect();
                (v.version, lines)
            })
        };
        let Some((current, lines)) = known else {
            return Ok(Taken::Unknown {
                what,
                number: number.to_owned(),
            });
        };
        if operation.version != current {
            self.counts.superseded += 1;
            return Ok(Taken::Superseded { current });
        }
        let errors = unknown_lines(operation, &lines);
        if !errors.is_empty() {
            return Ok(Taken::Invalid(errors));
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
            document_id: None,
        })
    }

    /// The answer takes effect, unless the document has changed in between.
    pub(super) fn apply(&mut self, key: String, now: i64) -> io::Result<()> {
        let error = self.operations.get(&key).and_then(|recorded| {
            let current = self.current_version(recorded);
            (current != Some(recorded.operation.version)).then(|| {
                format!(
                    "{} was changed to version {} before the answer to version {} took effect",
                    recorded.number(),
                    current.unwrap_or(0),
                    recorded.operation.version
                )
            })
        });
        self.record(vec![Entry::Applied { key, at: now, error }])
    }

    fn current_version(&self, recorded: &Recorded) -> Option<u32> {
        if recorded.operation.operation.issues() {
            return Some(recorded.operation.version);
        }
        let number = recorded.number();
        match recorded.operation.operation {
            OperationName::Receipt => self.notes.get(number)?.versions.last().map(|v| v.version),
            OperationName::Acknowledge
            | OperationName::Confirm
            | OperationName::Reject
            | OperationName::Counter
            | OperationName::Submit
            | OperationName::Update
            | OperationName::Cancel
            | OperationName::Despatch => self.orders.get(number).map(super::world::OrderChain::current),
        }
    }

    /// The buyer takes a counter-offer by restating it as a change, or hands its order back.
    pub(super) fn react(&mut self, key: String, now: i64) -> io::Result<()> {
        let issued = self.operations.get(&key).map(|r| r.operation.clone());
        if let Some(operation) = issued.filter(|o| o.operation.issues()) {
            return self.react_to_issue(key, &operation, now);
        }
        let takes = self.random.chance(self.takes_counter_percent);
        let Some(recorded) = self.operations.get(&key) else {
            return self.record(vec![Entry::Reacted { key }]);
        };
        let base = self
            .orders
            .get(recorded.number())
            .and_then(|c| c.versions.last())
            .filter(|v| v.version == recorded.operation.version);
        // A version that came in between has settled the matter.
        let Some(base) = base else {
            return self.record(vec![Entry::Reacted { key }]);
        };
        let answers: Vec<AnswerLine> = recorded
            .operation
            .lines
            .iter()
            .filter_map(|l| serde_json::from_value(l.clone()).ok())
            .collect();
        let next = if takes {
            compose::restated(base, base.version, &answers, now, &mut self.random)
        } else {
            compose::handed_back(base, base.version, now, &mut self.random)
        };
        self.record(vec![Entry::Order(Box::new(next)), Entry::Reacted { key }])
    }
}

fn unknown_lines(operation: &Operation, known: &[u32]) -> Vec<(String, String)> {
    operation
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.get("code").and_then(|c| c.as_str()) != Some("ADDED"))
        .filter_map(|(at, line)| {
            let number = line.get("lineNo").and_then(serde_json::Value::as_u64)?;
            (!known.iter().any(|k| u64::from(*k) == number)).then(|| {
                let message = format!("version {} has no line {number}", operation.version);
                (format!("/lines/{at}/lineNo"), message)
            })
        })
        .collect()
}
