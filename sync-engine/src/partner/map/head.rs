//! What every kind of map has: values that are needed, lines, and what orders and delivery notes say before their lines.

use super::directives::Compile;
use super::fields::Fields;
use super::party::PartyMap;
use super::spec::Spec;
use super::template::Template;
use crate::domain::document::Party;
use crate::domain::{Date, Decimal, Purpose, Timestamp};
use crate::partner::expr::{Expr, Problem, Scope};
use serde_json::Value;

/// A value that no document is without.
#[derive(Debug)]
pub(crate) struct Needed {
    pub spec: Spec,
    /// What it is, for the sentence that says that it is missing.
    what: &'static str,
}

impl Needed {
    pub fn compile(fields: &Fields<'_>, name: &str, what: &'static str, ctx: &mut Compile<'_>) -> Option<Self> {
        Some(Self {
            spec: fields.required(name, ctx)?,
            what,
        })
    }

    /// A unit of measure: the table `units` applies where no other is named.
    pub fn unit(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let Self { spec, what } = Self::compile(fields, "unit", "the line's unit", ctx)?;
        let spec = spec.with_codes(ctx.codes.get("units"));
        Some(Self { spec, what })
    }

    pub fn text<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<String> {
        self.had(scope, problems, Spec::text)
    }

    pub fn decimal<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Decimal> {
        self.had(scope, problems, Spec::decimal)
    }

    pub fn date<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Date> {
        self.had(scope, problems, Spec::date)
    }

    /// Reports what is lacking; says nothing when its reading reported a problem already.
    fn had<'s, T>(
        &'s self,
        scope: &Scope<'s>,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&'s Spec, &Scope<'s>, &mut Vec<Problem>) -> Option<T>,
    ) -> Option<T> {
        let before = problems.len();
        let found = read(&self.spec, scope, problems);
        if found.is_none() && problems.len() == before {
            problems.push(Problem {
                pointer: self.spec.pointer(scope),
                message: format!("{} is missing: every document needs it", self.what),
            });
        }
        found
    }
}

/// The lines of a document: the expression that gives them, and the map of one.
#[derive(Debug)]
pub(crate) struct Lines<M> {
    pub each: Expr,
    line: M,
}

impl<M> Lines<M> {
    pub fn compile(
        fields: &Fields<'_>,
        known: &[&str],
        ctx: &mut Compile<'_>,
        line: impl FnOnce(&Fields<'_>, &mut Compile<'_>) -> Option<M>,
    ) -> Option<Self> {
        if fields.value("lines").is_none() {
            ctx.mistakes.add(fields.pointer(), "\"lines\" is missing");
        }
        let lines = fields.section("lines", known, ctx)?;
        let each = each(&lines, ctx);
        let line = line(&lines, ctx);
        Some(Self {
            each: each?,
            line: line?,
        })
    }

    pub fn read<T>(
        &self,
        scope: &Scope<'_>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
        mut read: impl for<'l> FnMut(&'l M, &Scope<'l>, &mut Vec<Problem>) -> Option<T>,
    ) -> Vec<T> {
        let elements = match self.each.elements(scope) {
            Ok(elements) => elements,
            Err(problem) => {
                problems.push(problem);
                return Vec::new();
            }
        };
        if elements.len() > max_lines {
            problems.push(Problem {
                pointer: scope.pointer(),
                message: format!(
                    "the document has {} lines, at most {max_lines} are taken",
                    elements.len()
                ),
            });
            return Vec::new();
        }
        let elements = elements.iter().enumerate();
        elements
            .filter_map(|(nth, element)| {
                read(
                    &self.line,
                    &Scope::below(scope, &self.each, nth, element.node()),
                    problems,
                )
            })
            .collect()
    }

    /// A document has lines, unless it withdraws another; and no two with one id.
    pub fn check<'i>(
        &self,
        what: &str,
        ids: impl ExactSizeIterator<Item = &'i str>,
        purpose: Purpose,
        scope: &Scope<'_>,
        problems: &mut Vec<Problem>,
    ) {
        if ids.len() == 0 && purpose != Purpose::Cancellation && problems.is_empty() {
            problems.push(Problem {
                pointer: self.each.pointer(scope, 0),
                message: format!("the {what} has no lines: {} gives none", self.each.source),
            });
        }
        let mut seen = std::collections::HashMap::with_capacity(ids.len());
        for (nth, id) in ids.enumerate() {
            if let Some(first) = seen.insert(id, nth) {
                problems.push(Problem {
                    pointer: self.each.pointer(scope, nth),
                    message: format!(
                        "line id \"{id}\" appears twice (first at {})",
                        self.each.pointer(scope, first)
                    ),
                });
            }
        }
    }
}

