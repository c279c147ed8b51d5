//! Dates by a pattern of letters.

use super::dates::Told;
use super::values::short;
use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Datelike, FixedOffset, NaiveTime};

/// A pattern of letters, such as `dd.MM.yyyy HH:mm`.
pub(super) struct Pattern {
    source: String,
    items: Vec<Item<'static>>,
    timed: bool,
    zoned: bool,
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)
    }
}

const LETTERS: &[(&str, &str)] = &[
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("M", "%-m"),
    ("dd", "%d"),
    ("d", "%-d"),
    ("EEEE", "%A"),
    ("EEE", "%a"),
    ("HH", "%H"),
    ("H", "%-H"),
    ("hh", "%I"),
    ("h", "%-I"),
    ("a", "%p"),
    ("mm", "%M"),
    ("ss", "%S"),
    ("SSS", "%3f"),
    ("XXX", "%:z"),
    ("XX", "%z"),
];

impl Pattern {
    pub fn compile(source: &str) -> Result<Self, String> {
        let mut format = String::new();
        let mut found = Vec::new();
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            if first == '\'' {
                let (inner, after) = rest[1..]
                    .split_once('\'')
                    .ok_or_else(|| format!("\"{source}\": a quoted text has no end"))?;
                format.push_str(&if inner.is_empty() {
                    "'".to_owned()
                } else {
                    inner.replace('%', "%%")
                });
                rest = after;
                continue;
            }
            let length = rest.find(|c| c != first).unwrap_or(rest.len());
            let (run, after) = rest.split_at(length);
            rest = after;
            if first.is_ascii_alphabetic() {
                let known = LETTERS.iter().find(|(letters, _)| *letters == run);
                let (letters, item) = known.ok_or_else(|| {
                    let known: Vec<_> = LETTERS.iter().map(|(letters, _)| *letters).collect();
                    format!(
                        "\"{run}\" is unknown in a pattern of a date; known are {}",
                        known.join(" ")
                    )
                })?;
                found.push(*letters);
                format.push_str(item);
            } else {
                format.push_str(&run.replace('%', "%%"));
            }
        }
        let has = |letters: &[&str]| found.iter().any(|f| letters.contains(f));
        if !(has(&["yyyy", "yy"]) && has(&["MMMM", "MMM", "MM", "M"]) && has(&["dd", "d"])) {
            return Err(format!("\"{source}\": a date has year, month and day"));
        }
        let timed = has(&["HH", "H", "hh", "h"]);
        if timed != has(&["mm"]) || has(&["hh", "h"]) != has(&["a"]) {
            return Err(format!(
                "\"{source}\": a time has hours and minutes (HH:mm, or hh:mm a)"
            ));
        }
        let items = StrftimeItems::new(&format).parse_to_owned();
        Ok(Self {
            source: source.to_owned(),
            items: items.map_err(|e| format!("\"{source}\" is no pattern of a date: {e}"))?,
            timed,
            zoned: has(&["XXX", "XX"]),
        })
    }

    pub fn read(&self, text: &str) -> Result<Told, String> {
        let wrong = || format!("\"{}\" is not a date like {}", short(text), self.source);
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).map_err(|_| wrong())?;
        let found = if self.zoned && self.timed {
            parsed.to_datetime().map_err(|_| wrong())?.into()
        } else {
            let day = parsed.to_naive_date().map_err(|_| wrong())?;
            let time = if self.timed {
                parsed.to_naive_time().map_err(|_| wrong())?
            } else {
                NaiveTime::MIN
            };
            Told::Local {
                at: day.and_time(time),
                timed: self.timed,
            }
        };
        let year = match &found {
            Told::Moment { day, .. } => day.year(),
            Told::Local { at, .. } => at.year(),
        };
        // Two digits where four are meant would be a year of antiquity.
        (1000..=9999).contains(&year).then_some(found).ok_or_else(wrong)
    }

    pub fn write(&self, at: DateTime<FixedOffset>) -> String {
        at.format_with_items(self.items.iter()).to_string()
    }
}
