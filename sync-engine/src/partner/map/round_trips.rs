//! Values through a map and back through a template: nothing is lost and nothing invented.

use super::codes::{CodeTable, Unknown};
use super::directives::Compile;
use super::spec::Spec;
use super::template::Template;
use crate::domain::{Decimal, Timestamp};
use crate::partner::config::mistakes::Mistakes;
use crate::partner::expr::Scope;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

type Tables = HashMap<String, Arc<CodeTable>>;

fn compile<T>(tables: &Tables, f: impl FnOnce(&mut Compile<'_>) -> Option<T>) -> Result<T, String> {
    let mut mistakes = Mistakes::default();
    let found = f(&mut Compile {
        media: super::MediaTypes::default(),
        in_request: false,
        secrets: std::collections::BTreeSet::new(),
        mistakes: &mut mistakes,
        codes: tables,
    });
    match (found, mistakes.into_errors("test.json")) {
        (Some(found), None) => Ok(found),
        (_, errors) => Err(errors.map(|e| e.to_string()).unwrap_or_default()),
    }
}

fn spec(tables: &Tables, value: &Value) -> Result<Spec, String> {
    compile(tables, |ctx| Spec::compile(value, "", ctx))
}

fn told<T>(found: Option<T>, problems: Vec<crate::partner::expr::Problem>) -> Result<Option<T>, String> {
    match problems.into_iter().next() {
        Some(problem) => Err(problem.message),
        None => Ok(found),
    }
}

fn text(tables: &Tables, value: &Value, payload: &Value) -> Result<Option<String>, String> {
    let spec = spec(tables, value)?;
    let mut problems = Vec::new();
    let found = spec.text(&Scope::root(payload), &mut problems);
    told(found, problems)
}

fn decimal(value: &Value, payload: &Value) -> Result<Option<Decimal>, String> {
    let spec = spec(&Tables::new(), value)?;
    let mut problems = Vec::new();
    let found = spec.decimal(&Scope::root(payload), &mut problems);
    told(found, problems)
}

fn write(tables: &Tables, value: &Value, payload: &Value) -> Result<Option<Value>, String> {
    let template = compile(tables, |ctx| Template::compile(value, "", ctx))?;
    let mut problems = Vec::new();
    let found = template.render(&Scope::root(payload), "", &mut problems);
    told(found, problems)
}

/// The ways in which a decimal goes out and comes in.
fn ways() -> Vec<(Value, Value)> {
    let group = |separator: &str, group: &str| json!({"separator": separator, "group": group});
    let both = |key: &str, value: Value| (json!({"$from": ".v", key: value}), json!({"$from": ".v", key: value}));
    vec![
        (json!(".v"), json!(".v")),
        (json!({"$from": ".v", "$as": "text"}), json!(".v")),
        (json!({"$from": ".v", "$as": "number"}), json!(".v")),
        (json!({"amount": ".v", "currency": {"$value": "EUR"}}), json!(".amount")),
        both("$decimal", json!({"separator": ","})),
        both("$decimal", group(",", ".")),
        both("$decimal", group(".", ",")),
        both("$decimal", group(",", " ")),
        both("$decimal", group(".", "'")),
    ]
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), any::<i32>(), 0u32..=20).prop_map(|(high, low, scale)| {
        let mantissa = (i128::from(high) << 20) + i128::from(low);
        Decimal::from_i128_with_scale(mantissa, scale)
    })
}

