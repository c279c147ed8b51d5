//! The streams of a configuration.

use super::mistakes::child;
use super::raw::{RawKind, RawPagingKind, RawSide, RawStream, RawWatermark};
use super::request::RequestTemplate;
use super::validate::{inherit, schema};
use super::{Paging, StreamConfig, Watermark, WatermarkSource};
use crate::domain::Side;
use crate::partner::StreamInfo;
use crate::partner::expr::{Expr, Path};
use crate::partner::map::{Compile, DocumentMap, MapKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::time::Duration;

pub(super) fn compile(raw: &BTreeMap<String, Value>, dir: &FilePath, ctx: &mut Compile<'_>) -> Vec<StreamConfig> {
    let mut found = Vec::new();
    for (name, value) in raw {
        let pointer = child("/streams", name);
        let Some(whole) = inherit("stream", name, value, raw, &pointer, ctx) else {
            continue;
        };
        // Names and types fit the schema; what does not was reported and taken out before.
        let Ok(raw) = serde_json::from_value::<RawStream>(whole) else {
            ctx.mistakes.add(&*pointer, "this is no stream");
            continue;
        };
        found.extend(stream(name, &raw, dir, ctx));
    }
    found
}

fn stream(name: &str, raw: &RawStream, dir: &FilePath, ctx: &mut Compile<'_>) -> Option<StreamConfig> {
    let pointer = child("/streams", name);
    report_lacking(raw, &pointer, ctx);
    let request = raw
        .request
        .as_ref()
        .and_then(|r| RequestTemplate::compile(r, "GET", &child(&pointer, "request"), ctx));
    let items = raw
        .items
        .as_deref()
        .and_then(|text| items(text, &child(&pointer, "items"), ctx));
    let hash_except = hash_except(raw, &pointer, ctx);
    let (paging, limit) = paging(raw, &pointer, ctx);
    let watermark = raw
        .watermark
        .as_ref()
        .and_then(|w| watermark(w, &child(&pointer, "watermark"), ctx));
    if matches!(paging, Some(Paging::Watermark))
        && !matches!(
            watermark,
            Some(Watermark {
                from: WatermarkSource::Page(_),
                ..
            })
        )
    {
        ctx.mistakes.add(
            child(&pointer, "paging"),
            "paging by watermark needs \"watermark\": {\"page\": …}, the path of the watermark in the answer",
        );
    }
    let schema = schema(raw.schema.as_ref(), dir, &pointer, ctx);
    let map_pointer = child(&pointer, "map");
    let kind = raw.kind.map(MapKind::from);
    let map = match (raw.map.as_ref(), kind) {
        (Some(map), Some(kind)) => DocumentMap::compile(kind, map, &map_pointer, ctx),
        (None, _) | (_, None) => None,
    };
    let side = side(raw, kind, &pointer, ctx);
    Some(StreamConfig {
        info: StreamInfo {
            name: name.to_owned(),
            kind: kind?.document(),
            answers: kind?.answers(),
            side: side?,
            interval: Duration::from_secs(raw.every_seconds.unwrap_or(60)),
        },
        request: request?,
        empty_statuses: raw.empty_statuses.clone(),
        items_optional: items.as_ref().is_some_and(|(_, optional)| *optional),
        items: items?.0,
        paging: paging?,
        limit,
        watermark,
        schema,
        hash_except,
        map: map?,
    })
}

/// What we are in the documents. Only a buyer's orders and a seller's delivery notes are answered by the partner.
fn side(raw: &RawStream, kind: Option<MapKind>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Side> {
    let given = raw.side.map(|side| match side {
        RawSide::Seller => Side::Seller,
        RawSide::Buyer => Side::Buyer,
    });
    let (implied, why) = match kind? {
        MapKind::Order | MapKind::DespatchAdvice => return given,
        MapKind::OrderResponse => (Side::Buyer, "the seller answers orders, so we are the buyer here"),
        MapKind::ReceiptAdvice => (
            Side::Seller,
            "the buyer answers delivery notes, so we are the seller here",
        ),
    };
    if given.is_some_and(|side| side != implied) {
        ctx.mistakes.add(child(pointer, "side"), why);
    }
    Some(implied)
}

impl From<RawKind> for MapKind {
    fn from(kind: RawKind) -> Self {
        match kind {
            RawKind::Order => Self::Order,
            RawKind::DespatchAdvice => Self::DespatchAdvice,
            RawKind::OrderResponse => Self::OrderResponse,
            RawKind::ReceiptAdvice => Self::ReceiptAdvice,
        }
    }
}

/// What a stream cannot do without, here or from the stream that it is the same as.
fn report_lacking(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) {
    let lacking = [
        ("kind", raw.kind.is_none()),
        (
            "side",
            raw.side.is_none() && !raw.kind.is_some_and(|kind| MapKind::from(kind).answers()),
        ),
        ("request", raw.request.is_none()),
        ("items", raw.items.is_none()),
        ("map", raw.map.is_none()),
    ];
    for (field, _) in lacking.iter().filter(|(_, lacks)| *lacks) {
        // What was there and did not fit has its mistake already.
        if ctx.mistakes.is_at(&child(pointer, field)) {
            continue;
        }
        ctx.mistakes.add(pointer, format!("\"{field}\" is missing"));
    }
}

fn items(text: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<(Vec<String>, bool)> {
    let text = text.strip_suffix("[]").unwrap_or(text);
    let keys = Path::parse(if text.is_empty() { "." } else { text }).and_then(|path| {
        Some((
            path.keys()?.into_iter().map(str::to_owned).collect(),
            path.is_optional(),
        ))
    });
    if keys.is_none() {
        ctx.mistakes.add(
            pointer,
            format!("\"{text}\" is no plain path to a list, such as .payload.orders, or . for the answer itself"),
        );
    }
    keys
}

fn hash_except(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (n, text) in raw.hash_except.iter().enumerate() {
        match Path::parse(text).and_then(|path| path.field_names()) {
            Some(names) if !names.is_empty() => paths.push(names),
            _ => ctx.mistakes.add(
                child(&child(pointer, "hashExcept"), n),
                format!("\"{text}\" is no plain path to a field, such as .status or .items[].status"),
            ),
        }
    }
    paths
}

fn paging(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) -> (Option<Paging>, Option<u64>) {
    let Some(raw) = &raw.paging else {
        return (Some(Paging::Single), None);
    };
    let pointer = child(pointer, "paging");
    let next = raw.next.as_deref().map(|text| ctx.expr(text, &child(&pointer, "next")));
    if next.is_some() && raw.kind != Some(RawPagingKind::Token) {
        ctx.mistakes
            .add(child(&pointer, "next"), "only paging by token uses \"next\"");
    }
    let paging = match raw.kind {
        None => None,
        Some(RawPagingKind::Token) => match next {
            Some(next) => next.map(|next| Paging::Token { next }),
            None => {
                ctx.mistakes
                    .add(&*pointer, "\"next\" is missing: where the answer names the next page");
                None
            }
        },
        Some(RawPagingKind::Watermark) => Some(Paging::Watermark),
        Some(kind @ (RawPagingKind::Offset | RawPagingKind::Page)) => {
            if raw.limit.is_none() {
                ctx.mistakes.add(
                    &*pointer,
                    "\"limit\" is missing: a page with fewer items than that is the last one",
                );
            }
            Some(if kind == RawPagingKind::Offset {
                Paging::Offset
            } else {
                Paging::Page
            })
        }
    };
    (paging, raw.limit)
}

fn watermark(raw: &RawWatermark, pointer: &str, ctx: &mut Compile<'_>) -> Option<Watermark> {
    let mut expr =
        |text: &Option<String>, name: &str| -> Option<Expr> { ctx.expr(text.as_deref()?, &child(pointer, name)) };
    let (page, item) = (expr(&raw.page, "page"), expr(&raw.item, "item"));
    let from = match (raw.page.is_some(), raw.item.is_some()) {
        (true, false) => WatermarkSource::Page(page?),
        (false, true) => WatermarkSource::Item(item?),
        (true, true) => {
            ctx.mistakes.add(pointer, "\"page\" and \"item\" exclude each other");
            return None;
        }
        (false, false) => {
            ctx.mistakes.add(
                pointer,
                "\"page\" or \"item\" is missing: where the watermark comes from",
            );
            return None;
        }
    };
    Some(Watermark {
        from,
        start: raw.start.clone(),
        overlap: Duration::from_secs(raw.overlap_seconds.unwrap_or(0)),
    })
}
