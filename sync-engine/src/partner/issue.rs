//! What a request sees of a document that we issue: its lines against the version before, and against the order.

use crate::domain::codes::LineChangeCode;
use crate::domain::diff::{ChangeKind, LineChange, diff};
use crate::domain::{CanonicalDocument, DocumentKind};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

pub(super) fn plain(document: &CanonicalDocument) -> Value {
    match document {
        CanonicalDocument::Order(order) => json!(order),
        CanonicalDocument::DespatchAdvice(note) => json!(note),
    }
}

/// A document with what the partner calls it, as `partnerRef`.
pub(super) fn referred(document: &CanonicalDocument, partner_ref: Option<&Value>) -> Value {
    let mut value = plain(document);
    if let (Some(members), Some(partner_ref)) = (value.as_object_mut(), partner_ref) {
        members.insert("partnerRef".to_owned(), partner_ref.clone());
    }
    value
}

/// Every line of the document that is issued, and every line of the version before that it leaves out: each with
/// `change` (`Added`, `Deleted`, `Changed`, `Unchanged`), `fields` that differ, and the line as it was in `before`.
pub(super) fn changes(document: &CanonicalDocument, previous: Option<&CanonicalDocument>) -> Vec<Value> {
    let Some(previous) = previous else {
        return lines(&plain(document))
            .map(|line| changed(line, LineChangeCode::Added, &[], None))
            .collect();
    };
    let differences = diff(previous, document);
    let by_line: HashMap<&str, &LineChange> = differences.lines.iter().map(|l| (l.line_id.as_str(), l)).collect();
    let (now, before) = (plain(document), plain(previous));
    let old: HashMap<&str, &Map<String, Value>> = lines(&before).filter_map(|l| Some((id(l)?, l))).collect();
    let mut out: Vec<Value> = lines(&now)
        .map(|line| {
            let difference = id(line).and_then(|id| by_line.get(id));
            let code = match difference.map(|d| d.change) {
                None => LineChangeCode::Unchanged,
                Some(ChangeKind::Added) => LineChangeCode::Added,
                Some(ChangeKind::Deleted | ChangeKind::Changed) => LineChangeCode::Changed,
            };
            let fields: Vec<&str> = difference
                .iter()
                .flat_map(|d| &d.fields)
                .map(|f| f.field.as_str())
                .collect();
            let was = id(line).and_then(|id| old.get(id)).copied();
            changed(line, code, &fields, was)
        })
        .collect();
    let deleted = differences.lines.iter().filter(|l| l.change == ChangeKind::Deleted);
    out.extend(
        deleted
            .filter_map(|l| old.get(l.line_id.as_str()).copied())
            .map(|line| changed(line, LineChangeCode::Deleted, &[], Some(line))),
    );
    out
}

/// Lines of a delivery note, each with the line of the order that it delivers in `ordered`.
pub(super) fn ordered(document: &Value, order: Option<&CanonicalDocument>) -> Vec<Value> {
    let order = order.filter(|o| o.kind() == DocumentKind::Order).map(plain);
    let lines_by_id: HashMap<&str, &Map<String, Value>> = order
        .iter()
        .flat_map(lines)
        .filter_map(|line| Some((id(line)?, line)))
        .collect();
    lines(document)
        .map(|line| {
            let of = line.get("orderLineId").and_then(Value::as_str);
            let mut line = line.clone();
            let ordered = of.and_then(|id| lines_by_id.get(id)).copied().cloned();
            line.insert("ordered".to_owned(), ordered.map_or(Value::Null, Value::Object));
            Value::Object(line)
        })
        .collect()
}

fn changed(
    line: &Map<String, Value>,
    code: LineChangeCode,
    fields: &[&str],
    before: Option<&Map<String, Value>>,
) -> Value {
    let mut line = line.clone();
    line.insert("change".to_owned(), json!(code));
    line.insert("fields".to_owned(), json!(fields));
    line.insert(
        "before".to_owned(),
        before.map_or(Value::Null, |b| Value::Object(b.clone())),
    );
    Value::Object(line)
}

fn lines(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let lines = document.get("lines").and_then(Value::as_array);
    lines.into_iter().flatten().filter_map(Value::as_object)
}

fn id(line: &Map<String, Value>) -> Option<&str> {
    line.get("id").and_then(Value::as_str)
}
