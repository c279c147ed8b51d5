//! What lies unused on either side: fields of the payload that nothing read, fields of the document that stayed empty.

use super::{UnreadField, kind_of};
use crate::domain::document::Item;
use crate::domain::{CanonicalDocument, DocumentKind};
use crate::partner::Intake;
use crate::partner::config::mistakes::child;
use crate::partner::expr::trace::Trace;
use crate::partner::map::{despatch, head, order, receipt, response};
use serde_json::Value;
use std::collections::BTreeSet;

/// Fields that are listed at most.
const MAX_FIELDS: usize = 500;

/// Fields of the canonical document that have no value; of lines, those that have none in any line.
pub(super) fn empty(intake: &Intake, canonical: &Value) -> Vec<String> {
    let answers = matches!(intake, Intake::Answer(_));
    let (fields, line_fields): (Vec<&[&str]>, &[&str]) = match (kind_of(intake), answers) {
        (None, _) => return Vec::new(),
        (Some(DocumentKind::Order), false) => (vec![head::HEAD_FIELDS, order::ORDER_FIELDS], order::ORDER_LINE_FIELDS),
        (Some(DocumentKind::DespatchAdvice), false) => (
            vec![head::HEAD_FIELDS, despatch::DESPATCH_FIELDS],
            despatch::DESPATCH_LINE_FIELDS,
        ),
        (Some(DocumentKind::Order), true) => (
            vec![response::ANSWER_FIELDS, response::RESPONSE_FIELDS],
            response::RESPONSE_LINE_FIELDS,
        ),
        (Some(DocumentKind::DespatchAdvice), true) => (
            vec![response::ANSWER_FIELDS, receipt::RECEIPT_FIELDS],
            receipt::RECEIPT_LINE_FIELDS,
        ),
    };
    let lines: Vec<&Value> = canonical
        .get("lines")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let heads = fields
        .into_iter()
        .flatten()
        .filter(|name| !name.starts_with('$') && is_empty(canonical.get(**name)))
        .map(|name| (*name).to_owned());
    let of_lines = line_fields
        .iter()
        .filter(|name| !name.starts_with('$') && lines.iter().all(|line| is_empty(line.get(**name))))
        .map(|name| format!("lines[].{name}"));
    heads.chain(of_lines.filter(|_| !lines.is_empty())).collect()
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(members)) => members.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}

/// What is no mistake and yet hardly meant.
pub(super) fn warnings(document: &CanonicalDocument) -> Vec<String> {
    let nameless = |items: Vec<(&str, &Item)>| -> Vec<String> {
        let known = |item: &Item| item.seller_id.is_some() || item.buyer_id.is_some() || item.gtin.is_some();
        let lines = items.into_iter().filter(|(_, item)| !known(item));
        lines
            .map(|(line, _)| format!("line {line} names its item by none of sellerId, buyerId and gtin"))
            .collect()
    };
    match document {
        CanonicalDocument::Order(order) => nameless(order.lines.iter().map(|l| (l.id.as_str(), &l.item)).collect()),
        CanonicalDocument::DespatchAdvice(note) => {
            nameless(note.lines.iter().map(|l| (l.id.as_str(), &l.item)).collect())
        }
    }
}

/// Scalars of the payload that no expression read, the elements of lists taken together.
/// `except` are the fields that the configuration names as none of its business (`hashExcept`).
pub(super) fn unread(payload: &Value, trace: &Trace, except: &[Vec<String>]) -> Vec<UnreadField> {
    let mut known = BTreeSet::new();
    names(payload, &mut known);
    let mut walk = Walk {
        trace,
        except,
        loose: trace
            .loose
            .iter()
            .map(|(base, read)| (base.as_str(), own(read, &known)))
            .collect(),
        found: Vec::new(),
    };
    walk.value(payload, "", ".", &mut Vec::new());
    walk.found
}

/// What was read of an element that jq made, without the names that the expression gave it: `.line.price` of
/// `. + {line: $line}` reads `price`.
fn own<'t>(read: &'t [String], known: &BTreeSet<&str>) -> &'t [String] {
    let made = read.iter().take_while(|name| !known.contains(name.as_str())).count();
    read.get(made..).unwrap_or_default()
}

fn names<'p>(value: &'p Value, known: &mut BTreeSet<&'p str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                known.insert(name);
                names(member, known);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, known)),
        _ => {}
    }
}

struct Walk<'t> {
    trace: &'t Trace,
    except: &'t [Vec<String>],
    /// Names that were read somewhere below a place.
    loose: Vec<(&'t str, &'t [String])>,
    found: Vec<UnreadField>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, pointer: &str, path: &str, names: &mut Vec<String>) {
        if self.except.contains(names) {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    names.push(name.clone());
                    self.value(member, &child(pointer, name), &step(path, name), names);
                    names.pop();
                }
            }
            Value::Array(items) => {
                let path = format!("{}[]", path.trim_end_matches('.'));
                let path = if path == "[]" { ".[]".to_owned() } else { path };
                for (n, item) in items.iter().enumerate() {
                    self.value(item, &child(pointer, n), &path, names);
                }
            }
            Value::Null => {}
            scalar => self.scalar(scalar, pointer, path, names),
        }
    }

    fn scalar(&mut self, value: &Value, pointer: &str, path: &str, names: &[String]) {
        if self.trace.read.contains(pointer) {
            return;
        }
        // An element that jq made keeps the names of its fields, whatever became of its place.
        let by_name =
            |(base, read): &(&str, &[String])| !read.is_empty() && pointer.starts_with(base) && names.ends_with(read);
        if self.loose.iter().any(by_name) {
            return;
        }
        if let Some(field) = self.found.iter_mut().find(|f| f.path == path) {
            field.count += 1;
        } else if self.found.len() < MAX_FIELDS {
            self.found.push(UnreadField {
                path: path.to_owned(),
                example: value.clone(),
                count: 1,
            });
        }
    }
}

/// A path with one more field, as an expression names it.
fn step(path: &str, name: &str) -> String {
    let base = path.trim_end_matches('.');
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain {
        format!("{base}.{name}")
    } else {
        format!("{base}.{}", Value::from(name))
    }
}
