use super::*;
use proptest::prelude::*;
use serde_json::json;

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
        let _ = (decimal(&value), timestamp(&value, DateForm::EpochSeconds));
    }
}
