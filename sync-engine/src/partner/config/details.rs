//! What is fetched for the items of a list, and told to the partner after they are stored.

use super::listing::{listing, optional, places};
use super::mistakes::child;
use super::raw::RawStream;
use super::raw_details::{RawBatch, RawDetail, RawPart};
use super::raw_reading::RawItems;
use super::reading::{ItemsAt, Listing, Paging};
use super::request::RequestTemplate;
use crate::partner::expr::Expr;
use crate::partner::map::Compile;

/// Name of the member that holds the ETag of a detail; `$etag` in expressions.
pub(crate) const ETAG: &str = "$etag";
/// Requests in flight at once for the items of one page, unless told.
const CONCURRENCY: usize = 4;
/// Items of one request for several, unless told.
const BATCH: usize = 20;

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

    /// Names of the members that are put into an item beside its own.
    pub fn added(&self) -> Vec<&str> {
        let stub = self.detail.as_ref().and_then(|d| d.stub_as.as_deref());
        let etag = self.etag.then_some(ETAG);
        let parts = self.parts.iter().map(|p| p.name.as_str());
        parts.chain(stub).chain(etag).collect()
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
    /// One request for several items.
    pub batched: Option<Batched>,
}

/// Which entries of a part belong to which item.
#[derive(Debug)]
pub(crate) struct Batched {
    pub size: usize,
    /// Names an item.
    pub key: Expr,
    /// Finds that name in an entry.
    pub matched: Expr,
}

/// Tells the partner what was stored.
#[derive(Debug)]
pub(crate) struct AfterStore {
    pub key: Expr,
    pub size: usize,
    pub request: RequestTemplate,
}

/// `None` after a mistake.
pub(super) fn enrichment(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) -> Option<Enrichment> {
    if raw.detail.is_some() && raw.batch.is_some() {
        ctx.mistakes.add(
            child(pointer, "batch"),
            "\"detail\" and \"batch\" exclude each other: one request for each item, or one for several",
        );
    }
    let etag = raw.map.as_ref().is_some_and(|map| {
        let text = serde_json::to_string(map).unwrap_or_default();
        text.contains(&format!("\"{ETAG}\""))
    });
    if etag && raw.detail.is_none() {
        ctx.mistakes.add(
            child(pointer, "map"),
            "$etag is the ETag of a \"detail\": this stream has none",
        );
    }
    let at = child(pointer, "detail");
    let detail = raw.detail.as_ref().map(|raw| detail(raw, &at, ctx));
    let at = child(pointer, "batch");
    let batch = raw.batch.as_ref().map(|raw| batch(raw, &at, ctx));
    let mut parts = Vec::new();
    for (name, raw) in &raw.parts {
        parts.push(part(name, raw, &child(&child(pointer, "parts"), name), ctx));
    }
    let concurrency = raw.detail.as_ref().and_then(|d| d.concurrency);
    Some(Enrichment {
        detail: flat(detail)?,
        batch: flat(batch)?,
        parts: parts.into_iter().collect::<Option<_>>()?,
        concurrency: concurrency.and_then(|n| usize::try_from(n).ok()).unwrap_or(CONCURRENCY),
        etag,
    })
}

/// Absent stays absent, a mistake stays a mistake.
#[expect(clippy::option_option, reason = "missing and mistaken are two things")]
fn flat<T>(section: Option<Option<T>>) -> Option<Option<T>> {
    match section {
        None => Some(None),
        Some(compiled) => compiled.map(Some),
    }
}

fn detail(raw: &RawDetail, pointer: &str, ctx: &mut Compile<'_>) -> Option<Detail> {
    let request = request(raw.request.as_ref(), pointer, ctx);
    let whole = RawItems::One(".".to_owned());
    let item = places(raw.item.as_ref().unwrap_or(&whole), &child(pointer, "item"), ctx);
    Some(Detail {
        request: request?,
        item: item?,
        empty_statuses: raw.empty_statuses.clone(),
        stub_as: raw.stub_as.clone(),
    })
}

