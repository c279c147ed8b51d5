use super::text_of;
use crate::domain::document::{Item, OrderLine, Party, Reference, Totals};
use crate::domain::{CanonicalDocument, Currency, Date, Decimal, Money, Order, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn order() -> impl Strategy<Value = Order> {
    let text = || prop_oneof!["\\PC{0,12}", any::<String>()];
    let some = || prop::option::of(text());
    let decimal = || (any::<i64>(), 0u32..8).prop_map(|(n, scale)| Decimal::new(n, scale));
    let money = || {
        any::<i64>().prop_map(|minor| Money {
            minor,
            currency: Currency::parse("EUR").expect("a currency"),
        })
    };
    let day = (0i32..9999, 1u32..366).prop_filter_map("a day", |(y, d)| Date::from_yo_opt(y, d));
    let party = (some(), some(), prop::collection::vec(text(), 0..3)).prop_map(|(id, name, street)| Party {
        id,
        name,
        street,
        ..Party::default()
    });
    let line = (
        text(),
        some(),
        decimal(),
        prop::option::of(decimal()),
        prop::option::of(money()),
        any::<Option<bool>>(),
    );
    let line = line.prop_map(|(id, description, quantity, price, net, backorder_allowed)| OrderLine {
        id,
        item: Item {
            description,
            ..Item::default()
        },
        quantity,
        unit: "PCE".to_owned(),
        price,
        price_base: None,
        tax_percent: None,
        net,
        requested_delivery: None,
        backorder_allowed,
        note: None,
    });
    let lines = prop::collection::vec(line, 0..4);
    (
        text(),
        party,
        lines,
        money(),
        day,
        any::<i32>(),
        prop::collection::vec(text(), 0..3),
    )
        .prop_map(|(number, buyer, lines, net, day, at, notes)| Order {
            number,
            revision: None,
            issued_at: Some(Timestamp(i64::from(at) * 1000)),
            currency: Currency::parse("EUR").expect("a currency"),
            seller: Party::default(),
            ship_to: Some(buyer.clone()),
            buyer,
            bill_to: None,
            requested_delivery: Some(crate::domain::document::DateRange { first: day, last: day }),
            payment_terms: None,
            delivery_terms: None,
            language: None,
            references: notes
                .iter()
                .map(|id| Reference {
                    kind: "contract".to_owned(),
                    id: id.clone(),
                })
                .collect(),
            notes,
            lines,
            totals: Some(Totals {
                net,
                tax: None,
                gross: None,
            }),
            cancel_reason: None,
        })
}

proptest! {
    #[test]
    fn an_order_is_written_as_serde_json_writes_it(order in order()) {
        let document = CanonicalDocument::Order(order);
        let expected = serde_json::to_string(&document).expect("JSON");
        prop_assert_eq!(text_of(&document, 0), Some(expected));
    }
}

#[test]
fn what_is_unusual_is_left_to_serde_json() {
    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        One(u8),
        Fields { a: Option<i64>, b: char },
    }
    let shapes = [Shape::Unit, Shape::One(7), Shape::Fields { a: None, b: '"' }];
    assert_eq!(
        text_of(&shapes.as_slice(), 0),
        serde_json::to_string(shapes.as_slice()).ok()
    );
    let map = BTreeMap::from([("a\n", -1), ("\u{7f}é\u{1}", 2)]);
    assert_eq!(text_of(&map, 0), serde_json::to_string(&map).ok());
    assert_eq!(text_of(&1.5, 0), None);
    assert_eq!(text_of(&BTreeMap::from([(1, 2)]), 0), None);
    assert_eq!(text_of(&serde_json::json!({ "a": 1 }), 0), None);
    assert_eq!(text_of(&(1, 2), 0), None);
}
