//! JSON Schemas of payloads: compiled once, read from files beside the configuration only.

use super::IntakeProblem;
use super::json::{Node, Payloads};
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, Retrieve, Uri, ValidationError, Validator};
use serde_json::{Value, json};
use std::path::{Component, Path, PathBuf};

/// Most problems that one payload is listed with.
const MAX_PROBLEMS: usize = 50;
/// Base of the addresses that schema files have among themselves; nothing is ever fetched.
const BASE: &str = "file:///";

pub(crate) struct PayloadSchema {
    validator: Validator<Payloads>,
}

impl std::fmt::Debug for PayloadSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PayloadSchema")
    }
}

impl PayloadSchema {
    /// `reference` is a file below `dir`, with `#/pointer` into it where needed.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file or the reference.
    pub fn load(dir: &Path, reference: &str) -> Result<Self, String> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = read(dir, file)?;
        if !pointer.is_empty() && document.pointer(pointer).is_none() {
            return Err(format!("{file} has nothing at #{pointer}"));
        }
        let address = format!("{BASE}{}", file.trim_start_matches("./"));
        let mut options = jsonschema::options_for::<Payloads>()
            .should_validate_formats(true)
            .with_retriever(Files { dir: dir.to_owned() });
        if is_openapi(&document) {
            options = options.with_draft(Draft::Draft4);
        }
        let validator = if pointer.is_empty() {
            options.with_base_uri(address).build(&document)
        } else {
            options.build(&json!({ "$ref": format!("{address}#{pointer}") }))
        };
        validator.map(|validator| Self { validator }).map_err(|e| {
            format!(
                "{reference} is no JSON Schema that can be used: {}",
                super::map::values::short(&e.to_string())
            )
        })
    }

    /// A schema that is at hand, whose references stay within it.
    ///
    /// # Errors
    /// A sentence that says why it cannot be used.
    pub fn inline(schema: &Value) -> Result<Self, String> {
        let built = jsonschema::options_for::<Payloads>()
            .should_validate_formats(true)
            .build(schema);
        built.map(|validator| Self { validator }).map_err(|e| e.to_string())
    }

    /// What does not fit; empty when the payload is valid. At most 50 problems.
    pub fn check<'p>(&self, payload: impl Into<Node<'p>>) -> Vec<IntakeProblem> {
        let payload = payload.into();
        if self.validator.is_valid(payload) {
            return Vec::new();
        }
        // In the order in which a `Value` has them.
        let payload = payload.value();
        let mut problems: Vec<_> = self
            .validator
            .iter_errors(Node::Value(&payload))
            .take(MAX_PROBLEMS)
            .map(|e| describe(&e))
            .collect();
        if problems.len() == MAX_PROBLEMS {
            problems.push(IntakeProblem {
                pointer: String::new(),
                message: format!("only the first {MAX_PROBLEMS} problems are listed"),
            });
        }
        problems
    }
}

/// Reads schema files below one directory.
struct Files {
    dir: PathBuf,
}

impl Retrieve for Files {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let file = uri.as_str().strip_prefix(BASE).ok_or_else(|| {
            format!("{uri} is not a file beside the configuration; schemas are never fetched from the network")
        })?;
        let file = file.split('#').next().unwrap_or(file);
        let file = percent_encoding::percent_decode_str(file).decode_utf8()?;
        Ok(read(&self.dir, &file)?)
    }
}

pub(super) fn read(dir: &Path, file: &str) -> Result<Value, String> {
    let relative = Path::new(file);
    let inside = relative
        .components()
        .all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if file.is_empty() || !inside {
        return Err(format!("\"{file}\" is not a file below the configuration's folder"));
    }
    let text = std::fs::read_to_string(dir.join(relative)).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("there is no schema file {file} below the configuration's folder"),
        _ => format!("the schema file {file} cannot be read: {e}"),
    })?;
    let mut document: Value = serde_json::from_str(&text).map_err(|e| format!("{file} is not JSON: {e}"))?;
    if is_openapi(&document) {
        allow_nulls(&mut document);
    }
    Ok(document)
}

