//! The requests that would carry documents of ours: of an order or delivery note that the trial read, else of a sample.

use super::{TrialOperation, requests};
use crate::domain::document::OrderLine;
use crate::domain::{CanonicalDocument, Decimal, DespatchAdvice, Order, Timestamp};
use crate::partner::expr::trace::traced;
use crate::partner::http::HttpPartner;
use crate::partner::{OutboundKind, PartnerLink, Purpose, RenderInput, Stage};
use serde_json::{Value, json};

/// The requests of each configured operation that carries a document of ours. `read` are the documents that the trial
/// read, each with what its map kept for later requests.
pub(super) fn operations(
    link: &HttpPartner,
    read: &[(CanonicalDocument, Option<Value>)],
    prepared: Option<&Value>,
    now: Timestamp,
) -> Vec<TrialOperation> {
    let order = read.iter().find_map(|(document, kept)| match document {
        CanonicalDocument::Order(order) => Some((order.clone(), kept.clone())),
        CanonicalDocument::DespatchAdvice(_) => None,
    });
    let Some(order) = order.or_else(|| Some((sample(now)?, Some(called())))) else {
        return Vec::new();
    };
    let kinds = link.operations();
    let issues = |kind| kinds.contains(&kind);
    let notes = issues(OutboundKind::Despatch);
    let mut told = Vec::new();
    for kind in kinds {
        let of_order = issues(OutboundKind::Submit) || !notes;
        if *kind != OutboundKind::Despatch && of_order {
            told.extend(of_an_order(*kind, &order.0).map(|made| shown(link, *kind, &made, &order, prepared, now)));
        }
        if *kind != OutboundKind::Submit && notes {
            let made = note(&order.0, now).and_then(|note| of_a_note(*kind, note));
            told.extend(made.map(|made| shown(link, *kind, &made, &order, prepared, now)));
        }
    }
    told.into_iter().flatten().collect()
}

/// What the partner's answer to the first request would have said: there is no such answer.
fn called() -> Value {
    json!({"id": "ID-AT-THE-PARTNER", "etag": "ETAG", "version": "1"})
}

/// What is issued, and the version before it.
struct Issue {
    document: CanonicalDocument,
    previous: Option<CanonicalDocument>,
}

fn of_an_order(kind: OutboundKind, order: &Order) -> Option<Issue> {
    let whole = CanonicalDocument::Order(order.clone());
    let cancelled = || {
        CanonicalDocument::Order(Order {
            cancel_reason: Some("No longer needed".to_owned()),
            ..order.clone()
        })
    };
    let (document, previous) = match kind {
        OutboundKind::Submit => (whole, None),
        OutboundKind::Update => (changed(order), Some(whole)),
        OutboundKind::Cancel => (cancelled(), Some(whole)),
        OutboundKind::Close => (whole.clone(), Some(whole)),
        _ => return None,
    };
    Some(Issue { document, previous })
}

fn of_a_note(kind: OutboundKind, note: DespatchAdvice) -> Option<Issue> {
    let whole = CanonicalDocument::DespatchAdvice(note.clone());
    let with = |change: fn(&mut DespatchAdvice)| {
        let mut note = note.clone();
        change(&mut note);
        CanonicalDocument::DespatchAdvice(note)
    };
    let (document, previous) = match kind {
        OutboundKind::Despatch => (whole, None),
        OutboundKind::Update => (
            with(|note| note.tracking_id = Some("TRACKING-2".to_owned())),
            Some(whole),
        ),
        OutboundKind::Cancel => (
            with(|note| note.cancel_reason = Some("No longer needed".to_owned())),
            Some(whole),
        ),
        OutboundKind::Close => (whole.clone(), Some(whole)),
        _ => return None,
    };
    Some(Issue { document, previous })
}

fn shown(
    link: &HttpPartner,
    kind: OutboundKind,
    Issue { document, previous }: &Issue,
    (order, order_ref): &(Order, Option<Value>),
    prepared: Option<&Value>,
    now: Timestamp,
) -> Vec<TrialOperation> {
    let answer = match kind {
        OutboundKind::Update => json!({"purpose": Purpose::Change}),
        OutboundKind::Cancel => json!({"purpose": Purpose::Cancellation}),
        OutboundKind::Close => json!({}),
        _ => json!({"purpose": Purpose::Original}),
    };
    let is_note = matches!(document, CanonicalDocument::DespatchAdvice(_));
    let order = is_note.then(|| CanonicalDocument::Order(order.clone()));
    let called = previous.as_ref().map(|_| called());
    let input = RenderInput {
        operation_id: uuid::Uuid::nil(),
        kind,
        answer: &answer,
        document,
        previous: previous.as_ref(),
        order: order.as_ref(),
        order_ref: order_ref.as_ref().filter(|_| is_note),
        revision: Some(if previous.is_some() { "2" } else { "1" }),
        partner_ref: called.as_ref(),
        payload: b"null",
        answered_at: now,
        stage: Stage::default(),
    };
    let (made, read) = traced(|| requests::shown(link, &input, prepared));
    requests::told(made, kind, &Value::Null, (document, &read))
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
