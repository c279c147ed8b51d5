//! An API description (OpenAPI 3.0 and 3.1, Swagger 2.0; JSON or YAML) with the files that it refers to.

use super::ProposeError;
use serde_json::Value;
use std::collections::BTreeMap;

/// References that one look follows.
const MAX_HOPS: usize = 32;
/// Files that a description may refer to.
const MAX_FILES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Swagger2,
    OpenApi30,
    OpenApi31,
}

/// A description and the files beside it, as JSON.
#[derive(Debug)]
pub struct Description {
    files: BTreeMap<String, Value>,
    name: String,
    pub(super) dialect: Dialect,
    /// References that lead nowhere, or onto the network.
    pub(super) lost: Vec<String>,
}

/// A place in the description: the file counts for the references that start there.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'d> {
    pub file: &'d str,
    pub value: &'d Value,
}

impl<'d> At<'d> {
    pub fn text(&self, name: &str) -> Option<&'d str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub fn is(&self, name: &str) -> bool {
        self.value.get(name) == Some(&Value::Bool(true))
    }
}

impl Description {
    /// `name` is the file's own name; `beside` reads a file by its path from there.
    ///
    /// # Errors
    /// A sentence with the place, for what is no JSON, no YAML or no description.
    pub fn read(
        name: &str,
        text: &str,
        beside: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, ProposeError> {
        let root = parse(name, text)?;
        let dialect = dialect(name, &root)?;
        let mut lost = Vec::new();
        let mut files = BTreeMap::new();
        let mut wanted = vec![(name.to_owned(), root)];
        while let Some((file, value)) = wanted.pop() {
            let mut named = Vec::new();
            references(&value, &mut named);
            files.insert(file.clone(), value);
            for reference in named {
                let target = reference.split('#').next().unwrap_or_default();
                let path = beside_of(&file, target);
                if target.is_empty() || files.contains_key(&path) || wanted.iter().any(|(w, _)| *w == path) {
                    continue;
                }
                if target.contains("://") {
                    lost.push(format!("{reference}: nothing is fetched from the network"));
                } else if files.len() + wanted.len() >= MAX_FILES {
                    lost.push(format!("{reference}: more than {MAX_FILES} files"));
                } else {
                    match beside(&path) {
                        Ok(text) => wanted.push((path.clone(), parse(&path, &text)?)),
                        Err(reason) => lost.push(format!("{path}: {reason}")),
                    }
                }
            }
        }
        lost.sort();
        lost.dedup();
        Ok(Self {
            files,
            name: name.to_owned(),
            dialect,
            lost,
        })
    }

    pub(super) fn root(&self) -> At<'_> {
        let value = self.files.get(&self.name).unwrap_or(&Value::Null);
        At {
            file: &self.name,
            value,
        }
    }

    /// The place that is meant, after every `$ref`; null where one leads nowhere.
    pub(super) fn resolve<'d>(&'d self, at: At<'d>) -> At<'d> {
        let mut at = at;
        for _ in 0..MAX_HOPS {
            let Some(reference) = at.text("$ref") else { return at };
            at = self.referenced(at, reference);
        }
        At {
            value: &Value::Null,
            ..at
        }
    }

    fn referenced<'d>(&'d self, from: At<'d>, reference: &str) -> At<'d> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        let path = if file.is_empty() {
            from.file.to_owned()
        } else {
            beside_of(from.file, file)
        };
        let found = self
            .files
            .get_key_value(&path)
            .and_then(|(file, whole)| Some((file, whole.pointer(&pointer)?)));
        match found {
            Some((file, value)) => At { file, value },
            None => At {
                value: &Value::Null,
                ..from
            },
        }
    }

    /// The member, after every `$ref`.
    pub(super) fn get<'d>(&'d self, at: At<'d>, name: &str) -> Option<At<'d>> {
        let value = at.value.get(name)?;
        Some(self.resolve(At { file: at.file, value }))
    }

    /// Members by their names, each after every `$ref`.
    pub(super) fn members<'d>(&'d self, at: At<'d>) -> Vec<(&'d str, At<'d>)> {
        let Some(map) = at.value.as_object() else {
            return Vec::new();
        };
        let resolved = |value| self.resolve(At { file: at.file, value });
        map.iter()
            .map(|(name, value)| (name.as_str(), resolved(value)))
            .collect()
    }

    /// Entries of a list, each after every `$ref`.
    pub(super) fn entries<'d>(&'d self, at: At<'d>) -> Vec<At<'d>> {
        let list = at.value.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .map(|value| self.resolve(At { file: at.file, value }))
            .collect()
    }
}

/// A path from the description's folder: `file` as it is named in `from`.
fn beside_of(from: &str, file: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == "$ref" => found.push(text.clone()),
                    value => references(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What begins with a brace is JSON, anything else YAML.
fn parse(name: &str, text: &str) -> Result<Value, ProposeError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|e| ProposeError::Unreadable(format!("{name} is not JSON: {e}")));
    }
    let mut options = serde_saphyr::Options::default();
    // A word such as `no` or `y` is a text, as in YAML 1.2.
    options.strict_booleans = true;
    options.with_snippet = false;
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|e| ProposeError::Unreadable(format!("{name} is not YAML: {e}")))
}

fn dialect(name: &str, root: &Value) -> Result<Dialect, ProposeError> {
    let version = |word: &str| match root.get(word) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let (swagger, openapi) = (version("swagger"), version("openapi"));
    let has_paths = root.get("paths").is_some_and(Value::is_object);
    match (swagger.as_deref(), openapi.as_deref()) {
        (Some(v), _) if v.starts_with('2') && has_paths => Ok(Dialect::Swagger2),
        (_, Some(v)) if v.starts_with("3.0") && has_paths => Ok(Dialect::OpenApi30),
        (_, Some(v)) if v.starts_with('3') && has_paths => Ok(Dialect::OpenApi31),
        (Some(v), _) | (_, Some(v)) if has_paths => Err(ProposeError::NoDescription(format!(
            "{name} is of version {v}: OpenAPI 3.0 and 3.1 and Swagger 2.0 are understood"
        ))),
        (Some(_), _) | (_, Some(_)) => Err(ProposeError::NoDescription(format!("{name} has no \"paths\""))),
        (None, None) => Err(ProposeError::NoDescription(format!(
            "{name} is no API description: at its top stands neither \"openapi\" nor \"swagger\""
        ))),
    }
}
