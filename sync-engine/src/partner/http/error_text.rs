//! The partner's own words for what went wrong, in the forms that APIs use.

use crate::partner::expr::{Expr, Scope};
use serde_json::Value;

/// Longest message that is kept, in characters.
const MAX_CHARS: usize = 500;

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

fn shorten(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_CHARS - 1) {
        Some((end, last)) if end + last.len_utf8() < text.len() => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// Text, list of texts, RFC 9457, OData's `error.message`, `errors[]`, OAuth2's `error_description`.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Array(list) => {
            let all: Vec<_> = list.iter().take(20).filter_map(words).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(words);
            let several = || {
                ["errors", "Errors", "validation", "details"]
                    .into_iter()
                    .find_map(&text)
            };
            let one = [
                "detail",
                "message",
                "Message",
                "error_description",
                "title",
                "description",
                "text",
            ]
            .into_iter()
            .find_map(text);
            let nested = || ["error", "payload", "fault"].into_iter().find_map(&text);
            match (one, several()) {
                (Some(one), Some(several)) if !several.contains(&one) => {
                    Some(format!("{}: {several}", one.trim_end_matches('.')))
                }
                (Some(one), _) => Some(placed(map, one)),
                (None, Some(several)) => Some(several),
                (None, None) => nested().or_else(|| text("code")),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The message with the field that it is about, where the partner names one.
fn placed(map: &serde_json::Map<String, Value>, message: String) -> String {
    ["pointer", "field", "path", "propertyName", "target"]
        .into_iter()
        .find_map(|key| map.get(key).and_then(Value::as_str))
        .filter(|place| !place.is_empty())
        .map_or(message.clone(), |place| format!("{place}: {message}"))
}
