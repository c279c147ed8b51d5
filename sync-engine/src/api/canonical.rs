//! Documents in canonical form as a caller writes them: read, or refused with every mistake of their form at once.

use super::ApiError;
use crate::domain::check::AnswerProblem;
use crate::domain::{CanonicalDocument, DespatchAdvice, DocumentKind, Order};
use crate::partner::schema::PayloadSchema;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Most problems that one document is listed with.
const MAX_PROBLEMS: usize = 100;
/// Decimals: texts, and numbers too.
const DECIMALS: [&str; 6] = [
    "quantity",
    "price",
    "priceBase",
    "taxPercent",
    "delivered",
    "outstanding",
];

/// `value` is an `Order` or a `DespatchAdvice`, by `kind`.
///
/// # Errors
/// Everything that is wrong with its form, each with its JSON pointer; never empty.
pub fn read_document(kind: DocumentKind, value: &Value) -> Result<CanonicalDocument, Vec<AnswerProblem>> {
    match kind {
        DocumentKind::Order => parsed::<Order>(value).map(CanonicalDocument::Order),
        DocumentKind::DespatchAdvice => parsed::<DespatchAdvice>(value).map(CanonicalDocument::DespatchAdvice),
    }
    .map_err(|first| problems(kind, value, first))
}

pub(super) fn document(kind: DocumentKind, value: &Value) -> Result<CanonicalDocument, ApiError> {
    read_document(kind, value).map_err(|problems| {
        let first = problems.first().map_or_else(String::new, AnswerProblem::to_string);
        let message = match problems.len() {
            0 | 1 => first,
            more => format!("{first} (and {} more)", more - 1),
        };
        ApiError {
            data: json!(problems),
            ..ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "document.invalid", message)
        }
    })
}

fn parsed<T: DeserializeOwned>(value: &Value) -> Result<T, AnswerProblem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        use serde_path_to_error::Segment;
        let segment = |segment: &Segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{key}"),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        };
        AnswerProblem {
            pointer: error.path().iter().map(segment).collect(),
            message: error.inner().to_string(),
        }
    })
}

/// What is missing or of the wrong type comes from the schema, what a value cannot be read as from reading it: of the
/// header and of each line apart, so that one mistake does not hide another.
fn problems(kind: DocumentKind, value: &Value, first: AnswerProblem) -> Vec<AnswerProblem> {
    let mut found = schema_problems(kind, value);
    let faulty: BTreeSet<Option<usize>> = found.iter().map(|p| line_of(&p.pointer)).collect();
    let lines = value.get("lines").and_then(Value::as_array);
    let mut header = value.clone();
    if let Some(lines) = header.get_mut("lines").filter(|l| l.is_array()) {
        *lines = json!([]);
    }
    let of_header = content_problems(kind, header, "");
    let known: BTreeSet<String> = found.iter().map(|p| p.pointer.clone()).collect();
    found.extend(of_header.into_iter().filter(|p| !known.contains(&p.pointer)));
    for (index, line) in lines.into_iter().flatten().enumerate() {
        if found.len() < MAX_PROBLEMS && !faulty.contains(&Some(index)) {
            let mut alone = json!({ "number": "", "currency": "EUR", "buyer": {}, "seller": {} });
            alone["lines"] = json!([line]);
            found.extend(content_problems(kind, alone, &format!("/lines/{index}")));
        }
    }
    found.sort_by_key(|p| line_of(&p.pointer));
    if found.is_empty() {
        found.push(first);
    }
    found.truncate(MAX_PROBLEMS);
    found
}

fn line_of(pointer: &str) -> Option<usize> {
    pointer.strip_prefix("/lines/")?.split('/').next()?.parse().ok()
}

fn schema_problems(kind: DocumentKind, value: &Value) -> Vec<AnswerProblem> {
    let name = match kind {
        DocumentKind::Order => "Order",
        DocumentKind::DespatchAdvice => "DespatchAdvice",
    };
    let mut schema = serde_json::to_value(super::openapi()).unwrap_or_default();
    only_unless_null(&mut schema);
    schema["$ref"] = json!(format!("#/components/schemas/{name}"));
    let Ok(schema) = PayloadSchema::inline(&schema) else {
        return Vec::new();
    };
    let is_decimal = |pointer: &str| {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        DECIMALS.contains(&name) && value.pointer(pointer).is_some_and(Value::is_number)
    };
    let problems = schema.check(value).into_iter().filter(|p| !is_decimal(&p.pointer));
    problems
        .map(|p| AnswerProblem {
            pointer: p.pointer,
            message: p.message,
        })
        .collect()
}

/// "This, or null", said so that what is wrong with this is told at its own place.
fn only_unless_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(only_unless_null);
            let nothing = json!({ "type": "null" });
            if let Some(Value::Array(forms)) = map.get("oneOf")
                && forms.len() == 2
                && forms.contains(&nothing)
                && let Some(this) = forms.iter().find(|form| **form != nothing)
            {
                let then = this.clone();
                map.remove("oneOf");
                map.insert("if".to_owned(), json!({ "not": nothing }));
                map.insert("then".to_owned(), then);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(only_unless_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Values that cannot be read, one after the other: each is replaced by one that can, and it is read again. `at` is
/// where the only line of `value` stands; empty for a header.
fn content_problems(kind: DocumentKind, mut value: Value, at: &str) -> Vec<AnswerProblem> {
    let mut found = Vec::new();
    while let Err(problem) = read_one(kind, &value) {
        let name = problem.pointer.rsplit('/').next().unwrap_or_default();
        let readable = match name {
            "currency" => json!("EUR"),
            "first" | "last" | "despatchedOn" => json!("2000-01-01"),
            "issuedAt" => json!("2000-01-01T00:00:00Z"),
            decimal if DECIMALS.contains(&decimal) => json!("1"),
            _ => Value::Null,
        };
        let place = value.pointer_mut(&problem.pointer);
        let mended = place.filter(|_| !readable.is_null()).map(|place| *place = readable);
        let pointer = match at {
            "" => problem.pointer,
            at => problem.pointer.replacen("/lines/0", at, 1),
        };
        found.push(AnswerProblem { pointer, ..problem });
        if mended.is_none() || found.len() >= MAX_PROBLEMS {
            break;
        }
    }
    found
}

fn read_one(kind: DocumentKind, value: &Value) -> Result<(), AnswerProblem> {
    match kind {
        DocumentKind::Order => parsed::<Order>(value).map(drop),
        DocumentKind::DespatchAdvice => parsed::<DespatchAdvice>(value).map(drop),
    }
}
