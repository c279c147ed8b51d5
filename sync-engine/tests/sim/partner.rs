//! A trading partner that lives in memory: its orders, its list of versions, and a ledger of every effect it had.

use crate::chance::Chance;
use crate::plan::{Fault, Mode, PartnerPlan, Plant};
use crate::theirs::Theirs;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use sync_engine::domain::document::{Item, OrderLine, Party};
use sync_engine::domain::{Currency, Decimal, Order, Purpose};
use uuid::Uuid;

/// How long after it took an operation a partner shows it.
pub const SHOWN_AFTER: i64 = 8_000;

/// A version as the partner writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wire {
    pub number: String,
    pub sequence: i64,
    pub purpose: Purpose,
    /// Line, quantity.
    pub lines: Vec<(String, u32)>,
}

impl Wire {
    pub fn order(&self) -> Order {
        order(&self.number, &self.lines)
    }
}

pub fn order(number: &str, lines: &[(String, u32)]) -> Order {
    Order {
        number: number.to_owned(),
        revision: None,
        issued_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        buyer: Party {
            name: Some("Buyer".to_owned()),
            ..Party::default()
        },
        seller: Party {
            name: Some("Seller".to_owned()),
            ..Party::default()
        },
        ship_to: None,
        bill_to: None,
        requested_delivery: None,
        payment_terms: None,
        delivery_terms: None,
        language: None,
        references: Vec::new(),
        notes: Vec::new(),
        lines: lines.iter().map(|(id, quantity)| line(id, *quantity)).collect(),
        totals: None,
        cancel_reason: None,
    }
}

fn line(id: &str, quantity: u32) -> OrderLine {
    OrderLine {
        id: id.to_owned(),
        item: Item {
            seller_id: Some(format!("S-{id}")),
            description: Some("Bolt".to_owned()),
            ..Item::default()
        },
        quantity: Decimal::from(quantity),
        unit: "C62".to_owned(),
        price: Some(Decimal::from(3)),
        price_base: None,
        tax_percent: None,
        net: None,
        requested_delivery: None,
        backorder_allowed: None,
        note: None,
    }
}

/// The lists that a partner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Orders,
    Responses,
    Notes,
}

impl Stream {
    pub const ALL: [Self; 3] = [Self::Orders, Self::Responses, Self::Notes];

    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Responses => "responses",
            Self::Notes => "notes",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }
}

/// What an operation's request says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub operation: Uuid,
    /// Of this request.
    pub key: Uuid,
    /// Counted from 0.
    pub step: u32,
    pub is_last: bool,
    /// What the partner's order was at when it was asked before.
    pub tag: Option<i64>,
    /// Of the first line of an order of ours.
    pub quantity: Option<u32>,
    pub kind: String,
    pub number: String,
    /// Of the version that is answered.
    pub sequence: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Listed {
    pub bytes: Bytes,
}

pub struct Known {
    pub latest: Wire,
    pub poison: Option<u16>,
}

#[derive(Debug, Clone)]
pub struct Effect {
    pub sent: Sent,
    /// When its request left the engine.
    pub left_at: i64,
    pub at: i64,
}

struct Weather {
    until: i64,
    fault: Fault,
    percent: u64,
}

pub struct Server {
    pub id: String,
    pub plan: PartnerPlan,
    pub plant: Option<Plant>,
    pub lists: [Vec<Listed>; 3],
    pub theirs: Theirs,
    pub orders: BTreeMap<String, Known>,
    pub ledger: Vec<Effect>,
    weather: Vec<Weather>,
    /// Counts the configurations of this partner.
    pub configuration: u32,
    pub is_configuration_broken: bool,
    pub chance: Chance,
    next_number: u32,
}

impl Server {
    pub fn new(index: usize, plan: PartnerPlan, plant: Option<Plant>, chance: Chance) -> Self {
        Self {
            id: format!("p{index}"),
            plan,
            plant,
            lists: Default::default(),
            theirs: Theirs::default(),
            orders: BTreeMap::new(),
            ledger: Vec::new(),
            weather: Vec::new(),
            configuration: 0,
            is_configuration_broken: false,
            chance,
            next_number: 0,
        }
    }

    fn list(&mut self, wire: &Wire) {
        self.put(Stream::Orders, wire);
    }

    pub fn put(&mut self, stream: Stream, item: &impl Serialize) {
        let bytes = serde_json::to_vec(item).expect("JSON").into();
        self.lists[stream as usize].push(Listed { bytes });
    }

    /// A change of an order, or a new one, that is in no list.
    pub fn unlisted(&mut self, chance: &mut Chance) -> Bytes {
        let listed = self.lists[Stream::Orders as usize].len();
        if self.orders.is_empty() || chance.percent(30) {
            self.new_order(None);
        } else {
            self.change(chance, 1);
        }
        let is_longer = self.lists[Stream::Orders as usize].len() > listed;
        match self.lists[Stream::Orders as usize].pop_if(|_| is_longer) {
            Some(listed) => listed.bytes,
            // Each order is cancelled: there is nothing to tell.
            None => Bytes::from_static(b"{}"),
        }
    }

