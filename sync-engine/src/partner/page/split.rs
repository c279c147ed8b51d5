//! The items of an answer as they are written, and the rest of it without them.

use super::broken;
use super::cut::cut;
use crate::partner::FetchError;
use crate::partner::config::{Format, ItemsAt};
use crate::partner::scan::GENEROUS;
use crate::partner::xml::{self, XmlError, XmlReading};
use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What an answer may hold beside its items: counts, links, cursors.
pub(super) const MAX_SHELL_BYTES: usize = 1024 * 1024;

/// What was found at one place.
struct Found<'b> {
    /// `None` when there is nothing at that place.
    items: Option<Vec<&'b RawValue>>,
    shell: Value,
}

/// The items at the first place that is there, and the rest of the answer.
///
/// # Errors
/// A sentence: no JSON, no list at the place, or nothing there and no `?` that allows it.
pub(super) fn split<'b>(body: &'b [u8], places: &[ItemsAt]) -> Result<(Vec<&'b [u8]>, Value), String> {
    let quick = places.first().and_then(|place| cut(body, &place.keys));
    quick.map_or_else(|| split_slowly(body, places), Ok)
}

/// The same of any answer, in several passes.
pub(super) fn split_slowly<'b>(body: &'b [u8], places: &[ItemsAt]) -> Result<(Vec<&'b [u8]>, Value), String> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(|e| format!("the answer is not JSON: {e}"))?;
    let mut missing = None;
    let mut reason = None;
    for place in places {
        match walk(raw, &place.keys, &mut String::new()) {
            Ok(Found {
                items: Some(items),
                shell,
            }) => return Ok((items.iter().map(|raw| raw.get().as_bytes()).collect(), shell)),
            Ok(Found { items: None, shell }) if place.optional => missing = Some(shell),
            Ok(Found { items: None, .. }) => {
                reason.get_or_insert_with(|| nothing_at(place));
            }
            Err(why) => reason = reason.or(Some(why)),
        }
    }
    match (missing, reason) {
        (Some(shell), _) => Ok((Vec::new(), shell)),
        (None, reason) => Err(reason.unwrap_or_else(|| "the answer has no list".to_owned())),
    }
}

/// The items of an answer that is no page of a stream.
///
/// # Errors
/// When the answer has no list where one is expected.
pub(crate) fn split_items(body: &Bytes, places: &[ItemsAt]) -> Result<Vec<Bytes>, FetchError> {
    let (items, _) = split(body, places).map_err(|reason| broken("partner.page", reason))?;
    Ok(items.into_iter().map(|item| body.slice_ref(item)).collect())
}

/// The items that a call of the partner brings: its whole body, or the list in it.
///
/// # Errors
/// A sentence, as of `split`.
pub(crate) fn call_items(body: &Bytes, places: &[ItemsAt], format: &Format) -> Result<Vec<Bytes>, String> {
    match format {
        Format::Json => {
            let whole = places.iter().any(|place| place.keys.is_empty());
            if whole && body.trim_ascii_start().starts_with(b"{") {
                return one(body, places).map(|item| vec![item]);
            }
            split_items(body, places).map_err(|e| e.message)
        }
        Format::Xml(reading) => {
            let (items, _) = split_xml(body, places, reading)?;
            Ok(items.into_iter().map(|item| body.slice_ref(item)).collect())
        }
    }
}

/// The one item at the first place that is there, which may be the whole answer.
///
/// # Errors
/// A sentence: no JSON, nothing there, or more than one.
pub(crate) fn one(body: &Bytes, places: &[ItemsAt]) -> Result<Bytes, String> {
    let whole: &RawValue = serde_json::from_slice(body).map_err(|e| format!("the answer is not JSON: {e}"))?;
    if places.iter().any(|p| p.keys.is_empty()) && whole.get().starts_with('{') {
        return Ok(body.slice_ref(whole.get().as_bytes()));
    }
    match split(body, places)?.0.as_slice() {
        [item] => Ok(body.slice_ref(item)),
        items => Err(format!("one item is expected in the answer, it has {}", items.len())),
    }
}

/// The same of an answer in XML; the rest is the whole answer.
///
/// # Errors
/// A sentence, as of `split`.
pub(super) fn split_xml<'b>(
    body: &'b [u8],
    places: &[ItemsAt],
    reading: &XmlReading,
) -> Result<(Vec<&'b [u8]>, Value), String> {
    let shell = match xml::read(body, reading, GENEROUS) {
        Ok(shell) => shell,
        // A document that is the whole answer goes to quarantine, with what is wrong with it.
        Err(_) if places.iter().any(|place| place.keys.is_empty()) => return Ok((vec![body], Value::Null)),
        Err(XmlError::Limit(reason)) => return Err(format!("the answer is not taken: {reason}")),
        Err(XmlError::Form(reason)) => return Err(format!("the answer is not XML: {reason}")),
    };
    let mut reason = None;
    for place in places {
        match xml::split(body, &place.keys)? {
            Some(items) => return Ok((items, shell)),
            None if place.optional => return Ok((Vec::new(), shell)),
            None => {
                reason.get_or_insert_with(|| nothing_at(place));
            }
        }
    }
    Err(reason.unwrap_or_else(|| "the answer has no list".to_owned()))
}

fn nothing_at(place: &ItemsAt) -> String {
    format!(
        "the answer has nothing at {}: \"items\" in the configuration names the list (end it with ? if it may be missing)",
        dotted(&place.keys)
    )
}

fn dotted(keys: &[String]) -> String {
    match keys {
        [] => ".".to_owned(),
        keys => keys.iter().map(|k| format!(".{k}")).collect(),
    }
}

fn walk<'b>(raw: &'b RawValue, keys: &[String], at: &mut String) -> Result<Found<'b>, String> {
    let text = raw.get();
    let place = |at: &str| if at.is_empty() { ".".to_owned() } else { at.to_owned() };
    let Some((key, rest)) = keys.split_first() else {
        return Ok(Found {
            items: Some(listed(raw, at)?),
            shell: Value::Null,
        });
    };
    if text == "null" {
        return Ok(Found {
            items: None,
            shell: Value::Null,
        });
    }
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|_| format!("the answer has no object at {}", place(at)))?;
    at.push('.');
    at.push_str(key);
    let mut items = None;
    let mut shell = serde_json::Map::new();
    let mut beside = 0;
    for (name, raw) in members {
        let value = if name == *key {
            let found = walk(raw, rest, at)?;
            items = found.items;
            found.shell
        } else {
            beside += raw.get().len();
            if beside > MAX_SHELL_BYTES {
                return Err(format!(
                    "the answer has more than {MAX_SHELL_BYTES} bytes beside its items"
                ));
            }
            serde_json::from_str(raw.get()).map_err(|e| format!("the answer cannot be read: {e}"))?
        };
        shell.insert(name, value);
    }
    Ok(Found {
        items,
        shell: Value::Object(shell),
    })
}

/// A list, nothing, or one object where an answer of one item leaves the list out. A whole answer that is an object is
/// no item: it may be an error, or the list may lie below it.
fn listed<'b>(raw: &'b RawValue, at: &str) -> Result<Vec<&'b RawValue>, String> {
    let text = raw.get();
    if text == "null" {
        return Ok(Vec::new());
    }
    if text.starts_with('{') && !at.is_empty() {
        return Ok(vec![raw]);
    }
    let place = if at.is_empty() { "." } else { at };
    serde_json::from_str(text).map_err(|_| format!("the answer has no list at {place}"))
}
