//! The fields of a schema, through references, alternatives and lists, each with its path.

use super::description::{At, Description};
use super::words::words;
use serde_json::Value;

/// Levels that are looked at below the outermost one.
const MAX_DEPTH: usize = 7;
/// Fields of one schema that are looked at.
const MAX_FIELDS: usize = 4000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Number,
    Boolean,
    Object,
    List,
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Each,
}

#[derive(Debug, Clone)]
pub(super) struct Field<'d> {
    pub steps: Vec<Step>,
    /// Its own name, and its words.
    pub name: String,
    pub words: Vec<String>,
    pub shape: Shape,
    pub at: At<'d>,
}

impl Field<'_> {
    /// As a plain path, below `from` steps.
    pub fn path(&self, from: usize) -> String {
        path(self.steps.get(from..).unwrap_or_default())
    }

    pub fn depth(&self) -> usize {
        self.steps.len()
    }

    /// Within the list that these steps lead to, or within none.
    pub fn lists(&self) -> usize {
        self.steps.iter().filter(|step| **step == Step::Each).count()
    }

    pub fn starts_with(&self, steps: &[Step]) -> bool {
        self.steps.starts_with(steps) && self.steps.len() > steps.len()
    }

    pub fn is_leaf(&self) -> bool {
        !matches!(self.shape, Shape::Object | Shape::List)
    }

    pub fn description(&self) -> &str {
        self.at.text("description").unwrap_or_default()
    }

    pub fn format(&self) -> &str {
        self.at.text("format").unwrap_or_default()
    }

    pub fn options(&self) -> Vec<String> {
        options(self.at)
    }

    /// The name of the object or the list that it lies in; empty on the outermost level.
    pub fn parent(&self) -> &str {
        let outer = self.steps.iter().rev().skip(1).find_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            Step::Each => None,
        });
        outer.unwrap_or_default()
    }
}

/// As a plain path: `.orders[]."due date"`.
pub(super) fn path(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Each => text.push_str(if text.is_empty() { ".[]" } else { "[]" }),
            Step::Name(name) => {
                let plain = !name.starts_with(|c: char| c.is_ascii_digit())
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                text.push('.');
                text.push_str(&if plain && !name.is_empty() {
                    name.clone()
                } else {
                    Value::from(name.as_str()).to_string()
                });
            }
        }
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

pub(super) fn options(at: At<'_>) -> Vec<String> {
    let list = at.value.get("enum").and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

pub(super) fn shape(d: &Description, at: At<'_>) -> Shape {
    let kind = match at.value.get("type") {
        Some(Value::String(kind)) => Some(kind.as_str()),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    };
    match kind {
        Some("string") => Shape::Text,
        Some("integer") => Shape::Integer,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Boolean,
        Some("object") => Shape::Object,
        Some("array") => Shape::List,
        _ if at.value.get("properties").is_some() => Shape::Object,
        _ if at.value.get("items").is_some() => Shape::List,
        _ if at.value.get("enum").is_some() => Shape::Text,
        _ => {
            let forms = forms(d, at);
            let found = forms
                .iter()
                .skip(1)
                .map(|form| shape_alone(*form))
                .find(|s| *s != Shape::Any);
            found.unwrap_or(Shape::Any)
        }
    }
}

fn shape_alone(at: At<'_>) -> Shape {
    match at.value.get("type").and_then(Value::as_str) {
        Some("string") => Shape::Text,
        Some("integer") => Shape::Integer,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Boolean,
        Some("array") => Shape::List,
        Some("object") => Shape::Object,
        _ if at.value.get("properties").is_some() => Shape::Object,
        _ => Shape::Any,
    }
}

/// The schema itself and what it consists of.
fn forms<'d>(d: &'d Description, at: At<'d>) -> Vec<At<'d>> {
    let mut found = vec![at];
    let mut next = 0;
    while let Some(form) = found.get(next).copied() {
        next += 1;
        for word in ["allOf", "anyOf", "oneOf"] {
            for entry in d.get(form, word).map(|list| d.entries(list)).unwrap_or_default() {
                if found.len() < 64 && !found.iter().any(|f| std::ptr::eq(f.value, entry.value)) {
                    found.push(entry);
                }
            }
        }
    }
    found
}

/// Properties of an object, of all its forms, each with whether it is required.
pub(super) fn properties<'d>(d: &'d Description, at: At<'d>) -> Vec<(&'d str, At<'d>, bool)> {
    let mut found: Vec<(&str, At<'d>, bool)> = Vec::new();
    for form in forms(d, at) {
        let required = form.value.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, property) in d.get(form, "properties").map(|p| d.members(p)).unwrap_or_default() {
            let needed = required.contains(&name);
            match found.iter_mut().find(|(known, ..)| *known == name) {
                Some((.., known)) => *known |= needed,
                None => found.push((name, property, needed)),
            }
        }
    }
    found
}

/// What a list's entries are.
pub(super) fn entries<'d>(d: &'d Description, at: At<'d>) -> Option<At<'d>> {
    forms(d, at).into_iter().find_map(|form| d.get(form, "items"))
}

/// Every field of a schema, outer ones first.
pub(super) fn fields<'d>(d: &'d Description, at: At<'d>) -> Vec<Field<'d>> {
    let mut found = Vec::new();
    let mut level = vec![(Vec::new(), at, vec![std::ptr::from_ref(at.value)])];
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for (steps, at, outer) in level {
            for (name, property, _) in properties(d, at) {
                if found.len() >= MAX_FIELDS {
                    return found;
                }
                let steps = [steps.as_slice(), &[Step::Name(name.to_owned())]].concat();
                let shape = shape(d, property);
                let below = match shape {
                    Shape::Object => Some((steps.clone(), property)),
                    Shape::List => {
                        entries(d, property).map(|entry| ([steps.as_slice(), &[Step::Each]].concat(), entry))
                    }
                    _ => None,
                };
                found.push(Field {
                    steps,
                    name: name.to_owned(),
                    words: words(name),
                    shape,
                    at: property,
                });
                // A schema within itself is looked at once.
                if let Some((steps, at)) = below.filter(|(_, at)| !outer.contains(&std::ptr::from_ref(at.value))) {
                    let outer = [outer.as_slice(), &[std::ptr::from_ref(at.value)]].concat();
                    next.push((steps, at, outer));
                }
            }
        }
        level = next;
    }
    found
}
