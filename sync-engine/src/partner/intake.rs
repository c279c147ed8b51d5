//! A payload -> a version's content: limits, schema, mapping, hash.

use super::config::{Format, Limits, StreamConfig};
use super::expr::{Problem, Scope};
use super::json::{Kind, Node, Tape};
use super::map::Mapped;
use super::scan::{ScanLimits, scan};
use super::xml::{self, XmlError};
use super::{AnswerIntake, Intake, IntakeError, IntakeProblem, VersionIntake, json};
use crate::domain::{Answer, CanonicalDocument, ContentHash};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// # Errors
/// `IntakeError` with the stage (`limit`, `schema` or `mapping`) and every problem that was found there.
pub(crate) fn intake(stream: &StreamConfig, limits: &Limits, raw: &[u8]) -> Result<Intake, IntakeError> {
    let payload = read(&stream.format, limits, raw)?;
    let payload = payload.node();
    let scope = Scope::root(payload);
    let map = &stream.map;
    let reference = map.reference();
    let failed = |stage, problems| IntakeError {
        stage,
        number: reference.number.spec.text(&scope, &mut Vec::new()),
        problems,
    };
    let mut problems: Vec<Problem> = Vec::new();
    if !map.applies(&scope, &mut problems) {
        return Ok(Intake::Skipped);
    }
    if let Some(schema) = &stream.schema {
        let problems = as_sent(stream, payload).map_or_else(|| schema.check(payload), |sent| schema.check(&sent));
        if !problems.is_empty() {
            return Err(failed("schema", problems));
        }
    }
    let mapped = map.read(&scope, limits.max_lines, &mut problems);
    let sequence = reference.sequence(&scope, &mut problems);
    let partner_ref = reference.partner_ref(&scope, &mut problems);
    let taken = match mapped {
        None => None,
        Some(Mapped::Version(document, purpose)) => Some(Intake::Version(VersionIntake {
            revision: match &document {
                CanonicalDocument::Order(order) => order.revision.clone(),
                CanonicalDocument::DespatchAdvice(note) => note.revision.clone(),
            },
            hash: hash(raw, payload, stream, &document),
            document,
            purpose,
            sequence,
            partner_ref,
        })),
        Some(Mapped::Answer(answer)) => {
            let head = map.answer();
            let id = head.and_then(|h| h.id.as_ref());
            let issued_at = head.and_then(|h| h.issued_at.as_ref());
            let number = reference.number.text(&scope, &mut problems);
            Some(Intake::Answer(AnswerIntake {
                number: number.unwrap_or_default(),
                revision: reference.revision(&scope, &mut problems),
                id: id.and_then(|s| s.text(&scope, &mut problems)),
                issued_at: issued_at.and_then(|s| s.timestamp(&scope, &mut problems)),
                sequence,
                hash: match &answer {
                    Answer::OrderResponse(answer) => hash(raw, payload, stream, answer),
                    Answer::ReceiptAdvice(answer) => hash(raw, payload, stream, answer),
                },
                answer,
                partner_ref,
            }))
        }
    };
    match taken {
        Some(taken) if problems.is_empty() => Ok(taken),
        Some(_) | None => {
            // Each field of a section says the same of a section that is none.
            let mut seen = std::collections::HashSet::new();
            problems.retain(|p| !p.message.starts_with("an object with") || seen.insert(p.pointer.clone()));
            problems.truncate(50);
            Err(failed("mapping", problems))
        }
    }
}

/// Without what was added to the partner's own item: its schema does not speak of that.
///
/// `None` when nothing was.
fn as_sent(stream: &StreamConfig, payload: Node<'_>) -> Option<Value> {
    let added = stream.enrichment.added();
    if added.is_empty() || payload.kind() != Kind::Object {
        return None;
    }
    let kept = payload.within().filter(|(name, _)| !added.contains(name));
    let members = kept.map(|(name, value)| (name.to_owned(), value.value().into_owned()));
    Some(Value::Object(members.collect()))
}

