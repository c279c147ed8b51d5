//! Moments and days in every form that partners write them in, both ways.

use super::pattern::Pattern;
use super::values::{decimal_in, plain, short};
use crate::domain::{Date, Decimal, Timestamp};
use crate::partner::expr::named;
use crate::partner::json::{Kind, Node};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, NaiveTime, Timelike};
use jiff::tz::TimeZone;
use serde_json::Value;

/// How a date is written, where it is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DateForm {
    /// ISO 8601: a day, or a date and time; two of them with `--` or `/` between for an interval.
    #[default]
    Iso,
    /// ISO 8601, only the day of it.
    Date,
    /// ISO 8601, date and time.
    DateTime,
    EpochSeconds,
    EpochMillis,
    /// `/Date(1571356800000+0200)/`: milliseconds, and the offset of the day that is meant.
    DotNet,
    /// `Fri, 21 Nov 2026 10:00:00 +0100`
    Rfc2822,
}

pub(crate) const DATE_FORMS: &[(&str, DateForm)] = &[
    ("iso", DateForm::Iso),
    ("date", DateForm::Date),
    ("dateTime", DateForm::DateTime),
    ("epochSeconds", DateForm::EpochSeconds),
    ("epochMillis", DateForm::EpochMillis),
    ("dotNet", DateForm::DotNet),
    ("rfc2822", DateForm::Rfc2822),
];

/// A form or a pattern, with the zone of what names none.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    form: DateForm,
    pattern: Option<Box<Pattern>>,
    zone: Option<TimeZone>,
}

/// What a value says before a zone is applied.
pub(super) enum Told {
    /// `day` is the day as written, in its own zone.
    Moment {
        at: Timestamp,
        day: Date,
    },
    Local {
        at: NaiveDateTime,
        timed: bool,
    },
}

impl Dates {
    pub fn of(form: DateForm) -> Self {
        Self {
            form,
            ..Self::default()
        }
    }

    /// By the name of a form, or a pattern such as `dd.MM.yyyy HH:mm`; `None` when it is neither.
    pub fn named(name: &str) -> Option<Result<Self, String>> {
        if let Some((_, form)) = DATE_FORMS.iter().find(|(known, _)| *known == name) {
            return Some(Ok(Self::of(*form)));
        }
        let looks_so = name.contains("yy") && name.contains('M');
        looks_so.then(|| {
            Ok(Self {
                pattern: Some(Box::new(Pattern::compile(name)?)),
                ..Self::default()
            })
        })
    }

    /// Whether it is a pattern of letters.
    pub fn is_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    pub fn in_zone(self, zone: Option<TimeZone>) -> Self {
        Self { zone, ..self }
    }

