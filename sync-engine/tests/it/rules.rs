//! Every business rule of a partner's configuration, through the whole engine: what happens with the rule, and without.

use crate::exchange_world::reject;
use crate::rules_world::{Trader, counter, header, line, note, ours};
use serde_json::json;
use sync_engine::domain::LineAnswerCode::{Accepted, Changed, Rejected};
use sync_engine::domain::{ChainState, DocumentKind, HeaderAnswer, VersionNumber};
use sync_engine::engine::{DoubtCode, Issue, PossibleAct};
use sync_engine::store::{OperationKind, QuarantineQuery};

fn refused(code: &str, pointers: &[&str]) -> (String, Vec<String>) {
    (code.to_owned(), pointers.iter().map(|p| (*p).to_owned()).collect())
}

impl Trader {
    /// Why payloads were set aside, newest first.
    fn quarantined(&self) -> Vec<String> {
        let page = self.engine.store().list_quarantine(&QuarantineQuery {
            company: self.engine.company().clone(),
            partner: None,
            state: None,
            cursor: None,
            limit: 50,
        });
        let rows = page.expect("readable").items.into_iter();
        rows.flat_map(|r| r.problems)
            .map(|p| format!("{}: {}", p.pointer, p.message))
            .collect()
    }

    /// An order of ours that the partner has.
    async fn bought(&self, number: &str) -> sync_engine::store::DocumentRow {
        let issued = self.issues(ours(number, &[("10", "8"), ("20", "5")])).await;
        let issued = issued.expect("sent");
        self.engine.store().document(issued.document).unwrap().expect("there")
    }

    async fn they_answer(&self, number: &str, no: &str, code: &str, lines: serde_json::Value) {
        self.lists(
            "/answers",
            json!({"id": number, "no": no, "rev": "1", "code": code, "lines": lines}),
        )
        .await;
    }
}

#[tokio::test]
async fn missing_lines_rejected() {
    for rule in [false, true] {
        let they = Trader::with(json!({"missingLinesRejected": rule})).await;
        // We sell: a counter-offer that names one line of two.
        let row = they.orders("S-1", 1, &[("10", "8"), ("20", "5")]).await;
        let answered = they.answers(&row, counter(&[("10", Changed, Some("6"))])).await;
        if rule {
            answered.expect("taken");
            assert_eq!(they.sent()["lines"][1]["answers"], json!([{"code": "Rejected"}]));
            assert_eq!(they.lines(&row), ["10 6"]);
        } else {
            assert_eq!(answered.unwrap_err(), refused("answer.incomplete", &["/lines"]));
        }
        // We buy: they leave out a line.
        let row = they.bought("B-1").await;
        they.they_answer("B-1", "1", "CA", json!([{"n": "10", "code": "Changed", "qty": "6"}]))
            .await;
        let expected: &[&str] = if rule { &["10 6"] } else { &["10 6", "20 5"] };
        assert_eq!(they.lines(&row), expected);
    }
}

#[tokio::test]
async fn rejected_line_final() {
    for rule in [false, true] {
        let they = Trader::with(json!({"rejectedLineFinal": rule})).await;
        let row = they.orders("S-1", 1, &[("10", "8"), ("20", "5")]).await;
        let first = counter(&[("10", Accepted, None), ("20", Rejected, None)]);
        they.answers(&row, first).await.expect("taken");
        let back = counter(&[("10", Changed, Some("7")), ("20", Accepted, None)]);
        let (countered, confirmed) = (
            they.answers(&row, back).await,
            they.answers(&row, header(HeaderAnswer::AP)).await,
        );
        if rule {
            assert_eq!(countered.unwrap_err(), refused("answer.incomplete", &["/lines/1/code"]));
            assert_eq!(confirmed.unwrap_err(), refused("answer.incomplete", &["/code"]));
        } else {
            countered.expect("taken");
            confirmed.expect("taken");
        }
        // Of a seller's answers too: what breaks the seller's own rule waits for a person.
        let row = they.bought("B-1").await;
        let lines = json!([{"n": "10", "code": "Accepted"}, {"n": "20", "code": "Rejected"}]);
        they.they_answer("B-1", "1", "CA", lines).await;
        assert_eq!(they.lines(&row), ["10 8"]);
        they.they_answer("B-1", "2", "AP", json!([])).await;
        if rule {
            let set_aside = they.quarantined();
            assert!(
                set_aside[0].starts_with("/code: line 20 was rejected before"),
                "{set_aside:?}"
            );
            assert_eq!(they.again(&row).state, ChainState::CounterOpen);
        } else {
            assert_eq!(they.again(&row).state, ChainState::Confirmed);
        }
    }
}

