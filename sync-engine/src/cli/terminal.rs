//! What a person sees: tables, times, progress. What a script reads: JSON.

use super::failure::Failure;
use chrono::{DateTime, Local, Utc};
use console::measure_text_width;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use sync_engine::domain::Timestamp;

/// Widest column of a table.
const MAX_COLUMN: usize = 60;

/// Writes to standard output; a reader that went away is no error.
pub fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("standard output cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}

pub fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    write_out(format!("{}\n", text.as_ref()).as_bytes())
}

/// One JSON value with a line feed.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string(value).map_err(|e| Failure::failed(format!("the answer cannot be written: {e}")))?;
    line(text)
}

/// Columns as wide as their widest cell; the last one as long as it is.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let mut widths: Vec<usize> = head.iter().map(|h| measure_text_width(h)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(measure_text_width(cell)).min(MAX_COLUMN);
        }
    }
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut written = String::new();
        for (index, cell) in row.iter().enumerate() {
            written.push_str(cell);
            if let Some(width) = widths.get(index).filter(|_| index + 1 < row.len()) {
                let gap = width.saturating_sub(measure_text_width(cell)) + 2;
                written.extend(std::iter::repeat_n(' ', gap));
            }
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    write_out(text.as_bytes())
}

/// `14:03 (in 5 min)`; with the day when it is another one.
pub fn time(at: Timestamp, now: Timestamp) -> String {
    let local = |t: Timestamp| {
        DateTime::<Utc>::from_timestamp_millis(t.0)
            .unwrap_or_default()
            .with_timezone(&Local)
    };
    let (at_local, now_local) = (local(at), local(now));
    let format = if at_local.date_naive() == now_local.date_naive() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    format!("{} ({})", at_local.format(format), distance(at.0 - now.0))
}

/// How far away a moment is: `in 5 min`, `3 h ago`.
fn distance(millis: i64) -> String {
    let seconds = millis.unsigned_abs() / 1000;
    let span = match seconds {
        0..=4 => return "now".to_owned(),
        5..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", seconds.div_ceil(60)),
        5_400..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    if millis < 0 {
        format!("{span} ago")
    } else {
        format!("in {span}")
    }
}

pub fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A turning sign while a person waits; nothing for a script.
pub fn waiting(json: bool, text: impl Into<String>) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").unwrap_or(ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_message(text.into());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_say_them() {
        for (millis, told) in [
            (0, "now"),
            (-4_000, "now"),
            (5_000, "in 5 s"),
            (-89_000, "89 s ago"),
            (90_000, "in 2 min"),
            (300_000, "in 5 min"),
            (-7_200_000, "2 h ago"),
            (172_800_000, "in 2 days"),
        ] {
            assert_eq!(distance(millis), told, "{millis}");
        }
    }
}