    pub fn new_order(&mut self, poison: Option<u16>) {
        self.next_number += 1;
        let lines = self.chance.between(1, 3);
        let wire = Wire {
            number: format!("PO-{}", self.next_number),
            sequence: 1,
            purpose: Purpose::Original,
            lines: (1..=lines).map(|n| (n.to_string(), 10)).collect(),
        };
        self.list(&wire);
        self.orders.insert(wire.number.clone(), Known { latest: wire, poison });
    }

    /// A change of one of the orders; `versions` at once, the newest first.
    pub fn change(&mut self, chance: &mut Chance, versions: i64) {
        let open = |known: &Known| known.latest.purpose != Purpose::Cancellation;
        let numbers: Vec<String> = self
            .orders
            .iter()
            .filter(|(_, k)| open(k))
            .map(|(n, _)| n.clone())
            .collect();
        if numbers.is_empty() {
            return;
        }
        let number = &numbers[usize::try_from(chance.next()).unwrap_or(0) % numbers.len()];
        let Some(known) = self.orders.get_mut(number) else {
            return;
        };
        let mut made = Vec::new();
        for _ in 0..versions {
            known.latest.sequence += 1;
            known.latest.purpose = Purpose::Change;
            known.latest.lines[0].1 += u32::try_from(chance.between(1, 5)).unwrap_or(1);
            made.push(known.latest.clone());
        }
        for wire in made.iter().rev() {
            self.list(wire);
        }
    }

    pub fn cancel(&mut self, chance: &mut Chance) {
        let numbers: Vec<String> = self.orders.keys().cloned().collect();
        if numbers.is_empty() {
            return;
        }
        let number = &numbers[usize::try_from(chance.next()).unwrap_or(0) % numbers.len()];
        let Some(known) = self.orders.get_mut(number) else {
            return;
        };
        if known.latest.purpose == Purpose::Cancellation {
            return;
        }
        known.latest.sequence += 1;
        known.latest.purpose = Purpose::Cancellation;
        let wire = known.latest.clone();
        self.list(&wire);
    }

    /// Something that is no version.
    pub fn list_broken(&mut self, chance: &mut Chance) {
        let text = format!("{{\"number\": \"PO-{}\", \"oops", chance.next() % 1_000);
        self.lists[Stream::Orders as usize].push(Listed {
            bytes: text.into_bytes().into(),
        });
    }

    /// Something that was listed before.
    pub fn list_again(&mut self, chance: &mut Chance) {
        let listed = &mut self.lists[Stream::Orders as usize];
        if !listed.is_empty() {
            let at = usize::try_from(chance.next()).unwrap_or(0) % listed.len();
            let again = listed[at].clone();
            listed.push(again);
        }
    }

    pub fn set_weather(&mut self, fault: Fault, until: i64, percent: u64) {
        self.weather.push(Weather { until, fault, percent });
    }

    pub fn calm(&mut self) {
        self.weather.clear();
        self.is_configuration_broken = false;
    }

    /// What goes wrong with a request that starts now.
    pub fn fault(&mut self, now: i64, is_fetch: bool, is_send: bool) -> Option<Fault> {
        self.weather.retain(|w| w.until > now);
        let mut hit = None;
        for weather in &self.weather {
            let fits = match weather.fault {
                Fault::SamePage | Fault::Circle | Fault::Again | Fault::Backwards | Fault::Partly => is_fetch,
                Fault::LateStatus(_) | Fault::Status(409 | 412, _) => is_send,
                Fault::Connect | Fault::LoseRequest | Fault::LoseAnswer | Fault::Slow | Fault::Status(..) => true,
            };
            // Drawn for each, so that one fault less does not change what the others do.
            if self.chance.percent(weather.percent) && fits && hit.is_none() {
                hit = Some(weather.fault);
            }
        }
        hit
    }

    /// Of its last request: what came before is no effect of its own.
    pub fn effects_of(&self, operation: Uuid) -> usize {
        let effects = self.ledger.iter();
        effects
            .filter(|e| e.sent.operation == operation && e.sent.is_last)
            .count()
    }

    /// Of one step of an operation, however often its request was made anew.
    pub fn effects_of_step(&self, sent: &Sent) -> usize {
        let effects = self.ledger.iter();
        effects
            .filter(|e| (e.sent.operation, e.sent.step) == (sent.operation, sent.step))
            .count()
    }

    /// A request to do something has arrived. The status that it is answered with.
    pub fn take(&mut self, sent: Sent, left_at: i64, now: i64) -> u16 {
        let forgets = self.plant == Some(Plant::KeyForgotten);
        if self.plan.mode == Mode::Key && !forgets && self.ledger.iter().any(|e| e.sent.key == sent.key) {
            return 200;
        }
        if let Some(known) = self.orders.get(&sent.number) {
            if let Some(status) = known.poison {
                return status;
            }
            if self.plan.strict && sent.sequence.is_some_and(|s| s < known.latest.sequence) {
                return 409;
            }
            if sent.tag.is_some_and(|tag| tag != known.latest.sequence) {
                return 412;
            }
        }
        self.theirs.learn(&sent);
        self.ledger.push(Effect { sent, left_at, at: now });
        200
    }

    /// Whether it has the operation, and whether it shows it.
    pub fn look(&self, key: Uuid, now: i64) -> Option<bool> {
        if self.plant == Some(Plant::LookupLies) {
            return None;
        }
        let effect = self.ledger.iter().find(|e| e.sent.key == key)?;
        Some(!self.plan.verifies || effect.at + SHOWN_AFTER <= now)
    }
}
