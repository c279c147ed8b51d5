//! The map of a stream: which field of the payload goes where.

use super::codes;
use super::endpoints::Kind;
use super::fields::{self, Field, Shape, Step};
use super::lines::{self, Lines};
use super::matching::{Match, matches};
use super::notes::{Certainty, Notes, todo_expression};
use super::parties;
use super::wanted::{self, Want, Wanted};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) struct Source<'a, 'd> {
    pub kind: Kind,
    pub fields: &'a [Field<'d>],
    pub lines: Option<&'a Lines<'d>>,
    /// JSON pointer of the map.
    pub pointer: String,
    /// What later requests need: name and path.
    pub partner_ref: &'a BTreeMap<String, String>,
    /// A moment of the last change.
    pub changed: Option<&'a Field<'d>>,
}

#[derive(Debug, Default)]
pub(super) struct Mapped {
    pub map: Map<String, Value>,
    pub codes: Map<String, Value>,
    pub units: Option<Value>,
    /// Versions are told apart by a time.
    pub by_time: bool,
    /// Fields of ours that were found.
    pub matched: Vec<String>,
}

pub(super) fn propose(source: &Source<'_, '_>, notes: &mut Notes) -> Mapped {
    let mut mapped = Mapped::default();
    let head: &[Wanted] = if source.kind == Kind::Order {
        wanted::HEAD
    } else {
        wanted::NOTE_HEAD
    };
    let outer: Vec<&Field<'_>> = source
        .fields
        .iter()
        .filter(|f| f.lists() == 0 && f.depth() <= 4)
        .collect();
    let (parties, of_parties) = parties::propose(&outer, source.kind, &source.pointer, notes);
    let free: Vec<&Field<'_>> = outer
        .iter()
        .filter(|f| !of_parties.iter().any(|taken| std::ptr::eq(*taken, **f)))
        .copied()
        .collect();
    let mut found = matches(head, &free, 0, &[]);
    if !found.contains_key("totals.net") {
        // A tax or a gross amount alone is no total of ours.
        found.retain(|target, _| !target.starts_with("totals."));
    }
    put(&mut mapped, head, &found, &free, 0, source, notes);
    mapped.matched.extend(parties.keys().cloned());
    mapped.map.extend(parties);
    versions(source, &mut mapped, notes);
    purpose(source, &free, &mut mapped, notes);
    currency(source, &mut mapped, notes);
    needed(
        &mut mapped.map,
        "number",
        "the document's number",
        &source.pointer,
        notes,
    );
    if !source.partner_ref.is_empty() {
        mapped.map.insert("partnerRef".to_owned(), json!(source.partner_ref));
    }
    lines::propose(source, &mut mapped, notes);
    mapped
}

