//! Schemas of bodies as components of one document: every reference that is reached comes along.

use crate::partner::schema_tree::{Node, SchemaTree};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Schemas that one document holds at most.
const MAX_SCHEMAS: usize = 2000;

pub(super) struct Bodies {
    tree: SchemaTree,
    names: BTreeMap<Node, String>,
    waiting: Vec<Node>,
}

impl Bodies {
    pub fn new(dir: &Path) -> Self {
        Self {
            tree: SchemaTree::new(dir),
            names: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// The schema that a section names; anything where it names none.
    pub fn payload(&mut self, reference: Option<&Value>) -> Value {
        let node = reference
            .and_then(Value::as_str)
            .and_then(|reference| self.tree.node(reference));
        node.map_or_else(|| json!({}), |node| self.refer(node))
    }

    fn refer(&mut self, node: Node) -> Value {
        if let Some(name) = self.names.get(&node) {
            return json!({ "$ref": format!("#/components/schemas/{name}") });
        }
        if self.names.len() >= MAX_SCHEMAS {
            return json!({});
        }
        let name = self.name(&node);
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        self.names.insert(node.clone(), name);
        self.waiting.push(node);
        reference
    }

    /// The last word of its place, made unique.
    fn name(&self, node: &Node) -> String {
        let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        let base = match node.pointer.as_str() {
            "" => last(&node.file)
                .trim_end_matches(".json")
                .trim_end_matches(".schema")
                .to_owned(),
            pointer => last(pointer),
        };
        let fit = |c: char| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        };
        let base: String = base.chars().map(fit).collect();
        let taken = |name: &String| self.names.values().any(|n| n == name);
        let mut name = base.clone();
        let mut count = 1;
        while taken(&name) {
            count += 1;
            name = format!("{base}{count}");
        }
        name
    }

    pub fn into_components(mut self) -> Map<String, Value> {
        let mut components = Map::new();
        while let Some(node) = self.waiting.pop() {
            let schema = self.tree.value(&node).cloned().unwrap_or(Value::Null);
            let schema = self.carried(&schema, &node);
            if let Some(name) = self.names.get(&node) {
                components.insert(name.clone(), schema);
            }
        }
        components
    }

    /// A schema in the words of JSON Schema 2020-12, its references to components.
    fn carried(&mut self, schema: &Value, from: &Node) -> Value {
        match schema {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    let node = self.tree.referenced(from, reference);
                    return node.map_or_else(|| json!({}), |node| self.refer(node));
                }
                let kept = members.iter().filter(|(name, value)| {
                    // Draft 4 and OpenAPI 3.0 have these in another form, and $id would move the references.
                    let old = matches!(name.as_str(), "exclusiveMinimum" | "exclusiveMaximum") && value.is_boolean();
                    !old && !matches!(name.as_str(), "nullable" | "$id" | "id" | "$schema")
                        || (name.as_str() == "id" && value.is_object())
                });
                let carried = kept.map(|(name, value)| (name.clone(), self.carried(value, from)));
                Value::Object(carried.collect::<Map<_, _>>())
            }
            Value::Array(list) => list.iter().map(|value| self.carried(value, from)).collect(),
            scalar => scalar.clone(),
        }
    }
}

/// An answer with the list of items where `items` says.
pub(super) fn listed(items: Option<&Value>, item: Value) -> Value {
    let places = match items {
        Some(Value::Array(several)) => several.first(),
        one => one,
    };
    let path = places.and_then(Value::as_str).unwrap_or(".");
    let names = path
        .trim_end_matches("[]")
        .split('.')
        .map(|n| n.trim_matches(['?', '"']))
        .filter(|n| !n.is_empty());
    let list = json!({ "type": "array", "items": item });
    names.rev().fold(
        list,
        |inner, name| json!({ "type": "object", "properties": { name: inner } }),
    )
}

/// What a template's body looks like; its values may be anything.
pub(super) fn template(body: &Value) -> Value {
    let Some(members) = body.as_object() else {
        return json!({});
    };
    if members.contains_key("$from")
        || members.contains_key("$value")
        || members.contains_key("$join")
        || members.contains_key("$secret")
    {
        return json!({});
    }
    let own = || members.iter().filter(|(name, _)| !name.starts_with('$'));
    let properties: Map<String, Value> = own().map(|(name, value)| (name.clone(), template(value))).collect();
    let object = json!({ "type": "object", "properties": properties });
    match (members.contains_key("$each"), members.get("$item")) {
        (true, Some(item)) => json!({ "type": "array", "items": template(item) }),
        (true, None) => json!({ "type": "array", "items": object }),
        (false, _) => object,
    }
}
