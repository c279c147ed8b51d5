//! Money, and differences between two versions.

use super::*;
use crate::domain::diff::{FieldChange, VersionDiff, diff};
use crate::domain::document::Totals;
use crate::domain::money::check_amounts;

#[test]
fn amounts_round_half_away_from_zero_per_line_and_tax_per_rate() {
    let money = |text: &str| Money::from_decimal(dec(text), &eur()).map(|m| m.minor);
    assert_eq!(money("0.005"), Some(1));
    assert_eq!(money("-0.005"), Some(-1));
    assert_eq!(money("0.0049999"), Some(0));
    assert_eq!(money("79228162514264337593543950335"), None);
    let yen = Currency::parse("JPY").expect("a literal");
    assert_eq!(Money::from_decimal(dec("10.5"), &yen).map(|m| m.minor), Some(11));
    let mut per_hundred = line("10", "250", "3.33");
    per_hundred.price_base = Some(dec("100"));
    assert_eq!(line_net(&per_hundred, &eur()).map(|m| m.minor), Some(833));
    per_hundred.price_base = Some(Decimal::ZERO);
    assert_eq!(line_net(&per_hundred, &eur()), None);
    let totals = order().totals.expect("every line has a net");
    assert_eq!(totals.net.minor, 25_000 + 9_995 + 700);
    assert_eq!(totals.tax.map(|t| t.minor), Some(6_782));
    assert_eq!(totals.gross.map(|t| t.minor), Some(42_477));
}

#[test]
fn amounts_that_do_not_add_up_are_named() {
    let mut order = order();
    assert_eq!(check_amounts(&order, 1), []);
    order.lines[0].net = Money::from_decimal(dec("249.00"), &eur());
    order.totals = order.totals.map(|t| Totals {
        gross: Money::from_decimal(dec("400"), &eur()),
        ..t
    });
    let shown: Vec<String> = check_amounts(&order, 1)
        .into_iter()
        .map(|p| format!("{} {}", p.pointer, p.message))
        .collect();
    assert_eq!(
        shown,
        [
            "/lines/0/net 249.00 EUR is given, 250.00 EUR comes out",
            "/totals/net 356.95 EUR is given, 355.95 EUR comes out",
            "/totals/gross 400.00 EUR is given, 424.77 EUR comes out",
        ]
    );
}

#[test]
fn a_difference_matches_lines_by_id_and_numbers_by_value() {
    let before = order();
    let mut after = order();
    after.revision = Some("2".into());
    after.lines.reverse();
    after.lines[2].quantity = dec("100.00");
    let same = diff(
        &CanonicalDocument::Order(before.clone()),
        &CanonicalDocument::Order(after.clone()),
    );
    assert!(same.is_empty(), "{same:?}");
    assert_eq!(same.summary(), "");
    after.lines[2].quantity = dec("80");
    after.lines.remove(0);
    after.lines.push(line("40", "1", "1"));
    after.ship_to = Some(Party {
        city: Some("Hamburg".into()),
        ..Party::default()
    });
    after.totals = totals(&after);
    let changed = diff(&CanonicalDocument::Order(before), &CanonicalDocument::Order(after));
    insta::assert_snapshot!(serde_json::to_string_pretty(&changed).expect("plain data"));
    assert_eq!(changed.summary(), "1 line changed, 1 added, 1 deleted; ship to, totals");
}

#[test]
fn a_long_summary_is_cut() {
    let mut changed = VersionDiff::default();
    for n in 0..40 {
        changed.header.push(FieldChange {
            field: format!("someField{n}"),
            before: None,
            after: None,
        });
    }
    assert_eq!(changed.summary().chars().count(), 120);
}

#[test]
fn the_largest_numbers_neither_overflow_nor_panic() {
    let mut order = order();
    for line in &mut order.lines {
        line.quantity = Decimal::MAX;
        line.price = Some(Decimal::MAX);
        line.net = Some(Money {
            minor: i64::MAX,
            currency: eur(),
        });
    }
    assert_eq!(totals(&order), None);
    assert_eq!(line_net(&order.lines[0], &eur()), None);
    let parts = ["10", "10", "20", "30"].map(|id| LineAnswer {
        quantity: Some(Decimal::MAX),
        ..part(id, LineAnswerCode::Backordered)
    });
    let answer = counter(parts.into());
    let problems = crate::domain::check::check_order_response(
        &order,
        &answer,
        &PartnerRules::default(),
        &crate::domain::Earlier::default(),
    );
    assert!(!problems.is_empty());
    let quantities = crate::domain::quantity::line_quantities(&order, Some(&answer), &[]);
    assert_eq!(quantities[0].confirmed, Decimal::MAX);
    let offer = crate::domain::counter::counter_offer(
        &order,
        &answer,
        &PartnerRules::default(),
        &crate::domain::Earlier::default(),
    );
    assert_eq!(offer.totals, None);
}