    /// A moment. A text without zone counts in `$zone`, else in UTC.
    pub fn timestamp<'v>(&self, value: impl Into<Node<'v>>) -> Result<Option<Timestamp>, String> {
        match self.read(value.into())? {
            None => Ok(None),
            Some(Told::Moment { at, .. }) => Ok(Some(at)),
            Some(Told::Local { timed: false, at }) if self.form == DateForm::DateTime => {
                Err(format!("a date and time is expected, {} is a day alone", at.date()))
            }
            Some(Told::Local { at, .. }) => self.moment(at).map(Some),
        }
    }

    /// A day. Of a moment, the day in `$zone`, else the day as written.
    pub fn date<'v>(&self, value: impl Into<Node<'v>>) -> Result<Option<Date>, String> {
        Ok(match self.read(value.into())? {
            None => None,
            Some(Told::Local { at, .. }) => Some(at.date()),
            Some(Told::Moment { at, day }) => Some(match &self.zone {
                None => day,
                Some(zone) => local(zone, at)?.date_naive(),
            }),
        })
    }

    /// First and last day of an interval, or the same day twice.
    pub fn range<'v>(&self, value: impl Into<Node<'v>>) -> Result<Option<(Date, Date)>, String> {
        let value = value.into();
        let two = match plain(value) {
            Kind::Text(text) if self.pattern.is_none() => text.split_once("--").or_else(|| {
                text.split_once('/')
                    .filter(|_| matches!(self.form, DateForm::Iso | DateForm::Date | DateForm::DateTime))
            }),
            Kind::Text(text) => text.split_once("--"),
            _ => None,
        };
        let Some((first, last)) = two else {
            return Ok(self.date(value)?.map(|d| (d, d)));
        };
        let day = |text: &str| {
            let day = self.date(Node::Text(text))?;
            day.ok_or_else(|| format!("\"{}\" is an interval without an end", short(text)))
        };
        Ok(Some((day(first)?, day(last)?)))
    }

    /// A day or a moment of ours (ISO 8601), written as the partner wants it. Of a day, its midnight in `$zone`.
    pub fn write(&self, value: &Value) -> Result<Value, String> {
        let lacking = || "a date is expected, this is empty".to_owned();
        let iso = Self::of(DateForm::Iso).in_zone(self.zone.clone());
        if self.form == DateForm::Date && self.pattern.is_none() {
            return Ok(Value::String(iso.date(value)?.ok_or_else(lacking)?.to_string()));
        }
        let at = iso.timestamp(value)?.ok_or_else(lacking)?;
        let here = match &self.zone {
            Some(zone) => local(zone, at)?,
            None => utc(at)?,
        };
        if let Some(pattern) = &self.pattern {
            return Ok(Value::String(pattern.write(here)));
        }
        Ok(match self.form {
            DateForm::EpochMillis => Value::from(at.0),
            DateForm::EpochSeconds => Value::from(at.0.div_euclid(1000)),
            DateForm::DotNet => Value::String(format!("/Date({}{})/", at.0, here.format("%z"))),
            DateForm::Rfc2822 => Value::String(here.to_rfc2822()),
            DateForm::Iso | DateForm::Date | DateForm::DateTime if self.zone.is_some() => {
                Value::String(here.to_rfc3339_opts(chrono::SecondsFormat::Millis, false))
            }
            DateForm::Iso | DateForm::Date | DateForm::DateTime => Value::String(at.to_rfc3339()),
        })
    }

    fn read(&self, value: Node<'_>) -> Result<Option<Told>, String> {
        if let (None, DateForm::EpochSeconds | DateForm::EpochMillis) = (&self.pattern, self.form) {
            let to_millis = if self.form == DateForm::EpochSeconds { 1000 } else { 1 };
            return epoch(value, to_millis);
        }
        let text = match plain(value) {
            Kind::Text(text) => text.trim(),
            Kind::Null => return Ok(None),
            Kind::Number(n) if self.pattern.is_some() => n,
            Kind::Number(n) => {
                return Err(format!(
                    "a date is expected, {n} is a number: say \"$date\": \"epochSeconds\" or \"epochMillis\" in the map"
                ));
            }
            other => return Err(format!("a date is expected, this is {}", named(other))),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(pattern) = &self.pattern {
            return pattern.read(text).map(Some);
        }
        match self.form {
            DateForm::DotNet => dot_net(text).map(Some),
            DateForm::Rfc2822 => DateTime::parse_from_rfc2822(text)
                .map(|at| Some(at.into()))
                .map_err(|_| format!("\"{}\" is not a date like Fri, 21 Nov 2026 10:00:00 +0100", short(text))),
            DateForm::Iso | DateForm::Date | DateForm::DateTime | DateForm::EpochSeconds | DateForm::EpochMillis => {
                iso(text).map(Some)
            }
        }
    }

    fn moment(&self, at: NaiveDateTime) -> Result<Timestamp, String> {
        let Some(zone) = &self.zone else {
            return Ok(Timestamp(at.and_utc().timestamp_millis()));
        };
        let out_of_range = || format!("{at} lies outside of the years 1 to 9999");
        let small = |n: u32| i8::try_from(n).map_err(|_| out_of_range());
        let civil = jiff::civil::DateTime::new(
            i16::try_from(at.year()).map_err(|_| out_of_range())?,
            small(at.month())?,
            small(at.day())?,
            small(at.hour())?,
            small(at.minute())?,
            small(at.second())?,
            i32::try_from(at.nanosecond().min(999_999_999)).map_err(|_| out_of_range())?,
        )
        .map_err(|_| out_of_range())?;
        // A time that a change of the clocks leaves out moves on by the gap; one that it gives twice is the first.
        let found = zone.to_ambiguous_timestamp(civil).compatible();
        found.map(|t| Timestamp(t.as_millisecond())).map_err(|_| out_of_range())
    }
}

/// A moment by a text alone; without zone it counts as UTC.
pub(crate) fn timestamp(value: &Value, form: DateForm) -> Result<Option<Timestamp>, String> {
    Dates::of(form).timestamp(value)
}

fn local(zone: &TimeZone, at: Timestamp) -> Result<DateTime<FixedOffset>, String> {
    let moment = jiff::Timestamp::from_millisecond(at.0).map_err(|_| no_moment(at.0))?;
    let offset = FixedOffset::east_opt(zone.to_offset(moment).seconds()).ok_or_else(|| no_moment(at.0))?;
    Ok(utc(at)?.with_timezone(&offset))
}

