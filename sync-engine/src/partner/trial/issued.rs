//! The requests that would carry documents of ours: of an order or delivery note that the trial read, else of a sample.

use super::{TrialOperation, requests};
use crate::domain::document::OrderLine;
use crate::domain::{CanonicalDocument, Decimal, DespatchAdvice, Order, Timestamp};
use crate::partner::expr::trace::traced;
use crate::partner::http::HttpPartner;
use crate::partner::{OutboundKind, PartnerLink, Purpose, RenderInput, Stage};
use serde_json::{Value, json};

/// The requests of each configured operation that carries a document of ours.
pub(super) fn operations(
    link: &HttpPartner,
    read: &[CanonicalDocument],
    prepared: Option<&Value>,
    now: Timestamp,
) -> Vec<TrialOperation> {
    let order = read.iter().find_map(|document| match document {
        CanonicalDocument::Order(order) => Some(order.clone()),
        CanonicalDocument::DespatchAdvice(_) => None,
    });
    let Some(order) = order.or_else(|| sample(now)) else {
        return Vec::new();
    };
    let kinds = link.operations().iter();
    kinds
        .flat_map(|kind| operation(link, *kind, (&order, prepared), now))
        .collect()
}

fn operation(
    link: &HttpPartner,
    kind: OutboundKind,
    (order, prepared): (&Order, Option<&Value>),
    now: Timestamp,
) -> Vec<TrialOperation> {
    let whole = CanonicalDocument::Order(order.clone());
    let (document, previous, of_order) = match kind {
        OutboundKind::Acknowledge
        | OutboundKind::Confirm
        | OutboundKind::Reject
        | OutboundKind::Counter
        | OutboundKind::Receipt => return Vec::new(),
        OutboundKind::Submit => (whole, None, None),
        OutboundKind::Update => (changed(order), Some(whole), None),
        OutboundKind::Cancel => {
            let cancel_reason = Some("No longer needed".to_owned());
            let cancelled = Order {
                cancel_reason,
                ..order.clone()
            };
            (CanonicalDocument::Order(cancelled), Some(whole), None)
        }
        OutboundKind::Close => (whole.clone(), Some(whole), None),
        OutboundKind::Despatch => match note(order, now) {
            Some(note) => (CanonicalDocument::DespatchAdvice(note), None, Some(whole)),
            None => return Vec::new(),
        },
    };
    // What the partner's answer to `submit` would have said: there is no such answer.
    let partner_ref = json!({"id": "ID-AT-THE-PARTNER", "etag": "ETAG", "version": "1"});
    let answer = match kind {
        OutboundKind::Update => json!({"purpose": Purpose::Change}),
        OutboundKind::Cancel => json!({"purpose": Purpose::Cancellation}),
        OutboundKind::Close => json!({}),
        _ => json!({"purpose": Purpose::Original}),
    };
    let input = RenderInput {
        operation_id: uuid::Uuid::nil(),
        kind,
        answer: &answer,
        document: &document,
        previous: previous.as_ref(),
        order: of_order.as_ref(),
        revision: Some(if previous.is_some() { "2" } else { "1" }),
        partner_ref: previous.is_some().then_some(&partner_ref),
        payload: b"null",
        answered_at: now,
        stage: Stage::default(),
    };
    let (made, read) = traced(|| requests::shown(link, &input, prepared));
    requests::told(made, kind, &Value::Null, (&document, &read))
}

/// The first line with one more, the last of several left out, and a new one: every kind of change.
fn changed(order: &Order) -> CanonicalDocument {
    let mut order = order.clone();
    if order.lines.len() > 1 {
        order.lines.pop();
    }
    let added = order.lines.first().cloned().map(|line| OrderLine {
        id: "NEW".to_owned(),
        ..line
    });
    if let Some(line) = order.lines.first_mut() {
        line.quantity = more(line.quantity);
    }
    order.lines.extend(added);
    CanonicalDocument::Order(order)
}

fn more(quantity: Decimal) -> Decimal {
    quantity.checked_add(Decimal::ONE).unwrap_or(quantity)
}

fn sample(now: Timestamp) -> Option<Order> {
    let order = json!({
        "number": "SAMPLE-1", "issuedAt": now.to_rfc3339(), "currency": "EUR",
        "buyer": {"id": "B-1", "name": "Sample buyer"}, "seller": {"id": "S-1", "name": "Sample seller"},
        "lines": [{
            "id": "1", "item": {"sellerId": "A-100", "buyerId": "100", "description": "Sample"},
            "quantity": "10", "unit": "C62", "price": "2.50",
        }],
    });
    serde_json::from_value(order).ok()
}

fn note(order: &Order, now: Timestamp) -> Option<DespatchAdvice> {
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            json!({
                "id": line.id, "orderNumber": order.number, "orderLineId": line.id, "item": line.item,
                "delivered": line.quantity, "unit": line.unit,
            })
        })
        .collect();
    let day: String = now.to_rfc3339().chars().take(10).collect();
    let note = json!({
        "number": "SAMPLE-NOTE-1", "issuedAt": now.to_rfc3339(), "despatchedOn": day, "carrier": "CARRIER", "trackingId": "TRACKING-1",
        "buyer": order.buyer, "seller": order.seller, "shipTo": order.ship_to, "lines": lines,
    });
    serde_json::from_value(note).ok()
}
