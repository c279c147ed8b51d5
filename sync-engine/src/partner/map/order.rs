//! A partner's purchase order -> the canonical order.

use super::directives::Compile;
use super::fields::{Fields, RangeMap};
use super::head::{HEAD_FIELDS, HeadMap, Lines, Needed};
use super::party::{ItemMap, PartyMap};
use super::spec::Spec;
use super::values::minor_units;
use crate::domain::document::{OrderLine, Reference, Totals};
use crate::domain::{Currency, Decimal, Money, Order, Purpose};
use crate::partner::config::mistakes::child;
use crate::partner::expr::{Problem, Scope, kind_of};
use serde_json::{Map, Value};

pub(crate) const ORDER_FIELDS: &[&str] = &[
    "currency",
    "billTo",
    "requestedDelivery",
    "paymentTerms",
    "deliveryTerms",
    "references",
    "lines",
    "totals",
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
    currency: Needed,
    bill_to: Option<PartyMap>,
    requested_delivery: Option<RangeMap>,
    payment_terms: Option<Spec>,
    delivery_terms: Option<Spec>,
    references: Vec<(String, Spec)>,
    lines: Lines<LineMap>,
    totals: Option<TotalsMap>,
}

#[derive(Debug)]
struct LineMap {
    id: Needed,
    item: ItemMap,
    quantity: Needed,
    unit: Needed,
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
        let fields = Fields::new(map, pointer, &[HEAD_FIELDS, ORDER_FIELDS].concat(), ctx);
        let head = HeadMap::compile(&fields, "the order's number", ctx);
        let currency = Needed::compile(&fields, "currency", "the currency", ctx);
        let lines = Lines::compile(&fields, ORDER_LINE_FIELDS, ctx, LineMap::compile);
        let totals = TotalsMap::compile(&fields, ctx);
        let references = references(&fields, ctx);
        let bill_to = PartyMap::compile(&fields, "billTo", ctx);
        let requested_delivery = fields.range("requestedDelivery", ctx);
        let payment_terms = fields.spec("paymentTerms", ctx);
        let delivery_terms = fields.spec("deliveryTerms", ctx);
        Some(Self {
            head: head?,
            currency: currency?,
            bill_to,
            requested_delivery,
            payment_terms,
            delivery_terms,
            references,
            lines: lines?,
            totals,
        })
    }

    /// The order, or nothing when `problems` were found.
    pub fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<(Order, Purpose)> {
        let number = self.head.reference.number.text(scope, problems);
        let purpose = self.head.purpose(scope, false, problems);
        let currency = self.currency(scope, problems);
        let lines = self.lines.read(scope, max_lines, problems, |line, scope, problems| {
            line.read(scope, currency.as_ref(), problems)
        });
        let ids = lines.iter().map(|l| l.id.as_str());
        self.lines.check("order", ids, purpose, scope, problems);
        let revision = self.head.reference.revision(scope, problems);
        let head = self.head.read(scope, problems);
        let mut text = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.text(scope, problems));
        let (payment_terms, delivery_terms) = (text(&self.payment_terms), text(&self.delivery_terms));
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
        let order = Order {
            number: number.unwrap_or_default(),
            revision,
            issued_at: head.issued_at,
            buyer: head.buyer,
            seller: head.seller,
            ship_to: head.ship_to,
            bill_to: self.bill_to.as_ref().and_then(|m| m.get(scope, problems)),
            requested_delivery: self.requested_delivery.as_ref().and_then(|r| r.get(scope, problems)),
            payment_terms,
            delivery_terms,
            language: head.language,
            references,
            notes: head.notes,
            totals: self
                .totals
                .as_ref()
                .and_then(|t| t.read(scope, currency.as_ref()?, problems)),
            currency: currency?,
            lines,
            cancel_reason: head.cancel_reason,
        };
        problems.is_empty().then_some((order, purpose))
    }

    fn currency<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Currency> {
        let text = self.currency.text(scope, problems)?;
        match Currency::parse(&text) {
            Ok(currency) => Some(currency),
            Err(message) => {
                problems.push(Problem {
                    pointer: self.currency.spec.pointer(scope),
                    message,
                });
                None
            }
        }
    }
}

impl LineMap {
    fn compile(lines: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let id = Needed::compile(lines, "id", "the line's id", ctx);
        let quantity = Needed::compile(lines, "quantity", "the line's quantity", ctx);
        let unit = Needed::unit(lines, ctx);
        let item = ItemMap::compile(lines, "item", ctx);
        let price = lines.spec("price", ctx);
        let price_base = lines.spec("priceBase", ctx);
        let tax_percent = lines.spec("taxPercent", ctx);
        let net = lines.spec("net", ctx);
        let requested_delivery = lines.range("requestedDelivery", ctx);
        let backorder_allowed = lines.spec("backorderAllowed", ctx);
        let note = lines.spec("note", ctx);
        Some(Self {
            id: id?,
            item: item.unwrap_or_default(),
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
        scope: &Scope<'s>,
        currency: Option<&Currency>,
        problems: &mut Vec<Problem>,
    ) -> Option<OrderLine> {
        let id = self.id.text(scope, problems);
        let quantity = self.quantity.decimal(scope, problems);
        let unit = self.unit.text(scope, problems);
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
