//! The schema of a payload as JSON Schema 2020-12 of its own, with everything that it refers to under `$defs`.

use super::description::{At, Description, Dialect};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Keywords of OpenAPI that say nothing of whether a payload is valid.
const NOT_OF_JSON_SCHEMA: &[&str] = &[
    "nullable",
    "discriminator",
    "xml",
    "externalDocs",
    "example",
    "examples",
    "readOnly",
    "writeOnly",
    "deprecated",
    "collectionFormat",
];
/// Levels of a schema that are gone through.
const MAX_DEPTH: usize = 100;

struct Collector<'d> {
    description: &'d Description,
    /// Name of each schema that is referred to, by where it lies.
    names: BTreeMap<*const Value, String>,
    wanted: Vec<(String, At<'d>)>,
}

/// A whole schema file for one payload.
pub(super) fn standalone(description: &Description, at: At<'_>, title: &str) -> Value {
    let at = description.resolve(at);
    let mut collector = Collector {
        description,
        names: BTreeMap::new(),
        wanted: Vec::new(),
    };
    let mut whole = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": title });
    let root = collector.converted(at, 0);
    let mut defs = Map::new();
    while let Some((name, at)) = collector.wanted.pop() {
        let schema = collector.converted(at, 0);
        defs.insert(name, schema);
    }
    if let (Value::Object(whole), Value::Object(root)) = (&mut whole, root) {
        whole.extend(root);
        if !defs.is_empty() {
            whole.insert("$defs".to_owned(), Value::Object(defs));
        }
    }
    whole
}

impl<'d> Collector<'d> {
    fn converted(&mut self, at: At<'d>, depth: usize) -> Value {
        let Value::Object(map) = at.value else {
            // A schema may be true or false.
            return if at.value.is_boolean() {
                at.value.clone()
            } else {
                json!({})
            };
        };
        if depth > MAX_DEPTH {
            return json!({});
        }
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            return self.reference(at, reference);
        }
        let mut schema = Map::new();
        for (word, value) in map {
            if NOT_OF_JSON_SCHEMA.contains(&word.as_str()) || word.starts_with("x-") || word.starts_with('$') {
                continue;
            }
            let below = At { file: at.file, value };
            let converted = match (word.as_str(), value) {
                ("properties" | "patternProperties" | "dependentSchemas", Value::Object(members)) => {
                    let each = members
                        .iter()
                        .map(|(name, value)| (name.clone(), self.converted(At { file: at.file, value }, depth + 1)));
                    Value::Object(each.collect())
                }
                ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(list)) => {
                    let each = list
                        .iter()
                        .map(|value| self.converted(At { file: at.file, value }, depth + 1));
                    Value::Array(each.collect())
                }
                (
                    "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains" | "propertyNames",
                    _,
                ) => self.converted(below, depth + 1),
                // Swagger 2 and JSON Schema's first drafts have it as a word of its own.
                ("required", Value::Bool(_)) => continue,
                ("type", Value::String(kind)) if kind == "file" => continue,
                (_, value) => value.clone(),
            };
            schema.insert(word.clone(), converted);
        }
        if self.description.dialect != Dialect::OpenApi31 {
            from_draft_4(&mut schema);
        }
        if map.get("nullable") == Some(&Value::Bool(true)) || map.get("x-nullable") == Some(&Value::Bool(true)) {
            return or_null(schema);
        }
        Value::Object(schema)
    }

    fn reference(&mut self, at: At<'d>, reference: &str) -> Value {
        let target = self.description.resolve(at);
        if target.value.is_null() {
            // Nothing is known of it: anything fits.
            return json!({ "description": format!("not found: {reference}") });
        }
        let key = std::ptr::from_ref(target.value);
        let name = match self.names.get(&key) {
            Some(name) => name.clone(),
            None => {
                let last = reference.rsplit('/').next().unwrap_or("schema");
                let plain: String = last
                    .chars()
                    .map(|c| if c.is_alphanumeric() { c } else { '_' })
                    .collect();
                let taken = self.names.values().filter(|known| known.starts_with(&plain)).count();
                let name = if taken == 0 {
                    plain
                } else {
                    format!("{plain}_{}", taken + 1)
                };
                self.names.insert(key, name.clone());
                self.wanted.push((name.clone(), target));
                name
            }
        };
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// `exclusiveMinimum: true` beside `minimum` is a number in 2020-12.
fn from_draft_4(schema: &mut Map<String, Value>) {
    for (exclusive, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match schema.get(exclusive) {
            Some(Value::Bool(true)) => match schema.remove(limit) {
                Some(number) => schema.insert(exclusive.to_owned(), number),
                None => schema.remove(exclusive),
            },
            Some(Value::Bool(false)) => schema.remove(exclusive),
            _ => None,
        };
    }
}

fn or_null(mut schema: Map<String, Value>) -> Value {
    if let Some(Value::Array(options)) = schema.get_mut("enum")
        && !options.contains(&Value::Null)
    {
        options.push(Value::Null);
    }
    match schema.get("type").cloned() {
        Some(kind @ Value::String(_)) => {
            schema.insert("type".to_owned(), json!([kind, "null"]));
            Value::Object(schema)
        }
        Some(_) => Value::Object(schema),
        None if schema.contains_key("enum") => Value::Object(schema),
        None => json!({ "anyOf": [Value::Object(schema), { "type": "null" }] }),
    }
}
