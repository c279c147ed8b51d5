//! Paths of a map that the payload's schema does not have: no mistake, because payloads may say more than their schema,
//! and yet most often a slip of the pen.

use super::mistakes::{Mistake, child, nearest};
use crate::partner::expr::Path;
use crate::partner::schema_tree::{Field, Node, SchemaTree};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path as FilePath;

/// Warnings that one configuration gets at most.
const MAX_WARNINGS: usize = 100;
/// Members of a value's object that hold expressions.
const EXPRESSIONS: &[&str] = &["$from", "$each", "$when", "$item", "$join"];

pub(super) fn warnings(streams: &BTreeMap<String, Value>, dir: &FilePath) -> Vec<Mistake> {
    let mut walk = Walk {
        tree: SchemaTree::new(dir),
        root: Vec::new(),
        found: Vec::new(),
    };
    for (name, stream) in streams {
        let base = stream
            .get("sameAs")
            .and_then(Value::as_str)
            .and_then(|from| streams.get(from));
        let schema = stream.get("schema").or_else(|| base?.get("schema"));
        let (Some(schema), Some(Value::Object(map))) = (schema.and_then(Value::as_str), stream.get("map")) else {
            continue;
        };
        let Some(node) = walk.tree.node(schema) else { continue };
        // What was put under names of its own is not in the schema of one answer.
        if ["detail", "batch", "parts"]
            .iter()
            .any(|word| stream.get(word).is_some())
        {
            continue;
        }
        walk.root = vec![node];
        let root = walk.root.clone();
        walk.members(map, &child(&child("/streams", name), "map"), &root);
    }
    walk.found.truncate(MAX_WARNINGS);
    walk.found
}

struct Walk {
    tree: SchemaTree,
    root: Vec<Node>,
    found: Vec<Mistake>,
}

impl Walk {
    fn value(&mut self, value: &Value, pointer: &str, this: &[Node]) {
        match value {
            Value::String(source) => {
                self.expression(source, pointer, this);
            }
            Value::Array(list) => {
                for (n, value) in list.iter().enumerate() {
                    self.value(value, &child(pointer, n), this);
                }
            }
            Value::Object(map) => self.members(map, pointer, this),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn members(&mut self, map: &Map<String, Value>, pointer: &str, this: &[Node]) {
        let mut below = this.to_vec();
        for name in ["$from", "$each"] {
            let Some(source) = map.get(name).and_then(Value::as_str) else {
                continue;
            };
            below = self.expression(source, &child(pointer, name), this);
            if name == "$each" && !source.trim_end().ends_with("[]") {
                let elements = self.tree.elements(&below);
                below = if elements.is_empty() { below } else { elements };
            }
        }
        for (name, value) in map {
            let at = child(pointer, name);
            match name.as_str() {
                "$from" | "$each" => {}
                "$when" | "$join" => self.value(value, &at, this),
                name if name.starts_with('$') && !EXPRESSIONS.contains(&name) => {}
                _ => self.value(value, &at, &below),
            }
        }
    }

    /// Looks along a path, and says where it ends in the schema.
    fn expression(&mut self, source: &str, pointer: &str, this: &[Node]) -> Vec<Node> {
        // Of a jq expression the first path is known, before anything is done with it.
        let plain = |text: &str| Path::parse(text.trim());
        if let Some(path) = plain(source) {
            return self.follow(&path, source, pointer, this);
        }
        let alternatives: Option<Vec<Path>> = source.split("//").map(plain).collect();
        if let Some(paths) = alternatives {
            let ends = paths.iter().flat_map(|path| self.follow(path, source, pointer, this));
            return ends.collect();
        }
        if let Some(path) = source.split('|').next().and_then(plain) {
            self.follow(&path, source, pointer, this);
        }
        Vec::new()
    }

    fn follow(&mut self, path: &Path, source: &str, pointer: &str, this: &[Node]) -> Vec<Node> {
        let Some(steps) = path.fields_and_lists() else {
            return Vec::new();
        };
        let mut nodes = if path.is_from_root() {
            self.root.clone()
        } else {
            this.to_vec()
        };
        for step in steps {
            nodes = match step {
                None => self.tree.elements(&nodes),
                // OData's annotations stand beside the fields, and in no schema.
                Some(name) if name.contains('@') => return Vec::new(),
                Some(name) => match self.tree.field(&nodes, name) {
                    Field::Known(nodes) => nodes,
                    Field::Open => return Vec::new(),
                    Field::Unknown(known) => {
                        self.found.push(Mistake {
                            pointer: pointer.to_owned(),
                            message: format!("the payload's schema has no \"{name}\" where {source} looks for it"),
                            nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
                        });
                        return Vec::new();
                    }
                },
            };
            if nodes.is_empty() {
                return nodes;
            }
        }
        nodes
    }
}
