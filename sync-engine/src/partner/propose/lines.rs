//! The lines of a document: where they are, and the map of one.

use super::codes;
use super::endpoints::Kind;
use super::fields::{self, Field, Shape, Step};
use super::map::{Mapped, Source, is_dot_net, needed, put};
use super::matching::{Match, matches};
use super::notes::{Notes, todo_expression};
use super::wanted::{self, Wanted};
use super::words::has;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where the lines of a document are.
#[derive(Debug)]
pub(super) struct Lines<'d> {
    pub each: String,
    pub fields: Vec<Field<'d>>,
    /// Steps of a path before it is within a line.
    pub depth: usize,
}

/// What a line cannot be without, and how it is spoken of.
const ORDER_LINE: &[(&str, &str)] = &[
    ("id", "the line's id"),
    ("quantity", "the line's quantity"),
    (
        "unit",
        "the line's unit; where it is always pieces, {\"$value\": \"C62\"}",
    ),
];
const NOTE_LINE: &[(&str, &str)] = &[
    ("id", "the line's id"),
    ("orderNumber", "the number of the order that is delivered"),
    ("orderLineId", "the order's line that is delivered"),
    ("delivered", "the quantity that was delivered"),
    (
        "unit",
        "the line's unit; where it is always pieces, {\"$value\": \"C62\"}",
    ),
];

/// Where the lines are in the fields of a document: the list whose entries have a quantity.
pub(super) fn lines_of<'d>(all: &[Field<'d>]) -> Option<Lines<'d>> {
    let named = |f: &Field<'_>| {
        ["line", "item", "position", "product", "row", "detail", "article"]
            .iter()
            .any(|w| has(&f.words, &[w]))
    };
    let mut best: Option<(i32, &Field<'d>)> = None;
    for list in all.iter().filter(|f| f.shape == Shape::List && f.lists() <= 1) {
        let start = [list.steps.as_slice(), &[Step::Each]].concat();
        let below: Vec<&Field<'_>> = all.iter().filter(|f| f.starts_with(&start)).collect();
        let counts = |f: &&&Field<'_>| f.words.iter().any(|w| w == "quantity");
        let own = below.iter().any(|f| counts(&f) && f.lists() == list.lists() + 1);
        let deeper = below.iter().any(|f| counts(&f));
        let many = i32::try_from(below.len().min(20)).unwrap_or(0) / 5;
        let depth = i32::try_from(list.depth()).unwrap_or(9);
        let score = i32::from(own) * 8 + i32::from(deeper) * 4 + i32::from(named(list)) * 6 + many - 3 * depth;
        if !below.is_empty() && (deeper || named(list)) && best.is_none_or(|(known, _)| score > known) {
            best = Some((score, list));
        }
    }
    let (_, list) = best?;
    let start = [list.steps.as_slice(), &[Step::Each]].concat();
    Some(Lines {
        each: fields::path(&start),
        fields: all.iter().filter(|f| f.starts_with(&start)).cloned().collect(),
        depth: start.len(),
    })
}

pub(super) fn propose(source: &Source<'_, '_>, mapped: &mut Mapped, notes: &mut Notes) {
    let at = format!("{}/lines", source.pointer);
    let order = source.kind == Kind::Order;
    let Some(lines) = source.lines else {
        missing(order, mapped, &at, notes);
        return;
    };
    notes.likely(format!("{at}/$each"), lines.each.clone());
    mapped.matched.push("lines".to_owned());
    let wanted: &[Wanted] = if order { wanted::LINE } else { wanted::NOTE_LINE };
    let level = lines.fields.first().map_or(1, |f| within(f, lines.depth));
    let near = |f: &&Field<'_>| f.lists() == level && f.depth() <= lines.depth + 3;
    let own: Vec<&Field<'_>> = lines.fields.iter().filter(near).collect();
    let mut found = matches(wanted, &own, lines.depth, &[]);
    unit_beside(wanted, &own, lines.depth, &mut found);
    mapped.map.insert("lines".to_owned(), json!({ "$each": lines.each }));
    put(mapped, wanted, &found, &own, lines.depth, source, notes);
    let units = found.get("unit").and_then(|m| own.get(m.field)).map(|f| f.options());
    let Some(section) = mapped.map.get_mut("lines").and_then(Value::as_object_mut) else {
        return;
    };
    for target in ["quantity", "delivered", "unit", "requestedDelivery"] {
        if !wanted.iter().any(|w| w.target == target) || section.contains_key(target) {
            continue;
        }
        if let Some((value, field)) = deeper(lines, target, wanted) {
            let why = "in a list of the line's own";
            notes.guess(format!("{at}/{target}"), format!("{value}, {why}"));
            let mut value = json!({ "$from": value, "$comment": format!("guess: {why}") });
            if target == "requestedDelivery" && is_dot_net(field) {
                value["$date"] = json!("dotNet");
            }
            section.insert(target.to_owned(), value);
            mapped.matched.push(format!("lines.{target}"));
        }
    }
    for (name, what) in if order { ORDER_LINE } else { NOTE_LINE } {
        needed(section, name, what, &at, notes);
    }
    if let Some(units) = units.filter(|options| !options.is_empty()) {
        let (values, unknown) = codes::units(&units);
        let told = format!("{}{}", codes::shown(&values), codes::left(&unknown));
        notes.guess("/units", told);
        mapped.units = Some(json!({ "$comment": "guess, by the units' names", "values": values }));
    }
}

