//! What differs between two versions of a document.

use super::document::{CanonicalDocument, DespatchAdvice, Order};
use super::value::{Decimal, Money};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LineChangeKind)]
pub enum ChangeKind {
    Added,
    Deleted,
    Changed,
}

/// One field of the header that differs. `field` is the API's name of it, dotted (`shipTo.city`,
/// `notes.2` for the second note).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineChange {
    pub line_id: String,
    pub change: ChangeKind,
    /// Empty for added and deleted lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// Lines are matched by id; order of lines does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct VersionDiff {
    pub header: Vec<FieldChange>,
    pub lines: Vec<LineChange>,
}

/// Longest summary, in characters.
const MAX_SUMMARY: usize = 120;

impl VersionDiff {
    pub fn is_empty(&self) -> bool {
        self.header.is_empty() && self.lines.is_empty()
    }

    /// One line for a list, such as `2 lines changed, 1 added; ship to`; at most 120 characters. Empty when nothing
    /// differs.
    pub fn summary(&self) -> String {
        let count = |kind| self.lines.iter().filter(|l| l.change == kind).count();
        let mut lines = String::new();
        for (kind, word) in [
            (ChangeKind::Changed, "changed"),
            (ChangeKind::Added, "added"),
            (ChangeKind::Deleted, "deleted"),
        ] {
            let n = count(kind);
            if n > 0 && lines.is_empty() {
                lines = format!("{n} {} {word}", if n == 1 { "line" } else { "lines" });
            } else if n > 0 {
                lines += &format!(", {n} {word}");
            }
        }
        let mut fields: Vec<String> = Vec::new();
        for change in &self.header {
            let name = words(change.field.split('.').next().unwrap_or_default());
            if !fields.contains(&name) {
                fields.push(name);
            }
        }
        let fields = fields.join(", ");
        let separator = if lines.is_empty() || fields.is_empty() {
            ""
        } else {
            "; "
        };
        shorten(format!("{lines}{separator}{fields}"))
    }
}