proptest! {
    /// Whatever the way: the same digits, with the same decimals.
    #[test]
    fn decimals_come_back_with_every_digit(number in any_decimal()) {
        for (out, back) in ways() {
            let written = write(&Tables::new(), &out, &json!({"v": number.to_string()})).unwrap().unwrap();
            let payload = if written.is_object() { written.clone() } else { json!({"v": written}) };
            let read = decimal(&back, &payload).unwrap().unwrap();
            prop_assert_eq!(read.to_string(), number.to_string(), "{} as {}", out, written);
        }
    }

    /// Minor units are exact, or refused; never rounded.
    #[test]
    fn minor_units_come_back(minor in any::<i64>(), digits in 0u32..=4, more in 1i64..10) {
        let way = json!({"$from": ".v", "$minor": digits});
        let number = decimal(&way, &json!({"v": minor})).unwrap().unwrap();
        prop_assert_eq!(number, Decimal::new(minor, digits));
        prop_assert_eq!(write(&Tables::new(), &way, &json!({"v": number.to_string()})), Ok(Some(json!(minor))));
        let finer = Decimal::from_i128_with_scale(i128::from(minor) * 10 + i128::from(more), digits + 1);
        let finer = json!({"v": finer.to_string()});
        prop_assert!(write(&Tables::new(), &way, &finer).is_err());
        prop_assert!(decimal(&way, &finer).is_err());
    }

    /// `$scale` gives exactly so many decimals, or refuses; `$round` beside it rounds, and never by more than half a unit.
    #[test]
    fn scale_loses_nothing_untold(number in any_decimal(), digits in 0u32..=6) {
        let exact = write(&Tables::new(), &json!({"$from": ".v", "$scale": digits}), &json!({"v": number.to_string()}));
        match exact {
            Ok(written) => {
                let written = written.unwrap().as_str().unwrap().to_owned();
                let back: Decimal = written.parse().unwrap();
                prop_assert_eq!(back, number);
                prop_assert_eq!(back.scale(), digits);
            }
            Err(reason) => prop_assert!(number.normalize().scale() > digits || reason.contains("28"), "{}", reason),
        }
    }

    /// A table whose rows are one to one is the same table in both directions.
    #[test]
    fn codes_come_back(rows in prop::collection::btree_map("[A-Z]{1,4}", "[a-z]{1,4}", 1..12), other in "[0-9]{1,4}") {
        let mut seen = std::collections::BTreeSet::new();
        let rows: BTreeMap<String, String> = rows.into_iter().filter(|(_, ours)| seen.insert(ours.clone())).collect();
        let table = |unknown, out| tables(&rows, &BTreeMap::new(), unknown, out);
        let way = json!({"$from": ".v", "$codes": "t"});
        let refuse = table(Unknown::Refuse, Unknown::Refuse);
        for (theirs, ours) in &rows {
            prop_assert_eq!(text(&refuse, &way, &json!({"v": theirs})), Ok(Some(ours.clone())));
            prop_assert_eq!(write(&refuse, &way, &json!({"v": ours})), Ok(Some(json!(theirs))));
        }
        let stray = json!({"v": other});
        prop_assert!(text(&refuse, &way, &stray).is_err());
        prop_assert!(write(&refuse, &way, &stray).is_err());
        let keep = table(Unknown::Keep, Unknown::Keep);
        prop_assert_eq!(text(&keep, &way, &json!({"v": other})), Ok(Some(other.clone())));
        prop_assert_eq!(write(&keep, &way, &json!({"v": other})), Ok(Some(json!(other))));
        let instead = table(Unknown::Use("ours".to_owned()), Unknown::Use("THEIRS".to_owned()));
        prop_assert_eq!(text(&instead, &way, &json!({"v": other})), Ok(Some("ours".to_owned())));
        prop_assert_eq!(write(&instead, &way, &json!({"v": other})), Ok(Some(json!("THEIRS"))));
    }

    #[test]
    fn no_number_text_panics(text in "[-+0-9.,' eE]{0,24}") {
        for (_, back) in ways() {
            let _ = decimal(&back, &json!({"v": text}));
        }
    }
}

fn tables(rows: &BTreeMap<String, String>, out: &BTreeMap<String, String>, unknown: Unknown, back: Unknown) -> Tables {
    Tables::from([("t".to_owned(), Arc::new(CodeTable::new("t", rows, out, unknown, back)))])
}