/// Swagger 2 and OpenAPI 3.0 use a form of JSON Schema draft 4; OpenAPI 3.1 is plain JSON Schema 2020-12.
fn is_openapi(document: &Value) -> bool {
    document.get("swagger").is_some()
        || document
            .get("openapi")
            .and_then(Value::as_str)
            .is_some_and(|v| v.starts_with("3.0"))
}

/// OpenAPI 3.0's `nullable: true`, said in JSON Schema.
fn allow_nulls(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("nullable") == Some(&Value::Bool(true)) {
                if let Some(kind @ Value::String(_)) = map.get("type").cloned() {
                    map.insert("type".to_owned(), json!([kind, "null"]));
                }
                if let Some(Value::Array(options)) = map.get_mut("enum") {
                    options.push(Value::Null);
                }
            }
            map.values_mut().for_each(allow_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(allow_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where, and a sentence that a person can act on.
pub(crate) fn describe(error: &ValidationError<'_>) -> IntakeProblem {
    IntakeProblem {
        pointer: error.instance_path().to_string(),
        message: sentence(error),
    }
}

fn sentence(error: &ValidationError<'_>) -> String {
    let this = shown(error.instance());
    match error.kind() {
        ValidationErrorKind::Required { property } => format!("{property} is missing"),
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            format!("{} is not expected here", quoted(unexpected))
        }
        ValidationErrorKind::Type { kind } => format!("{} is expected, this is {this}", type_names(kind)),
        ValidationErrorKind::Enum { options } => format!("{this} is none of {}", list(options)),
        ValidationErrorKind::Constant { expected_value } => {
            format!("{} is expected, this is {this}", shown(expected_value))
        }
        ValidationErrorKind::Pattern { pattern } => format!("{this} does not have the form {pattern}"),
        ValidationErrorKind::Format { format } => format!("{this} is not a valid {format}"),
        ValidationErrorKind::MinLength { limit } => format!("{this} is too short: at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("{this} is too long: at most {limit} characters"),
        ValidationErrorKind::Minimum { limit } => format!("{this} is too small: at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("{this} is too large: at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("{this} is too small: more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("{this} is too large: less than {limit}"),
        ValidationErrorKind::MinItems { limit } => format!("the list is too short: it has at least {limit}"),
        ValidationErrorKind::MaxItems { limit } => format!("the list is too long: it has at most {limit}"),
        ValidationErrorKind::UniqueItems => "the list has an entry twice".to_owned(),
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            nearest_form(context)
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            "this fits more than one of the forms that exclude each other".to_owned()
        }
        ValidationErrorKind::Not { .. } => format!("{this} is not allowed here"),
        ValidationErrorKind::FalseSchema => "nothing is allowed here".to_owned(),
        other => format!("does not fit the schema ({})", other.keyword()),
    }
}

/// Of several allowed forms, what the nearest one lacks.
fn nearest_form(context: &[Vec<ValidationError<'static>>]) -> String {
    match context
        .iter()
        .filter(|errors| !errors.is_empty())
        .min_by_key(|errors| errors.len())
    {
        Some(errors) => format!(
            "this has none of the forms that are allowed; nearest to it: {}",
            errors.iter().take(3).map(sentence).collect::<Vec<_>>().join("; ")
        ),
        None => "this has none of the forms that are allowed".to_owned(),
    }
}

fn type_names(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => type_name(&one.to_string()).to_owned(),
        TypeKind::Multiple(several) => several
            .iter()
            .map(|t| type_name(&t.to_string()).to_owned())
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "a text",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

/// A scalar as JSON, shortened; lists and objects by their kind.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => super::expr::kind_of(value).to_owned(),
        scalar => super::map::values::short(&scalar.to_string()).into_owned(),
    }
}

fn list(options: &Value) -> String {
    match options {
        Value::Array(options) => {
            let shown: Vec<_> = options.iter().take(12).map(shown).collect();
            let more = if options.len() > 12 { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
        other => shown(other),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ")
}
