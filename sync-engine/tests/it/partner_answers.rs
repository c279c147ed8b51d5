//! What a partner answers to documents of ours, through the map of a stream.

use crate::partner_link::{connect, secrets};
use serde_json::{Value, json};
use sync_engine::domain::{Answer, DocumentKind, HeaderAnswer, LineAnswerCode, Side};
use sync_engine::partner::{AnswerIntake, HttpPartner, Intake, PartnerLink};

fn partner(stream: Value) -> HttpPartner {
    let config = json!({
        "id": "acme", "name": "Acme", "baseUrl": "https://api.acme.example", "auth": {"type": "none"},
        "codes": {
            "header": {"values": {"open": "AB", "ok": "AP", "no": "RE", "but": "CA"}},
            "line": {"values": {"ok": "Accepted", "other": "Changed", "no": "Rejected", "later": "Backordered", "swap": "Substituted"}},
            "why": {"values": {"price": "PRI", "stock": "QTY"}},
            "refusal": {"values": {"BRK": "Broken"}},
            "act": {"values": {"RPL": "Replace"}}
        },
        "streams": {"answers": stream}
    });
    connect(&config, secrets(&[]))
}

fn responses() -> HttpPartner {
    partner(json!({
        "kind": "orderResponse", "request": {"path": "/answers"}, "items": ".",
        "map": {
            "$when": ".status != \"pending\"",
            "number": ".order", "revision": ".rev", "id": ".no", "issuedAt": ".at", "sequence": ".seq",
            "partnerRef": {"id": ".uid"},
            "code": {"$from": ".status", "$codes": "header"},
            "reason": {"code": {"$from": ".why", "$codes": "why"}, "text": ".words"},
            "note": ".note",
            "lines": {
                "$each": "(.lines // [])[] | .no as $no | (.schedule // [.])[] | . + {no: $no}",
                "lineId": ".no", "code": {"$from": ".state", "$codes": "line"},
                "quantity": ".qty", "price": ".price", "date": ".date",
                "substitute": {"sellerId": ".swap.sku", "description": ".swap.text"},
                "reason": {"$from": ".why", "$codes": "why"}
            }
        }
    }))
}

fn answer(partner: &HttpPartner, payload: &Value) -> Result<AnswerIntake, String> {
    match partner.intake("answers", payload.to_string().as_bytes()) {
        Ok(intake) => intake.into_answer().ok_or_else(|| "no answer".to_owned()),
        Err(error) => {
            let told: Vec<_> = error
                .problems
                .iter()
                .map(|p| format!("{}: {}", p.pointer, p.message))
                .collect();
            Err(format!("{} of {:?}: {}", error.stage, error.number, told.join("; ")))
        }
    }
}

fn order_response(intake: &AnswerIntake) -> &sync_engine::domain::OrderResponse {
    match &intake.answer {
        Answer::OrderResponse(response) => response,
        Answer::ReceiptAdvice(_) => panic!("a receipt"),
    }
}

#[test]
fn an_answer_with_changes_says_everything_of_its_lines() {
    let partner = responses();
    let stream = &partner.streams()[0];
    assert_eq!(
        (stream.kind, stream.answers, stream.side),
        (DocumentKind::Order, true, Side::Buyer)
    );
    let payload = json!({
        "order": "4711", "rev": 2, "no": "AB-9", "at": "2026-11-20T08:00:00Z", "seq": 17, "uid": "x-1", "status": "but",
        "note": "see below", "words": "in parts",
        "lines": [
            {"no": 1, "schedule": [
                {"state": "ok", "qty": "6", "date": "2026-12-01"},
                {"state": "later", "qty": "4.50", "date": "2026-12-15"}
            ]},
            {"no": 2, "state": "other", "price": "12.340", "why": "price"},
            {"no": 3, "state": "swap", "swap": {"sku": "B-2", "text": "Successor"}},
            {"no": 4, "state": "no", "why": "stock"}
        ]
    });
    let got = answer(&partner, &payload).unwrap();
    assert_eq!(
        (got.number.as_str(), got.revision.as_deref(), got.id.as_deref()),
        ("4711", Some("2"), Some("AB-9"))
    );
    assert_eq!(
        (got.sequence, got.partner_ref.clone()),
        (Some(17), Some(json!({"id": "x-1"})))
    );
    assert_eq!(got.issued_at.unwrap().to_rfc3339(), "2026-11-20T08:00:00.000Z");
    assert_eq!(
        serde_json::to_value(order_response(&got)).unwrap(),
        json!({
            "code": "CA", "note": "see below", "reason": {"code": "OTH", "text": "in parts"},
            "lines": [
                {"lineId": "1", "code": "Accepted", "quantity": "6", "date": "2026-12-01"},
                {"lineId": "1", "code": "Backordered", "quantity": "4.50", "date": "2026-12-15"},
                {"lineId": "2", "code": "Changed", "price": "12.340", "reason": {"code": "PRI"}},
                {"lineId": "3", "code": "Substituted", "substitute": {"sellerId": "B-2", "description": "Successor"}},
                {"lineId": "4", "code": "Rejected", "reason": {"code": "QTY"}}
            ]
        })
    );
}

