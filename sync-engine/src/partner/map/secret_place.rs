//! The place of a secret in what is written of a request: the secret itself is put there when the request leaves.

use serde_json::Value;

/// From Unicode's private use area: they stand in no text that means something.
pub(crate) const BEFORE: char = '\u{E000}';
pub(crate) const AFTER: char = '\u{E001}';

pub(super) fn of(name: &str) -> Value {
    Value::String(format!("{BEFORE}{name}{AFTER}"))
}

/// Nobody else's text becomes the place of a secret: a document must not be able to ask for one.
pub(super) fn guard(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(BEFORE) => *text = text.replace(BEFORE, "\u{FFFD}"),
        Value::Array(list) => list.iter_mut().for_each(guard),
        Value::Object(members) => {
            if members.keys().any(|name| name.contains(BEFORE)) {
                members.retain(|name, _| !name.contains(BEFORE));
            }
            members.values_mut().for_each(guard);
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_cannot_ask_for_a_secret() {
        let place = of("acme.key");
        let mut value = json!({"text": place, "list": ["a", {"b": place}], "n": 1});
        value["x\u{E000}"] = json!("y");
        guard(&mut value);
        assert_eq!(
            value,
            json!({"text": "\u{FFFD}acme.key\u{E001}", "list": ["a", {"b": "\u{FFFD}acme.key\u{E001}"}], "n": 1})
        );
    }
}
