//! Names and types of a configuration against its JSON Schema; what fits goes on to be validated, so that one
//! mistake does not hide the others.

use super::CONFIG_SCHEMA;
use super::mistakes::{Mistakes, child};
use super::raw::RawPartner;
use crate::partner::expr::kind_of;
use crate::partner::schema::describe;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(CONFIG_SCHEMA).expect("the shipped schema is JSON: a test loads it"));
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::options()
        .build(&SCHEMA)
        .expect("the shipped schema is a schema: a test compiles it")
});

const COMMENT: &str = "$comment";
/// Members whose value is as the partner wants it.
const CONSTANTS: &[&str] = &["$value", "$default"];

/// The raw configuration, without the parts that have mistakes. `None` when nothing can be read.
pub(super) fn read(text: &str, mistakes: &mut Mistakes) -> Option<RawPartner> {
    let mut value: Value = match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(value) => value,
        Err(e) => {
            mistakes.add("", format!("this is not JSON: {e}"));
            return None;
        }
    };
    if !value.is_object() {
        mistakes.add("", "an object is expected");
        return None;
    }
    strip_comments(&mut value, "", mistakes);
    let mut unfit = Vec::new();
    for error in VALIDATOR.iter_errors(&value) {
        // Maps and templates are checked as they are compiled: with better words, and only once.
        if !in_template(&error.instance_path().to_string()) {
            note(&error, mistakes, &mut unfit);
        }
    }
    for pointer in unfit {
        remove(&mut value, &pointer);
    }
    match serde_json::from_value(value) {
        Ok(raw) => Some(raw),
        Err(e) => {
            mistakes.add("", format!("this is no configuration: {e}"));
            None
        }
    }
}

/// Takes every `$comment` out, except of constants, which are the partner's: nothing further on has to know of them.
pub(super) fn strip_comments(value: &mut Value, pointer: &str, mistakes: &mut Mistakes) {
    match value {
        Value::Object(members) => {
            if let Some(comment) = members.remove(COMMENT).filter(|c| !c.is_string()) {
                let message = format!("a comment is a text, this is {}", kind_of(&comment));
                mistakes.add(child(pointer, COMMENT), message);
            }
            for (name, value) in members
                .iter_mut()
                .filter(|(name, _)| !CONSTANTS.contains(&name.as_str()))
            {
                strip_comments(value, &child(pointer, name), mistakes);
            }
        }
        Value::Array(list) => {
            for (n, value) in list.iter_mut().enumerate() {
                strip_comments(value, &child(pointer, n), mistakes);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn in_template(pointer: &str) -> bool {
    let parts: Vec<_> = pointer.split('/').skip(1).collect();
    let of_a_request = |w: &[&str]| matches!(w, ["request", "query" | "headers" | "body" | "form", _]);
    matches!(
        parts.as_slice(),
        ["streams", _, "map", _, ..] | ["operations", _, "receipt", ..] | ["operations", _, "steps", _, "receipt", ..]
    ) || parts.windows(2).any(|w| matches!(w, ["prepare", "keep"]))
        || parts.windows(3).any(of_a_request)
}

fn note(error: &ValidationError<'_>, mistakes: &mut Mistakes, unfit: &mut Vec<String>) {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        // What a map lacks is said when it is compiled.
        ValidationErrorKind::Required { .. } if pointer.ends_with("/map") => {}
        ValidationErrorKind::AdditionalProperties { .. } if pointer.ends_with("/map") => {}
        ValidationErrorKind::Required { property } => {
            mistakes.add(pointer, format!("{property} is missing"));
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = known_names(error);
            for name in unexpected {
                let at = child(&pointer, name);
                mistakes.unknown(
                    at.clone(),
                    format!("there is no field \"{name}\" here"),
                    name,
                    known.iter().map(String::as_str),
                );
                unfit.push(at);
            }
        }
        ValidationErrorKind::Enum { options } => {
            let known: Vec<_> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            mistakes.unknown(
                pointer.clone(),
                describe(error).message,
                error.instance().as_str().unwrap_or_default(),
                known,
            );
            unfit.push(pointer);
        }
        _ => {
            mistakes.add(pointer.clone(), describe(error).message);
            unfit.push(pointer);
        }
    }
}

/// The names that the schema knows where an unknown one was met.
fn known_names(error: &ValidationError<'_>) -> Vec<String> {
    let path = error.schema_path().to_string();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    SCHEMA
        .pointer(&format!("{parent}/properties"))
        .and_then(Value::as_object)
        .map(|names| names.keys().cloned().collect())
        .unwrap_or_default()
}

/// Takes the value at `pointer` out of its object; a list entry becomes null only when it must.
fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, token)) = pointer.rsplit_once('/') else {
        return;
    };
    let token = token.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(&token);
        }
        // An entry of a list cannot be left out alone without moving the others: the list goes.
        Some(Value::Array(_)) => remove(value, parent),
        _ => {}
    }
}
