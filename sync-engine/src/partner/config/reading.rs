//! How a stream is read: where its items are, how its pages follow, where the next run goes on, and what is fetched
//! for each item.

use super::RequestTemplate;
use crate::partner::expr::Expr;
use crate::partner::page::moment::MomentForm;
use std::time::Duration;

/// A list that comes in pages.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The first place that is there counts.
    pub items: Vec<ItemsAt>,
    pub paging: Paging,
    pub limit: Option<u64>,
    /// Only an empty page is the last one; else one with fewer items than `limit`.
    pub until_empty: bool,
    /// Says whether there is another page, instead of counting.
    pub more: Option<Expr>,
    /// Of an address that the partner names, only path and query count.
    pub own_host: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemsAt {
    /// Keys from the answer's root to the list.
    pub keys: Vec<String>,
    /// Whether the list may be missing, which means that it is empty.
    pub optional: bool,
}

#[derive(Debug)]
pub(crate) enum Paging {
    Single,
    Token { next: Place },
    /// The answer gives an address, or a whole query string.
    Url { next: Place },
    /// The `Link` header of the answer.
    Link,
    /// `Range` and `Content-Range`, counted in `unit`.
    Range { unit: String },
    Watermark,
    Offset,
    Page,
}

#[derive(Debug)]
pub(crate) enum Place {
    Body(Expr),
    Header(String),
}

#[derive(Debug)]
pub(crate) struct Watermark {
    pub from: WatermarkSource,
    pub start: Option<String>,
    pub overlap: Duration,
    /// How the request gets a moment; as it was read unless told.
    pub format: Option<MomentForm>,
}

#[derive(Debug)]
pub(crate) enum WatermarkSource {
    Page(Expr),
    Item(Expr),
    /// A header of the answer; `condition` is the one that asks only for what is newer.
    Header {
        name: String,
        condition: Option<&'static str>,
    },
    /// Intervals of at most `length`, up to `lag` before now.
    Window { length: Duration, lag: Duration },
}

/// What is fetched for the items of a page, and told to the partner after they are stored.
#[derive(Debug, Default)]
pub(crate) struct Enrichment {
    pub detail: Option<Detail>,
    pub batch: Option<Batch>,
    pub parts: Vec<Part>,
    /// Requests in flight at once for the items of one page.
    pub concurrency: usize,
    /// The map uses the ETag of the detail.
    pub etag: bool,
}

impl Enrichment {
    pub fn is_none(&self) -> bool {
        self.detail.is_none() && self.batch.is_none() && self.parts.is_empty()
    }
}

/// One request for each item of the list.
#[derive(Debug)]
pub(crate) struct Detail {
    pub request: RequestTemplate,
    /// Where the item is in the answer.
    pub item: Vec<ItemsAt>,
    /// Statuses that say that the item is none of ours.
    pub empty_statuses: Vec<u16>,
    /// Puts what the list said under this name of the item.
    pub stub_as: Option<String>,
}

/// One request for several items of the list.
#[derive(Debug)]
pub(crate) struct Batch {
    pub size: usize,
    /// Names an item of the list.
    pub key: Expr,
    /// Finds that name in an item of the answer.
    pub matched: Expr,
    pub request: RequestTemplate,
    pub items: Vec<ItemsAt>,
}

/// A list of its own, put under `name` of the item.
#[derive(Debug)]
pub(crate) struct Part {
    pub name: String,
    pub request: RequestTemplate,
    /// `None`: the whole answer, of one page.
    pub listing: Option<Listing>,
    pub when: Option<Expr>,
    pub empty_statuses: Vec<u16>,
}

/// Tells the partner what was stored.
#[derive(Debug)]
pub(crate) struct AfterStore {
    pub key: Expr,
    pub size: usize,
    pub request: RequestTemplate,
}
