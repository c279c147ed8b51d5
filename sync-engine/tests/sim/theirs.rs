//! The other direction: our orders at the partner, its answers to them, and its delivery notes.

use crate::chance::Chance;
use crate::partner::{Sent, Server, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use sync_engine::domain::answer::{LineAnswerCode, Reason, ReasonCode};
use sync_engine::domain::document::{DespatchLine, Item, Party};
use sync_engine::domain::{
    Chain, Decimal, DespatchAdvice, HeaderAnswer, LineAnswer, OrderResponse, VersionState, chain::Author,
};

/// An answer as the partner writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Response {
    pub number: String,
    /// Our number of the version.
    pub sequence: i64,
    pub code: HeaderAnswer,
    /// What it offers of the first line.
    pub quantity: u32,
}

/// A delivery note as the partner writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoteWire {
    pub number: String,
    pub order: String,
    pub delivered: u32,
}

/// An order of ours, as the partner has it.
#[derive(Debug, Clone)]
struct Ours {
    sequence: i64,
    quantity: u32,
    answered: Option<HeaderAnswer>,
}

#[derive(Default)]
pub struct Theirs {
    orders: BTreeMap<String, Ours>,
    accepted: BTreeSet<(String, i64)>,
    pub notes: usize,
}

impl Theirs {
    /// A request of ours has its effect.
    pub fn learn(&mut self, sent: &Sent) {
        match (sent.kind.as_str(), sent.sequence, sent.quantity) {
            ("Submit" | "Update", Some(sequence), Some(quantity)) => {
                let ours = Ours {
                    sequence,
                    quantity,
                    answered: None,
                };
                self.orders.insert(sent.number.clone(), ours);
            }
            ("Cancel", ..) => drop(self.orders.remove(&sent.number)),
            _ => {}
        }
    }

    /// What the partner accepted is agreed, and nothing else is.
    pub fn agrees(&self, chain: &Chain, number: &str) -> Result<(), String> {
        if let Some(ours) = self.orders.get(number)
            && ours.answered == Some(HeaderAnswer::AP)
        {
            let mut versions = chain.versions.iter();
            let version = versions.find(|v| v.author == Author::Us && v.sequence == Some(ours.sequence));
            if version.is_none_or(|v| v.state != VersionState::Accepted) {
                return Err(format!(
                    "{number} is accepted at {}, and not with us: {chain:?}",
                    ours.sequence
                ));
            }
        }
        let agreed = chain.agreed.and_then(|agreed| chain.version(agreed));
        if let Some(agreed) = agreed.filter(|v| v.author == Author::Us)
            && let Some(sequence) = agreed.sequence
            && !self.accepted.contains(&(number.to_owned(), sequence))
        {
            return Err(format!(
                "{number} is agreed at {sequence}, and the partner never said so: {chain:?}"
            ));
        }
        Ok(())
    }
}

impl Server {
    /// Answers one of our orders that waits for it.
    pub fn respond(&mut self, chance: &mut Chance) {
        let code = chance.pick(&[
            HeaderAnswer::AP,
            HeaderAnswer::AP,
            HeaderAnswer::AB,
            HeaderAnswer::RE,
            HeaderAnswer::CA,
        ]);
        if !self.plan.is_wide {
            return;
        }
        let waits = |o: &&mut Ours| o.answered.is_none_or(|a| a == HeaderAnswer::AB);
        let mut waiting: Vec<_> = self.theirs.orders.iter_mut().map(|(n, o)| (n.clone(), o)).collect();
        waiting.retain(|(_, ours)| waits(ours));
        if waiting.is_empty() {
            return;
        }
        let at = usize::try_from(chance.next() % waiting.len() as u64).unwrap_or(0);
        let (number, ours) = waiting.swap_remove(at);
        ours.answered = Some(code);
        let response = Response {
            number: number.clone(),
            sequence: ours.sequence,
            code,
            quantity: ours.quantity.saturating_sub(1).max(1),
        };
        if code == HeaderAnswer::AP {
            self.theirs.accepted.insert((number, response.sequence));
        }
        self.put(Stream::Responses, &response);
    }

    /// A delivery note for an order of ours that was accepted.
    pub fn deliver(&mut self, chance: &mut Chance) {
        let accepted = |ours: &Ours| ours.answered == Some(HeaderAnswer::AP);
        let orders: Vec<_> = self.theirs.orders.iter().filter(|(_, ours)| accepted(ours)).collect();
        if orders.is_empty() {
            return;
        }
        let (order, _) = orders[usize::try_from(chance.next() % orders.len() as u64).unwrap_or(0)];
        let note = NoteWire {
            number: format!("DN-{}", self.theirs.notes + 1),
            order: order.clone(),
            delivered: 1,
        };
        self.theirs.notes += 1;
        self.put(Stream::Notes, &note);
    }
}

impl Response {
    pub fn answer(&self) -> OrderResponse {
        let reason = || Reason {
            code: ReasonCode::Qty,
            text: None,
        };
        let line = || LineAnswer {
            line_id: "1".to_owned(),
            code: LineAnswerCode::Changed,
            quantity: Some(Decimal::from(self.quantity)),
            price: None,
            date: None,
            substitute: None,
            reason: Some(reason()),
        };
        OrderResponse {
            code: self.code,
            reason: (self.code == HeaderAnswer::RE).then(reason),
            note: None,
            lines: if self.code == HeaderAnswer::CA {
                vec![line()]
            } else {
                Vec::new()
            },
        }
    }
}

/// A delivery note of one line.
pub fn note(number: &str, order: &str, line: &str, delivered: u32) -> DespatchAdvice {
    let party = |name: &str| Party {
        name: Some(name.to_owned()),
        ..Party::default()
    };
    DespatchAdvice {
        number: number.to_owned(),
        revision: None,
        issued_at: None,
        buyer: party("Buyer"),
        seller: party("Seller"),
        ship_to: None,
        despatched_on: None,
        expected_delivery: None,
        carrier: None,
        tracking_id: None,
        language: None,
        notes: Vec::new(),
        lines: vec![DespatchLine {
            id: "1".to_owned(),
            order_number: order.to_owned(),
            order_line_id: line.to_owned(),
            item: Item {
                seller_id: Some(format!("S-{line}")),
                description: Some("Bolt".to_owned()),
                ..Item::default()
            },
            delivered: Decimal::from(delivered),
            outstanding: None,
            unit: "C62".to_owned(),
            batch: None,
        }],
        cancel_reason: None,
    }
}