#[tokio::test]
async fn answer_update() {
    for rule in ["whole", "per-line"] {
        let they = Trader::with(json!({"answerUpdate": rule})).await;
        let row = they.orders("S-1", 1, &[("10", "8"), ("20", "5")]).await;
        let first = counter(&[("10", Changed, Some("6")), ("20", Changed, Some("4"))]);
        they.answers(&row, first).await.expect("taken");
        let second = they.answers(&row, counter(&[("20", Changed, Some("3"))])).await;
        let third = they.answers(&row, counter(&[("10", Changed, Some("7"))])).await;
        if rule == "per-line" {
            second.expect("taken");
            third.expect("taken");
            assert_eq!(they.lines(&row), ["10 7", "20 3"], "each line as it was answered last");
            let quantities = they.engine.line_quantities(row.id).expect("readable");
            let confirmed: Vec<_> = quantities.iter().map(|q| q.confirmed.to_string()).collect();
            assert_eq!(confirmed, ["7", "3"]);
        } else {
            assert_eq!(second.unwrap_err(), refused("answer.incomplete", &["/lines"]));
            assert_eq!(third.unwrap_err(), refused("answer.incomplete", &["/lines"]));
        }
        let row = they.bought("B-1").await;
        let line = |n: &str, qty: &str| json!({"n": n, "code": "Changed", "qty": qty});
        they.they_answer("B-1", "1", "CA", json!([line("10", "6"), line("20", "4")]))
            .await;
        they.they_answer("B-1", "2", "CA", json!([line("20", "3")])).await;
        let expected = if rule == "per-line" {
            ["10 6", "20 3"]
        } else {
            ["10 8", "20 3"]
        };
        assert_eq!(they.lines(&row), expected);
    }
}

#[tokio::test]
async fn answer_deadline_hours() {
    for (rules, due) in [
        (json!({}), None),
        (json!({"answerDeadlineHours": 48}), Some("2026-03-04T08:00:00.000Z")),
    ] {
        let they = Trader::with(rules).await;
        let row = they.orders("S-1", 1, &[("10", "8")]).await;
        assert_eq!(row.answer_due.map(|t| t.to_rfc3339()).as_deref(), due);
    }
}

#[tokio::test]
async fn on_change() {
    for (rule, agreed, state) in [
        ("keep-agreed", Some(VersionNumber(1)), ChainState::ChangePending),
        ("drop-agreed", None, ChainState::Issued),
    ] {
        let they = Trader::with(json!({"onChange": rule, "answerUpdate": "per-line"})).await;
        let row = they.orders("S-1", 1, &[("10", "8"), ("20", "5")]).await;
        they.answers(&row, header(HeaderAnswer::AP)).await.expect("taken");
        let row = they.orders("S-1", 2, &[("10", "9"), ("20", "5")]).await;
        assert_eq!((row.agreed, row.state), (agreed, state));
        // What was said of line 20, which stayed as it was, is kept or dropped likewise.
        let answered = they.answers(&row, counter(&[("10", Changed, Some("7"))])).await;
        match agreed {
            Some(_) => answered.expect("taken"),
            None => assert_eq!(answered.unwrap_err(), refused("answer.incomplete", &["/lines"])),
        }
    }
}

