//! What orders and delivery notes have in common: parties, items, purpose.

use super::fields::Fields;
use super::spec::{Compile, Spec};
use super::template::Template;
use crate::domain::Purpose;
use crate::domain::document::{Item, Party};
use crate::partner::expr::{Expr, Problem, Scope};

pub(crate) const PARTY_FIELDS: &[&str] = &[
    "$from",
    "id",
    "name",
    "taxId",
    "gln",
    "street",
    "postalCode",
    "city",
    "country",
    "contact",
    "email",
    "phone",
];
pub(crate) const ITEM_FIELDS: &[&str] = &["sellerId", "buyerId", "gtin", "description"];

#[derive(Debug, Default)]
pub(crate) struct PartyMap {
    from: Option<Expr>,
    id: Option<Spec>,
    name: Option<Spec>,
    tax_id: Option<Spec>,
    gln: Option<Spec>,
    street: Vec<Spec>,
    postal_code: Option<Spec>,
    city: Option<Spec>,
    country: Option<Spec>,
    contact: Option<Spec>,
    email: Option<Spec>,
    phone: Option<Spec>,
}

impl PartyMap {
    pub fn compile(fields: &Fields<'_>, name: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let party = fields.section(name, PARTY_FIELDS, ctx)?;
        let from = match party.value("$from") {
            Some((serde_json::Value::String(source), pointer)) => ctx.expr(source, &pointer),
            Some((_, pointer)) => {
                ctx.mistakes.add(pointer, "an expression is expected");
                None
            }
            None => None,
        };
        Some(Self {
            from,
            id: party.spec("id", ctx),
            name: party.spec("name", ctx),
            tax_id: party.spec("taxId", ctx),
            gln: party.spec("gln", ctx),
            street: party.list("street", ctx),
            postal_code: party.spec("postalCode", ctx),
            city: party.spec("city", ctx),
            country: party.spec("country", ctx),
            contact: party.spec("contact", ctx),
            email: party.spec("email", ctx),
            phone: party.spec("phone", ctx),
        })
    }

    /// `None` when there is nothing of the party.
    pub fn get<'s>(&'s self, scope: &'s Scope<'s>, problems: &mut Vec<Problem>) -> Option<Party> {
        let Some(from) = &self.from else {
            return self.read(scope, problems);
        };
        match from.one(scope) {
            Ok(None) => None,
            Ok(Some(value)) => self.read(&Scope::below(scope, from, 0, &value), problems),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    fn read<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Party> {
        let mut text = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.text(scope, problems));
        let mut party = Party {
            id: text(&self.id),
            name: text(&self.name),
            tax_id: text(&self.tax_id),
            gln: text(&self.gln),
            street: Vec::new(),
            postal_code: text(&self.postal_code),
            city: text(&self.city),
            country: text(&self.country),
            contact: text(&self.contact),
            email: text(&self.email),
            phone: text(&self.phone),
        };
        for spec in &self.street {
            party.street.extend(spec.texts(scope, problems));
        }
        (party != Party::default()).then_some(party)
    }
}

#[derive(Debug, Default)]
pub(crate) struct ItemMap {
    seller_id: Option<Spec>,
    buyer_id: Option<Spec>,
    gtin: Option<Spec>,
    description: Option<Spec>,
}

impl ItemMap {
    pub fn compile(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Self {
        let Some(item) = fields.section("item", ITEM_FIELDS, ctx) else {
            return Self::default();
        };
        Self {
            seller_id: item.spec("sellerId", ctx),
            buyer_id: item.spec("buyerId", ctx),
            gtin: item.spec("gtin", ctx),
            description: item.spec("description", ctx),
        }
    }

    pub fn get<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Item {
        let mut text = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.text(scope, problems));
        Item {
            seller_id: text(&self.seller_id),
            buyer_id: text(&self.buyer_id),
            gtin: text(&self.gtin),
            description: text(&self.description),
        }
    }
}

/// Number, revision, sequence, purpose, reference: the same for both kinds.
#[derive(Debug)]
pub(crate) struct HeadMap {
    pub number: Spec,
    pub revision: Option<Spec>,
    pub sequence: Option<Spec>,
    pub purpose: Option<Spec>,
    pub partner_ref: Option<Template>,
}

impl HeadMap {
    pub fn compile(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let number = fields.required("number", ctx);
        let revision = fields.spec("revision", ctx);
        let sequence = fields.spec("sequence", ctx);
        let purpose = fields.spec("purpose", ctx);
        let partner_ref = fields
            .value("partnerRef")
            .and_then(|(value, pointer)| Template::compile(value, &pointer, ctx));
        Some(Self {
            number: number?,
            revision,
            sequence,
            purpose,
            partner_ref,
        })
    }

    pub fn purpose<'s>(&'s self, scope: &Scope<'s>, final_allowed: bool, problems: &mut Vec<Problem>) -> Purpose {
        let Some((spec, text)) = self
            .purpose
            .as_ref()
            .and_then(|spec| Some((spec, spec.text(scope, problems)?)))
        else {
            return Purpose::Original;
        };
        match text.as_str() {
            "Original" => Purpose::Original,
            "Change" => Purpose::Change,
            "Cancellation" => Purpose::Cancellation,
            "Final" if final_allowed => Purpose::Final,
            other => {
                let last = if final_allowed { ", Final" } else { "" };
                problems.push(Problem {
                    pointer: spec.pointer(scope),
                    message: format!(
                        "\"{}\" is no purpose of a version (Original, Change, Cancellation{last})",
                        super::values::short(other)
                    ),
                });
                Purpose::Original
            }
        }
    }
}

/// The expression that gives the lines.
pub(crate) fn each(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Expr> {
    match fields.value("$each") {
        Some((serde_json::Value::String(source), pointer)) => ctx.expr(source, &pointer),
        Some((_, pointer)) => {
            ctx.mistakes.add(pointer, "an expression is expected, such as .lines[]");
            None
        }
        None => {
            ctx.mistakes.add(
                fields.pointer(),
                "\"$each\" is missing: the expression that gives the lines, such as .lines[]",
            );
            None
        }
    }
}

/// Reports what a required value lacks; says nothing when its reading reported a problem already.
pub(crate) fn required<T>(
    found: Option<T>,
    what: &str,
    spec: &Spec,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
    before: usize,
) -> Option<T> {
    if found.is_none() && problems.len() == before {
        problems.push(Problem {
            pointer: spec.pointer(scope),
            message: format!("{what} is missing: every document needs it"),
        });
    }
    found
}

/// Line ids must be there and unique, and there may not be too many lines.
pub(crate) fn unique_ids<'a>(
    ids: impl Iterator<Item = &'a str>,
    each: &Expr,
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) {
    let mut seen = std::collections::HashMap::new();
    for (nth, id) in ids.enumerate() {
        if let Some(first) = seen.insert(id, nth) {
            problems.push(Problem {
                pointer: each.pointer(scope, nth),
                message: format!(
                    "line id \"{id}\" appears twice (first at {})",
                    each.pointer(scope, first)
                ),
            });
        }
    }
}
