//! Answers that a clerk could give, to show the requests that would carry them.

use crate::domain::{CanonicalDocument, Side, Timestamp};
use crate::partner::OutboundKind;
use serde_json::{Value, json};

/// The answer for an operation on this document: the one given where it fits, else a plausible one. `None` when the
/// operation has nothing to do with the document.
pub(super) fn answer(
    kind: OutboundKind,
    side: Option<Side>,
    document: &CanonicalDocument,
    given: Option<&Value>,
    now: Timestamp,
) -> Option<Value> {
    let plausible = match (kind, document) {
        (OutboundKind::Acknowledge, CanonicalDocument::Order(_)) => json!({"code": "AB"}),
        (OutboundKind::Confirm, CanonicalDocument::Order(_)) => json!({"code": "AP"}),
        (OutboundKind::Reject, CanonicalDocument::Order(_)) => {
            json!({"code": "RE", "reason": {"code": "OTH", "text": "Not available any more"}})
        }
        (OutboundKind::Counter, CanonicalDocument::Order(order)) => {
            let day = day(now);
            let line = |(n, line): (usize, &crate::domain::document::OrderLine)| match n {
                0 => json!({"lineId": line.id, "code": "Changed", "quantity": line.quantity, "date": day}),
                _ => json!({"lineId": line.id, "code": "Accepted"}),
            };
            let lines: Vec<_> = order.lines.iter().enumerate().map(line).collect();
            json!({"code": "CA", "lines": lines})
        }
        (OutboundKind::Receipt, CanonicalDocument::DespatchAdvice(note)) => {
            let lines: Vec<_> = note
                .lines
                .iter()
                .map(|line| json!({"lineId": line.id, "received": line.delivered}))
                .collect();
            json!({"receivedOn": day(now), "lines": lines})
        }
        (
            OutboundKind::Acknowledge | OutboundKind::Confirm | OutboundKind::Reject | OutboundKind::Counter,
            CanonicalDocument::DespatchAdvice(_),
        )
        | (OutboundKind::Receipt, CanonicalDocument::Order(_))
        | (
            OutboundKind::Submit
            | OutboundKind::Update
            | OutboundKind::Cancel
            | OutboundKind::Close
            | OutboundKind::Despatch,
            _,
        ) => return None,
    };
    // We answer orders as their seller and delivery notes as their buyer.
    let ours = match document {
        CanonicalDocument::Order(_) => Side::Seller,
        CanonicalDocument::DespatchAdvice(_) => Side::Buyer,
    };
    if side.is_some_and(|side| side != ours) {
        return None;
    }
    let fits = |given: &&Value| given.get("code") == plausible.get("code");
    Some(given.filter(fits).cloned().unwrap_or(plausible))
}

/// A week from now.
fn day(now: Timestamp) -> String {
    const WEEK_MILLIS: i64 = 7 * 24 * 3600 * 1000;
    now.plus_millis(WEEK_MILLIS).to_rfc3339().chars().take(10).collect()
}
