//! Mapping, both ways: a partner's document -> canonical, and our answers -> the partner's bodies.

pub(crate) mod codes;
pub(crate) mod dates;
mod decimals;
pub(crate) mod despatch;
pub(crate) mod directives;
mod fields;
pub(crate) mod head;
pub(crate) mod order;
pub(crate) mod party;
mod pattern;
pub(crate) mod receipt;
pub(crate) mod response;
pub(crate) mod secret_place;
pub(crate) mod spec;
pub(crate) mod template;
mod texts;
pub(crate) mod values;
mod write;

pub(crate) use codes::{CodeTable, Unknown};
pub(crate) use dates::Dates;
pub(crate) use directives::{Compile, MediaTypes};
pub(crate) use template::Template;

use super::config::mistakes::child;
use super::expr::{Expr, Problem, Scope, kind_of};
use super::json::Kind;
use crate::domain::{Answer, CanonicalDocument, DocumentKind, Purpose};
use despatch::DespatchMap;
use order::OrderMap;
use receipt::ReceiptMap;
use response::{AnswerHead, ResponseMap};
use serde_json::{Map, Value};

/// What a stream brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MapKind {
    Order,
    DespatchAdvice,
    OrderResponse,
    ReceiptAdvice,
}

impl MapKind {
    /// What its documents are, or what its answers answer.
    pub fn document(self) -> DocumentKind {
        match self {
            Self::Order | Self::OrderResponse => DocumentKind::Order,
            Self::DespatchAdvice | Self::ReceiptAdvice => DocumentKind::DespatchAdvice,
        }
    }

    /// Whether it brings answers to documents of ours.
    pub fn answers(self) -> bool {
        match self {
            Self::Order | Self::DespatchAdvice => false,
            Self::OrderResponse | Self::ReceiptAdvice => true,
        }
    }
}

/// The map of a stream.
#[derive(Debug)]
pub(crate) struct DocumentMap {
    when: Option<Expr>,
    kind: KindMap,
}

#[derive(Debug)]
enum KindMap {
    Order(Box<OrderMap>),
    Despatch(Box<DespatchMap>),
    Response(Box<ResponseMap>),
    Receipt(Box<ReceiptMap>),
}

/// What a map makes of a payload.
#[allow(
    clippy::large_enum_variant,
    reason = "one is held at a time; a box would only add an allocation"
)]
pub(crate) enum Mapped {
    Version(CanonicalDocument, Purpose),
    Answer(Answer),
}

impl DocumentMap {
    pub fn compile(kind: MapKind, map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let at = child(pointer, "$when");
        let when = match map.get("$when") {
            None => Some(None),
            Some(Value::String(source)) => ctx.expr(source, &at).map(Some),
            Some(other) => {
                ctx.mistakes
                    .add(at, format!("an expression is expected, this is {}", kind_of(other)));
                None
            }
        };
        let pointer = pointer.to_owned();
        let kind = match kind {
            MapKind::Order => OrderMap::compile(map, pointer, ctx).map(|m| KindMap::Order(Box::new(m))),
            MapKind::DespatchAdvice => DespatchMap::compile(map, pointer, ctx).map(|m| KindMap::Despatch(Box::new(m))),
            MapKind::OrderResponse => ResponseMap::compile(map, pointer, ctx).map(|m| KindMap::Response(Box::new(m))),
            MapKind::ReceiptAdvice => ReceiptMap::compile(map, pointer, ctx).map(|m| KindMap::Receipt(Box::new(m))),
        };
        Some(Self {
            when: when?,
            kind: kind?,
        })
    }

    /// Whether the payload is anything to us: `$when`, with jq's truth.
    pub fn applies<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> bool {
        match self.when.as_ref().map(|when| when.find(scope)) {
            None => true,
            Some(Ok(found)) => found.is_some_and(|found| found.node().kind() != Kind::Bool(false)),
            Some(Err(problem)) => {
                problems.push(problem);
                true
            }
        }
    }

    pub fn read<'s>(&'s self, scope: &'s Scope<'s>, max_lines: usize, problems: &mut Vec<Problem>) -> Option<Mapped> {
        match &self.kind {
            KindMap::Order(map) => {
                let (order, purpose) = map.read(scope, max_lines, problems)?;
                Some(Mapped::Version(CanonicalDocument::Order(order), purpose))
            }
            KindMap::Despatch(map) => {
                let (note, purpose) = map.read(scope, max_lines, problems)?;
                Some(Mapped::Version(CanonicalDocument::DespatchAdvice(note), purpose))
            }
            KindMap::Response(map) => {
                let response = map.read(scope, max_lines, problems)?;
                Some(Mapped::Answer(Answer::OrderResponse(response)))
            }
            KindMap::Receipt(map) => {
                let receipt = map.read(scope, max_lines, problems)?;
                Some(Mapped::Answer(Answer::ReceiptAdvice(receipt)))
            }
        }
    }

    /// Which document it is, or answers.
    pub fn reference(&self) -> &head::ReferenceMap {
        match &self.kind {
            KindMap::Order(map) => &map.head.reference,
            KindMap::Despatch(map) => &map.head.reference,
            KindMap::Response(map) => &map.head.reference,
            KindMap::Receipt(map) => &map.head.reference,
        }
    }

    /// What answers have beside; `None` on a map of documents.
    pub fn answer(&self) -> Option<&AnswerHead> {
        match &self.kind {
            KindMap::Order(_) | KindMap::Despatch(_) => None,
            KindMap::Response(map) => Some(&map.head),
            KindMap::Receipt(map) => Some(&map.head),
        }
    }
}

#[cfg(test)]
mod round_trips;
