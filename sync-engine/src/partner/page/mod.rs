//! One page of a stream: its items byte for byte, the next page, the watermark, and guards against endless runs.

mod cut;
pub(crate) mod moment;
mod next;
mod split;

pub(crate) use split::{call_items, one, split_items};

use super::config::{Format, Listing, Paging, StreamConfig, Watermark, WatermarkSource};
use super::expr::Scope;
use super::json::Node;
use super::map::values;
use super::scan::{ScanLimits, scan};
use super::{FetchError, PageCursor};
use crate::domain::Timestamp;
use bytes::Bytes;
use chrono::SubsecRound;
use moment::MomentForm;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};
use url::Url;

/// Items of fewer bytes are parsed for their watermark without a look at their limits.
const SMALL_ITEM_BYTES: usize = 64 * 1024;

/// Where a run is: part of `PageCursor`.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Run {
    /// The watermark that the requests of this run are made with.
    since: Option<String>,
    /// End of the window that is asked for.
    until: Option<String>,
    /// Where the last window of this run ends: time that goes on meanwhile belongs to the next run.
    goal: Option<String>,
    /// The partner's name of the page, for paging by token.
    cursor: Option<Value>,
    /// The partner's address of the page, for paging by links.
    address: Option<String>,
    offset: u64,
    /// Pages that were had already.
    pages: u64,
    /// Highest watermark of the run's items, or what a header said.
    high: Option<String>,
    /// What was seen in this run: hashes of page names and of pages.
    seen: Vec<String>,
    /// Why the next page may not be asked for; said when it is.
    stop: Option<Stop>,
    /// Something of this run could not be had: the watermark stays where it is.
    held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Stop {
    Loop,
    Pages,
}

/// The partner's answer to the request for a page.
pub(crate) struct PageAnswer<'a> {
    pub status: u16,
    pub headers: &'a HeaderMap,
    /// What was asked.
    pub url: &'a Url,
    pub body: &'a Bytes,
    /// The status says that there is nothing; the body is no page.
    pub nothing: bool,
}