fn batch(raw: &RawBatch, pointer: &str, ctx: &mut Compile<'_>) -> Option<Batch> {
    let request = request(raw.request.as_ref(), pointer, ctx);
    let key_text = needed(
        raw.key.as_deref(),
        "key",
        "what names an item in the request",
        pointer,
        ctx,
    );
    let key = key_text.and_then(|text| ctx.expr(text, &child(pointer, "key")));
    let matched = match raw.matched.as_deref() {
        Some(text) => ctx.expr(text, &child(pointer, "match")),
        // The same field in the list and in the answer, unless told; its mistakes are reported above.
        None => key_text.and_then(|text| Expr::compile(text).ok()),
    };
    let items = match &raw.items {
        Some(items) => places(items, &child(pointer, "items"), ctx),
        None => {
            needed(None, "items", "where the answer has its list", pointer, ctx);
            None
        }
    };
    Some(Batch {
        size: raw.size.and_then(|n| usize::try_from(n).ok()).unwrap_or(BATCH),
        key: key?,
        matched: matched?,
        request: request?,
        items: items?,
    })
}

fn part(name: &str, raw: &RawPart, pointer: &str, ctx: &mut Compile<'_>) -> Option<Part> {
    let request = request(raw.request.as_ref(), pointer, ctx);
    let list = match &raw.items {
        Some(items) => Some(listing(Some(items), raw.paging.as_ref(), pointer, ctx)),
        None => {
            if raw.paging.is_some() {
                ctx.mistakes.add(
                    pointer,
                    "\"items\" is missing: where the list is that \"paging\" goes through",
                );
            }
            None
        }
    };
    if let Some(Some(list)) = &list
        && matches!(list.paging, Paging::Watermark)
    {
        ctx.mistakes.add(
            child(pointer, "paging"),
            "a part has no watermark of its own: another type of paging is needed",
        );
    }
    let when = optional(raw.when.as_deref(), &child(pointer, "when"), ctx);
    let batched = batched(raw, pointer, ctx);
    Some(Part {
        name: name.to_owned(),
        request: request?,
        listing: flat(list)?,
        when: when?,
        empty_statuses: raw.empty_statuses.clone(),
        batched: flat(batched)?,
    })
}

/// `None` where each item has a request of its own.
#[expect(clippy::option_option, reason = "missing and mistaken are two things")]
fn batched(raw: &RawPart, pointer: &str, ctx: &mut Compile<'_>) -> Option<Option<Batched>> {
    let given = [
        ("key", raw.key.is_some()),
        ("match", raw.matched.is_some()),
        ("size", raw.size.is_some()),
    ];
    given.iter().find(|(_, given)| *given)?;
    let what = "what names an item in the request, where one is for several items";
    let key = needed(raw.key.as_deref(), "key", what, pointer, ctx);
    let what = "where an entry names the item that it belongs to";
    let matched = needed(raw.matched.as_deref(), "match", what, pointer, ctx);
    if raw.items.is_none() {
        needed(None, "items", "where the answer has its list", pointer, ctx);
    }
    let key = key.and_then(|text| ctx.expr(text, &child(pointer, "key")));
    let matched = matched.and_then(|text| ctx.expr(text, &child(pointer, "match")));
    Some(match (key, matched) {
        (Some(key), Some(matched)) => Some(Batched {
            size: raw.size.and_then(|n| usize::try_from(n).ok()).unwrap_or(BATCH),
            key,
            matched,
        }),
        _ => None,
    })
}

/// `None` when there is none, or after a mistake.
pub(super) fn after_store(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) -> Option<AfterStore> {
    let raw = raw.after_store.as_ref()?;
    let pointer = child(pointer, "afterStore");
    let request = match raw.request.as_ref() {
        Some(r) => RequestTemplate::compile(r, "POST", &child(&pointer, "request"), ctx),
        None => request(None, &pointer, ctx),
    };
    let key = needed(
        raw.key.as_deref(),
        "key",
        "what names an item in the request",
        &pointer,
        ctx,
    );
    let key = key.and_then(|text| ctx.expr(text, &child(&pointer, "key")));
    Some(AfterStore {
        key: key?,
        size: raw.size.and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
        request: request?,
    })
}

fn request(raw: Option<&super::raw::RawRequest>, pointer: &str, ctx: &mut Compile<'_>) -> Option<RequestTemplate> {
    match raw {
        Some(raw) => RequestTemplate::compile(raw, "GET", &child(pointer, "request"), ctx),
        None => {
            needed(None, "request", "what is asked", pointer, ctx);
            None
        }
    }
}

/// Reports what is missing, unless what was there had a mistake already.
fn needed<'a>(given: Option<&'a str>, name: &str, what: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<&'a str> {
    if given.is_none() && !ctx.mistakes.is_at(&child(pointer, name)) {
        ctx.mistakes.add(pointer, format!("\"{name}\" is missing: {what}"));
    }
    given
}
