//! A partner's purchase order -> the canonical order.

use super::common::{HeadMap, ItemMap, PartyMap, each, required, unique_ids};
use super::fields::{Fields, RangeMap};
use super::spec::{Compile, Spec};
use super::values::minor_units;
use crate::domain::document::{OrderLine, Party, Reference, Totals};
use crate::domain::{Currency, Decimal, Money, Order, Purpose};
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Expr, Problem, Scope, kind_of};
use serde_json::{Map, Value};

pub(crate) const ORDER_FIELDS: &[&str] = &[
    "number",
    "revision",
    "sequence",
    "purpose",
    "partnerRef",
    "issuedAt",
    "currency",
    "buyer",
    "seller",
    "shipTo",
    "billTo",
    "requestedDelivery",
    "paymentTerms",
    "deliveryTerms",
    "language",
    "references",
    "notes",
    "lines",
    "totals",
    "cancelReason",
];
pub(crate) const ORDER_LINE_FIELDS: &[&str] = &[
    "$each",
    "id",
    "item",
    "quantity",
    "unit",
    "price",
    "priceBase",
    "taxPercent",
    "net",
    "requestedDelivery",
    "backorderAllowed",
    "note",
];
pub(crate) const TOTALS_FIELDS: &[&str] = &["net", "tax", "gross"];

#[derive(Debug)]
pub(crate) struct OrderMap {
    pub head: HeadMap,
    issued_at: Option<Spec>,
    currency: Spec,
    buyer: Option<PartyMap>,
    seller: Option<PartyMap>,
    ship_to: Option<PartyMap>,
    bill_to: Option<PartyMap>,
    requested_delivery: Option<RangeMap>,
    payment_terms: Option<Spec>,
    delivery_terms: Option<Spec>,
    language: Option<Spec>,
    references: Vec<(String, Spec)>,
    notes: Vec<Spec>,
    lines: LinesMap,
    totals: Option<TotalsMap>,
    cancel_reason: Option<Spec>,
}

#[derive(Debug)]
struct LinesMap {
    each: Expr,
    id: Spec,
    item: ItemMap,
    quantity: Spec,
    unit: Spec,
    price: Option<Spec>,
    price_base: Option<Spec>,
    tax_percent: Option<Spec>,
    net: Option<Spec>,
    requested_delivery: Option<RangeMap>,
    backorder_allowed: Option<Spec>,
    note: Option<Spec>,
}

#[derive(Debug)]
struct TotalsMap {
    net: Spec,
    tax: Option<Spec>,
    gross: Option<Spec>,
}

impl OrderMap {
    pub fn compile(map: &Map<String, Value>, pointer: String, ctx: &mut Compile<'_>) -> Option<Self> {
        let fields = Fields::new(map, pointer, ORDER_FIELDS, ctx);
        let head = HeadMap::compile(&fields, ctx);
        let currency = fields.required("currency", ctx);
        let lines = LinesMap::compile(&fields, ctx);
        let totals = TotalsMap::compile(&fields, ctx);
        let references = references(&fields, ctx);
        let issued_at = fields.spec("issuedAt", ctx);
        let buyer = PartyMap::compile(&fields, "buyer", ctx);
        let seller = PartyMap::compile(&fields, "seller", ctx);
        let ship_to = PartyMap::compile(&fields, "shipTo", ctx);
        let bill_to = PartyMap::compile(&fields, "billTo", ctx);
        let requested_delivery = fields.range("requestedDelivery", ctx);
        let payment_terms = fields.spec("paymentTerms", ctx);
        let delivery_terms = fields.spec("deliveryTerms", ctx);
        let language = fields.spec("language", ctx);
        let notes = fields.list("notes", ctx);
        let cancel_reason = fields.spec("cancelReason", ctx);
        Some(Self {
            head: head?,
            issued_at,
            currency: currency?,
            buyer,
            seller,
            ship_to,
            bill_to,
            requested_delivery,
            payment_terms,
            delivery_terms,
            language,
            references,
            notes,
            lines: lines?,
            totals,
            cancel_reason,
        })
    }

