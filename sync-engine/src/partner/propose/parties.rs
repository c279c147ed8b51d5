//! Parties of a document: objects with their name, or fields that begin with it.

use super::endpoints::Kind;
use super::fields::{Field, Shape};
use super::map::written;
use super::matching::matches;
use super::notes::{Certainty, Notes};
use super::wanted::{PARTIES, PARTY, Want};
use super::words::{alike, words};
use serde_json::{Map, Value, json};

/// Sections by role, and the fields that they use.
pub(super) fn propose<'a, 'd>(
    outer: &[&'a Field<'d>],
    kind: Kind,
    pointer: &str,
    notes: &mut Notes,
) -> (Map<String, Value>, Vec<&'a Field<'d>>) {
    let mut found = Map::new();
    let mut taken = Vec::new();
    for (role, names) in PARTIES
        .iter()
        .filter(|(role, _)| kind == Kind::Order || *role != "billTo")
    {
        let names: Vec<Vec<String>> = names.split(", ").map(words).collect();
        let section = by_object(outer, &names, &mut taken).or_else(|| by_prefix(outer, &names, &mut taken));
        if let Some((section, certainty)) = section {
            let shown: Vec<&str> = section
                .keys()
                .map(String::as_str)
                .filter(|k| !k.starts_with('$'))
                .collect();
            let from = section.get("$from").and_then(Value::as_str).map_or_else(
                || {
                    format!(
                        "fields named {}…",
                        names.first().map(|n| n.join(" ")).unwrap_or_default()
                    )
                },
                str::to_owned,
            );
            notes.add(
                certainty,
                format!("{pointer}/{role}"),
                format!("{from}: {}", shown.join(", ")),
            );
            found.insert((*role).to_owned(), Value::Object(section));
        }
    }
    (found, taken)
}

type Section = (Map<String, Value>, Certainty);

fn by_object<'a, 'd>(
    outer: &[&'a Field<'d>],
    names: &[Vec<String>],
    taken: &mut Vec<&'a Field<'d>>,
) -> Option<Section> {
    let objects = outer
        .iter()
        .filter(|f| f.shape == Shape::Object && f.depth() <= 3 && !taken.iter().any(|t| std::ptr::eq(*t, **f)));
    let rated = objects.filter_map(|f| {
        let best = names
            .iter()
            .enumerate()
            .map(|(n, name)| alike(&f.words, name) - 0.02 * f64::from(u32::try_from(n).unwrap_or(99)));
        let best = best.fold(0.0, f64::max);
        (best > 0.78).then_some((best, *f))
    });
    let (_, object) = rated.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let below: Vec<&'a Field<'d>> = outer.iter().filter(|f| f.starts_with(&object.steps)).copied().collect();
    let mut section = fields_of(&below, object.depth(), &[]);
    if section.is_empty() {
        return None;
    }
    section.insert("$from".to_owned(), json!(object.path(0)));
    taken.push(object);
    taken.extend(below);
    Some((section, Certainty::Likely))
}

/// `shipToName`, `shipToCity`: fields whose names begin alike.
fn by_prefix<'a, 'd>(
    outer: &[&'a Field<'d>],
    names: &[Vec<String>],
    taken: &mut Vec<&'a Field<'d>>,
) -> Option<Section> {
    // A contact's fields belong to whoever the document is with.
    for name in names.iter().filter(|name| name.concat() != "contact") {
        let family: Vec<&'a Field<'d>> = outer
            .iter()
            .filter(|f| {
                f.is_leaf()
                    && f.words.len() > name.len()
                    && f.words.starts_with(name)
                    && !taken.iter().any(|t| std::ptr::eq(*t, **f))
            })
            .copied()
            .collect();
        let depth = family.first().map_or(0, |f| f.depth().saturating_sub(1));
        let section = fields_of(&family, depth, name);
        let enough = section.len() >= 2 || section.contains_key("name") || section.contains_key("id");
        if enough {
            // A family's paths begin at the document.
            taken.extend(&family);
            let whole = if depth == 0 {
                section
            } else {
                fields_of(&family, 0, name)
            };
            return Some((whole, Certainty::Likely));
        }
    }
    None
}

fn fields_of(fields: &[&Field<'_>], depth: usize, prefix: &[String]) -> Map<String, Value> {
    let found = matches(PARTY, fields, depth, prefix);
    let mut section = Map::new();
    for wanted in PARTY {
        let Some((found, field)) = found.get(wanted.target).and_then(|m| Some((m, fields.get(m.field)?))) else {
            continue;
        };
        let value = written(field, &field.path(depth), depth, Want::Text, found.certainty());
        section.insert(wanted.target.to_owned(), value);
    }
    let second: Vec<Value> = second_lines(fields, &section, depth);
    if let (Some(first), false) = (section.get("street").cloned(), second.is_empty()) {
        section.insert("street".to_owned(), Value::Array([vec![first], second].concat()));
    }
    section
}

/// Further lines of an address.
fn second_lines(fields: &[&Field<'_>], section: &Map<String, Value>, depth: usize) -> Vec<Value> {
    let first = section.get("street").and_then(Value::as_str).unwrap_or_default();
    let Some(stem) = first.strip_suffix('1') else {
        return Vec::new();
    };
    let next = fields.iter().filter(|f| f.is_leaf()).map(|f| f.path(depth));
    let mut found: Vec<String> = next
        .filter(|path| {
            path.strip_prefix(stem)
                .is_some_and(|rest| ["2", "3", "4"].contains(&rest))
        })
        .collect();
    found.sort();
    found.into_iter().map(Value::from).collect()
}
