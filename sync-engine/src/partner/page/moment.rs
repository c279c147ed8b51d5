//! Watermarks that are moments: read in whatever form the partner writes them, moved, compared, and written for the
//! request.

use crate::domain::Timestamp;
use crate::partner::map::{Dates, values};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use std::cmp::Ordering;
use std::time::Duration;

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MomentForm {
    EpochSeconds,
    EpochMillis,
    /// RFC 9110, 5.6.7, as in `Last-Modified`.
    HttpDate,
    Date,
    DateTime,
    /// `/Date(milliseconds)/`
    DotNet,
}

/// Forms by their names in a configuration.
pub(crate) const FORMS: &[(&str, MomentForm)] = &[
    ("epochSeconds", MomentForm::EpochSeconds),
    ("epochMillis", MomentForm::EpochMillis),
    ("httpDate", MomentForm::HttpDate),
    ("date", MomentForm::Date),
    ("dateTime", MomentForm::DateTime),
];

/// How a request gets a moment.
#[derive(Debug)]
pub(crate) enum MomentStyle {
    Form(MomentForm),
    /// By a pattern of letters, in UTC.
    Pattern(Dates),
}

impl MomentStyle {
    /// # Errors
    /// A sentence when it is neither a name nor a pattern.
    pub fn named(text: &str) -> Result<Self, String> {
        if let Some((_, form)) = FORMS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Form(*form));
        }
        let known: Vec<_> = FORMS.iter().map(|(name, _)| *name).collect();
        let unknown = || {
            format!(
                "\"{text}\" is no form of a watermark; known are {}, and patterns such as yyyy-MM-dd HH:mm:ss",
                known.join(", ")
            )
        };
        match Dates::named(text) {
            Some(Ok(pattern)) if pattern.is_pattern() => Ok(Self::Pattern(pattern)),
            Some(Err(message)) => Err(message),
            Some(Ok(_)) | None => Err(unknown()),
        }
    }

    fn write(&self, moment: DateTime<Utc>) -> String {
        match self {
            Self::Form(form) => write(moment, *form),
            Self::Pattern(dates) => {
                let iso = write(moment, MomentForm::DateTime);
                let written = dates.write(&Value::from(iso.as_str())).ok();
                written.and_then(|w| w.as_str().map(str::to_owned)).unwrap_or(iso)
            }
        }
    }
}

/// Epoch seconds have 9 to 11 digits (1973 to 5138), milliseconds have more; fewer are no moment.
const SECONDS_DIGITS: std::ops::RangeInclusive<usize> = 9..=11;
const MILLIS_DIGITS: std::ops::RangeInclusive<usize> = 12..=14;

/// A text as a moment, with the form that it is written in.
pub(crate) fn parse(text: &str) -> Option<(DateTime<Utc>, MomentForm)> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some((moment.to_utc(), MomentForm::DateTime));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        if SECONDS_DIGITS.contains(&text.len()) {
            return Some((DateTime::from_timestamp(number, 0)?, MomentForm::EpochSeconds));
        }
        if MILLIS_DIGITS.contains(&text.len()) {
            return Some((DateTime::from_timestamp_millis(number)?, MomentForm::EpochMillis));
        }
        return None;
    }
    if let Some(inner) = text.strip_prefix("/Date(").and_then(|t| t.strip_suffix(")/")) {
        // The zone after the milliseconds says where it was written; the moment is the same.
        let digits = inner.split(['+', '-']).find(|t| !t.is_empty())?;
        let millis: i64 = digits.parse().ok()?;
        let millis = if inner.starts_with('-') { -millis } else { millis };
        return Some((DateTime::from_timestamp_millis(millis)?, MomentForm::DotNet));
    }
    if let Ok(moment) = DateTime::parse_from_rfc2822(text) {
        return Some((moment.to_utc(), MomentForm::HttpDate));
    }
    let form = if text.len() == 10 {
        MomentForm::Date
    } else {
        MomentForm::DateTime
    };
    let moment = values::timestamp(&Value::from(text), values::DateForm::Iso).ok()??;
    Some((DateTime::from_timestamp_millis(moment.0)?, form))
}

