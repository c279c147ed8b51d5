use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn dates_in_every_form() {
    let day = |text: &str| date(&json!(text), DateForm::Iso).map(|d| d.map(|d| d.to_string()).unwrap_or_default());
    assert_eq!(day("2026-02-28"), Ok("2026-02-28".into()));
    assert_eq!(
        day(" 2026-02-28T23:30:00-05:00 "),
        Ok("2026-02-28".into()),
        "the day as written"
    );
    assert_eq!(day("2026-02-28T08:00"), Ok("2026-02-28".into()));
    assert_eq!(day(""), Ok(String::new()));
    for wrong in ["2026-02-29", "2026-2-8", "28.02.2026", "20260228", "tomorrow"] {
        assert!(day(wrong).is_err(), "{wrong}");
    }
    let at = |value: Value, form| timestamp(&value, form).map(|t| t.map(Timestamp::to_rfc3339).unwrap_or_default());
    assert_eq!(
        at(json!("2026-02-28T23:30:00.5-05:00"), DateForm::Iso),
        Ok("2026-03-01T04:30:00.500Z".into())
    );
    assert_eq!(
        at(json!("2026-02-28T23:30:00"), DateForm::Iso),
        Ok("2026-02-28T23:30:00.000Z".into()),
        "UTC"
    );
    assert_eq!(
        at(json!("2026-02-28"), DateForm::Iso),
        Ok("2026-02-28T00:00:00.000Z".into())
    );
    assert_eq!(
        at(json!(1_772_323_200), DateForm::EpochSeconds),
        Ok("2026-03-01T00:00:00.000Z".into())
    );
    assert_eq!(
        at(json!("1772323200000"), DateForm::EpochMillis),
        Ok("2026-03-01T00:00:00.000Z".into())
    );
    assert!(at(json!(1e30), DateForm::EpochMillis).is_err());
    let days = |text: &str| range(&json!(text), DateForm::Iso).unwrap().unwrap();
    let (first, last) = days("2019-08-21T07:00:00Z--2019-08-27T07:00:00Z");
    assert_eq!(
        (first.to_string(), last.to_string()),
        ("2019-08-21".into(), "2019-08-27".into())
    );
    assert_eq!(days("2019-08-21/2019-08-27").1.to_string(), "2019-08-27");
    assert_eq!(days("2019-08-21").0, days("2019-08-21").1);
}

#[test]
fn decimals_that_are_none() {
    for wrong in [
        "",
        "-",
        ".",
        "1,5",
        "1.5.2",
        "0x10",
        "1e",
        "1e5000",
        "NaN",
        "1 000",
        "1_000",
        "12345678901234567890123456789.1",
    ] {
        assert!(decimal_of(wrong).is_err(), "{wrong}");
    }
    for (text, value) in [
        ("1e3", "1000"),
        ("1.25e1", "12.5"),
        ("1.25E-1", "0.125"),
        ("-0.10", "-0.10"),
        ("+5", "5"),
    ] {
        assert_eq!(decimal_of(text).map(|d| d.to_string()), Ok(value.to_owned()), "{text}");
    }
}

proptest! {
    /// No digit is lost or invented: text and number give the decimal as it is written.
    #[test]
    fn decimals_keep_every_digit(digits in "[1-9][0-9]{0,17}", fraction in "[0-9]{0,9}", minus in any::<bool>()) {
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{}{digits}{point}{fraction}", if minus { "-" } else { "" });
        prop_assert_eq!(decimal(&json!(text)).unwrap().unwrap().to_string(), text.clone());
        let number: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(decimal(&number).unwrap().unwrap().to_string(), text);
    }

    /// Minor units and back give the same amount, for currencies with no, two and three decimals.
    #[test]
    fn minor_units_are_exact(minor in -1_000_000_000_000i64..1_000_000_000_000, digits in 0u32..4) {
        let amount = Decimal::new(minor, digits);
        prop_assert_eq!(minor_units(amount, digits, "XXX"), Ok(minor));
        prop_assert!(minor_units(Decimal::new(minor * 10 + 1, digits + 1), digits, "XXX").is_err());
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,40}") {
        let value = json!(text);
        let _ = (decimal(&value), date(&value, DateForm::Iso), timestamp(&value, DateForm::EpochSeconds), range(&value, DateForm::Iso));
    }
}