/// A payload that was read.
enum Payload<'p> {
    Tape(Tape<'p>),
    Value(Value),
}

impl Payload<'_> {
    fn node(&self) -> Node<'_> {
        match self {
            Self::Tape(tape) => Node::whole(tape),
            Self::Value(value) => Node::Value(value),
        }
    }
}

/// Mostly in one pass, which looks at the limits too.
fn read<'p>(format: &Format, limits: &Limits, raw: &'p [u8]) -> Result<Payload<'p>, IntakeError> {
    let common = matches!(format, Format::Json) && raw.len() <= limits.max_inflated_bytes;
    let text = std::str::from_utf8(raw).ok().filter(|_| common);
    match text.and_then(|text| Tape::read(text, scan_limits(limits))) {
        Some(tape) => Ok(Payload::Tape(tape)),
        None => parse(format, limits, raw).map(Payload::Value),
    }
}

fn scan_limits(limits: &Limits) -> ScanLimits {
    ScanLimits {
        max_depth: limits.max_depth,
        max_string_bytes: limits.max_string_bytes,
    }
}

/// The payload as JSON, within the limits.
pub(super) fn parse(format: &Format, limits: &Limits, raw: &[u8]) -> Result<Value, IntakeError> {
    let failed = |stage, message: String| IntakeError {
        stage,
        number: None,
        problems: vec![IntakeProblem {
            pointer: String::new(),
            message,
        }],
    };
    if raw.len() > limits.max_inflated_bytes {
        let message = format!(
            "the document has {} bytes, at most {} are taken",
            raw.len(),
            limits.max_inflated_bytes
        );
        return Err(failed("limit", message));
    }
    let scan_limits = scan_limits(limits);
    let limit = |m| failed("limit", format!("the document is not taken: {m}"));
    match format {
        Format::Json => {
            scan(raw, scan_limits).map_err(limit)?;
            json::parse(raw).map_err(|e| failed("schema", format!("the document is not JSON: {e}")))
        }
        Format::Xml(reading) => xml::read(raw, reading, scan_limits).map_err(|error| match error {
            XmlError::Limit(m) => limit(m),
            XmlError::Form(m) => failed("schema", format!("the document is not XML: {m}")),
        }),
    }
}

/// Of the bytes as they came, unless the configuration leaves fields out: then of the rest, keys in order. Or of what
/// the map made of them.
fn hash(raw: &[u8], payload: Node<'_>, stream: &StreamConfig, mapped: &impl serde::Serialize) -> ContentHash {
    if stream.hash_of_document
        && let Ok(bytes) = serde_json::to_vec(mapped)
    {
        return ContentHash::of(&bytes);
    }
    if stream.hash_except.is_empty() {
        return ContentHash::of(raw);
    }
    let mut hasher = Sha256::new();
    feed(&mut hasher, &payload.value(), &mut Vec::new(), &stream.hash_except);
    ContentHash(hasher.finalize().into())
}

fn feed<'v>(hasher: &mut Sha256, value: &'v Value, at: &mut Vec<&'v str>, except: &[Vec<String>]) {
    match value {
        Value::Object(map) => {
            hasher.update(b"{");
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                at.push(key);
                if !except.iter().any(|path| path == at) {
                    hasher.update(key.len().to_le_bytes());
                    hasher.update(key.as_bytes());
                    feed(hasher, &map[key], at, except);
                }
                at.pop();
            }
            hasher.update(b"}");
        }
        Value::Array(list) => {
            hasher.update(b"[");
            list.iter().for_each(|v| feed(hasher, v, at, except));
            hasher.update(b"]");
        }
        Value::String(text) => {
            hasher.update(b"\"");
            hasher.update(text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        }
        scalar => {
            hasher.update(scalar.to_string().as_bytes());
            hasher.update(b",");
        }
    }
}
