//! Texts and decimals as partners write them -> ours, exactly.

pub(crate) use super::dates::{DateForm, timestamp};
use crate::domain::Decimal;
use crate::partner::expr::named;
use crate::partner::json::{Kind, Node, Shape};
use crate::partner::xml::TEXT;
use serde_json::Value;
use std::borrow::Cow;

/// Of an XML element with attributes, its text: null when it has none. Everything else as it is.
pub(crate) fn plain(value: Node<'_>) -> Kind<'_> {
    if value.shape() != Shape::Object {
        return value.kind();
    }
    match value.member(TEXT) {
        Some(text) => text.kind(),
        None if value.count() > 0 && value.within().all(|(name, _)| name.starts_with('@')) => Kind::Null,
        None => Kind::Object,
    }
}

/// Trimmed; `None` when empty. A number gives its digits as they are written.
pub(crate) fn text(value: &Value) -> Result<Option<Cow<'_, str>>, String> {
    text_in(Node::Value(value)).map(|text| text.map(Cow::Borrowed))
}

pub(crate) fn text_in(value: Node<'_>) -> Result<Option<&str>, String> {
    match plain(value) {
        Kind::Text(text) => {
            let text = text.trim();
            Ok((!text.is_empty()).then_some(text))
        }
        Kind::Number(text) => Ok(Some(text)),
        Kind::Null => Ok(None),
        other => Err(format!("a text is expected, this is {}", named(other))),
    }
}

/// A decimal without loss: at most 28 digits, the scale as written.
pub(crate) fn decimal(value: &Value) -> Result<Option<Decimal>, String> {
    decimal_in(Node::Value(value))
}

pub(crate) fn decimal_in(value: Node<'_>) -> Result<Option<Decimal>, String> {
    match text_in(value) {
        Ok(text) => text.map(decimal_of).transpose(),
        Err(_) => Err(format!("a decimal is expected, this is {}", named(value.kind()))),
    }
}

pub(crate) fn decimal_of(text: &str) -> Result<Decimal, String> {
    let wrong = || {
        format!(
            "\"{}\" is not a decimal number (digits with a point, such as 12.50)",
            short(text)
        )
    };
    let (base, exponent) = match text.split_once(['e', 'E']) {
        Some((base, exponent)) => (base, exponent.parse::<i32>().map_err(|_| wrong())?),
        None => (text, 0),
    };
    let digits = base.strip_prefix(['-', '+']).unwrap_or(base);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !plain || !digits.bytes().any(|b| b.is_ascii_digit()) || digits.matches('.').count() > 1 {
        return Err(wrong());
    }
    let too_long = || format!("\"{}\" has more digits than can be kept exactly (28)", short(text));
    let mut number = Decimal::from_str_exact(base).map_err(|_| too_long())?;
    if exponent == 0 {
        return Ok(number);
    }
    let scale = i64::from(number.scale()) - i64::from(exponent);
    if !(-28..=28).contains(&scale) {
        return Err(too_long());
    }
    if scale >= 0 {
        number
            .set_scale(u32::try_from(scale).unwrap_or(0))
            .map_err(|_| too_long())?;
        return Ok(number);
    }
    number.set_scale(0).map_err(|_| too_long())?;
    (scale..0)
        .try_fold(number, |n, _| n.checked_mul(Decimal::TEN))
        .ok_or_else(too_long)
}

/// Minor units of an amount, exact: digits beyond the currency's own must be zeros.
pub(crate) fn minor_units(amount: Decimal, digits: u32, currency: &str) -> Result<i64, String> {
    if let Some(minor) = scaled(amount, digits) {
        return Ok(minor);
    }
    let amount = amount.normalize();
    if amount.scale() > digits {
        return Err(format!(
            "{amount} has more decimals than {currency} has ({digits}): leave the field out of the map, or say \"$round\": {digits}"
        ));
    }
    let scaled = (0..digits).try_fold(amount, |n, _| n.checked_mul(Decimal::TEN));
    scaled
        .and_then(|n| {
            i64::try_from(n.normalize().mantissa())
                .ok()
                .filter(|_| n.normalize().scale() == 0)
        })
        .ok_or_else(|| format!("{amount} is too large for an amount of money"))
}

/// The common case of it: no more digits behind the point than the currency has.
fn scaled(amount: Decimal, digits: u32) -> Option<i64> {
    let factor = 10i128.checked_pow(digits.checked_sub(amount.scale())?)?;
    i64::try_from(amount.mantissa().checked_mul(factor)?).ok()
}

/// At most 60 characters of a text, for a sentence.
pub(crate) fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