impl PageAnswer<'_> {
    fn header(&self, name: &str) -> Option<String> {
        let text = self.headers.get(name)?.to_str().ok()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// What came of a page's body.
pub(crate) struct ReadPage {
    /// Slices of the body.
    pub items: Vec<Bytes>,
    pub next: Option<Run>,
    pub watermark: Option<String>,
}

impl Run {
    /// # Errors
    /// When the cursor is not one of ours, or the run may not go on.
    pub fn resume(
        stream: &StreamConfig,
        watermark: Option<&str>,
        cursor: Option<&PageCursor>,
        now: Timestamp,
    ) -> Result<Self, FetchError> {
        let Some(cursor) = cursor else {
            let start = stream.watermark.as_ref().and_then(|w| w.start.clone());
            let run = Self {
                since: watermark.map(str::to_owned).or(start),
                ..Self::default()
            };
            return run.windowed(stream, now);
        };
        let run: Self = serde_json::from_value(cursor.0.clone())
            .map_err(|_| broken("partner.page", "the place in the run cannot be read".to_owned()))?;
        run.go_on()
    }

    /// # Errors
    /// When the run may not go on.
    pub fn go_on(self) -> Result<Self, FetchError> {
        match self.stop {
            None => Ok(self),
            Some(Stop::Loop) => Err(broken(
                "limit.loop",
                format!(
                    "the partner's pages run in a circle: page {} names one that was had already",
                    self.pages
                ),
            )),
            Some(Stop::Pages) => Err(broken(
                "limit.pages",
                format!(
                    "the run has {} pages, which is the limit, and is not complete: raise limits.maxPages",
                    self.pages
                ),
            )),
        }
    }

    /// The run with the end of its window, where the stream is read by windows.
    fn windowed(mut self, stream: &StreamConfig, now: Timestamp) -> Result<Self, FetchError> {
        let Some(WatermarkSource::Window { length, lag }) = stream.watermark.as_ref().map(|w| &w.from) else {
            return Ok(self);
        };
        let unreadable = || {
            broken(
                "partner.page",
                "the start of the window is no date and time: see \"watermark\" in the configuration".to_owned(),
            )
        };
        let since = self.since.as_deref().and_then(moment::parse).ok_or_else(unreadable)?.0;
        let goal = match self.goal.as_deref().and_then(moment::parse) {
            Some((goal, _)) => goal,
            None => moment::back(moment::of(now).ok_or_else(unreadable)?, *lag).trunc_subsecs(0),
        };
        let end = chrono::TimeDelta::from_std(*length)
            .ok()
            .and_then(|length| since.checked_add_signed(length))
            .map_or(goal, |end| end.min(goal));
        self.goal = Some(moment::write(goal, MomentForm::DateTime));
        self.until = Some(moment::write(end, MomentForm::DateTime));
        Ok(self)
    }

    /// What the request's expressions see.
    pub fn scope(&self, stream: &StreamConfig, now: Timestamp) -> Value {
        let watermark = stream.watermark.as_ref();
        let since = self.since.as_deref().map(|since| match watermark {
            Some(Watermark { overlap, format, .. }) => moment::shown(since, *overlap, format.as_ref()),
            None => since.to_owned(),
        });
        let until = self.until.as_deref().map(|until| {
            let form = watermark.and_then(|w| w.format.as_ref());
            moment::shown(until, std::time::Duration::ZERO, form)
        });
        json!({
            "watermark": since,
            "from": since,
            "until": until,
            "cursor": self.cursor,
            "offset": self.offset,
            "page": self.pages + 1,
            "limit": stream.listing.limit,
            "now": now.to_rfc3339(),
        })
    }

    /// What the requests for a list that belongs to an item see of its pages.
    pub fn part_scope(&self, listing: &Listing, item: &Value) -> Value {
        json!({
            "item": item,
            "cursor": self.cursor,
            "offset": self.offset,
            "page": self.pages + 1,
            "limit": listing.limit,
        })
    }

    /// The address that the partner named, instead of the one from the configuration.
    pub fn address(&self) -> Option<Url> {
        self.address.as_deref().and_then(|a| Url::parse(a).ok())
    }

    /// Headers that paging and watermark add to the request.
    pub fn headers(&self, listing: &Listing, watermark: Option<&Watermark>) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if let (Paging::Range { unit }, Some(limit)) = (&listing.paging, listing.limit) {
            let last = self.offset + limit.max(1) - 1;
            headers.push(("Range".to_owned(), format!("{unit}={}-{last}", self.offset)));
        }
        if let Some(Watermark {
            from: WatermarkSource::Header {
                condition: Some(name), ..
            },
            ..
        }) = watermark
            && let Some(since) = self.since.as_ref().filter(|_| self.pages == 0)
        {
            headers.push(((*name).to_owned(), since.clone()));
        }
        headers
    }

    /// From here on the watermark stays where it is.
    pub fn hold(&mut self) {
        self.held = true;
    }

    pub fn cursor(&self) -> PageCursor {
        PageCursor(json!(self))
    }

    /// # Errors
    /// When the body is no page, or one that was had in this run already.
    pub fn read(
        mut self,
        stream: &StreamConfig,
        limits: PageLimits,
        answer: &PageAnswer<'_>,
        now: Timestamp,
    ) -> Result<ReadPage, FetchError> {
        let (items, shell) = self.items(&stream.format, &stream.listing, limits, answer)?;
        let source = stream.watermark.as_ref().map(|w| &w.from);
        let page_mark = self.marks(stream, &items, &shell, answer)?;
        let next = next::next(
            &self,
            &stream.listing,
            items.len(),
            &shell,
            answer,
            page_mark.as_deref(),
        )?;
        let watermark = match source {
            Some(WatermarkSource::Page(_)) => page_mark,
            // Items may come in any order: only a complete run proves that nothing below the highest is missing.
            Some(WatermarkSource::Item(_) | WatermarkSource::Header { .. }) if next.is_none() => self.high.clone(),
            Some(WatermarkSource::Window { .. }) if next.is_none() => self.window_end(),
            Some(WatermarkSource::Item(_) | WatermarkSource::Header { .. } | WatermarkSource::Window { .. }) | None => {
                None
            }
        };
        let held = self.held;
        let next = match next {
            // With a watermark after every page the next run goes on from here; otherwise it would start anew.
            Some(next) => self.forward(next, limits.max_pages, matches!(source, Some(WatermarkSource::Page(_)))),
            None => self.next_window(stream, watermark.as_deref(), now)?,
        };
        Ok(ReadPage {
            items: items.into_iter().map(|item| answer.body.slice_ref(item)).collect(),
            next,
            watermark: watermark.filter(|_| !held),
        })
    }

    /// The items of one page, counted and looked at for circles.
    fn items<'b>(
        &mut self,
        format: &Format,
        listing: &Listing,
        limits: PageLimits,
        answer: &PageAnswer<'b>,
    ) -> Result<(Vec<&'b [u8]>, Value), FetchError> {
        let (items, shell) = if answer.nothing {
            (Vec::new(), Value::Null)
        } else {
            let found = match format {
                Format::Json => split::split(answer.body, &listing.items),
                Format::Xml(reading) => split::split_xml(answer.body, &listing.items, reading),
            };
            found.map_err(|reason| broken("partner.page", reason))?
        };
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
        Ok((items, shell))
    }

    /// Reads one page of a list that belongs to an item: no watermark, no windows.
    ///
    /// # Errors
    /// As of `read`.
    pub fn read_part(
        mut self,
        listing: &Listing,
        limits: PageLimits,
        answer: &PageAnswer<'_>,
    ) -> Result<ReadPage, FetchError> {
        let (items, shell) = self.items(&Format::Json, listing, limits, answer)?;
        let next = next::next(&self, listing, items.len(), &shell, answer, None)?;
        Ok(ReadPage {
            items: items.into_iter().map(|item| answer.body.slice_ref(item)).collect(),
            next: next.and_then(|next| self.forward(next, limits.max_pages, false)),
            watermark: None,
        })
    }

    /// A page with the same items as one before is a circle, whatever its name.
    fn guard_content(&mut self, items: &[&[u8]]) -> Result<(), FetchError> {
        if items.is_empty() {
            return Ok(());
        }
        let print = fingerprint(items);
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

    /// The watermark that the page itself gives; that of its items or of its header goes into `high`.
    fn marks(
        &mut self,
        stream: &StreamConfig,
        items: &[&[u8]],
        shell: &Value,
        answer: &PageAnswer<'_>,
    ) -> Result<Option<String>, FetchError> {
        let unusable = |reason: String| broken("partner.page", format!("the watermark cannot be read: {reason}"));
        match stream.watermark.as_ref().map(|w| &w.from) {
            Some(WatermarkSource::Page(expr)) => {
                let found = expr.one(&Scope::root(shell)).map_err(|p| unusable(p.message))?;
                found
                    .and_then(|v| values::text(&v).map(|t| t.map(|t| t.into_owned())).transpose())
                    .transpose()
                    .map_err(unusable)
            }
            Some(WatermarkSource::Item(expr)) => {
                for item in items.iter().filter(|item| may_be_marked(item, stream)) {
                    // An item that cannot be read goes to quarantine; it has no say in the watermark.
                    let Some(item) = stream.format.value(item) else {
                        continue;
                    };
                    // Several values, such as a time for each line: the highest counts.
                    for mark in expr.elements(&Scope::root(&item)).unwrap_or_default() {
                        self.rise(mark.node());
                    }
                }
                Ok(None)
            }
            Some(WatermarkSource::Header { name, condition }) => {
                // What a condition is asked with belongs to the first page: the later ones have their own.
                if condition.is_none() || self.pages == 1 {
                    self.high = answer.header(name).or(self.high.take());
                }
                Ok(None)
            }
            Some(WatermarkSource::Window { .. }) | None => Ok(None),
        }
    }

    /// Notes a watermark of an item when it is the highest so far.
    fn rise(&mut self, mark: Node<'_>) {
        let Ok(Some(mark)) = values::text_in(mark) else { return };
        let highest = self.high.as_deref().or(self.since.as_deref());
        if highest.is_none_or(|high| moment::order(mark, high) == Ordering::Greater) {
            self.high = Some(mark.to_owned());
        }
    }

    /// The watermark after a window that was read to its end: it never goes back.
    fn window_end(&self) -> Option<String> {
        let (since, until) = (self.since.as_deref()?, self.until.as_deref()?);
        let later = moment::order(until, since) == Ordering::Greater;
        later.then(|| until.to_owned())
    }

    /// The next window of a stream that is read by windows, up to where the run goes.
    fn next_window(
        self,
        stream: &StreamConfig,
        reached: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Self>, FetchError> {
        let (Some(reached), Some(goal)) = (reached, self.goal) else {
            return Ok(None);
        };
        if moment::order(reached, &goal) != Ordering::Less {
            return Ok(None);
        }
        let run = Self {
            since: Some(reached.to_owned()),
            goal: Some(goal),
            held: self.held,
            ..Self::default()
        };
        run.windowed(stream, now).map(Some)
    }
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

/// An item that is over the limits of a document goes to quarantine; it has no say in the watermark.
fn may_be_marked(item: &[u8], stream: &StreamConfig) -> bool {
    let limits = ScanLimits {
        max_depth: usize::MAX,
        max_string_bytes: usize::MAX,
    };
    item.len() <= SMALL_ITEM_BYTES || matches!(stream.format, Format::Xml(_)) || scan(item, limits).is_ok()
}

/// Within one run. Not against whoever makes two alike on purpose: that ends their own run, and nothing else.
fn fingerprint<T: AsRef<[u8]>>(parts: &[T]) -> String {
    let mut hasher = foldhash::quality::FixedState::default().build_hasher();
    parts.iter().for_each(|part| hasher.write(part.as_ref()));
    format!("{:016x}", hasher.finish())
}