/// Lists that a line lies in, its own among them.
fn within(field: &Field<'_>, depth: usize) -> usize {
    field.steps.iter().take(depth).filter(|s| **s == Step::Each).count()
}

/// No list of lines: every document stops, and says why.
fn missing(order: bool, mapped: &mut Mapped, at: &str, notes: &mut Notes) {
    notes.todo(at, "no list of lines was found".to_owned());
    let mut section = json!({
        "$comment": "TODO: no list of lines was found in the documents",
        "$each": todo_expression("where are the lines?"),
    });
    for (name, what) in if order { ORDER_LINE } else { NOTE_LINE } {
        let what = what.split(';').next().unwrap_or(what);
        section[*name] = json!(todo_expression(what));
    }
    mapped.map.insert("lines".to_owned(), section);
}

/// The unit that stands beside the quantity, and not one of a price.
fn unit_beside(wanted: &[Wanted], own: &[&Field<'_>], depth: usize, found: &mut BTreeMap<&str, Match>) {
    let quantity = found
        .get("quantity")
        .or_else(|| found.get("delivered"))
        .and_then(|m| own.get(m.field));
    let Some(outer) = quantity.map(|f| f.steps.get(..f.depth().saturating_sub(1)).unwrap_or_default()) else {
        return;
    };
    if outer.len() <= depth {
        return;
    }
    let beside: Vec<&Field<'_>> = own.iter().filter(|f| f.starts_with(outer)).copied().collect();
    let Some(unit) = wanted.iter().find(|w| w.target == "unit") else {
        return;
    };
    let best = matches(std::slice::from_ref(unit), &beside, outer.len(), &[]).remove("unit");
    let best = best.and_then(|m| Some((m, beside.get(m.field)?)));
    if let Some((m, field)) = best
        && let Some(index) = own.iter().position(|f| std::ptr::eq(*f, *field))
    {
        found.insert("unit", Match { field: index, ..m });
    }
}

/// A value in a list of the line's own, such as quantities by what they are of.
fn deeper<'l, 'd>(lines: &'l Lines<'d>, target: &str, wanted: &[Wanted]) -> Option<(String, &'l Field<'d>)> {
    // What was ordered, or what was delivered.
    let delivered = wanted.iter().any(|w| w.target == "delivered");
    let fits = |option: &str| {
        if delivered {
            option.contains("ship") || option.contains("deliver")
        } else {
            option.contains("order")
        }
    };
    let wanted: Vec<&Wanted> = wanted.iter().filter(|w| w.target == target).collect();
    let level = lines.fields.first().map_or(1, |f| within(f, lines.depth));
    for list in lines
        .fields
        .iter()
        .filter(|f| f.shape == Shape::List && f.lists() == level && f.depth() <= lines.depth + 2)
    {
        let start = [list.steps.as_slice(), &[Step::Each]].concat();
        let below: Vec<&Field<'_>> = lines
            .fields
            .iter()
            .filter(|f| f.starts_with(&start) && f.depth() <= start.len() + 2 && f.is_leaf())
            .collect();
        for wanted in &wanted {
            let only = std::slice::from_ref(*wanted);
            let Some(found) = matches(only, &below, start.len().saturating_sub(1), &list.words).remove(target) else {
                continue;
            };
            let field = *below.get(found.field)?;
            let ordered = below
                .iter()
                .find_map(|f| Some((f, f.options().into_iter().find(|o| fits(&o.to_lowercase()))?)));
            let inner = fields::path(start.get(lines.depth..).unwrap_or_default());
            let pick = ordered.map_or_else(String::new, |(f, option)| {
                format!(" | select({} == {})", f.path(start.len()), Value::from(option))
            });
            return Some((format!("first({inner}{pick} | {})", field.path(start.len())), field));
        }
    }
    None
}
