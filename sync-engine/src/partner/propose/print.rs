//! A configuration as people write it: what belongs together on one line, and in the order of the reference.

use serde_json::{Map, Value};

/// Most characters of a line.
const WIDTH: usize = 140;
/// Members in the order in which they are read; others come after them, by name.
const ORDER: &[&str] = &[
    "$comment",
    "$schema",
    "$when",
    "$from",
    "$each",
    "id",
    "name",
    "baseUrl",
    "type",
    "grant",
    "auth",
    "tokenUrl",
    "method",
    "path",
    "query",
    "headers",
    "accept",
    "mediaType",
    "idempotency",
    "limits",
    "rules",
    "units",
    "codes",
    "streams",
    "operations",
    "sameAs",
    "kind",
    "side",
    "everySeconds",
    "request",
    "paging",
    "items",
    "detail",
    "parts",
    "watermark",
    "schema",
    "hashExcept",
    "map",
    "lineId",
    "number",
    "revision",
    "sequence",
    "purpose",
    "partnerRef",
    "issuedAt",
    "currency",
    "buyer",
    "seller",
    "shipTo",
    "billTo",
    "requestedDelivery",
    "orderNumber",
    "orderLineId",
    "item",
    "quantity",
    "delivered",
    "unit",
    "price",
    "lines",
    "totals",
];

pub(super) fn print(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text.push('\n');
    text
}

/// `before` is what stands on the line already.
fn write(value: &Value, level: usize, before: usize, text: &mut String) {
    let short = compact(value);
    // The outer levels always have a line for each member.
    if level > 1 && before + short.chars().count() + 2 * level < WIDTH || !value.is_object() && !value.is_array() {
        text.push_str(&short);
        return;
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push_str("{\n");
            let members = sorted(map);
            for (n, (name, value)) in members.iter().enumerate() {
                let key = format!("{}: ", Value::from(name.as_str()));
                indent(level + 1, text);
                text.push_str(&key);
                write(value, level + 1, key.chars().count(), text);
                text.push_str(if n + 1 < members.len() { ",\n" } else { "\n" });
            }
            indent(level, text);
            text.push('}');
        }
        Value::Array(list) if !list.is_empty() => {
            text.push_str("[\n");
            for (n, value) in list.iter().enumerate() {
                indent(level + 1, text);
                write(value, level + 1, 0, text);
                text.push_str(if n + 1 < list.len() { ",\n" } else { "\n" });
            }
            indent(level, text);
            text.push(']');
        }
        _ => text.push_str(&short),
    }
}

fn compact(value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let members = sorted(map);
            let each: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), compact(value)))
                .collect();
            format!("{{ {} }}", each.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(compact).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_by_key(|(name, _)| rank(name));
    members
}

fn indent(level: usize, text: &mut String) {
    text.push_str(&"  ".repeat(level));
}