#[test]
fn decimal_signs_stand_where_they_belong() {
    let german = json!({"$from": ".v", "$decimal": {"separator": ",", "group": "."}});
    let read = |text: &str| decimal(&german, &json!({"v": text})).map(|d| d.map(|d| d.to_string()).unwrap_or_default());
    for (text, number) in [
        ("1.234,50", "1234.50"),
        ("1234,5", "1234.5"),
        ("-1.234.567", "-1234567"),
        ("12,50-", "-12.50"),
        ("12", "12"),
        (" ", ""),
    ] {
        assert_eq!(read(text), Ok(number.to_owned()), "{text}");
    }
    for wrong in [
        "1.23,4", "1,2,3", "1234.567", "12.50", "1..234", "--1", "-1-", "1,5e3", "abc", ".123,4",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let indian = json!({"$from": ".v", "$decimal": {"group": ","}});
    assert_eq!(
        decimal(&indian, &json!({"v": "12,34,567.5"})),
        Ok(Some("1234567.5".parse().unwrap()))
    );
    let swiss = json!({"$from": ".v", "$decimal": {"group": "'"}});
    assert_eq!(
        decimal(&swiss, &json!({"v": "1’234.50"})),
        Ok(Some("1234.50".parse().unwrap()))
    );
    assert_eq!(
        decimal(&german, &json!({"v": 12.5})),
        Ok(Some("12.5".parse().unwrap())),
        "a number as it is"
    );
}

#[test]
fn minor_units_know_their_currency() {
    let way = json!({"$from": ".v.value", "$minor": ".v.currency"});
    let read = |value: Value, currency: Value| decimal(&way, &json!({"v": {"value": value, "currency": currency}}));
    assert_eq!(read(json!(1234), json!("EUR")), Ok(Some("12.34".parse().unwrap())));
    assert_eq!(read(json!("1234"), json!("JPY")), Ok(Some("1234".parse().unwrap())));
    assert_eq!(read(json!(1234), json!("BHD")), Ok(Some("1.234".parse().unwrap())));
    assert!(read(json!(12.5), json!("EUR")).unwrap_err().contains("whole"));
    assert!(read(json!(1), Value::Null).unwrap_err().contains("currency"));
    let money = json!({"v": {"minor": 1234, "currency": "EUR"}, "c": "EUR"});
    assert_eq!(
        write(&Tables::new(), &json!({"$from": ".v", "$minor": ".c"}), &money),
        Ok(Some(json!(1234)))
    );
    let shown = json!({"$from": ".v", "$decimal": {"separator": ","}});
    assert_eq!(write(&Tables::new(), &shown, &money), Ok(Some(json!("12,34"))));
}

#[test]
fn a_text_in_the_wanted_language() {
    let read = |payload: Value| {
        text(
            &Tables::new(),
            &json!({"$from": ".t", "$text": ["de", "en"]}),
            &json!({"t": payload}),
        )
    };
    let ok = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(read(json!({"en": "Screw", "de": "Schraube"})), ok("Schraube"));
    assert_eq!(read(json!({"fr": "Vis", "en-GB": "Screw"})), ok("Screw"));
    assert_eq!(
        read(json!([{"lang": "en", "value": "Screw"}, {"lang": "de-AT", "value": "Schraube"}])),
        ok("Schraube")
    );
    assert_eq!(
        read(json!([{"@languageID": "fr", "#text": "Vis"}, "Screw"])),
        ok("Screw"),
        "one without a language"
    );
    assert_eq!(
        read(json!([{"locale": "fr_FR", "text": "Vis"}])),
        ok("Vis"),
        "the first at all"
    );
    assert_eq!(
        read(json!([{"lang": "de", "value": " "}, {"lang": "fr", "value": "Vis"}])),
        ok("Vis")
    );
    assert_eq!(read(json!("Schraube")), ok("Schraube"));
    assert_eq!(read(json!([])), Ok(None));
    let own = json!({"$from": ".t", "$text": {"languages": ["de"], "language": "code", "text": "label"}});
    let payload = json!({"t": [{"code": "en", "label": "Screw"}, {"code": "de", "label": "Schraube"}]});
    assert_eq!(text(&Tables::new(), &own, &payload), ok("Schraube"));
}

#[test]
fn texts_are_cut_and_filled() {
    let out = |directives: Value, value: Value| {
        let mut template = json!({"$from": ".v"});
        template
            .as_object_mut()
            .unwrap()
            .extend(directives.as_object().unwrap().clone());
        write(&Tables::new(), &template, &json!({"v": value})).map(|v| v.unwrap())
    };
    assert_eq!(
        out(json!({"$pad": {"to": 6, "with": "0", "side": "left"}}), json!("42")),
        Ok(json!("000042"))
    );
    assert_eq!(out(json!({"$pad": {"to": 4}}), json!("ä")), Ok(json!("ä   ")));
    assert_eq!(out(json!({"$pad": {"to": 1}}), json!("long")), Ok(json!("long")));
    assert_eq!(out(json!({"$truncate": 4}), json!("Größe 5")), Ok(json!("Größ")));
    assert_eq!(out(json!({"$truncate": 6}), json!("Größe 5")), Ok(json!("Größe")));
    assert_eq!(out(json!({"$scale": 2}), json!("12.5")), Ok(json!("12.50")));
    assert_eq!(
        out(json!({"$scale": 2, "$round": 2}), json!("12.345")),
        Ok(json!("12.35"))
    );
    assert!(out(json!({"$scale": 2}), json!("12.345")).is_err());
    assert_eq!(
        out(json!({"$scale": 2, "$as": "number"}), json!("12.5")).map(|v| v.to_string()),
        Ok("12.50".to_owned())
    );
    assert_eq!(
        out(
            json!({"$as": "dd.MM.yyyy", "$zone": "Europe/Berlin"}),
            json!("2026-02-28T23:30:00Z")
        ),
        Ok(json!("01.03.2026"))
    );
}

#[test]
fn truth_by_a_table() {
    let rows = BTreeMap::from([
        ("Y".to_owned(), "true".to_owned()),
        ("N".to_owned(), "false".to_owned()),
    ]);
    let tables = tables(&rows, &BTreeMap::new(), Unknown::Refuse, Unknown::Refuse);
    let way = spec(&tables, &json!({"$from": ".v", "$codes": "t"})).unwrap();
    let read = |code: &str| way.boolean(&Scope::root(&json!({"v": code})), &mut Vec::new());
    assert_eq!((read("Y"), read("N"), read("?")), (Some(true), Some(false), None));
}

#[test]
fn a_date_and_its_zone_are_read_by_a_map() {
    let way = spec(
        &Tables::new(),
        &json!({"$from": ".v", "$date": "dd.MM.yyyy HH:mm", "$zone": "Europe/Berlin"}),
    )
    .unwrap();
    let mut problems = Vec::new();
    let payload = json!({"v": "01.03.2026 00:30"});
    let scope = Scope::root(&payload);
    assert_eq!(
        way.timestamp(&scope, &mut problems)
            .map(Timestamp::to_rfc3339)
            .as_deref(),
        Some("2026-02-28T23:30:00.000Z")
    );
    assert_eq!(way.date(&scope, &mut problems).unwrap().to_string(), "2026-03-01");
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn mistakes_name_what_is_there() {
    let told = |value: Value| spec(&Tables::new(), &value).map(drop).unwrap_err();
    assert!(told(json!({"$from": ".v", "$date": "epochMilis"})).contains("did you mean \"epochMillis\"?"));
    assert!(told(json!({"$from": ".v", "$date": "yyyy-MM-DD"})).contains("\"DD\" is unknown in a pattern"));
    assert!(told(json!({"$from": ".v", "$zone": "Europe/Berln"})).contains("did you mean \"Europe/Berlin\"?"));
    assert!(told(json!({"$from": ".v", "$decimal": {"seperator": ","}})).contains("did you mean \"separator\"?"));
    assert!(told(json!({"$from": ".v", "$decimal": {"separator": ",", "group": ","}})).contains("the same sign"));
    assert!(told(json!({"$from": ".v", "$minor": 99})).contains("/$minor"));
    assert!(told(json!({"$from": ".v", "$text": "de"})).contains("a list of languages"));
    let told = |value: Value| {
        compile(&Tables::new(), |ctx| Template::compile(&value, "", ctx))
            .map(drop)
            .unwrap_err()
    };
    assert!(told(json!({"$from": ".v", "$as": "datetime"})).contains("did you mean \"dateTime\"?"));
    assert!(told(json!({"$from": ".v", "$pad": {"to": 0}})).contains("/$pad/to"));
    assert!(told(json!({"$from": ".v", "$pad": {"to": 3, "side": "lft"}})).contains("did you mean \"left\"?"));
    assert!(told(json!({"$from": ".v", "$zone": "Europe/Berlin"})).contains("\"$zone\" stands beside"));
}
