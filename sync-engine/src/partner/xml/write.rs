//! JSON -> XML, by the rules by which XML is read.

use super::{CHILDREN, NAME, TEXT};
use crate::partner::expr::kind_of;
use crate::partner::map::values;
use quick_xml::escape::escape;
use serde_json::{Map, Value};
use std::fmt::Write;

/// A document. `value` has the outermost element as its one member; the names are written as they are, prefixes and
/// declarations of namespaces (`@xmlns:cbc`) included.
///
/// # Errors
/// A sentence: no single outermost element, or a name that none can have.
pub(crate) fn write(value: &Value) -> Result<Vec<u8>, String> {
    let mut members = value.as_object().into_iter().flatten();
    let (Some((name, content)), None) = (members.next(), members.next()) else {
        return Err("a body in XML is an object with one member, the outermost element".to_owned());
    };
    if content.is_array() {
        return Err(format!("<{name}> is the outermost element and cannot be a list"));
    }
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    element(&mut xml, name, content)?;
    Ok(xml.into_bytes())
}

fn element(xml: &mut String, name: &str, value: &Value) -> Result<(), String> {
    checked(name)?;
    match value {
        Value::Array(list) => list.iter().try_for_each(|entry| element(xml, name, entry)),
        Value::Object(members) => object(xml, name, members),
        Value::Null => put(xml, format_args!("<{name}/>")),
        scalar => {
            let text = text_of(scalar)?;
            put(xml, format_args!("<{name}>{}</{name}>", escape(&*text)))
        }
    }
}

fn object(xml: &mut String, name: &str, members: &Map<String, Value>) -> Result<(), String> {
    put(xml, format_args!("<{name}"))?;
    for (key, value) in members {
        let Some(attribute) = key.strip_prefix('@') else {
            continue;
        };
        checked(attribute)?;
        let text = text_of(value).map_err(|e| format!("@{attribute}: {e}"))?;
        put(xml, format_args!(" {attribute}=\"{}\"", escape(&*text)))?;
    }
    xml.push('>');
    if let Some(text) = members.get(TEXT) {
        let text = text_of(text)?;
        put(xml, format_args!("{}", escape(&*text)))?;
    }
    if let Some(children) = members.get(CHILDREN) {
        for entry in children.as_array().into_iter().flatten() {
            let entry = entry
                .as_object()
                .ok_or("\"#\" is a list of objects, each with an element")?;
            for (child, value) in entry {
                element(xml, child, value)?;
            }
        }
    }
    for (child, value) in members {
        if !child.starts_with('@') && ![TEXT, CHILDREN, NAME].contains(&child.as_str()) {
            element(xml, child, value)?;
        }
    }
    put(xml, format_args!("</{name}>"))
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err(format!("a text is expected, this is {}", kind_of(value))),
    }
}

fn put(xml: &mut String, text: std::fmt::Arguments<'_>) -> Result<(), String> {
    xml.write_fmt(text).map_err(|e| e.to_string())
}

/// Letters, digits and `_ - . :`, and no digit, dash or point first.
fn checked(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    if name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') && name.chars().all(fits) {
        Ok(())
    } else {
        Err(format!(
            "\"{}\" is no name of an element or attribute",
            values::short(name)
        ))
    }
}