    /// The order, or nothing when `problems` were found.
    pub fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<(Order, Purpose)> {
        let before = problems.len();
        let number = self.head.number.text(scope, problems);
        let number = required(number, "the order's number", &self.head.number, scope, problems, before);
        let purpose = self.head.purpose(scope, false, problems);
        let currency = self.currency(scope, problems);
        let lines = self.lines.read(scope, currency.as_ref(), max_lines, problems);
        if lines.is_empty() && purpose != Purpose::Cancellation && problems.is_empty() {
            problems.push(Problem {
                pointer: self.lines.each.pointer(scope, 0),
                message: format!("the order has no lines: {} gives none", self.lines.each.source),
            });
        }
        let mut text = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.text(scope, problems));
        let (payment_terms, delivery_terms) = (text(&self.payment_terms), text(&self.delivery_terms));
        let (language, cancel_reason) = (text(&self.language), text(&self.cancel_reason));
        let revision = text(&self.head.revision);
        let references = self
            .references
            .iter()
            .filter_map(|(kind, spec)| {
                Some(Reference {
                    kind: kind.clone(),
                    id: spec.text(scope, problems)?,
                })
            })
            .collect();
        let mut party = |map: &'s Option<PartyMap>| map.as_ref().and_then(|m| m.get(scope, problems));
        let (buyer, seller) = (party(&self.buyer), party(&self.seller));
        let (ship_to, bill_to) = (party(&self.ship_to), party(&self.bill_to));
        let order = Order {
            number: number.unwrap_or_default(),
            revision,
            issued_at: self.issued_at.as_ref().and_then(|s| s.timestamp(scope, problems)),
            buyer: buyer.unwrap_or_else(Party::default),
            seller: seller.unwrap_or_else(Party::default),
            ship_to,
            bill_to,
            requested_delivery: self.requested_delivery.as_ref().and_then(|r| r.get(scope, problems)),
            payment_terms,
            delivery_terms,
            language,
            references,
            notes: self.notes.iter().flat_map(|s| s.texts(scope, problems)).collect(),
            totals: self
                .totals
                .as_ref()
                .and_then(|t| t.read(scope, currency.as_ref()?, problems)),
            currency: currency?,
            lines,
            cancel_reason,
        };
        problems.is_empty().then_some((order, purpose))
    }

    fn currency<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Currency> {
        let before = problems.len();
        let text = self.currency.text(scope, problems);
        let text = required(text, "the currency", &self.currency, scope, problems, before)?;
        match Currency::parse(&text) {
            Ok(currency) => Some(currency),
            Err(message) => {
                problems.push(Problem {
                    pointer: self.currency.pointer(scope),
                    message,
                });
                None
            }
        }
    }
}

impl LinesMap {
    fn compile(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        if fields.value("lines").is_none() {
            ctx.mistakes.add(fields.pointer(), "\"lines\" is missing");
        }
        let lines = fields.section("lines", ORDER_LINE_FIELDS, ctx)?;
        let each = each(&lines, ctx);
        let (id, quantity) = (lines.required("id", ctx), lines.required("quantity", ctx));
        let unit = lines.required("unit", ctx);
        let units = ctx.codes.get("units");
        let unit = unit.map(|u| u.with_codes(units));
        let item = ItemMap::compile(&lines, ctx);
        let price = lines.spec("price", ctx);
        let price_base = lines.spec("priceBase", ctx);
        let tax_percent = lines.spec("taxPercent", ctx);
        let net = lines.spec("net", ctx);
        let requested_delivery = lines.range("requestedDelivery", ctx);
        let backorder_allowed = lines.spec("backorderAllowed", ctx);
        let note = lines.spec("note", ctx);
        Some(Self {
            each: each?,
            id: id?,
            item,
            quantity: quantity?,
            unit: unit?,
            price,
            price_base,
            tax_percent,
            net,
            requested_delivery,
            backorder_allowed,
            note,
        })
    }

    fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        currency: Option<&Currency>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Vec<OrderLine> {
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
        let lines: Vec<_> = elements
            .iter()
            .enumerate()
            .filter_map(|(nth, element)| self.line(&Scope::below(scope, &self.each, nth, element), currency, problems))
            .collect();
        unique_ids(lines.iter().map(|l| l.id.as_str()), &self.each, scope, problems);
        lines
    }

    fn line<'s>(
        &'s self,
        scope: &Scope<'s>,
        currency: Option<&Currency>,
        problems: &mut Vec<Problem>,
    ) -> Option<OrderLine> {
        let before = problems.len();
        let id = self.id.text(scope, problems);
        let id = required(id, "the line's id", &self.id, scope, problems, before);
        let before = problems.len();
        let quantity = self.quantity.decimal(scope, problems);
        let quantity = required(quantity, "the line's quantity", &self.quantity, scope, problems, before);
        let before = problems.len();
        let unit = self.unit.text(scope, problems);
        let unit = required(unit, "the line's unit", &self.unit, scope, problems, before);
        let item = self.item.get(scope, problems);
        let mut decimal = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.decimal(scope, problems));
        let (price, price_base) = (decimal(&self.price), decimal(&self.price_base));
        let tax_percent = decimal(&self.tax_percent);
        let net = self
            .net
            .as_ref()
            .and_then(|spec| money(spec, scope, currency?, problems));
        Some(OrderLine {
            requested_delivery: self.requested_delivery.as_ref().and_then(|r| r.get(scope, problems)),
            backorder_allowed: self.backorder_allowed.as_ref().and_then(|s| s.boolean(scope, problems)),
            note: self.note.as_ref().and_then(|s| s.text(scope, problems)),
            id: id?,
            item,
            quantity: quantity?,
            unit: unit?,
            price,
            price_base,
            tax_percent,
            net,
        })
    }
}

impl TotalsMap {
    fn compile(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let totals = fields.section("totals", TOTALS_FIELDS, ctx)?;
        let net = totals.required("net", ctx);
        let (tax, gross) = (totals.spec("tax", ctx), totals.spec("gross", ctx));
        Some(Self { net: net?, tax, gross })
    }

    /// `None` when the document gives no net total.
    fn read<'s>(&'s self, scope: &Scope<'s>, currency: &Currency, problems: &mut Vec<Problem>) -> Option<Totals> {
        let net = money(&self.net, scope, currency, problems)?;
        let mut amount = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| money(s, scope, currency, problems));
        Some(Totals {
            net,
            tax: amount(&self.tax),
            gross: amount(&self.gross),
        })
    }
}

fn money<'s>(spec: &'s Spec, scope: &Scope<'s>, currency: &Currency, problems: &mut Vec<Problem>) -> Option<Money> {
    let amount: Decimal = spec.decimal(scope, problems)?;
    match minor_units(amount, currency.minor_digits(), currency.as_str()) {
        Ok(minor) => Some(Money {
            minor,
            currency: currency.clone(),
        }),
        Err(message) => {
            problems.push(Problem {
                pointer: spec.pointer(scope),
                message,
            });
            None
        }
    }
}

fn references(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Vec<(String, Spec)> {
    match fields.value("references") {
        None => Vec::new(),
        Some((Value::Object(map), pointer)) => map
            .iter()
            .filter_map(|(kind, value)| Some((kind.clone(), Spec::compile(value, &child(&pointer, kind), ctx)?)))
            .collect(),
        Some((other, pointer)) => {
            ctx.mistakes.add(
                pointer,
                format!(
                    "an object by kind, such as {{\"contract\": \".contractRef\"}}, is expected; this is {}",
                    kind_of(other)
                ),
            );
            Vec::new()
        }
    }
}
