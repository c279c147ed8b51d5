//! The buyer's receipts, and quantities over a line's life.

use super::LineAnswerCode::{Accepted, Backordered, Rejected};
use super::*;
use crate::domain::answer::{RejectAction, RejectReason};
use crate::domain::check::{check_receipt, receipt_code};
use crate::domain::document::DespatchLine;
use crate::domain::quantity::{change_blocked, line_quantities};

fn note(lines: &[(&str, &str, Option<&str>)]) -> DespatchAdvice {
    DespatchAdvice {
        number: "DN-1".into(),
        revision: None,
        issued_at: None,
        buyer: Party::default(),
        seller: Party::default(),
        ship_to: None,
        despatched_on: Some(day("2026-12-01")),
        expected_delivery: None,
        carrier: None,
        tracking_id: None,
        language: None,
        notes: Vec::new(),
        lines: lines
            .iter()
            .map(|(id, delivered, outstanding)| DespatchLine {
                id: (*id).into(),
                order_number: "PO-1".into(),
                order_line_id: (*id).into(),
                item: Item::default(),
                delivered: dec(delivered),
                outstanding: outstanding.map(dec),
                unit: "EA".into(),
                batch: None,
            })
            .collect(),
        cancel_reason: None,
    }
}

fn arrived(line_id: &str, received: &str) -> ReceiptLine {
    ReceiptLine {
        line_id: line_id.into(),
        received: dec(received),
        short: None,
        rejected: None,
        reject_reason: None,
        action: None,
        note: None,
    }
}

fn refused(line_id: &str, received: &str, rejected: &str) -> ReceiptLine {
    ReceiptLine {
        rejected: Some(dec(rejected)),
        reject_reason: Some(RejectReason::Broken),
        action: Some(RejectAction::Replace),
        ..arrived(line_id, received)
    }
}

fn receipt(lines: Vec<ReceiptLine>) -> ReceiptAdvice {
    ReceiptAdvice {
        received_on: day("2026-12-02"),
        note: None,
        lines,
    }
}

#[test]
fn every_problem_of_a_receipt_is_named() {
    let note = note(&[("10", "60", None), ("20", "5", None)]);
    let cases = [
        ("as advised", receipt(vec![arrived("10", "60"), arrived("20", "5.0")])),
        (
            "one refused",
            receipt(vec![refused("10", "60", "10"), arrived("20", "5")]),
        ),
        (
            "all refused",
            receipt(vec![refused("10", "60", "60"), refused("20", "5", "5")]),
        ),
        ("nothing came", receipt(vec![arrived("10", "0"), arrived("20", "0")])),
        ("a line is missing", receipt(vec![arrived("10", "60")])),
        (
            "twice and unknown",
            receipt(vec![
                arrived("10", "60"),
                arrived("10", "60"),
                arrived("99", "1"),
                arrived("20", "5"),
            ]),
        ),
        (
            "before it left",
            ReceiptAdvice {
                received_on: day("2026-11-30"),
                ..receipt(vec![arrived("10", "60"), arrived("20", "5")])
            },
        ),
        (
            "negative",
            receipt(vec![
                arrived("10", "-1"),
                ReceiptLine {
                    rejected: Some(dec("-1")),
                    ..arrived("20", "5")
                },
            ]),
        ),
        (
            "more refused than came",
            receipt(vec![refused("10", "60", "61"), arrived("20", "5")]),
        ),
        (
            "wrong short",
            receipt(vec![
                ReceiptLine {
                    short: Some(dec("5")),
                    ..arrived("10", "58")
                },
                arrived("20", "5"),
            ]),
        ),
        (
            "refused without reason",
            receipt(vec![
                ReceiptLine {
                    rejected: Some(dec("1")),
                    ..arrived("10", "60")
                },
                arrived("20", "5"),
            ]),
        ),
        (
            "reason without refusal",
            receipt(vec![
                ReceiptLine {
                    rejected: None,
                    ..refused("10", "60", "1")
                },
                arrived("20", "5"),
            ]),
        ),
        (
            "other without note",
            receipt(vec![
                ReceiptLine {
                    reject_reason: Some(RejectReason::Other),
                    ..refused("10", "60", "1")
                },
                arrived("20", "5"),
            ]),
        ),
    ];
    let mut table = String::new();
    for (name, receipt) in cases {
        table += &format!("{name}: {:?}\n", receipt_code(&note, &receipt));
        for problem in check_receipt(&note, &receipt) {
            table += &format!("    {} {}\n", problem.pointer, problem.message);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn quantities_follow_a_line_to_its_end() {
    let answer = counter(vec![
        quantity("10", Accepted, "60"),
        quantity("10", Backordered, "30"),
        quantity("10", Rejected, "10"),
        part("20", Accepted),
        part("30", Rejected),
    ]);
    let first = note(&[("10", "60", None)]);
    let last = note(&[("10", "20", Some("0")), ("20", "5", Some("0"))]);
    let got = receipt(vec![refused("10", "60", "3")]);
    let quantities = line_quantities(&order(), Some(&answer), &[(&first, Some(&got)), (&last, None)]);
    let shown: Vec<String> = quantities
        .iter()
        .map(|q| {
            format!(
                "{}: ordered {} confirmed {} backordered {} rejected {} delivered {} outstanding {} received {} refused {} short {}",
                q.line_id,
                q.ordered,
                q.confirmed,
                q.backordered,
                q.rejected,
                q.delivered,
                q.outstanding,
                q.received,
                q.refused,
                q.closed_short
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "10: ordered 100 confirmed 90 backordered 30 rejected 10 delivered 80 outstanding 0 received 60 refused 3 short 20",
            "20: ordered 5 confirmed 5 backordered 0 rejected 0 delivered 5 outstanding 0 received 0 refused 0 short 0",
            "30: ordered 1 confirmed 0 backordered 0 rejected 1 delivered 0 outstanding 0 received 0 refused 0 short 0",
        ]
    );
    let rules = PartnerRules {
        changes_blocked_once_shipped: true,
        ..PartnerRules::default()
    };
    assert!(change_blocked(&rules, &quantities));
    assert!(!change_blocked(&rules, &line_quantities(&order(), None, &[])));
    assert!(!change_blocked(&PartnerRules::default(), &quantities));
}