#[tokio::test]
async fn changes_blocked_once_shipped_of_the_buyers_changes() {
    for (rule, on_change) in [(false, "keep-agreed"), (true, "keep-agreed"), (true, "drop-agreed")] {
        let they = Trader::with(json!({"changesBlockedOnceShipped": rule, "onChange": on_change})).await;
        let row = they.orders("S-1", 1, &[("10", "8"), ("20", "5")]).await;
        they.answers(&row, header(HeaderAnswer::AP)).await.expect("taken");
        they.issues(note("N-1", "S-1", &[("10", "2")])).await.expect("sent");
        // The change is kept in any case, and leaves what is agreed.
        let row = they.orders("S-1", 2, &[("10", "9"), ("20", "5")]).await;
        assert_eq!((row.current, row.agreed), (VersionNumber(2), Some(VersionNumber(1))));
        assert_eq!(row.state, ChainState::ChangePending);
        let confirmed = they.answers(&row, header(HeaderAnswer::AP)).await;
        if !rule {
            assert_eq!(they.doubts(&row), []);
            confirmed.expect("taken");
            continue;
        }
        assert_eq!(they.doubts(&row), [(DoubtCode::ChangeAfterShipment, String::new())]);
        assert_eq!(confirmed.unwrap_err(), refused("answer.refused", &[]));
        let countered = they
            .answers(&row, counter(&[("10", Changed, Some("8")), ("20", Accepted, None)]))
            .await;
        assert_eq!(countered.unwrap_err(), refused("answer.refused", &[]));
        they.answers(&row, reject()).await.expect("taken");
        let row = they.again(&row);
        assert_eq!((row.agreed, row.state), (Some(VersionNumber(1)), ChainState::Confirmed));
    }
}

#[tokio::test]
async fn changes_blocked_once_shipped_of_our_own_changes() {
    for rule in [false, true] {
        let they = Trader::with(json!({"changesBlockedOnceShipped": rule})).await;
        let row = they.bought("B-1").await;
        they.they_answer("B-1", "1", "AP", json!([])).await;
        let possible = |row: &_| {
            they.engine
                .possible(&they.again(row), &they.chain(row))
                .expect("readable")
        };
        assert!(possible(&row).contains(&PossibleAct::Change));
        they.delivers("N-1", "B-1", &[("10", "3")]).await;
        assert_eq!(possible(&row).contains(&PossibleAct::Change), !rule);
        let content = ours("B-1", &[("10", "9"), ("20", "5")]);
        let changed = they.acts(&row, Issue::Change { content }).await;
        if rule {
            assert_eq!(changed.unwrap_err(), refused("document.invalid", &[""]));
            assert_eq!(they.again(&row).current, VersionNumber(1));
        } else {
            assert_eq!(changed.expect("sent").kind, OperationKind::Update);
        }
    }
}

#[tokio::test]
async fn sequence_counts() {
    for rule in [true, false] {
        let they = Trader::with(json!({"sequenceCounts": rule})).await;
        they.orders("S-1", 1, &[("10", "8")]).await;
        let row = they.orders("S-1", 3, &[("10", "9")]).await;
        assert_eq!(row.gap, rule);
    }
}

#[tokio::test]
async fn on_counter_refused() {
    for (rule, kind, state) in [
        ("hand-back", OperationKind::Update, ChainState::Issued),
        ("cancel-order", OperationKind::Cancel, ChainState::CancelPending),
    ] {
        let they = Trader::with(json!({"onCounterRefused": rule})).await;
        let row = they.bought("B-1").await;
        let lines = json!([{"n": "10", "code": "Changed", "qty": "6"}, {"n": "20", "code": "Accepted"}]);
        they.they_answer("B-1", "1", "CA", lines).await;
        let sent = they
            .acts(&row, Issue::RefuseCounter { reason: None })
            .await
            .expect("sent");
        assert_eq!((sent.kind, they.again(&row).state), (kind, state));
        assert_eq!(they.lines(&row), ["10 8", "20 5"]);
    }
}

#[tokio::test]
async fn over_delivery_percent() {
    for (rules, most) in [(json!({}), "100"), (json!({"overDeliveryPercent": 25}), "10")] {
        let they = Trader::with(rules).await;
        let row = they.orders("S-1", 1, &[("10", "8")]).await;
        they.answers(&row, header(HeaderAnswer::AP)).await.expect("taken");
        they.issues(note("N-1", "S-1", &[("10", most)])).await.expect("sent");
        let more = they.issues(note("N-2", "S-1", &[("10", "1")])).await;
        // Of what comes to us it is said, and the note is kept.
        they.bought("B-1").await;
        let came = they.delivers("N-3", "B-1", &[("10", "11")]).await;
        if most == "10" {
            assert_eq!(more.unwrap_err(), refused("document.invalid", &["/lines/0/delivered"]));
            assert_eq!(
                they.doubts(&came),
                [(DoubtCode::OverDelivery, "/lines/0/delivered".to_owned())]
            );
            assert_eq!(they.doubtful_lines(&came), [Some("10".into())]);
        } else {
            more.expect("sent");
            assert_eq!(they.doubts(&came), []);
        }
        assert!(came.needs_answer);
    }
}

