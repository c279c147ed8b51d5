//! The streams of a configuration.

use super::details::{self, ETAG};
use super::mistakes::child;
use super::raw::{RawHashOf, RawKind, RawRequest, RawSide, RawStream};
use super::request::RequestTemplate;
use super::validate::{inherit, schema};
use super::{Format, Paging, StreamConfig, WatermarkSource, listing, push};
use crate::domain::Side;
use crate::partner::StreamInfo;
use crate::partner::expr::Path;
use crate::partner::map::{Compile, DocumentMap, MapKind};
use crate::partner::xml::XmlReading;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn compile(
    raw: &BTreeMap<String, Value>,
    xml: &Arc<XmlReading>,
    dir: &FilePath,
    ctx: &mut Compile<'_>,
) -> Vec<StreamConfig> {
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
        found.extend(stream(name, &raw, xml, dir, ctx));
    }
    found
}

fn stream(
    name: &str,
    raw: &RawStream,
    xml: &Arc<XmlReading>,
    dir: &FilePath,
    ctx: &mut Compile<'_>,
) -> Option<StreamConfig> {
    let pointer = child("/streams", name);
    report_lacking(raw, &pointer, ctx);
    let format = Format::of(raw.format, xml);
    let request = raw
        .request
        .as_ref()
        .and_then(|r| RequestTemplate::compile(r, "GET", &child(&pointer, "request"), ctx))
        .map(|request| accepting(request, raw.request.as_ref(), &format, ctx));
    let listing = listing::listing(raw.items.as_ref(), raw.paging.as_ref(), &pointer, ctx);
    let enrichment = details::enrichment(raw, &pointer, ctx);
    let after_store = details::after_store(raw, &pointer, ctx);
    let push = push::push(raw, &pointer, ctx);
    if matches!(format, Format::Xml(_)) && (after_store.is_some() || enrichment.as_ref().is_some_and(|e| !e.is_none()))
    {
        ctx.mistakes.add(
            child(&pointer, "format"),
            "documents in XML come as they are: \"detail\", \"batch\", \"parts\" and \"afterStore\" are for JSON",
        );
    }
    let mut hash_except = hash_except(raw, &pointer, ctx);
    let hash_of_document = raw.hash_of == Some(RawHashOf::Document);
    if hash_of_document && !raw.hash_except.is_empty() {
        ctx.mistakes.add(
            child(&pointer, "hashExcept"),
            "with \"hashOf\": \"document\" only what the map reads counts: nothing has to be left out",
        );
    }
    if enrichment.as_ref().is_some_and(|e| e.etag) {
        // Another ETag of the same content is no new version.
        hash_except.push(vec![ETAG.to_owned()]);
    }
    let watermark = raw
        .watermark
        .as_ref()
        .and_then(|w| listing::watermark(w, &child(&pointer, "watermark"), ctx));
    let by_page = matches!(watermark.as_ref().map(|w| &w.from), Some(WatermarkSource::Page(_)));
    if listing.as_ref().is_some_and(|l| matches!(l.paging, Paging::Watermark)) && !by_page {
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
        format,
        listing: listing?,
        enrichment: enrichment?,
        after_store,
        push,
        watermark,
        schema,
        hash_except,
        hash_of_document,
        map: map?,
    })
}

/// Asks for what the stream's payloads are written in, unless the request says what it accepts.
fn accepting(
    mut request: RequestTemplate,
    raw: Option<&RawRequest>,
    format: &Format,
    ctx: &Compile<'_>,
) -> RequestTemplate {
    if raw.is_none_or(|r| r.accept.is_none()) && ctx.media.accept.is_none() {
        request.accept = format.media_type().to_owned();
    }
    request
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

fn hash_except(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (n, text) in raw.hash_except.iter().enumerate() {
        match Path::parse(text).and_then(|path| path.field_names()) {
            Some(names) if !names.is_empty() => paths.push(names),
            _ => ctx.mistakes.add(
                child(&child(pointer, "hashExcept"), n),
                format!(
                    "\"{text}\" is no plain path to a field, such as .status or .items[].status; a name with other \
                     characters than letters, digits and _ stands in quotes, as in .\"last-read\""
                ),
            ),
        }
    }
    paths
}
