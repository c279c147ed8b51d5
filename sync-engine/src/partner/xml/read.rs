//! XML -> JSON, within limits, and without anything that a document could make us fetch or repeat.

use super::{NAME, TEXT, XmlReading, local};
use crate::partner::map::values::short;
use crate::partner::scan::ScanLimits;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Most elements and attributes of a document: each costs many times its bytes.
const MAX_NODES: usize = 500_000;

/// Why a document is not taken, a sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum XmlError {
    /// It is more than a document may be.
    Limit(String),
    /// It is no XML, or has what is never taken.
    Form(String),
}

/// An element that is not closed yet.
struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
}

struct Builder<'r> {
    reading: &'r XmlReading,
    limits: ScanLimits,
    open: Vec<Open>,
    nodes: usize,
    root: Option<Value>,
}

/// # Errors
/// What is wrong, and where.
pub(crate) fn read(bytes: &[u8], reading: &XmlReading, limits: ScanLimits) -> Result<Value, XmlError> {
    let text = decoded(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut builder = Builder {
        reading,
        limits,
        open: Vec::new(),
        nodes: 0,
        root: None,
    };
    loop {
        let event = reader
            .read_event()
            .map_err(|e| malformed(&text, reader.error_position(), &e.to_string()))?;
        let last = matches!(event, Event::Eof);
        builder.take(event).map_err(|error| match error {
            XmlError::Form(reason) => malformed(&text, reader.buffer_position(), &reason),
            limit @ XmlError::Limit(_) => limit,
        })?;
        if last {
            break;
        }
    }
    builder.root.ok_or_else(|| form("there is no element"))
}

fn form(reason: impl Into<String>) -> XmlError {
    XmlError::Form(reason.into())
}

fn malformed(text: &str, at: u64, reason: &str) -> XmlError {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    form(format!("line {line}: {}", short(reason)))
}

/// UTF-8 with or without a mark, or ISO-8859-1 where the document says so.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(form("UTF-16 is not taken: UTF-8 or ISO-8859-1"));
    }
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let declared = head
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"))
        .and_then(|(declaration, _)| declaration.split_once("encoding"))
        .and_then(|(_, rest)| rest.split(['"', '\'']).nth(1))
        .map(str::to_ascii_lowercase);
    match declared.as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii") => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|e| form(format!("byte {} is no UTF-8", e.valid_up_to()))),
        Some("iso-8859-1" | "latin1") => Ok(Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect())),
        Some(other) => Err(form(format!(
            "the encoding {} is not taken: UTF-8 or ISO-8859-1",
            short(other)
        ))),
    }
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), XmlError> {
        match event {
            Event::Start(start) => self.start(&start),
            Event::Empty(start) => {
                self.start(&start)?;
                self.end()
            }
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::DocType(_) => Err(form("a document type (DOCTYPE) is never taken")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(()),
            Event::Eof => match self.open.last() {
                None => Ok(()),
                Some(open) => Err(form(format!("<{}> is not closed", short(&open.name)))),
            },
        }
    }

    fn count(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(XmlError::Limit(format!("it has more than {MAX_NODES} elements")));
        }
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        self.count()?;
        if self.open.is_empty() && self.root.is_some() {
            return Err(form("there is more than one outermost element"));
        }
        if self.open.len() >= self.limits.max_depth {
            let depth = self.limits.max_depth;
            return Err(XmlError::Limit(format!("it is nested deeper than {depth} levels")));
        }
        let mut members = Map::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| form(e.to_string()))?;
            let name: &str = attribute.key.as_ref();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            self.count()?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| form(e.to_string()))?;
            self.short_enough(value.len())?;
            members.insert(format!("@{}", local(name)), Value::String(value.into_owned()));
        }
        let name: &str = start.name().into_inner();
        self.open.push(Open {
            name: local(name).to_owned(),
            members,
            text: String::new(),
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlError> {
        let Some(Open {
            name,
            mut members,
            text,
        }) = self.open.pop()
        else {
            return Err(form("an element is closed that was not opened"));
        };
        let text = text.trim();
        let Some(parent) = self.open.last_mut() else {
            members.insert(NAME.to_owned(), Value::String(name));
            if !text.is_empty() {
                members.insert(TEXT.to_owned(), Value::from(text));
            }
            self.root = Some(Value::Object(members));
            return Ok(());
        };
        let value = if members.is_empty() {
            if text.is_empty() {
                Value::Null
            } else {
                Value::from(text)
            }
        } else {
            if !text.is_empty() {
                members.insert(TEXT.to_owned(), Value::from(text));
            }
            Value::Object(members)
        };
        let always = self.reading.lists.contains(&name);
        match parent.members.get_mut(&name) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => {
                let before = first.take();
                *first = Value::Array(vec![before, value]);
            }
            None => {
                let value = if always { Value::Array(vec![value]) } else { value };
                parent.members.insert(name, value);
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        let Some(open) = self.open.last_mut() else {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err(form("there is text outside of the outermost element"))
            };
        };
        open.text.push_str(text);
        let length = open.text.len();
        self.short_enough(length)
    }

    /// The five of XML itself, and characters by number. Nothing else is ever put in.
    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), XmlError> {
        let resolved = reference.resolve_char_ref().map_err(|e| form(e.to_string()))?;
        let mut buffer = [0; 4];
        let name = reference.xml10_content();
        let text = match (resolved, &*name) {
            (Some(c), _) => c.encode_utf8(&mut buffer),
            (None, "amp") => "&",
            (None, "lt") => "<",
            (None, "gt") => ">",
            (None, "quot") => "\"",
            (None, "apos") => "'",
            (None, other) => return Err(form(format!("the entity &{}; is not known", short(other)))),
        };
        self.text(text)
    }

    fn short_enough(&self, length: usize) -> Result<(), XmlError> {
        let most = self.limits.max_string_bytes;
        if length > most {
            return Err(XmlError::Limit(format!("a text is longer than {most} bytes")));
        }
        Ok(())
    }
}
