//! The buyer's answer to a delivery note.

use super::{AnswerProblem, Problems};
use crate::domain::answer::{HeaderAnswer, ReceiptAdvice, ReceiptLine, RejectReason};
use crate::domain::document::{DespatchAdvice, DespatchLine};
use crate::domain::value::Decimal;
use std::collections::{HashMap, HashSet};

/// Everything that is wrong with `receipt` as an answer to `despatch`. Empty when it may be sent.
pub fn check_receipt(despatch: &DespatchAdvice, receipt: &ReceiptAdvice) -> Vec<AnswerProblem> {
    let mut problems = Problems::default();
    problems.text("/note", receipt.note.as_deref());
    if problems.too_many_lines(receipt.lines.len()) {
        return problems.0;
    }
    if let Some(left) = despatch.despatched_on.filter(|d| receipt.received_on < *d) {
        problems.add(
            "/receivedOn",
            format!("{} lies before the day the goods left ({left})", receipt.received_on),
        );
    }
    let advised: HashMap<&str, &DespatchLine> = despatch.lines.iter().map(|l| (l.id.as_str(), l)).collect();
    let mut seen = HashSet::new();
    for (index, line) in receipt.lines.iter().enumerate() {
        let at = |field: &str| format!("/lines/{index}/{field}");
        problems.text(&at("note"), line.note.as_deref());
        match advised.get(line.line_id.as_str()) {
            None => problems.add(
                at("lineId"),
                format!("the delivery note has no line \"{}\"", line.line_id),
            ),
            Some(_) if !seen.insert(line.line_id.as_str()) => {
                problems.add(at("lineId"), format!("line {} is answered twice", line.line_id));
            }
            Some(advised) => one_line(&at, line, advised, &mut problems),
        }
    }
    for line in despatch.lines.iter().filter(|l| !seen.contains(l.id.as_str())) {
        problems.add("/lines", format!("line {} is not answered: say what arrived", line.id));
    }
    problems.0
}

fn one_line(at: &impl Fn(&str) -> String, line: &ReceiptLine, advised: &DespatchLine, problems: &mut Problems) {
    if line.received < Decimal::ZERO {
        problems.add(at("received"), "the received quantity must not be negative");
        return;
    }
    if let Some(short) = line.short {
        let missing = advised.delivered.saturating_sub(line.received).max(Decimal::ZERO);
        if short != missing {
            problems.add(
                at("short"),
                format!(
                    "{} of {} arrived, so {} are short, not {short}",
                    line.received.normalize(),
                    advised.delivered.normalize(),
                    missing.normalize()
                ),
            );
        }
    }
    let rejected = line.rejected.unwrap_or_default();
    if rejected < Decimal::ZERO {
        problems.add(at("rejected"), "the rejected quantity must not be negative");
    } else if rejected > line.received {
        problems.add(
            at("rejected"),
            "no more can be rejected than arrived: received counts the rejected goods too",
        );
    }
    if rejected > Decimal::ZERO {
        if line.reject_reason.is_none() {
            problems.add(at("rejectReason"), "rejected goods need a reason: choose one");
        }
        if line.action.is_none() {
            problems.add(
                at("action"),
                "say what the seller shall do: replace, or credit and cancel",
            );
        }
        let unexplained = line.note.as_deref().is_none_or(|n| n.trim().is_empty());
        if line.reject_reason == Some(RejectReason::Other) && unexplained {
            problems.add(at("note"), "reason 99 (other) needs a note that says what it is");
        }
    } else if line.reject_reason.is_some() || line.action.is_some() {
        problems.add(
            at("rejected"),
            "a reason and an action belong to a rejected quantity: give it",
        );
    }
}

/// The header answer that a receipt amounts to: AP all as advised, RE all that arrived refused, CA with differences.
pub fn receipt_code(despatch: &DespatchAdvice, receipt: &ReceiptAdvice) -> HeaderAnswer {
    let by_id: HashMap<&str, &ReceiptLine> = receipt.lines.iter().map(|l| (l.line_id.as_str(), l)).collect();
    let rejected = |l: &ReceiptLine| l.rejected.unwrap_or_default();
    let as_advised = despatch.lines.iter().all(|line| {
        by_id
            .get(line.id.as_str())
            .is_some_and(|r| r.received == line.delivered && rejected(r) == Decimal::ZERO)
    });
    let refused = receipt.lines.iter().all(|r| r.received == rejected(r))
        && receipt.lines.iter().any(|r| rejected(r) > Decimal::ZERO);
    if as_advised {
        HeaderAnswer::AP
    } else if refused {
        HeaderAnswer::RE
    } else {
        HeaderAnswer::CA
    }
}
