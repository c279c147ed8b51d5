//! Tests of answers, counter-offers, differences, money and quantities on one small order.

mod amounts;
mod answers;
mod receipts;

use super::document::{DateRange, Item, OrderLine, Party};
use super::money::{line_net, totals};
use super::*;

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().expect("a literal of this file")
}

pub(super) fn day(text: &str) -> Date {
    text.parse().expect("a literal of this file")
}

pub(super) fn line(id: &str, quantity: &str, price: &str) -> OrderLine {
    let mut line = OrderLine {
        id: id.into(),
        item: Item {
            description: Some(format!("Item {id}")),
            ..Item::default()
        },
        quantity: dec(quantity),
        unit: "EA".into(),
        price: Some(dec(price)),
        price_base: None,
        tax_percent: Some(dec("19")),
        net: None,
        requested_delivery: Some(DateRange {
            first: day("2026-12-01"),
            last: day("2026-12-05"),
        }),
        backorder_allowed: (id == "30").then_some(false),
        note: None,
    };
    line.net = line_net(&line, &eur());
    line
}

pub(super) fn eur() -> Currency {
    Currency::parse("EUR").expect("a literal of this file")
}

pub(super) fn order() -> Order {
    let mut order = Order {
        number: "PO-1".into(),
        revision: Some("1".into()),
        issued_at: Some(Timestamp(1_763_700_000_000)),
        currency: eur(),
        buyer: Party::default(),
        seller: Party::default(),
        ship_to: None,
        bill_to: None,
        requested_delivery: None,
        payment_terms: None,
        delivery_terms: None,
        language: None,
        references: Vec::new(),
        notes: Vec::new(),
        lines: vec![
            line("10", "100", "2.50"),
            line("20", "5", "19.99"),
            line("30", "1", "7"),
        ],
        totals: None,
        cancel_reason: None,
    };
    order.totals = totals(&order);
    order
}

pub(super) fn part(line_id: &str, code: LineAnswerCode) -> LineAnswer {
    LineAnswer {
        line_id: line_id.into(),
        code,
        quantity: None,
        price: None,
        date: None,
        substitute: None,
        reason: None,
    }
}

pub(super) fn quantity(line_id: &str, code: LineAnswerCode, quantity: &str) -> LineAnswer {
    LineAnswer {
        quantity: Some(dec(quantity)),
        ..part(line_id, code)
    }
}

pub(super) fn counter(lines: Vec<LineAnswer>) -> OrderResponse {
    OrderResponse {
        code: HeaderAnswer::CA,
        reason: None,
        note: None,
        lines,
    }
}

pub(super) fn header(code: HeaderAnswer) -> OrderResponse {
    OrderResponse {
        code,
        ..counter(Vec::new())
    }
}