#[tokio::test]
async fn quantity_and_price_tolerance() {
    for (rules, bounded) in [
        (json!({}), false),
        (
            json!({"quantityTolerancePercent": 10, "priceTolerancePercent": 4}),
            true,
        ),
    ] {
        let they = Trader::with(rules).await;
        let row = they.orders("S-1", 1, &[("10", "100"), ("20", "5")]).await;
        let near = counter(&[("10", Changed, Some("110")), ("20", Accepted, None)]);
        they.answers(&row, near).await.expect("within");
        let mut far = counter(&[("10", Changed, Some("89")), ("20", Changed, None)]);
        far.lines[1].price = Some("2.61".parse().unwrap());
        let answered = they.answers(&row, far).await;
        they.bought("B-1").await;
        let lines =
            json!([{"n": "10", "code": "Changed", "qty": "7"}, {"n": "20", "code": "Changed", "price": "2.61"}]);
        they.they_answer("B-1", "1", "CA", lines).await;
        let theirs = they.row(DocumentKind::Order, "B-1");
        assert_eq!(theirs.state, ChainState::CounterOpen, "it is kept in any case");
        let pointers = ["/lines/0/quantity", "/lines/1/price"];
        if bounded {
            assert_eq!(answered.unwrap_err(), refused("answer.incomplete", &pointers));
            assert_eq!(
                they.doubts(&theirs),
                pointers.map(|p| (DoubtCode::Tolerance, p.to_owned()))
            );
            assert_eq!(they.doubtful_lines(&theirs), [Some("10".into()), Some("20".into())]);
        } else {
            answered.expect("taken");
            assert_eq!(they.doubts(&theirs), []);
        }
    }
}

#[tokio::test]
async fn amount_tolerance_minor_units() {
    for (rules, apart) in [
        (json!({}), vec!["/lines/0/net", "/totals/net"]),
        (json!({"amountToleranceMinorUnits": 3}), vec!["/totals/net"]),
        (json!({"amountToleranceMinorUnits": 100}), vec![]),
    ] {
        let they = Trader::with(rules).await;
        let mut first = line("10", "8");
        first["net"] = json!("20.02");
        let order = json!({"id": "S-1", "rev": "1", "lines": [first, line("20", "4")], "net": "30.50"});
        let mut order = order;
        order["lines"][1]["net"] = json!("10.00");
        they.lists("/orders", order).await;
        let row = they.row(DocumentKind::Order, "S-1");
        let found: Vec<_> = they.doubts(&row).into_iter().collect();
        let expected: Vec<_> = apart.iter().map(|p| (DoubtCode::Amounts, (*p).to_owned())).collect();
        assert_eq!(found, expected);
        let lines = apart.iter().map(|p| p.contains("lines").then(|| "10".to_owned()));
        assert_eq!(they.doubtful_lines(&row), lines.collect::<Vec<_>>());
        assert_eq!(row.doubtful, !apart.is_empty(), "the list says so too");
        // It is shown; the order is here and can be answered as ever.
        assert!(row.needs_answer);
        they.answers(&row, header(HeaderAnswer::AP)).await.expect("taken");
    }
}

/// A member of the rules that no test above changes would be one that may have no effect.
#[test]
fn every_rule_has_its_test() {
    let rules = serde_json::to_value(sync_engine::domain::PartnerRules {
        answer_deadline_hours: Some(1),
        over_delivery_percent: Some(1),
        quantity_tolerance_percent: Some(1),
        price_tolerance_percent: Some(1),
        ..Default::default()
    })
    .unwrap();
    let tests = include_str!("rules.rs");
    for name in rules.as_object().unwrap().keys() {
        assert!(tests.contains(&format!("\"{name}\":")), "{name} has no test");
    }
}