/// `shipTo` as `ship to`.
fn words(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn shorten(text: String) -> String {
    if text.chars().count() <= MAX_SUMMARY {
        return text;
    }
    text.chars().take(MAX_SUMMARY - 1).chain(['…']).collect()
}

/// Differences from `before` to `after`. Numbers compare by value (`1.0` equals `1.00`). What names the version rather
/// than its content (`revision`, `issuedAt`) does not count. Documents of different kinds have no common fields.
pub fn diff(before: &CanonicalDocument, after: &CanonicalDocument) -> VersionDiff {
    match (before, after) {
        (CanonicalDocument::Order(b), CanonicalDocument::Order(a)) => VersionDiff {
            header: fields(&header_of_order(b), &header_of_order(a)),
            lines: lines(&b.lines, &a.lines, |l| &l.id),
        },
        (CanonicalDocument::DespatchAdvice(b), CanonicalDocument::DespatchAdvice(a)) => VersionDiff {
            header: fields(&header_of_despatch(b), &header_of_despatch(a)),
            lines: lines(&b.lines, &a.lines, |l| &l.id),
        },
        (CanonicalDocument::Order(_), CanonicalDocument::DespatchAdvice(_))
        | (CanonicalDocument::DespatchAdvice(_), CanonicalDocument::Order(_)) => VersionDiff::default(),
    }
}

fn header_of_order(order: &Order) -> Order {
    Order {
        number: order.number.clone(),
        revision: None,
        issued_at: None,
        currency: order.currency.clone(),
        buyer: order.buyer.clone(),
        seller: order.seller.clone(),
        ship_to: order.ship_to.clone(),
        bill_to: order.bill_to.clone(),
        requested_delivery: order.requested_delivery,
        payment_terms: order.payment_terms.clone(),
        delivery_terms: order.delivery_terms.clone(),
        language: order.language.clone(),
        references: order.references.clone(),
        notes: order.notes.clone(),
        lines: Vec::new(),
        totals: order.totals.clone(),
        cancel_reason: order.cancel_reason.clone(),
    }
}

fn header_of_despatch(note: &DespatchAdvice) -> DespatchAdvice {
    DespatchAdvice {
        number: note.number.clone(),
        revision: None,
        issued_at: None,
        buyer: note.buyer.clone(),
        seller: note.seller.clone(),
        ship_to: note.ship_to.clone(),
        despatched_on: note.despatched_on,
        expected_delivery: note.expected_delivery,
        carrier: note.carrier.clone(),
        tracking_id: note.tracking_id.clone(),
        language: note.language.clone(),
        notes: note.notes.clone(),
        lines: Vec::new(),
        cancel_reason: note.cancel_reason.clone(),
    }
}

/// Changed and added lines in the order of `after`, then the deleted ones in the order of `before`.
fn lines<L: Serialize + PartialEq>(before: &[L], after: &[L], id: impl Fn(&L) -> &String) -> Vec<LineChange> {
    let old: HashMap<&str, &L> = before.iter().map(|l| (id(l).as_str(), l)).collect();
    let kept: HashSet<&str> = after.iter().map(|l| id(l).as_str()).collect();
    let mut out = Vec::new();
    let plain = |line: &L, change| LineChange {
        line_id: id(line).clone(),
        change,
        fields: Vec::new(),
    };
    for line in after {
        match old.get(id(line).as_str()) {
            None => out.push(plain(line, ChangeKind::Added)),
            // Equal lines are the many: they are compared without being flattened.
            Some(was) if *was == line => {}
            Some(was) => out.push(LineChange {
                fields: fields(*was, line),
                ..plain(line, ChangeKind::Changed)
            }),
        }
    }
    let deleted = before.iter().filter(|l| !kept.contains(id(l).as_str()));
    out.extend(deleted.map(|l| plain(l, ChangeKind::Deleted)));
    out.retain(|l| l.change != ChangeKind::Changed || !l.fields.is_empty());
    out
}

/// Fields that hold an exact decimal as text; all others compare as they are written.
const DECIMALS: [&str; 6] = [
    "quantity",
    "price",
    "priceBase",
    "taxPercent",
    "delivered",
    "outstanding",
];

fn fields<T: Serialize + PartialEq>(before: &T, after: &T) -> Vec<FieldChange> {
    if before == after {
        return Vec::new();
    }
    let (before, after) = (flat(before), flat(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| !same(name, before.get(*name), after.get(*name)))
        .map(|name| FieldChange {
            field: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

fn same(name: &str, before: Option<&String>, after: Option<&String>) -> bool {
    match (before, after) {
        (Some(b), Some(a)) if DECIMALS.contains(&name) => match (b.parse::<Decimal>(), a.parse::<Decimal>()) {
            (Ok(b), Ok(a)) => b == a,
            (Ok(_) | Err(_), Ok(_) | Err(_)) => b == a,
        },
        (before, after) => before == after,
    }
}

/// Every leaf by its dotted path, as text. A money object is one leaf: `12.50 EUR`.
fn flat<T: Serialize>(value: &T) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    // Our own types serialise; were one not to, it would show as without fields, not as a panic.
    if let Ok(value) = serde_json::to_value(value) {
        flatten("", &value, &mut out);
    }
    out
}

fn flatten(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::String(text) => {
            out.insert(path.to_owned(), text.clone());
        }
        Value::Bool(_) | Value::Number(_) => {
            out.insert(path.to_owned(), value.to_string());
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&join(path, &(index + 1).to_string()), item, out);
            }
        }
        Value::Object(map) => {
            if let Some(money) = money(value) {
                out.insert(path.to_owned(), money);
                return;
            }
            for (key, item) in map {
                flatten(&join(path, key), item, out);
            }
        }
    }
}

fn money(value: &Value) -> Option<String> {
    value.get("minor")?;
    let money: Money = serde_json::from_value(value.clone()).ok()?;
    Some(format!("{} {}", money.to_decimal(), money.currency.as_str()))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
