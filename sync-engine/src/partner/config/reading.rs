//! How a stream is read: where its items are, how its pages follow, and where the next run goes on.

use crate::partner::expr::Expr;
use crate::partner::page::moment::MomentStyle;
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
    /// Says how many items there are in all, instead of counting.
    pub total: Option<Place>,
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
    Token {
        next: Place,
    },
    /// The answer gives an address, or a whole query string.
    Url {
        next: Place,
    },
    /// The `Link` header of the answer.
    Link,
    /// `Range` and `Content-Range`, counted in `unit`.
    Range {
        unit: String,
    },
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
    pub format: Option<MomentStyle>,
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
    Window {
        length: Duration,
        lag: Duration,
    },
}
