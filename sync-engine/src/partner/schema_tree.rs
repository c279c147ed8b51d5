//! JSON Schemas as they are written: where a field stands, through references, lists and alternatives. For checks and
//! descriptions; payloads are validated by `schema`.

use super::schema::read;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// References and alternatives that one look follows.
const MAX_NODES: usize = 200;

/// A place in a schema file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub file: String,
    pub pointer: String,
}

/// Schema files below one folder, read once each.
pub(crate) struct SchemaTree {
    dir: PathBuf,
    files: BTreeMap<String, Value>,
}

/// What a schema says of a field.
pub(crate) enum Field {
    Known(Vec<Node>),
    /// It has others, and not this one.
    Unknown(BTreeSet<String>),
    /// It says nothing of its fields.
    Open,
}

impl SchemaTree {
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            files: BTreeMap::new(),
        }
    }

    /// `FILE` or `FILE#/pointer`; `None` when there is nothing.
    pub fn node(&mut self, reference: &str) -> Option<Node> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let node = Node {
            file: file.trim_start_matches("./").to_owned(),
            pointer: pointer.to_owned(),
        };
        self.value(&node).is_some().then_some(node)
    }

    pub fn value(&mut self, node: &Node) -> Option<&Value> {
        if !self.files.contains_key(&node.file) {
            let document = read(&self.dir, &node.file).ok()?;
            self.files.insert(node.file.clone(), document);
        }
        self.files.get(&node.file)?.pointer(&node.pointer)
    }

    /// The node that a `$ref` at `from` means.
    pub fn referenced(&mut self, from: &Node, reference: &str) -> Option<Node> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
        let file = match (file, from.file.rsplit_once('/')) {
            ("", _) => from.file.clone(),
            (file, Some((folder, _))) => format!("{folder}/{}", file.trim_start_matches("./")),
            (file, None) => file.trim_start_matches("./").to_owned(),
        };
        self.node(&format!("{file}#{pointer}"))
    }

    /// The node itself and everything that it refers to or consists of.
    fn forms(&mut self, node: &Node) -> Vec<Node> {
        let mut found: Vec<Node> = vec![node.clone()];
        let mut next = 0;
        while let Some(node) = found.get(next).cloned() {
            next += 1;
            let Some(schema) = self.value(&node).cloned() else {
                continue;
            };
            let mut more = Vec::new();
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                more.extend(self.referenced(&node, reference));
            }
            for word in ["allOf", "anyOf", "oneOf"] {
                let count = schema.get(word).and_then(Value::as_array).map_or(0, Vec::len);
                more.extend((0..count).map(|n| node.below(&format!("/{word}/{n}"))));
            }
            for node in more {
                if !found.contains(&node) && found.len() < MAX_NODES {
                    found.push(node);
                }
            }
        }
        found
    }

    /// The field of the objects at these nodes.
    pub fn field(&mut self, nodes: &[Node], name: &str) -> Field {
        let (mut found, mut known, mut open) = (Vec::new(), BTreeSet::new(), nodes.is_empty());
        for node in nodes.iter().flat_map(|node| self.forms(node)).collect::<Vec<_>>() {
            let Some(schema) = self.value(&node) else { continue };
            match schema.get("properties").and_then(Value::as_object) {
                Some(properties) if properties.contains_key(name) => {
                    let token = name.replace('~', "~0").replace('/', "~1");
                    found.push(node.below(&format!("/properties/{token}")));
                }
                Some(properties) => known.extend(properties.keys().cloned()),
                None => {}
            }
            open |= schema
                .get("additionalProperties")
                .is_some_and(|v| v.is_object() || *v == Value::Bool(true));
            open |= schema.get("patternProperties").is_some();
        }
        match (found.is_empty(), known.is_empty() || open) {
            (false, _) => Field::Known(found),
            (true, true) => Field::Open,
            (true, false) => Field::Unknown(known),
        }
    }

    /// The elements of the lists at these nodes; empty when nothing is said of them.
    pub fn elements(&mut self, nodes: &[Node]) -> Vec<Node> {
        let forms: Vec<Node> = nodes.iter().flat_map(|node| self.forms(node)).collect();
        let lists = forms
            .into_iter()
            .filter(|node| self.value(node).is_some_and(|s| s.get("items").is_some()));
        lists.map(|node| node.below("/items")).collect()
    }
}

impl Node {
    pub fn below(&self, pointer: &str) -> Self {
        Self {
            file: self.file.clone(),
            pointer: format!("{}{pointer}", self.pointer),
        }
    }
}