pub(crate) fn write(moment: DateTime<Utc>, form: MomentForm) -> String {
    match form {
        MomentForm::EpochSeconds => moment.timestamp().to_string(),
        MomentForm::EpochMillis => moment.timestamp_millis().to_string(),
        MomentForm::HttpDate => moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        MomentForm::Date => moment.format("%Y-%m-%d").to_string(),
        MomentForm::DateTime => moment.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        MomentForm::DotNet => format!("/Date({})/", moment.timestamp_millis()),
    }
}

pub(crate) fn of(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0)
}

pub(crate) fn back(moment: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| moment.checked_sub_signed(by))
        .unwrap_or(moment)
}

/// What the request gets: the watermark moved back by the overlap, in the form that is asked for. One that is no
/// moment stays as it is.
pub(super) fn shown(watermark: &str, overlap: Duration, form: Option<&MomentStyle>) -> String {
    if overlap.is_zero() && form.is_none() {
        return watermark.to_owned();
    }
    match parse(watermark) {
        Some((moment, written)) => {
            let moment = back(moment, overlap);
            form.map_or_else(|| write(moment, written), |form| form.write(moment))
        }
        None => watermark.to_owned(),
    }
}

/// Numbers by value, moments by time, anything else by its characters.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    if let (Ok(a), Ok(b)) = (values::decimal_of(a), values::decimal_of(b)) {
        return a.cmp(&b);
    }
    match (parse(a), parse(b)) {
        (Some((x, _)), Some((y, _))) => x.cmp(&y),
        _ => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_moved_and_written() {
        let minute = Duration::from_secs(60);
        for (given, form, expected) in [
            ("2026-01-05T10:00:00+02:00", None, "2026-01-05T07:59:00Z"),
            ("2026-01-05T08:00:00", None, "2026-01-05T07:59:00Z"),
            ("1767600000", None, "1767599940"),
            ("1767600000000", None, "1767599940000"),
            ("1767600000000", Some(MomentForm::DateTime), "2026-01-05T07:59:00Z"),
            ("/Date(1767600000000+0100)/", None, "/Date(1767599940000)/"),
            ("Mon, 05 Jan 2026 08:00:00 GMT", None, "Mon, 05 Jan 2026 07:59:00 GMT"),
            (
                "2026-01-05T08:00:00Z",
                Some(MomentForm::HttpDate),
                "Mon, 05 Jan 2026 07:59:00 GMT",
            ),
            ("2026-01-05", Some(MomentForm::Date), "2026-01-04"),
            (
                "2026-01-05T08:00:00.250Z",
                Some(MomentForm::EpochMillis),
                "1767599940250",
            ),
            ("4711", Some(MomentForm::DateTime), "4711"),
            ("order-7", None, "order-7"),
        ] {
            let form = form.map(MomentStyle::Form);
            assert_eq!(shown(given, minute, form.as_ref()), expected, "{given} {form:?}");
        }
        assert_eq!(
            shown("2026-01-05T10:00:00+02:00", Duration::ZERO, None),
            "2026-01-05T10:00:00+02:00"
        );
    }

    #[test]
    fn a_pattern_writes_moments_too() {
        let style = MomentStyle::named("yyyy-MM-dd HH:mm:ss").unwrap();
        let minute = Duration::from_secs(60);
        for given in ["2026-01-05T10:00:00+02:00", "2026-01-05 08:00:00", "1767600000"] {
            assert_eq!(shown(given, minute, Some(&style)), "2026-01-05 07:59:00", "{given}");
        }
        for wrong in ["dateTme", "iso", "yyyy", "rfc2822", "yyyy-MM-dd QQ"] {
            assert!(MomentStyle::named(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_highest_is_by_value_or_by_time() {
        for (low, high) in [
            ("9", "10"),
            ("2026-01-05T10:00:00+02:00", "2026-01-05T09:00:00Z"),
            ("/Date(999999999999)/", "/Date(1767600000000)/"),
            ("Mon, 05 Jan 2026 08:00:00 GMT", "Fri, 06 Feb 2026 08:00:00 GMT"),
            ("a", "b"),
        ] {
            assert_eq!(order(low, high), Ordering::Less, "{low} {high}");
        }
    }
}
