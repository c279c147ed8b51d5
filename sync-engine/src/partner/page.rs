//! One page of a stream: its items byte for byte, the next page, the watermark, and guards against endless runs.

use super::config::{Paging, StreamConfig, Watermark, WatermarkSource};
use super::expr::Scope;
use super::map::values;
use super::{FetchError, PageCursor, RawItem};
use crate::domain::Timestamp;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where a run is: part of `PageCursor`.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Run {
    /// The watermark that the requests of this run are made with.
    since: Option<String>,
    /// The partner's name of the page, for paging by token.
    cursor: Option<Value>,
    offset: u64,
    /// Pages that were had already.
    pages: u64,
    /// Highest watermark of the run's items.
    high: Option<String>,
    /// What was seen in this run: hashes of page names and of pages.
    seen: Vec<String>,
    /// Why the next page may not be asked for; said when it is.
    stop: Option<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Stop {
    Loop,
    Pages,
}

/// What came of a page's body.
pub(crate) struct ReadPage {
    pub items: Vec<RawItem>,
    pub next: Option<PageCursor>,
    pub watermark: Option<String>,
}

impl Run {
    /// # Errors
    /// When the cursor is not one of ours, or the run may not go on.
    pub fn resume(
        stream: &StreamConfig,
        watermark: Option<&str>,
        cursor: Option<&PageCursor>,
    ) -> Result<Self, FetchError> {
        let start = || {
            let start = stream.watermark.as_ref().and_then(|w| w.start.clone());
            watermark.map(str::to_owned).or(start)
        };
        let Some(cursor) = cursor else {
            return Ok(Self {
                since: start(),
                ..Self::default()
            });
        };
        let run: Self = serde_json::from_value(cursor.0.clone())
            .map_err(|_| broken("partner.page", "the place in the run cannot be read".to_owned()))?;
        match run.stop {
            None => Ok(run),
            Some(Stop::Loop) => Err(broken(
                "limit.loop",
                format!(
                    "the partner's pages run in a circle: page {} names one that was had already",
                    run.pages
                ),
            )),
            Some(Stop::Pages) => Err(broken(
                "limit.pages",
                format!(
                    "the run has {} pages, which is the limit, and is not complete: raise limits.maxPages",
                    run.pages
                ),
            )),
        }
    }

    /// What the request's expressions see.
    pub fn scope(&self, stream: &StreamConfig, now: Timestamp) -> Value {
        let overlap = stream.watermark.as_ref().map_or(Duration::ZERO, |w| w.overlap);
        json!({
            "watermark": self.since.as_deref().map(|since| before(since, overlap)),
            "cursor": self.cursor,
            "offset": self.offset,
            "page": self.pages + 1,
            "limit": stream.limit,
            "now": now.to_rfc3339(),
        })
    }

    /// # Errors
    /// When the body is no page, or one that was had in this run already.
    pub fn read(mut self, stream: &StreamConfig, limits: PageLimits, body: &Bytes) -> Result<ReadPage, FetchError> {
        let (items, shell) =
            split(body, &stream.items, stream.items_optional).map_err(|reason| broken("partner.page", reason))?;
        if items.len() > limits.max_items {
            return Err(broken(
                "limit.items",
                format!(
                    "a page has {} items, at most {} are taken",
                    items.len(),
                    limits.max_items
                ),
            ));
        }
        self.guard_content(&items)?;
        self.pages += 1;
        let page_mark = self.marks(stream, &items, &shell)?;
        let next = self.next(stream, items.len(), &shell, page_mark.as_deref())?;
        let watermark = match stream.watermark.as_ref().map(|w| &w.from) {
            Some(WatermarkSource::Page(_)) => page_mark,
            // Items may come in any order: only a complete run proves that nothing below the highest is missing.
            Some(WatermarkSource::Item(_)) if next.is_none() => self.high.clone(),
            Some(WatermarkSource::Item(_)) | None => None,
        };
        let next = next.and_then(|next| self.forward(next, limits.max_pages, stream));
        Ok(ReadPage {
            items: items
                .into_iter()
                .map(|raw| RawItem {
                    bytes: body.slice_ref(raw.get().as_bytes()),
                    media_type: "application/json".to_owned(),
                })
                .collect(),
            next: next.map(|run| PageCursor(json!(run))),
            watermark,
        })
    }

    /// A page with the same items as one before is a circle, whatever its name.
    fn guard_content(&mut self, items: &[&RawValue]) -> Result<(), FetchError> {
        if items.is_empty() {
            return Ok(());
        }
        let mut hasher = Sha256::new();
        items.iter().for_each(|item| hasher.update(item.get().as_bytes()));
        let print = fingerprint(hasher);
        if self.seen.contains(&print) {
            return Err(broken(
                "limit.loop",
                format!(
                    "the partner sends the same page again: page {} of this run was had already",
                    self.pages + 1
                ),
            ));
        }
        self.seen.push(print);
        Ok(())
    }

    /// The watermark that the page itself gives; that of its items goes into `high`.
    fn marks(
        &mut self,
        stream: &StreamConfig,
        items: &[&RawValue],
        shell: &Value,
    ) -> Result<Option<String>, FetchError> {
        let Some(Watermark { from, .. }) = &stream.watermark else {
            return Ok(None);
        };
        let unusable = |reason: String| broken("partner.page", format!("the watermark cannot be read: {reason}"));
        match from {
            WatermarkSource::Page(expr) => {
                let found = expr.one(&Scope::root(shell)).map_err(|p| unusable(p.message))?;
                found
                    .and_then(|v| values::text(&v).map(|t| t.map(|t| t.into_owned())).transpose())
                    .transpose()
                    .map_err(unusable)
            }
            WatermarkSource::Item(expr) => {
                for raw in items {
                    // An item that cannot be read goes to quarantine; it has no say in the watermark.
                    let Ok(item) = serde_json::from_str::<Value>(raw.get()) else {
                        continue;
                    };
                    let Ok(Some(mark)) = expr.one(&Scope::root(&item)) else {
                        continue;
                    };
                    let Ok(Some(mark)) = values::text(&mark) else { continue };
                    if self
                        .high
                        .as_deref()
                        .or(self.since.as_deref())
                        .is_none_or(|high| order(&mark, high) == Ordering::Greater)
                    {
                        self.high = Some(mark.into_owned());
                    }
                }
                Ok(None)
            }
        }
    }

    /// What names the next page, if there is one.
    fn next(
        &self,
        stream: &StreamConfig,
        items: usize,
        shell: &Value,
        page_mark: Option<&str>,
    ) -> Result<Option<Next>, FetchError> {
        let full = |limit: Option<u64>| items > 0 && limit.is_none_or(|limit| items as u64 >= limit);
        Ok(match &stream.paging {
            Paging::Single => None,
            Paging::Token { next } => {
                let found = next
                    .one(&Scope::root(shell))
                    .map_err(|p| broken("partner.page", format!("the next page cannot be read: {}", p.message)))?;
                found
                    .filter(|v| v.as_str().is_none_or(|text| !text.is_empty()) && !matches!(**v, Value::Bool(false)))
                    .map(|v| Next::Token(v.into_owned()))
            }
            Paging::Watermark => page_mark
                .filter(|mark| full(stream.limit) && Some(*mark) != self.since.as_deref())
                .map(|mark| Next::Watermark(mark.to_owned())),
            Paging::Offset => full(stream.limit).then_some(Next::Offset(self.offset + items as u64)),
            Paging::Page => full(stream.limit).then_some(Next::Page),
        })
    }

    /// The run at the next page; `None` when this run ends here.
    fn forward(self, next: Next, max_pages: u64, stream: &StreamConfig) -> Option<Self> {
        let mut run = self;
        match next {
            Next::Token(token) => {
                let print = fingerprint(Sha256::new().chain_update(token.to_string()));
                if run.seen.contains(&print) {
                    run.stop = Some(Stop::Loop);
                }
                run.seen.push(print);
                run.cursor = Some(token);
            }
            Next::Watermark(mark) => run.since = Some(mark),
            Next::Offset(offset) => run.offset = offset,
            Next::Page => {}
        }
        if run.pages >= max_pages && run.stop.is_none() {
            // With a watermark after every page the next run goes on from here; otherwise it would start anew.
            if matches!(
                stream.watermark.as_ref().map(|w| &w.from),
                Some(WatermarkSource::Page(_))
            ) {
                return None;
            }
            run.stop = Some(Stop::Pages);
        }
        Some(run)
    }
}

enum Next {
    Token(Value),
    Watermark(String),
    Offset(u64),
    Page,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PageLimits {
    pub max_items: usize,
    pub max_pages: u64,
}

/// A mistake of the partner's answer or of the configuration: trying again at once cannot help.
pub(crate) fn broken(code: &'static str, message: String) -> FetchError {
    FetchError {
        code,
        status: None,
        message,
        retry_after: None,
        transient: false,
        breaker: false,
    }
}

fn fingerprint(hasher: Sha256) -> String {
    hasher.finalize().iter().take(10).map(|b| format!("{b:02x}")).collect()
}

/// The items of a body as they are written, and the rest of it without them.
fn split<'b>(body: &'b [u8], keys: &[String], optional: bool) -> Result<(Vec<&'b RawValue>, Value), String> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(|e| format!("the answer is not JSON: {e}"))?;
    walk(raw, keys, &mut String::new(), optional)
}

fn walk<'b>(
    raw: &'b RawValue,
    keys: &[String],
    at: &mut String,
    optional: bool,
) -> Result<(Vec<&'b RawValue>, Value), String> {
    let text = raw.get();
    let place = |at: &str| if at.is_empty() { ".".to_owned() } else { at.to_owned() };
    if text == "null" && (optional || keys.is_empty()) {
        return Ok((Vec::new(), Value::Null));
    }
    let Some((key, rest)) = keys.split_first() else {
        let items = serde_json::from_str(text).map_err(|_| format!("the answer has no list at {}", place(at)))?;
        return Ok((items, Value::Null));
    };
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|_| format!("the answer has no object at {}", place(at)))?;
    at.push('.');
    at.push_str(key);
    let mut items = None;
    let mut shell = serde_json::Map::new();
    for (name, raw) in members {
        let value = if name == *key {
            let (found, shell) = walk(raw, rest, at, optional)?;
            items = Some(found);
            shell
        } else {
            serde_json::from_str(raw.get()).map_err(|e| format!("the answer cannot be read: {e}"))?
        };
        shell.insert(name, value);
    }
    match items {
        Some(items) => Ok((items, Value::Object(shell))),
        None if optional => Ok((Vec::new(), Value::Object(shell))),
        None => Err(format!(
            "the answer has nothing at {at}: \"items\" in the configuration names the list (end it with ? if it may be missing)"
        )),
    }
}

/// A watermark that is a moment, moved back; any other as it is.
fn before(watermark: &str, overlap: Duration) -> String {
    if overlap.is_zero() {
        return watermark.to_owned();
    }
    match chrono::DateTime::parse_from_rfc3339(watermark) {
        Ok(moment) => {
            let back = i64::try_from(overlap.as_secs()).unwrap_or(0);
            let moved = moment.to_utc() - chrono::TimeDelta::seconds(back);
            moved.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
        Err(_) => watermark.to_owned(),
    }
}

/// Numbers by value, moments by time, anything else by its characters.
fn order(a: &str, b: &str) -> Ordering {
    if let (Ok(a), Ok(b)) = (values::decimal_of(a), values::decimal_of(b)) {
        return a.cmp(&b);
    }
    let moment = |text: &str| {
        values::timestamp(&Value::from(text), values::DateForm::Iso)
            .ok()
            .flatten()
    };
    match (moment(a), moment(b)) {
        (Some(x), Some(y)) => x.cmp(&y),
        _ => a.cmp(b),
    }
}