/// The expression that gives the lines.
fn each(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Expr> {
    if fields.value("$each").is_none() {
        ctx.mistakes.add(
            fields.pointer(),
            "\"$each\" is missing: the expression that gives the lines, such as .lines[]",
        );
    }
    fields.expr("$each", ctx)
}

pub(crate) const HEAD_FIELDS: &[&str] = &[
    "$when",
    "number",
    "revision",
    "sequence",
    "purpose",
    "partnerRef",
    "issuedAt",
    "buyer",
    "seller",
    "shipTo",
    "language",
    "notes",
    "cancelReason",
];

/// What orders and delivery notes have alike.
#[derive(Debug)]
pub(crate) struct HeadMap {
    pub reference: ReferenceMap,
    purpose: Option<Spec>,
    issued_at: Option<Spec>,
    buyer: Option<PartyMap>,
    seller: Option<PartyMap>,
    ship_to: Option<PartyMap>,
    language: Option<Spec>,
    notes: Vec<Spec>,
    cancel_reason: Option<Spec>,
}

/// What it gives.
pub(crate) struct Head {
    pub issued_at: Option<Timestamp>,
    pub buyer: Party,
    pub seller: Party,
    pub ship_to: Option<Party>,
    pub language: Option<String>,
    pub notes: Vec<String>,
    pub cancel_reason: Option<String>,
}

impl HeadMap {
    pub fn compile(fields: &Fields<'_>, what: &'static str, ctx: &mut Compile<'_>) -> Option<Self> {
        let reference = ReferenceMap::compile(fields, what, ctx);
        Some(Self {
            purpose: fields.spec("purpose", ctx),
            issued_at: fields.spec("issuedAt", ctx),
            buyer: PartyMap::compile(fields, "buyer", ctx),
            seller: PartyMap::compile(fields, "seller", ctx),
            ship_to: PartyMap::compile(fields, "shipTo", ctx),
            language: fields.spec("language", ctx),
            notes: fields.list("notes", ctx),
            cancel_reason: fields.spec("cancelReason", ctx),
            reference: reference?,
        })
    }

    pub fn read<'s>(&'s self, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Head {
        let mut party = |map: &'s Option<PartyMap>| map.as_ref().and_then(|m| m.get(scope, problems));
        let (buyer, seller, ship_to) = (party(&self.buyer), party(&self.seller), party(&self.ship_to));
        Head {
            issued_at: self.issued_at.as_ref().and_then(|s| s.timestamp(scope, problems)),
            buyer: buyer.unwrap_or_default(),
            seller: seller.unwrap_or_default(),
            ship_to,
            language: self.language.as_ref().and_then(|s| s.text(scope, problems)),
            notes: self.notes.iter().flat_map(|s| s.texts(scope, problems)).collect(),
            cancel_reason: self.cancel_reason.as_ref().and_then(|s| s.text(scope, problems)),
        }
    }

    pub fn purpose<'s>(&'s self, scope: &Scope<'s>, final_allowed: bool, problems: &mut Vec<Problem>) -> Purpose {
        const PURPOSES: &[(&str, Purpose)] = &[
            ("Original", Purpose::Original),
            ("Change", Purpose::Change),
            ("Cancellation", Purpose::Cancellation),
            ("Final", Purpose::Final),
        ];
        let known = &PURPOSES[..if final_allowed { 4 } else { 3 }];
        let found = self
            .purpose
            .as_ref()
            .and_then(|spec| spec.choice(known, "purpose of a version", scope, problems));
        found.unwrap_or(Purpose::Original)
    }
}

/// Which document, and which version of it.
#[derive(Debug)]
pub(crate) struct ReferenceMap {
    pub number: Needed,
    pub revision: Option<Spec>,
    sequence: Option<Spec>,
    partner_ref: Option<Template>,
}

impl ReferenceMap {
    pub fn compile(fields: &Fields<'_>, what: &'static str, ctx: &mut Compile<'_>) -> Option<Self> {
        let number = Needed::compile(fields, "number", what, ctx);
        let revision = fields.spec("revision", ctx);
        let sequence = fields.spec("sequence", ctx);
        let partner_ref = fields
            .value("partnerRef")
            .and_then(|(value, pointer)| Template::compile(value, &pointer, ctx));
        Some(Self {
            number: number?,
            revision,
            sequence,
            partner_ref,
        })
    }

    pub fn revision<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<String> {
        self.revision.as_ref().and_then(|s| s.text(scope, problems))
    }

    pub fn sequence<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<i64> {
        self.sequence.as_ref().and_then(|s| s.sequence(scope, problems))
    }

    pub fn partner_ref<'s>(&'s self, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Option<Value> {
        self.partner_ref.as_ref().and_then(|t| t.render(scope, "", problems))
    }
}
