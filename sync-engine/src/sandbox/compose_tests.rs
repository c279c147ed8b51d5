use super::*;

const NOW: i64 = 1_790_000_000_000;

fn schema(text: &str) -> jsonschema::Validator {
    let value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&value)
        .expect("the schema is a schema")
}

fn assert_valid(schema: &jsonschema::Validator, document: &impl serde::Serialize) {
    let value = serde_json::to_value(document).expect("serialises");
    let errors: Vec<String> = schema
        .iter_errors(&value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn everything_composed_is_valid_and_adds_up() {
    let orders = schema(include_str!("../../../configs/partners/sandbox/po.schema.json"));
    let notes = schema(include_str!("../../../configs/partners/sandbox/dn.schema.json"));
    let mut random = Random::new(7);
    for (i, market) in MARKETS.iter().cycle().take(60).enumerate() {
        let first = order(45_000_001 + i as u32, market, 1 + i, NOW, &mut random);
        let second = change(&first, 1, NOW, &mut random);
        let third = handed_back(&second, 2, NOW, &mut random);
        let last = cancellation(&third, 3, NOW, &mut random);
        for version in [&first, &second, &third, &last] {
            assert_valid(&orders, version);
            let net: Decimal = version.lines.iter().map(|l| l.net).sum();
            assert_eq!(net, version.totals.net);
            assert_eq!(version.totals.gross, version.totals.net + version.totals.tax);
            assert_eq!(version.totals.net.scale(), market.decimals);
        }
        let delivery = delivery_note(80_000_001, market, 1 + i % 9, NOW, &mut random);
        assert_valid(&notes, &delivery);
        let replaced = replaced_note(&delivery, NOW, &mut random);
        assert_valid(&notes, &replaced);
        assert_ne!(delivery.lines, replaced.lines);
    }
}

#[test]
fn a_thousand_lines_are_valid() {
    let orders = schema(include_str!("../../../configs/partners/sandbox/po.schema.json"));
    let order = order(1, &MARKETS[6], 5000, NOW, &mut Random::new(1));
    assert_eq!(order.lines.len(), 1000);
    assert_valid(&orders, &order);
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let one = order(1, &MARKETS[2], 12, NOW, &mut Random::new(5));
    let two = order(1, &MARKETS[2], 12, NOW, &mut Random::new(5));
    assert_eq!(one, two);
    assert_ne!(one, order(1, &MARKETS[2], 12, NOW, &mut Random::new(6)));
}

fn answer(line_no: u32, code: &str) -> AnswerLine {
    AnswerLine {
        line_no,
        code: code.into(),
        quantity: None,
        unit_price: None,
        date: None,
        substitute_sku: None,
        description: None,
    }
}

#[test]
fn a_counter_offer_is_restated() {
    let mut random = Random::new(3);
    let base = order(1, &MARKETS[0], 4, NOW, &mut random);
    let quantity = |q: i64, a: AnswerLine| AnswerLine {
        quantity: Some(Decimal::from(q)),
        ..a
    };
    let answers = [
        answer(10, "ACCEPTED"),
        quantity(2, answer(20, "CHANGED")),
        AnswerLine {
            date: Some("2026-12-24".into()),
            ..quantity(3, answer(20, "CHANGED"))
        },
        answer(30, "REJECTED"),
        AnswerLine {
            substitute_sku: Some("PP-110".into()),
            ..answer(40, "SUBSTITUTED")
        },
        AnswerLine {
            substitute_sku: Some("OWN-1".into()),
            ..quantity(1, answer(50, "ADDED"))
        },
    ];
    let restated = restated(&base, 1, &answers, NOW, &mut random);
    assert_eq!(restated.version, 2);
    assert_eq!(restated.supersedes.as_deref(), Some("PO-00000001:1"));
    let lines: Vec<(u32, &str, Decimal)> = restated
        .lines
        .iter()
        .map(|l| (l.line_no, l.sku.as_str(), l.quantity))
        .collect();
    assert_eq!(lines[0], (10, base.lines[0].sku.as_str(), base.lines[0].quantity));
    assert_eq!(lines[1], (20, base.lines[1].sku.as_str(), Decimal::from(2)));
    assert_eq!(lines[2], (50, base.lines[1].sku.as_str(), Decimal::from(3)));
    assert_eq!(lines[3], (40, "PP-110", base.lines[3].quantity));
    assert_eq!(lines[4], (60, "OWN-1", Decimal::ONE));
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_counter_offer_that_leaves_nothing_cancels() {
    let mut random = Random::new(3);
    let base = order(1, &MARKETS[0], 2, NOW, &mut random);
    let answers = [answer(10, "REJECTED"), answer(20, "REJECTED")];
    let restated = restated(&base, 1, &answers, NOW, &mut random);
    assert_eq!(restated.document_type, "PURCHASE_ORDER_CANCEL");
    assert_eq!(restated.lines.len(), 2);
}
