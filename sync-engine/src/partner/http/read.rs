//! Pages of a stream over HTTP.

use super::gather::{Gathered, key_of};
use super::outcome::{self, clock_skew, fetch_error, fetch_refusal};
use super::{HttpPartner, Reading};
use crate::partner::config::{Listing, Paging, StreamConfig, Watermark};
use crate::partner::expr::Scope;
use crate::partner::page::{PageAnswer, PageLimits, Run, broken};
use crate::partner::{FetchError, FetchedPage, PageCursor, RawItem};
use bytes::Bytes;

/// The conditional read found nothing new.
const NOT_MODIFIED: u16 = 304;
/// There is nothing in the range that was asked for.
const NO_SUCH_RANGE: u16 = 416;

impl HttpPartner {
    pub(super) async fn fetch_page(
        &self,
        stream: &str,
        watermark: Option<&str>,
        cursor: Option<&PageCursor>,
    ) -> Result<FetchedPage, FetchError> {
        let stream = self.known_stream(stream)?;
        let now = self.clock.now();
        let run = Run::resume(stream, watermark, cursor, now)?;
        let out = self.page_request(stream, &run)?;
        let answer = self
            .wire
            .call(&out.borrow())
            .await
            .map_err(|e| self.clean(fetch_error(&e)))?;
        let now = self.clock.now();
        let nothing = says_nothing(stream, answer.status);
        if !nothing && !(200..=299).contains(&answer.status) {
            let words = outcome::words(&answer, None);
            return Err(self.clean(fetch_refusal(&answer, now, words)));
        }
        let clock_skew_ms = clock_skew(&answer.headers, now);
        let body = Bytes::from(answer.body);
        // The wire has sent it there, so it can be read.
        let url = url::Url::parse(&out.request.url).map_err(|e| broken("partner.request", e.to_string()))?;
        let answer = PageAnswer {
            status: answer.status,
            headers: &answer.headers,
            url: &url,
            body: &body,
            nothing,
        };
        let mut page = run.read(stream, self.page_limits(), &answer, now)?;
        let gathered = self.with_what_belongs(stream, std::mem::take(&mut page.items)).await?;
        if gathered.held.is_some() {
            page.watermark = None;
            if let Some(next) = &mut page.next {
                next.hold();
            }
        }
        Ok(FetchedPage {
            items: gathered.items,
            set_aside: gathered.set_aside,
            keys: gathered.keys,
            next: page.next.map(|run| run.cursor()),
            watermark: page.watermark,
            held: gathered.held,
            clock_skew_ms,
        })
    }

    async fn with_what_belongs(&self, stream: &StreamConfig, items: Vec<Bytes>) -> Result<Gathered, FetchError> {
        if stream.enrichment.is_none() {
            Ok(listed(stream, items))
        } else {
            self.gather(stream, items).await
        }
    }

    pub(super) async fn complete_items(&self, stream: &str, stubs: Vec<Bytes>) -> Result<FetchedPage, FetchError> {
        let stream = self.known_stream(stream)?;
        let gathered = self.with_what_belongs(stream, stubs).await?;
        Ok(FetchedPage {
            items: gathered.items,
            set_aside: gathered.set_aside,
            keys: gathered.keys,
            held: gathered.held,
            next: None,
            watermark: None,
            clock_skew_ms: None,
        })
    }

    fn known_stream(&self, name: &str) -> Result<&StreamConfig, FetchError> {
        self.stream(name)
            .ok_or_else(|| broken("partner.stream", format!("the configuration has no stream \"{name}\"")))
    }

    pub(super) fn page_request<'a>(&self, stream: &'a StreamConfig, run: &Run) -> Result<Reading<'a>, FetchError> {
        let scope = run.scope(stream, self.clock.now());
        let mut out = self
            .outgoing(
                &stream.request,
                &Scope::root(&scope),
                self.clock.new_operation_id().to_string(),
            )
            .map_err(|message| broken("partner.request", message))?;
        out.follow(run, &stream.listing, stream.watermark.as_ref());
        Ok(out)
    }

    pub(super) fn page_limits(&self) -> PageLimits {
        PageLimits {
            max_items: self.config.limits.max_items,
            max_pages: self.config.limits.max_pages,
        }
    }
}

fn says_nothing(stream: &StreamConfig, status: u16) -> bool {
    status == 204
        || status == NOT_MODIFIED
        || (status == NO_SUCH_RANGE && matches!(stream.listing.paging, Paging::Range { .. }))
        || stream.empty_statuses.contains(&status)
}

/// The items of a list that has everything in it.
fn listed(stream: &StreamConfig, items: Vec<Bytes>) -> Gathered {
    let keys = match &stream.after_store {
        Some(after) => items.iter().filter_map(|item| key_of(&after.key, item)).collect(),
        None => Vec::new(),
    };
    Gathered {
        items: items.into_iter().map(|bytes| item(bytes, stream)).collect(),
        keys,
        ..Gathered::default()
    }
}

fn item(bytes: Bytes, stream: &StreamConfig) -> RawItem {
    RawItem {
        bytes,
        media_type: stream.format.media_type().to_owned(),
    }
}

impl Reading<'_> {
    /// Goes where the run says, with the headers that it asks with.
    pub(super) fn follow(&mut self, run: &Run, listing: &Listing, watermark: Option<&Watermark>) {
        if let Some(address) = run.address() {
            self.request.url = address.to_string();
            self.url = address;
        }
        self.request.headers.extend(run.headers(listing, watermark));
    }
}