/// Writes what was found into the map, sections and all.
pub(super) fn put(
    mapped: &mut Mapped,
    wanted: &[Wanted],
    found: &BTreeMap<&str, Match>,
    fields: &[&Field<'_>],
    depth: usize,
    source: &Source<'_, '_>,
    notes: &mut Notes,
) {
    let in_lines = depth > 0;
    for wanted in wanted {
        let Some((found, field)) = found.get(wanted.target).and_then(|m| Some((m, fields.get(m.field)?))) else {
            continue;
        };
        let base = if in_lines {
            format!("{}/lines", source.pointer)
        } else {
            source.pointer.clone()
        };
        let pointer = format!("{base}/{}", wanted.target.replace('.', "/"));
        let path = field.path(depth);
        let certainty = found.certainty();
        let said = why(field, certainty);
        notes.add(certainty, pointer, format!("{path}{said}"));
        let value = written(field, &path, depth, wanted.want, certainty);
        let target = if in_lines {
            mapped.map.entry("lines").or_insert_with(|| json!({}))
        } else {
            &mut Value::Null
        };
        match (target.as_object_mut(), wanted.target.split_once('.')) {
            (Some(lines), Some((section, name))) => nested(lines, section, name, value),
            (Some(lines), None) => _ = lines.insert(wanted.target.to_owned(), value),
            (None, Some((section, name))) => nested(&mut mapped.map, section, name, value),
            (None, None) => _ = mapped.map.insert(wanted.target.to_owned(), value),
        }
        mapped.matched.push(if in_lines {
            format!("lines.{}", wanted.target)
        } else {
            wanted.target.to_owned()
        });
    }
}

fn nested(map: &mut Map<String, Value>, section: &str, name: &str, value: Value) {
    if let Some(section) = map.entry(section).or_insert_with(|| json!({})).as_object_mut() {
        section.insert(name.to_owned(), value);
    }
}

fn why(field: &Field<'_>, certainty: Certainty) -> String {
    if certainty == Certainty::Sure {
        return String::new();
    }
    let said = super::paging::short(field.description());
    if said.is_empty() {
        ", by its name".to_owned()
    } else {
        format!(", by its name (\"{said}\")")
    }
}

/// The value of a map: a plain path, with what its form needs, and a comment where it is a guess.
pub(super) fn written(field: &Field<'_>, path: &str, depth: usize, want: Want, certainty: Certainty) -> Value {
    let mut value = json!({ "$from": path });
    let told = told(field);
    if want == Want::Date {
        if is_dot_net(field) {
            value["$date"] = json!("dotNet");
        } else if field.shape == Shape::Integer {
            value["$date"] = json!(if field.format() == "int64" || told.contains("milli") {
                "epochMillis"
            } else {
                "epochSeconds"
            });
        }
    }
    if want == Want::Decimal && in_minor_units(&told) {
        // The currency stands beside the amount.
        let beside = field
            .steps
            .get(depth..field.steps.len().saturating_sub(1))
            .unwrap_or_default();
        let currency = [beside, &[Step::Name("currency".to_owned())]].concat();
        value["$minor"] = if beside.is_empty() {
            json!(2)
        } else {
            json!(fields::path(&currency))
        };
    }
    if certainty <= Certainty::Guess {
        value["$comment"] = json!(format!("guess{}", why(field, certainty)));
    }
    match value.as_object() {
        Some(only) if only.len() == 1 => json!(path),
        _ => value,
    }
}

/// What a description says of a field's form.
fn told(field: &Field<'_>) -> String {
    format!(
        "{} {} {}",
        field.description(),
        field.at.value.get("example").unwrap_or(&Value::Null),
        field.at.text("pattern").unwrap_or_default()
    )
}

/// Written as `/Date(…)/`.
pub(super) fn is_dot_net(field: &Field<'_>) -> bool {
    field.at.is("x-is-msdate") || field.at.is("x-is-msdate-time") || told(field).contains("/Date(")
}

fn in_minor_units(told: &str) -> bool {
    let told = told.to_lowercase();
    [
        "smallest denomination",
        "minor unit",
        "in cents",
        "smallest currency unit",
        "smallest unit",
    ]
    .iter()
    .any(|w| told.contains(w))
}

/// The partner's order of versions: a number, else the time of the last change.
fn versions(source: &Source<'_, '_>, mapped: &mut Mapped, notes: &mut Notes) {
    let at = format!("{}/sequence", source.pointer);
    let numbered = source.fields.iter().find(|f| {
        f.depth() == 1
            && f.shape == Shape::Integer
            && ["revision", "version"].iter().any(|w| f.words.iter().any(|x| x == w))
    });
    if let Some(field) = numbered {
        notes.likely(at, format!("{} counts versions", field.path(0)));
        mapped.map.insert("sequence".to_owned(), json!(field.path(0)));
    } else if let Some(field) = source.changed {
        notes.likely(at, format!("versions are ordered by {}", field.path(0)));
        let value = written(field, &field.path(0), 0, Want::Date, Certainty::Likely);
        mapped.map.insert("sequence".to_owned(), value);
        mapped.by_time = true;
    } else {
        notes.guess(
            at,
            "nothing numbers the versions: what differs in content is a new one, in the order in which it comes"
                .to_owned(),
        );
    }
}

fn purpose(source: &Source<'_, '_>, free: &[&Field<'_>], mapped: &mut Mapped, notes: &mut Notes) {
    let at = format!("{}/purpose", source.pointer);
    let state = free
        .iter()
        .filter(|f| f.is_leaf() && f.depth() <= 3 && f.shape == Shape::Text);
    let state = state.filter(|f| f.words.last().is_some_and(|w| w == "status" || w == "state"));
    let state = state.filter(|f| {
        !["payment", "invoice", "ship", "shipment"]
            .iter()
            .any(|w| f.words.iter().any(|x| x == w))
    });
    let Some(field) = state.min_by_key(|f| (f.options().is_empty(), f.depth(), f.words.len())) else {
        notes.guess(
            at,
            "no status was found that tells changed and cancelled documents from new ones: all count as new".to_owned(),
        );
        return;
    };
    let options = field.options();
    if options.is_empty() {
        notes.guess(
            at,
            format!(
                "{} may tell which documents are cancelled; its values are not listed: give it a code table",
                field.path(0)
            ),
        );
        return;
    }
    let values = codes::purposes(&options);
    notes.guess(
        &at,
        format!(
            "{}, with the code table \"purpose\": {}",
            field.path(0),
            codes::shown(&values)
        ),
    );
    mapped.codes.insert(
        "purpose".to_owned(),
        json!({ "$comment": "guess, by the codes' names", "values": values }),
    );
    mapped.map.insert(
        "purpose".to_owned(),
        json!({ "$from": field.path(0), "$codes": "purpose", "$default": "Original" }),
    );
    mapped.matched.push("purpose".to_owned());
}

/// The currency may stand in the lines only.
fn currency(source: &Source<'_, '_>, mapped: &mut Mapped, notes: &mut Notes) {
    if source.kind != Kind::Order || mapped.map.contains_key("currency") {
        return;
    }
    let at = format!("{}/currency", source.pointer);
    let in_head = source.fields.iter().find(|f| {
        f.is_leaf() && f.lists() == 0 && f.words.iter().any(|w| w == "currency") && f.words.iter().all(|w| w != "id")
    });
    let in_lines = source.lines.and_then(|lines| {
        let field = lines
            .fields
            .iter()
            .find(|f| f.is_leaf() && f.lists() <= 1 && f.words.iter().any(|w| w == "currency"))?;
        Some(format!("first({} | {} // empty)", lines.each, field.path(lines.depth)))
    });
    match in_head.map(|f| f.path(0)).or(in_lines) {
        Some(path) => {
            notes.likely(at, format!("{path}: the currency of an amount"));
            mapped.map.insert("currency".to_owned(), json!(path));
            mapped.matched.push("currency".to_owned());
        }
        None => needed(
            &mut mapped.map,
            "currency",
            "the currency; where it is always the same, {\"$value\": \"EUR\"}",
            &source.pointer,
            notes,
        ),
    }
}

/// What no document is without, and was not found: it stops the document, and says so.
pub(super) fn needed(map: &mut Map<String, Value>, name: &str, what: &str, pointer: &str, notes: &mut Notes) {
    if !map.contains_key(name) {
        notes.todo(format!("{pointer}/{name}"), format!("not found: {what}"));
        let expression = todo_expression(&format!("where is {}?", what.split(';').next().unwrap_or(what)));
        map.insert(
            name.to_owned(),
            json!({ "$from": expression, "$comment": format!("TODO: {what}") }),
        );
    }
}
