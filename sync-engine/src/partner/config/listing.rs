//! Lists and watermarks of a configuration, checked.

use super::mistakes::child;
use super::raw_reading::{RawItems, RawPaging, RawPagingKind, RawPlace, RawUntil, RawWatermark};
use super::reading::{ItemsAt, Listing, Paging, Place, Watermark, WatermarkSource};
use crate::partner::expr::{Expr, Path};
use crate::partner::map::Compile;
use crate::partner::page::moment::{self, MomentStyle};
use std::time::Duration;

/// The list at `pointer`, with the fields `items` and `paging`. `None` after a mistake.
pub(super) fn listing(
    items: Option<&RawItems>,
    raw: Option<&RawPaging>,
    pointer: &str,
    ctx: &mut Compile<'_>,
) -> Option<Listing> {
    let items = items.and_then(|raw| places(raw, &child(pointer, "items"), ctx));
    let Some(raw) = raw else {
        return Some(Listing {
            items: items?,
            paging: Paging::Single,
            limit: None,
            until_empty: false,
            more: None,
            total: None,
            own_host: false,
        });
    };
    let pointer = child(pointer, "paging");
    let more = optional(raw.more.as_deref(), &child(&pointer, "more"), ctx);
    let total = raw
        .total
        .as_ref()
        .map(|at| Place::compile(at, &child(&pointer, "total"), ctx));
    let paging = paging(raw, &pointer, ctx);
    unused(raw, &pointer, ctx);
    Some(Listing {
        items: items?,
        paging: paging?,
        limit: raw.limit,
        until_empty: raw.until == Some(RawUntil::Empty),
        more: more?,
        total: match total {
            None => None,
            Some(total) => Some(total?),
        },
        own_host: raw.own_host,
    })
}

