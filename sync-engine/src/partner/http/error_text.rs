//! The partner's own words for what went wrong, in the forms that APIs use.

use crate::partner::expr::{Expr, Scope};
use serde_json::{Map, Value};

/// Longest message that is kept, in characters.
const MAX_CHARS: usize = 500;
/// How deep words are looked for, and how many of a list are taken.
const MAX_DEPTH: usize = 8;
const MAX_WORDS: usize = 20;
/// Names under which APIs give one sentence, the better ones first.
const ONE: &[&str] = &[
    "detail",
    "message",
    "error_description",
    "errorMessage",
    "error_message",
    "title",
    "description",
    "text",
    "faultstring",
    "reason",
];
/// Names under which they list several.
const SEVERAL: &[&str] = &["errors", "validation", "details", "errordetails", "invalid-params"];
/// Names of what is around them.
const NESTED: &[&str] = &["error", "payload", "fault", "innererror", "value"];
/// Better than nothing.
const LAST: &[&str] = &["code"];
const PLACES: &[&str] = &["pointer", "field", "path", "propertyName", "target", "name"];

/// `None` when the body says nothing that a person could read.
pub(crate) fn error_text(body: &[u8], from: Option<&Expr>) -> Option<String> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return plain(body);
    };
    let configured = from.and_then(|expr| expr.many(&Scope::root(&value)).ok()).map(|found| {
        let texts: Vec<_> = found.iter().filter_map(|v| words(v)).collect();
        texts.join("; ")
    });
    configured
        .filter(|text| !text.is_empty())
        .or_else(|| words(&value))
        .map(|text| shorten(&text))
}

fn plain(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let readable = !text.is_empty() && !text.starts_with('<') && !text.contains('\0');
    readable.then(|| shorten(text))
}

pub(super) fn shorten(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_CHARS - 1) {
        Some((end, last)) if end + last.len_utf8() < text.len() => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// Text, list of texts, RFC 9457 with its members and `invalid-params`, OData's `error.message`, `errors[]`, OAuth2's
/// `error_description`, JSON-RPC's `error.message` with its `data`, or the message that `data` has of its own.
pub(super) fn words(value: &Value) -> Option<String> {
    within(value, MAX_DEPTH)
}

/// What an error of JSON-RPC 2.0 says beside its general message: `{code, message, data}`.
fn rpc_data(map: &Map<String, Value>) -> Option<&Value> {
    let is_error = map.get("code").is_some_and(Value::is_number) && map.get("message").is_some_and(Value::is_string);
    map.get("data").filter(|_| is_error)
}

fn within(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Array(list) => {
            let all: Vec<_> = list.iter().take(MAX_WORDS).filter_map(|v| within(v, depth)).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        Value::Object(map) => {
            if let Some(precise) = rpc_data(map).and_then(|data| data.get("message")?.as_str()) {
                return within(&Value::from(precise), depth);
            }
            let text = |name: &&str| member(map, name).and_then(|v| within(v, depth));
            let one = ONE.iter().find_map(text);
            let several = SEVERAL.iter().find_map(|name| by_field(member(map, name)?, depth));
            let several = several.or_else(|| rpc_data(map).and_then(|data| within(data, depth)));
            match (one, several) {
                (Some(one), Some(several)) if !several.contains(&one) => {
                    Some(format!("{}: {several}", one.trim_end_matches('.')))
                }
                (Some(one), _) => Some(placed(map, one)),
                (None, Some(several)) => Some(several),
                (None, None) => NESTED.iter().chain(LAST).find_map(text),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Errors as a list, or as an object with the fields that they are about.
fn by_field(value: &Value, depth: usize) -> Option<String> {
    if let Some(said) = within(value, depth) {
        return Some(said);
    }
    let fields = value.as_object()?.iter().take(MAX_WORDS);
    let all: Vec<_> = fields
        .filter_map(|(field, v)| Some(format!("{field}: {}", within(v, depth.checked_sub(1)?)?)))
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// By its name, in whatever case, and with or without a prefix (`o:errorDetails`).
fn member<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let own = |key: &str| key.rsplit(':').next().is_some_and(|own| own.eq_ignore_ascii_case(name));
    map.get(name)
        .or_else(|| map.iter().find(|(key, _)| own(key)).map(|(_, v)| v))
}

/// The message with the field that it is about, where the partner names one.
fn placed(map: &Map<String, Value>, message: String) -> String {
    PLACES
        .iter()
        .find_map(|name| member(map, name).and_then(Value::as_str))
        .filter(|place| !place.is_empty())
        .map_or(message.clone(), |place| format!("{place}: {message}"))
}