#[test]
fn the_answer_as_a_whole_and_its_lines_complete_each_other() {
    let partner = responses();
    let code = |payload: Value| {
        answer(&partner, &payload).map(|a| {
            let response = order_response(&a);
            (response.code, response.lines.iter().map(|l| l.code).collect::<Vec<_>>())
        })
    };
    let lines = |states: &[&str]| -> Vec<Value> {
        states
            .iter()
            .enumerate()
            .map(|(n, s)| json!({"no": n, "state": s}))
            .collect()
    };
    use HeaderAnswer::{AB, AP, CA, RE};
    use LineAnswerCode::{Accepted, Changed, Rejected};
    assert_eq!(code(json!({"order": "1", "status": "open"})), Ok((AB, vec![])));
    assert_eq!(
        code(json!({"order": "1", "lines": lines(&["ok", "ok"])})),
        Ok((AP, vec![Accepted; 2]))
    );
    assert_eq!(
        code(json!({"order": "1", "lines": lines(&["no", "no"])})),
        Ok((RE, vec![Rejected; 2]))
    );
    assert_eq!(
        code(json!({"order": "1", "lines": lines(&["ok", "other"])})),
        Ok((CA, vec![Accepted, Changed]))
    );
    assert_eq!(
        code(json!({"order": "1", "status": "ok", "lines": [{"no": 1}]})),
        Ok((AP, vec![Accepted]))
    );
    assert_eq!(
        code(json!({"order": "1", "status": "no", "lines": [{"no": 1}]})),
        Ok((RE, vec![Rejected]))
    );
    let refused = code(json!({"order": "1", "status": "but", "lines": [{"no": 1}]})).unwrap_err();
    assert!(refused.contains("the line's code is missing"), "{refused}");
    let refused = code(json!({"order": "1"})).unwrap_err();
    assert!(refused.contains("the answer's code is missing"), "{refused}");
    let refused = code(json!({"status": "ok"})).unwrap_err();
    assert!(
        refused.contains("/order: the number of the order that is answered is missing"),
        "{refused}"
    );
}

#[test]
fn what_the_map_says_is_nothing_to_us_is_skipped() {
    let payload = json!({"order": "1", "status": "pending"}).to_string();
    assert_eq!(responses().intake("answers", payload.as_bytes()), Ok(Intake::Skipped));
}

#[test]
fn a_receipt_says_what_arrived() {
    let partner = partner(json!({
        "kind": "receiptAdvice", "request": {"path": "/receipts"}, "items": ".",
        "map": {
            "number": ".note", "receivedOn": ".on", "note": ".text",
            "lines": {
                "$each": ".lines", "lineId": ".no", "received": ".got", "short": ".short", "rejected": ".bad",
                "rejectReason": {"$from": ".why", "$codes": "refusal"}, "action": {"$from": ".do", "$codes": "act"}, "note": ".text"
            }
        }
    }));
    let stream = &partner.streams()[0];
    assert_eq!(
        (stream.kind, stream.answers, stream.side),
        (DocumentKind::DespatchAdvice, true, Side::Seller)
    );
    let payload = json!({
        "note": "LS-1", "on": "2026-11-20T23:00:00+01:00", "text": "all in all",
        "lines": [{"no": 1, "got": "10.0"}, {"no": 2, "got": 8, "short": 2, "bad": "1.5", "why": "BRK", "do": "RPL", "text": "wet"}]
    });
    let got = answer(&partner, &payload).unwrap();
    assert_eq!(
        (got.number.as_str(), got.answer.kind()),
        ("LS-1", DocumentKind::DespatchAdvice)
    );
    let Answer::ReceiptAdvice(receipt) = &got.answer else {
        panic!("{got:?}");
    };
    assert_eq!(
        serde_json::to_value(receipt).unwrap(),
        json!({
            "receivedOn": "2026-11-20", "note": "all in all",
            "lines": [
                {"lineId": "1", "received": "10.0"},
                {"lineId": "2", "received": "8", "short": "2", "rejected": "1.5", "rejectReason": "Broken", "action": "Replace", "note": "wet"}
            ]
        })
    );
    let twice = json!({"note": "LS-1", "on": "2026-11-20", "lines": [{"no": 1, "got": 1}, {"no": 1, "got": 1}]});
    let refused = answer(&partner, &twice).unwrap_err();
    assert!(refused.contains("line id \"1\" appears twice"), "{refused}");
}