/// An expression that may be missing: `None` after a mistake, `Some(None)` when there is none.
#[expect(clippy::option_option, reason = "missing and mistaken are two things")]
pub(super) fn optional(text: Option<&str>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Option<Expr>> {
    match text {
        None => Some(None),
        Some(text) => ctx.expr(text, pointer).map(Some),
    }
}

pub(super) fn places(raw: &RawItems, pointer: &str, ctx: &mut Compile<'_>) -> Option<Vec<ItemsAt>> {
    match raw {
        RawItems::One(text) => Some(vec![place(text, pointer, ctx)?]),
        RawItems::Several(list) => {
            let found: Vec<_> = list
                .iter()
                .enumerate()
                .map(|(n, text)| place(text, &child(pointer, n), ctx))
                .collect();
            found.into_iter().collect()
        }
    }
}

fn place(text: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<ItemsAt> {
    let text = text.strip_suffix("[]").unwrap_or(text);
    let found = Path::parse(if text.is_empty() { "." } else { text }).and_then(|path| {
        Some(ItemsAt {
            keys: path.keys()?.into_iter().map(str::to_owned).collect(),
            optional: path.is_optional(),
        })
    });
    if found.is_none() {
        ctx.mistakes.add(
            pointer,
            format!(
                "\"{text}\" is no plain path to a list, such as .payload.orders, or . for the answer itself{}",
                match text.contains("[0]") {
                    true => " (a list of one entry is that entry: no [0])",
                    false => "",
                }
            ),
        );
    }
    found
}

impl Place {
    pub fn compile(raw: &RawPlace, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        match raw {
            RawPlace::Body(text) => ctx.expr(text, pointer).map(Self::Body),
            RawPlace::Header(raw) => raw
                .header
                .as_ref()
                .and_then(|name| named_header(name, &child(pointer, "header"), ctx))
                .map(Self::Header),
        }
    }
}

fn paging(raw: &RawPaging, pointer: &str, ctx: &mut Compile<'_>) -> Option<Paging> {
    let kind = raw.kind?;
    let next = match &raw.next {
        Some(raw) => Place::compile(raw, &child(pointer, "next"), ctx),
        None => {
            if matches!(kind, RawPagingKind::Token | RawPagingKind::Url) {
                ctx.mistakes
                    .add(pointer, "\"next\" is missing: where the answer names the next page");
            }
            None
        }
    };
    let counts = matches!(kind, RawPagingKind::Offset | RawPagingKind::Page);
    if counts && raw.limit.is_none() && raw.until != Some(RawUntil::Empty) && raw.more.is_none() && raw.total.is_none()
    {
        ctx.mistakes.add(
            pointer,
            "\"limit\" is missing: a page with fewer items than that is the last one (or say \"until\": \"empty\", \"more\" or \"total\")",
        );
    }
    if raw.total.is_some() && raw.more.is_some() {
        ctx.mistakes
            .add(child(pointer, "total"), "\"more\" and \"total\" exclude each other");
    }
    if raw.total.is_some() && kind == RawPagingKind::Page && raw.limit.is_none() {
        ctx.mistakes.add(
            pointer,
            "\"limit\" is missing: how many items a page has, of those in \"total\"",
        );
    }
    Some(match kind {
        RawPagingKind::Token => Paging::Token { next: next? },
        RawPagingKind::Url => Paging::Url { next: next? },
        RawPagingKind::Link => Paging::Link,
        RawPagingKind::Range => {
            if raw.limit.is_none() {
                ctx.mistakes
                    .add(pointer, "\"limit\" is missing: how many items one Range asks for");
            }
            Paging::Range {
                unit: raw.unit.clone().unwrap_or_else(|| "items".to_owned()),
            }
        }
        RawPagingKind::Watermark => Paging::Watermark,
        RawPagingKind::Offset => Paging::Offset,
        RawPagingKind::Page => Paging::Page,
    })
}

/// Fields that this type of paging has no use for.
fn unused(raw: &RawPaging, pointer: &str, ctx: &mut Compile<'_>) {
    let Some(kind) = raw.kind else { return };
    use RawPagingKind as Kind;
    let counts = matches!(kind, Kind::Offset | Kind::Page | Kind::Range);
    let fields: [(&str, bool, bool, &str); 6] = [
        (
            "next",
            raw.next.is_some(),
            matches!(kind, Kind::Token | Kind::Url),
            "only paging by token or url uses \"next\"",
        ),
        (
            "more",
            raw.more.is_some(),
            counts,
            "only paging by offset, page or range uses \"more\"",
        ),
        (
            "total",
            raw.total.is_some(),
            matches!(kind, Kind::Offset | Kind::Page),
            "only paging by offset or page uses \"total\"",
        ),
        (
            "until",
            raw.until.is_some(),
            counts || kind == Kind::Watermark,
            "only paging by offset, page, range or watermark uses \"until\"",
        ),
        (
            "unit",
            raw.unit.is_some(),
            kind == Kind::Range,
            "only paging by range uses \"unit\"",
        ),
        (
            "ownHost",
            raw.own_host,
            matches!(kind, Kind::Link | Kind::Url),
            "only paging by link or url uses \"ownHost\"",
        ),
    ];
    for (field, given, used, message) in fields {
        if given && !used {
            ctx.mistakes.add(child(pointer, field), message);
        }
    }
}

/// A header of the partner's answer.
pub(super) fn named_header(name: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<String> {
    if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
        ctx.mistakes.add(pointer, format!("\"{name}\" is no name of a header"));
        return None;
    }
    Some(name.to_owned())
}

pub(super) fn watermark(raw: &RawWatermark, pointer: &str, ctx: &mut Compile<'_>) -> Option<Watermark> {
    let given: Vec<&str> = [
        ("page", raw.page.is_some()),
        ("item", raw.item.is_some()),
        ("header", raw.header.is_some()),
        ("window", raw.window.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, given)| given.then_some(name))
    .collect();
    if let [first, second, ..] = given.as_slice() {
        ctx.mistakes
            .add(pointer, format!("\"{first}\" and \"{second}\" exclude each other"));
        return None;
    }
    let from = if let Some(text) = &raw.page {
        WatermarkSource::Page(ctx.expr(text, &child(pointer, "page"))?)
    } else if let Some(text) = &raw.item {
        WatermarkSource::Item(ctx.expr(text, &child(pointer, "item"))?)
    } else if let Some(name) = &raw.header {
        let name = named_header(name, &child(pointer, "header"), ctx)?;
        let condition = match name.to_ascii_lowercase().as_str() {
            "last-modified" => Some("If-Modified-Since"),
            "etag" => Some("If-None-Match"),
            _ => None,
        };
        WatermarkSource::Header { name, condition }
    } else if raw.window.is_some() {
        window(raw, pointer, ctx)?
    } else {
        if !ctx.mistakes.is_at(pointer) {
            ctx.mistakes.add(
                pointer,
                "\"page\", \"item\", \"header\" or \"window\" is missing: where the watermark comes from",
            );
        }
        return None;
    };
    Some(Watermark {
        from,
        start: raw.start.clone(),
        overlap: Duration::from_secs(raw.overlap_seconds.unwrap_or(0)),
        format: raw
            .format
            .as_deref()
            .and_then(|text| style(text, &child(pointer, "format"), ctx)),
    })
}

/// A form by its name, or a pattern.
fn style(text: &str, pointer: &str, ctx: &mut Compile<'_>) -> Option<MomentStyle> {
    match MomentStyle::named(text) {
        Ok(style) => Some(style),
        Err(message) => {
            let known = moment::FORMS.iter().map(|(name, _)| *name);
            ctx.mistakes.unknown(pointer, message, text, known);
            None
        }
    }
}

fn window(raw: &RawWatermark, pointer: &str, ctx: &mut Compile<'_>) -> Option<WatermarkSource> {
    let window = raw.window.as_ref()?;
    match raw.start.as_deref() {
        None => ctx.mistakes.add(
            pointer,
            "\"start\" is missing: the date and time at which the first window begins",
        ),
        Some(start) if moment::parse(start).is_none() => ctx.mistakes.add(
            child(pointer, "start"),
            format!("\"{start}\" is no date and time, such as 2026-01-01T00:00:00Z"),
        ),
        Some(_) => {}
    }
    Some(WatermarkSource::Window {
        length: Duration::from_secs(window.seconds?),
        lag: Duration::from_secs(window.lag_seconds.unwrap_or(0)),
    })
}
