//! Numbers, amounts and dates as the reader of the page writes them.

use super::words::Language;
use crate::domain::document::DateRange;
use crate::domain::{Date, Decimal, Money, Timestamp};

/// (decimal separator, group separator). Spaces are no-break spaces.
fn separators(language: Language) -> (char, char) {
    match language {
        Language::En => ('.', ','),
        Language::De | Language::Es | Language::It => (',', '.'),
        Language::Fr | Language::Pl | Language::Cs | Language::Sv => (',', '\u{a0}'),
    }
}

/// Every digit of the decimal, with at least `min_fraction` after the point.
pub(super) fn decimal(value: Decimal, min_fraction: usize, language: Language) -> String {
    let text = value.normalize().to_string();
    grouped(&text, min_fraction, language)
}

fn grouped(text: &str, min_fraction: usize, language: Language) -> String {
    let (point, group) = separators(language);
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() || min_fraction > 0 {
        out.push(point);
        out.push_str(fraction);
        for _ in fraction.len()..min_fraction {
            out.push('0');
        }
    }
    out
}

/// The amount with its currency's digits; without the code, which stands in the heading.
pub(super) fn amount(money: &Money, language: Language) -> String {
    let digits = money.currency.minor_digits();
    let value = Decimal::from_i128_with_scale(i128::from(money.minor), digits);
    grouped(&value.to_string(), 0, language)
}

pub(super) fn money(money: &Money, language: Language) -> String {
    format!("{}\u{a0}{}", amount(money, language), money.currency.as_str())
}

pub(super) fn date(day: Date, language: Language) -> String {
    let pattern = match language {
        // Month by name: 03/04 means two days on two sides of the Atlantic.
        Language::En => "%-d %b %Y",
        Language::De | Language::Pl | Language::Cs => "%d.%m.%Y",
        Language::Fr | Language::Es | Language::It => "%d/%m/%Y",
        Language::Sv => "%Y-%m-%d",
    };
    day.format(pattern).to_string()
}

pub(super) fn range(range: DateRange, language: Language) -> String {
    if range.first == range.last {
        date(range.first, language)
    } else {
        format!(
            "{} \u{2013} {}",
            date(range.first, language),
            date(range.last, language)
        )
    }
}

pub(super) fn day(at: Timestamp, language: Language) -> String {
    date(at.date(), language)
}
