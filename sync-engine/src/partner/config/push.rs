//! How a partner calls us: `push`, checked.

use super::listing::{named_header, places};
use super::mistakes::child;
use super::raw::{RawStream, RawTextOrSecret};
use super::raw_push::{RawPushAlgorithm, RawPushEncoding, RawPushSignature, RawThen};
use super::raw_reading::RawItems;
use super::reading::ItemsAt;
use crate::partner::map::Compile;
use std::time::Duration;

/// How far the time of a call may be from ours, unless told.
const TOLERANCE_SECONDS: u64 = 300;

/// A stream that the partner calls for.
#[derive(Debug)]
pub(crate) struct Push {
    pub signature: PushSignature,
    /// Where the items are in the body.
    pub items: Vec<ItemsAt>,
    /// The body only names them: details, batches and parts are fetched.
    pub fetch: bool,
}

/// What shows that a call is the partner's.
#[derive(Debug)]
pub(crate) struct PushSignature {
    pub algorithm: PushAlgorithm,
    pub header: String,
    /// Name of the secret.
    pub key: String,
    /// Stands before the signature in the header.
    pub prefix: String,
    pub template: Vec<SignedPart>,
    pub encoding: PushEncoding,
    /// Header with the time of the call, and how far it may be from ours.
    pub time: Option<(String, Duration)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushAlgorithm {
    HmacSha256,
    HmacSha512,
    /// The header holds the secret itself.
    Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PushEncoding {
    Hex,
    Base64,
}

/// Part of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignedPart {
    Text(String),
    Body,
    Path,
    Time,
    Header(String),
}

/// `None` when there is none, or after a mistake.
pub(super) fn push(raw: &RawStream, pointer: &str, ctx: &mut Compile<'_>) -> Option<Push> {
    let push = raw.push.as_ref()?;
    let pointer = child(pointer, "push");
    let whole = RawItems::One(".".to_owned());
    let items = places(push.items.as_ref().unwrap_or(&whole), &child(&pointer, "items"), ctx);
    let fetch = push.then == Some(RawThen::Fetch);
    if fetch && raw.detail.is_none() && raw.batch.is_none() {
        ctx.mistakes.add(
            child(&pointer, "then"),
            "\"fetch\" needs \"detail\" or \"batch\": how what the partner names is fetched",
        );
    }
    let Some(signed) = &push.signature else {
        if !ctx.mistakes.is_at(&child(&pointer, "signature")) {
            ctx.mistakes.add(
                &*pointer,
                "\"signature\" is missing: what shows that a call is the partner's",
            );
        }
        return None;
    };
    let signature = signature(signed, &child(&pointer, "signature"), ctx);
    Some(Push {
        signature: signature?,
        items: items?,
        fetch,
    })
}

fn signature(raw: &RawPushSignature, pointer: &str, ctx: &mut Compile<'_>) -> Option<PushSignature> {
    for (name, missing) in [("header", raw.header.is_none()), ("key", raw.key.is_none())] {
        if missing && !ctx.mistakes.is_at(&child(pointer, name)) {
            ctx.mistakes.add(pointer, format!("\"{name}\" is missing"));
        }
    }
    let key = match &raw.key {
        Some(RawTextOrSecret::Secret(secret)) => Some(secret.secret.clone()),
        Some(RawTextOrSecret::Text(_)) => {
            ctx.mistakes.add(
                child(pointer, "key"),
                "secrets never lie in a configuration: write {\"secret\": \"NAME\"} here and add it with `countersign partner secret NAME`",
            );
            None
        }
        None => None,
    };
    let header = raw
        .header
        .as_ref()
        .and_then(|name| named_header(name, &child(pointer, "header"), ctx));
    let time_header = raw
        .time_header
        .as_ref()
        .and_then(|name| named_header(name, &child(pointer, "timeHeader"), ctx));
    if raw.tolerance_seconds.is_some() && raw.time_header.is_none() {
        ctx.mistakes.add(
            child(pointer, "toleranceSeconds"),
            "\"timeHeader\" is missing: which header has the time of the call",
        );
    }
    let algorithm = match raw.algorithm {
        Some(RawPushAlgorithm::HmacSha512) => PushAlgorithm::HmacSha512,
        Some(RawPushAlgorithm::Secret) => PushAlgorithm::Secret,
        Some(RawPushAlgorithm::HmacSha256) | None => PushAlgorithm::HmacSha256,
    };
    let template = parts(
        raw.template.as_deref().unwrap_or("{body}"),
        time_header.is_some(),
        &child(pointer, "template"),
        ctx,
    );
    let tolerance = Duration::from_secs(raw.tolerance_seconds.unwrap_or(TOLERANCE_SECONDS));
    Some(PushSignature {
        algorithm,
        header: header?,
        key: key?,
        prefix: raw.prefix.clone().unwrap_or_default(),
        template: template?,
        encoding: match raw.encoding {
            Some(RawPushEncoding::Base64) => PushEncoding::Base64,
            Some(RawPushEncoding::Hex) | None => PushEncoding::Hex,
        },
        time: time_header.map(|name| (name, tolerance)),
    })
}

fn parts(text: &str, timed: bool, pointer: &str, ctx: &mut Compile<'_>) -> Option<Vec<SignedPart>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            ctx.mistakes.add(pointer, "a { without its }");
            return None;
        };
        parts.push(SignedPart::Text(before.to_owned()));
        parts.push(match name {
            "body" => SignedPart::Body,
            "path" => SignedPart::Path,
            "time" if timed => SignedPart::Time,
            "time" => {
                ctx.mistakes.add(
                    pointer,
                    "{time} needs \"timeHeader\": which header has the time of the call",
                );
                return None;
            }
            other => match other.strip_prefix("header.") {
                Some(header) => SignedPart::Header(named_header(header, pointer, ctx)?),
                None => {
                    ctx.mistakes.unknown(
                        pointer,
                        format!("there is no {{{other}}} here: {{body}}, {{path}}, {{time}} or {{header.NAME}}"),
                        other,
                        ["body", "path", "time"],
                    );
                    return None;
                }
            },
        });
        rest = after;
    }
    parts.push(SignedPart::Text(rest.to_owned()));
    if !parts.contains(&SignedPart::Body) {
        ctx.mistakes.add(
            pointer,
            "the template must hold {body}: else anyone could put another body under it",
        );
        return None;
    }
    Some(parts)
}
