//! Texts, decimals and dates as partners write them -> ours, exactly.

use crate::domain::{Date, Decimal, Timestamp};
use crate::partner::expr::kind_of;
use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;
use std::borrow::Cow;

/// How a date is written, where it cannot be seen from the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DateForm {
    /// ISO 8601: a day, or a date and time; two of them with `--` or `/` between for an interval.
    #[default]
    Iso,
    EpochSeconds,
    EpochMillis,
}

/// Trimmed; `None` when empty. A number gives its digits as they are written.
pub(crate) fn text(value: &Value) -> Result<Option<Cow<'_, str>>, String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            Ok((!text.is_empty()).then_some(Cow::Borrowed(text)))
        }
        Value::Number(number) => Ok(Some(Cow::Owned(number.to_string()))),
        Value::Null => Ok(None),
        other => Err(format!("a text is expected, this is {}", kind_of(other))),
    }
}

/// A decimal without loss: at most 28 digits, the scale as written.
pub(crate) fn decimal(value: &Value) -> Result<Option<Decimal>, String> {
    let Some(text) = text(value).map_err(|_| format!("a decimal is expected, this is {}", kind_of(value)))? else {
        return Ok(None);
    };
    decimal_of(&text).map(Some)
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

/// A moment. A text without zone counts as UTC.
pub(crate) fn timestamp(value: &Value, form: DateForm) -> Result<Option<Timestamp>, String> {
    match form {
        DateForm::Iso => match value {
            Value::String(text) if text.trim().is_empty() => Ok(None),
            Value::String(text) => moment(text.trim()).map(Some),
            Value::Null => Ok(None),
            Value::Number(n) => Err(format!(
                "a date is expected, {n} is a number: say \"$date\": \"epochSeconds\" or \"epochMillis\" in the map"
            )),
            other => Err(format!("a date is expected, this is {}", kind_of(other))),
        },
        DateForm::EpochSeconds => epoch(value, 1000),
        DateForm::EpochMillis => epoch(value, 1),
    }
}

/// A day. Of a moment with a zone, the day in that zone, as written.
pub(crate) fn date(value: &Value, form: DateForm) -> Result<Option<Date>, String> {
    if form == DateForm::Iso
        && let Value::String(text) = value
    {
        let text = text.trim();
        return if text.is_empty() { Ok(None) } else { day(text).map(Some) };
    }
    Ok(timestamp(value, form)?.map(Timestamp::date))
}

/// First and last day of an interval, or the same day twice.
pub(crate) fn range(value: &Value, form: DateForm) -> Result<Option<(Date, Date)>, String> {
    if let Value::String(text) = value
        && let Some((first, last)) = text.split_once("--").or_else(|| text.split_once('/'))
    {
        return Ok(Some((day(first.trim())?, day(last.trim())?)));
    }
    Ok(date(value, form)?.map(|d| (d, d)))
}

fn epoch(value: &Value, to_millis: i64) -> Result<Option<Timestamp>, String> {
    let Some(number) = decimal(value)? else {
        return Ok(None);
    };
    let millis = number
        .checked_mul(Decimal::from(to_millis))
        .and_then(|n| i64::try_from(n.trunc().mantissa() / 10i128.pow(n.trunc().scale())).ok())
        .filter(|n| (-62_135_596_800_000..=253_402_300_799_999).contains(n));
    millis
        .map(|n| Some(Timestamp(n)))
        .ok_or_else(|| format!("{number} is no moment between the years 1 and 9999"))
}

fn day(text: &str) -> Result<Date, String> {
    if text.len() == 10 {
        return text.parse().map_err(|_| not_a_date(text));
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.date_naive());
    }
    local(text).map(|t| t.date())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(Timestamp(moment.timestamp_millis()));
    }
    let local = if text.len() == 10 {
        let day: Date = text.parse().map_err(|_| not_a_date(text))?;
        day.and_time(chrono::NaiveTime::MIN)
    } else {
        local(text)?
    };
    Ok(Timestamp(local.and_utc().timestamp_millis()))
}

fn local(text: &str) -> Result<NaiveDateTime, String> {
    [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f%#z",
    ]
    .iter()
    .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
    .ok_or_else(|| not_a_date(text))
}

fn not_a_date(text: &str) -> String {
    format!(
        "\"{}\" is not a date (ISO 8601, such as 2026-11-21 or 2026-11-21T08:30:00Z)",
        short(text)
    )
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
