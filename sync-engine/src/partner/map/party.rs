//! Parties and items, which every kind of document has.

use super::directives::Compile;
use super::fields::Fields;
use super::spec::Spec;
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
        let from = party.expr("$from", ctx);
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
        match from.find(scope) {
            Ok(None) => None,
            Ok(Some(value)) => self.read(&Scope::below(scope, from, 0, value.node()), problems),
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
    pub fn compile(fields: &Fields<'_>, name: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        let item = fields.section(name, ITEM_FIELDS, ctx)?;
        Some(Self {
            seller_id: item.spec("sellerId", ctx),
            buyer_id: item.spec("buyerId", ctx),
            gtin: item.spec("gtin", ctx),
            description: item.spec("description", ctx),
        })
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