fn utc(at: Timestamp) -> Result<DateTime<FixedOffset>, String> {
    let moment = DateTime::from_timestamp_millis(at.0).ok_or_else(|| no_moment(at.0))?;
    Ok(moment.fixed_offset())
}

fn no_moment(number: impl std::fmt::Display) -> String {
    format!("{number} is no moment between the years 1 and 9999")
}

impl From<DateTime<FixedOffset>> for Told {
    fn from(at: DateTime<FixedOffset>) -> Self {
        Self::Moment {
            at: Timestamp(at.timestamp_millis()),
            day: at.date_naive(),
        }
    }
}

fn of_millis(millis: i64, offset_seconds: i32) -> Result<Told, String> {
    let offset = FixedOffset::east_opt(offset_seconds).ok_or_else(|| no_moment(millis))?;
    if !(-62_135_596_800_000..=253_402_300_799_999).contains(&millis) {
        return Err(no_moment(millis));
    }
    Ok(utc(Timestamp(millis))?.with_timezone(&offset).into())
}

fn epoch(value: Node<'_>, to_millis: i64) -> Result<Option<Told>, String> {
    let Some(number) = decimal_in(value)? else {
        return Ok(None);
    };
    let millis = number
        .checked_mul(Decimal::from(to_millis))
        .map(|n| n.trunc().normalize());
    match millis.and_then(|n| i64::try_from(n.mantissa()).ok().filter(|_| n.scale() == 0)) {
        Some(millis) => of_millis(millis, 0).map(Some),
        None => Err(no_moment(number)),
    }
}

fn dot_net(text: &str) -> Result<Told, String> {
    let wrong = || format!("\"{}\" is not a date like /Date(1571356800000+0200)/", short(text));
    let inner = text
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/"))
        .ok_or_else(wrong)?;
    let (millis, zone) = match inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')) {
        Some((at, _)) => inner.split_at(at),
        None => (inner, "+0000"),
    };
    let digits = zone.get(1..).filter(|d| d.len() == 4).ok_or_else(wrong)?;
    let number: i32 = digits.parse().map_err(|_| wrong())?;
    let seconds = (number / 100) * 3600 + (number % 100) * 60;
    let seconds = if zone.starts_with('-') { -seconds } else { seconds };
    of_millis(millis.parse().map_err(|_| wrong())?, seconds)
}

/// `2026-11-21`, which most dates are, without a look at the other forms.
fn plain_day(text: &str) -> Option<Date> {
    let [a, b, c, d, b'-', m, n, b'-', x, y] = *text.as_bytes() else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    };
    Date::from_ymd_opt(
        i32::try_from(number(&[a, b, c, d])?).ok()?,
        number(&[m, n])?,
        number(&[x, y])?,
    )
}

fn iso(text: &str) -> Result<Told, String> {
    if let Some(day) = plain_day(text) {
        return Ok(Told::Local {
            at: day.and_time(NaiveTime::MIN),
            timed: false,
        });
    }
    if text.len() == 10 {
        let day: Date = text.parse().map_err(|_| not_iso(text))?;
        return Ok(Told::Local {
            at: day.and_time(NaiveTime::MIN),
            timed: false,
        });
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.into());
    }
    const FORMS: &[&str] = &["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f"];
    let local = FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    if let Some(at) = local {
        return Ok(Told::Local { at, timed: true });
    }
    // Offsets without a colon or without minutes; a day with an offset, as XML Schema has them.
    const ZONED: &[&str] = &[
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
    ];
    if let Some(at) = ZONED.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()) {
        return Ok(at.into());
    }
    let midnight = text
        .get(..10)
        .zip(text.get(10..))
        .map(|(day, zone)| format!("{day}T00:00:00{zone}"));
    midnight
        .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
        .map(|at| Told::Local {
            at: at.naive_local(),
            timed: false,
        })
        .ok_or_else(|| not_iso(text))
}

fn not_iso(text: &str) -> String {
    format!(
        "\"{}\" is not a date (ISO 8601, such as 2026-11-21 or 2026-11-21T08:30:00Z)",
        short(text)
    )
}

/// # Errors
/// A sentence, and the nearest name that there is.
pub(crate) fn zone(name: &str) -> Result<TimeZone, (String, Option<String>)> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
        let near = crate::partner::config::mistakes::nearest(name, known.iter().map(String::as_str));
        (
            format!("\"{name}\" is no time zone (IANA, such as Europe/Berlin)"),
            near.map(str::to_owned),
        )
    })
}

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;
