//! Which field of a payload is which of ours: by name, type, format and description.

use super::fields::{Field, Shape};
use super::notes::Certainty;
use super::wanted::{Want, Wanted};
use super::words::{alike, words};
use std::collections::BTreeMap;

/// Less is not taken for a match.
const LEAST: f64 = 0.6;
/// Words that say in what a field lies, and not what it is.
const CONTEXT: &[&str] = &[
    "purchase",
    "order",
    "po",
    "sale",
    "line",
    "item",
    "header",
    "document",
    "requisition",
];
/// Names that say nothing without what they lie in.
const GENERIC: &[&str] = &["amount", "value", "text", "content", "code", "id", "number"];

/// Words of dates that are about something else than goods and orders.
const OTHER_DATES: &[&str] = &["acknowledge", "payment", "invoice", "discount", "tax", "approve"];

/// A field that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    /// Index into the fields.
    pub field: usize,
    pub degree: f64,
}

impl Match {
    pub fn certainty(&self) -> Certainty {
        match self.degree {
            degree if degree >= 0.92 => Certainty::Sure,
            degree if degree >= 0.78 => Certainty::Likely,
            _ => Certainty::Guess,
        }
    }
}

/// The best field for each target; each field is given away once. `context` are words that every name may begin with.
pub(super) fn matches<'w>(
    wanted: &'w [Wanted],
    fields: &[&Field<'_>],
    depth: usize,
    context: &[String],
) -> BTreeMap<&'w str, Match> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (w, wanted) in wanted.iter().enumerate() {
        for (n, field) in fields.iter().enumerate().filter(|(_, f)| f.is_leaf()) {
            let degree = degree(wanted, field, depth, context);
            if degree >= LEAST {
                pairs.push((degree, w, n));
            }
        }
    }
    // The first target wins where two are as good.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut found = BTreeMap::new();
    let mut taken = Vec::new();
    for (degree, w, n) in pairs {
        let Some(wanted) = wanted.get(w) else { continue };
        if !taken.contains(&n) && !found.contains_key(wanted.target) {
            taken.push(n);
            found.insert(wanted.target, Match { field: n, degree });
        }
    }
    found
}

/// How well a field fits, from 0 to 1. `depth` is the depth of what it is looked for in.
fn degree(wanted: &Wanted, field: &Field<'_>, depth: usize, context: &[String]) -> f64 {
    let kind = kind_fits(wanted, field);
    if kind <= 0.0 || wanted.want == Want::Date && field.words.iter().any(|w| OTHER_DATES.contains(&w.as_str())) {
        return 0.0;
    }
    let mut best: f64 = 0.0;
    for (n, name) in wanted.names().enumerate() {
        let target = words(name);
        // The commonest names count a little more.
        let rank = 0.006 * f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        for (own, less) in names(field, depth, context) {
            best = best.max(alike(&own, &target) - less - rank);
        }
    }
    if best <= 0.0 {
        best = by_description(wanted, field);
    } else if by_description(wanted, field) > 0.0 {
        // What it is said to be outweighs a name that is somebody else's too.
        best += 0.15;
    }
    let below = field.depth().saturating_sub(depth + 1);
    best * kind - 0.03 * f64::from(u32::try_from(below).unwrap_or(u32::MAX))
}

/// The names that a field goes by, each with how much less it counts.
fn names(field: &Field<'_>, depth: usize, context: &[String]) -> Vec<(Vec<String>, f64)> {
    let mut found = vec![(field.words.clone(), 0.0)];
    let mut stripped = field.words.clone();
    while stripped.len() > 1
        && stripped
            .first()
            .is_some_and(|w| context.contains(w) || CONTEXT.contains(&w.as_str()))
    {
        stripped.remove(0);
        found.push((stripped.clone(), 0.04));
    }
    let generic = field.words.last().is_some_and(|w| GENERIC.contains(&w.as_str())) && field.words.len() == 1;
    // What it is looked for in says nothing more of it.
    let parent = if field.depth() > depth + 1 {
        words(field.parent())
    } else {
        Vec::new()
    };
    if !parent.is_empty() {
        if generic {
            // `netCost.amount` is the net cost.
            found.first_mut().into_iter().for_each(|(_, less)| *less = 0.45);
            found.push((parent.clone(), 0.0));
        }
        found.push(([parent, field.words.clone()].concat(), 0.02));
    }
    found
}

/// From 0 (never) to a little more than 1.
fn kind_fits(wanted: &Wanted, field: &Field<'_>) -> f64 {
    let format = field.format();
    let dated = format.starts_with("date");
    let listed = field.at.value.get("enum").is_some();
    match (wanted.want, field.shape) {
        (Want::Decimal, Shape::Number | Shape::Integer) => 1.0,
        (Want::Decimal, Shape::Text) if !dated && format != "uuid" && !listed => 0.98,
        (Want::Date, Shape::Text) if dated => 1.0,
        (Want::Date, Shape::Text)
            if !listed
                && field
                    .words
                    .iter()
                    .any(|w| ["date", "time", "at", "on", "by", "eta", "window"].contains(&w.as_str())) =>
        {
            0.97
        }
        (Want::Date, Shape::Integer) if field.words.iter().any(|w| ["date", "time", "at"].contains(&w.as_str())) => {
            0.85
        }
        (Want::Boolean, Shape::Boolean) => 1.0,
        (Want::Text | Want::Name, Shape::Text) if dated => 0.0,
        (Want::Name, Shape::Text) if listed => 0.7,
        (Want::Name, Shape::Text) if format == "uuid" => 0.93,
        (Want::Text | Want::Name, Shape::Text) => 1.0,
        (Want::Name, Shape::Integer) => 1.0,
        (Want::Name, Shape::Number) => 0.9,
        (_, Shape::Any) => 0.8,
        _ => 0.0,
    }
}

/// A description that begins with the commonest names of the target.
fn by_description(wanted: &Wanted, field: &Field<'_>) -> f64 {
    let said: Vec<String> = words(field.description()).into_iter().take(12).collect();
    let found = wanted
        .names()
        .take(4)
        .map(words)
        .any(|name| name.len() > 1 && said.windows(name.len()).any(|window| window == name));
    if found { 0.62 } else { 0.0 }
}
