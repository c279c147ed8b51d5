//! A partner's delivery note -> the canonical despatch advice.

use super::common::{HeadMap, ItemMap, PartyMap, each, required, unique_ids};
use super::fields::{Fields, RangeMap};
use super::spec::{Compile, Spec};
use crate::domain::document::{DespatchLine, Party};
use crate::domain::{DespatchAdvice, Purpose};
use crate::partner::expr::{Expr, Problem, Scope};
use serde_json::{Map, Value};

pub(crate) const DESPATCH_FIELDS: &[&str] = &[
    "number",
    "revision",
    "sequence",
    "purpose",
    "partnerRef",
    "issuedAt",
    "buyer",
    "seller",
    "shipTo",
    "despatchedOn",
    "expectedDelivery",
    "carrier",
    "trackingId",
    "language",
    "notes",
    "lines",
    "cancelReason",
];
pub(crate) const DESPATCH_LINE_FIELDS: &[&str] = &[
    "$each",
    "id",
    "orderNumber",
    "orderLineId",
    "item",
    "delivered",
    "outstanding",
    "unit",
    "batch",
];

#[derive(Debug)]
pub(crate) struct DespatchMap {
    pub head: HeadMap,
    issued_at: Option<Spec>,
    buyer: Option<PartyMap>,
    seller: Option<PartyMap>,
    ship_to: Option<PartyMap>,
    despatched_on: Option<Spec>,
    expected_delivery: Option<RangeMap>,
    carrier: Option<Spec>,
    tracking_id: Option<Spec>,
    language: Option<Spec>,
    notes: Vec<Spec>,
    lines: LinesMap,
    cancel_reason: Option<Spec>,
}

#[derive(Debug)]
struct LinesMap {
    each: Expr,
    id: Spec,
    order_number: Spec,
    order_line_id: Spec,
    item: ItemMap,
    delivered: Spec,
    outstanding: Option<Spec>,
    unit: Spec,
    batch: Option<Spec>,
}

impl DespatchMap {
    pub fn compile(map: &Map<String, Value>, pointer: String, ctx: &mut Compile<'_>) -> Option<Self> {
        let fields = Fields::new(map, pointer, DESPATCH_FIELDS, ctx);
        let head = HeadMap::compile(&fields, ctx);
        let lines = LinesMap::compile(&fields, ctx);
        let issued_at = fields.spec("issuedAt", ctx);
        let buyer = PartyMap::compile(&fields, "buyer", ctx);
        let seller = PartyMap::compile(&fields, "seller", ctx);
        let ship_to = PartyMap::compile(&fields, "shipTo", ctx);
        let despatched_on = fields.spec("despatchedOn", ctx);
        let expected_delivery = fields.range("expectedDelivery", ctx);
        let carrier = fields.spec("carrier", ctx);
        let tracking_id = fields.spec("trackingId", ctx);
        let language = fields.spec("language", ctx);
        let notes = fields.list("notes", ctx);
        let cancel_reason = fields.spec("cancelReason", ctx);
        Some(Self {
            head: head?,
            issued_at,
            buyer,
            seller,
            ship_to,
            despatched_on,
            expected_delivery,
            carrier,
            tracking_id,
            language,
            notes,
            lines: lines?,
            cancel_reason,
        })
    }

    /// The delivery note, or nothing when `problems` were found.
    pub fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<(DespatchAdvice, Purpose)> {
        let before = problems.len();
        let number = self.head.number.text(scope, problems);
        let number = required(
            number,
            "the delivery note's number",
            &self.head.number,
            scope,
            problems,
            before,
        );
        let purpose = self.head.purpose(scope, true, problems);
        let lines = self.lines.read(scope, max_lines, problems);
        if lines.is_empty() && purpose != Purpose::Cancellation && problems.is_empty() {
            problems.push(Problem {
                pointer: self.lines.each.pointer(scope, 0),
                message: format!("the delivery note has no lines: {} gives none", self.lines.each.source),
            });
        }
        let mut text = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.text(scope, problems));
        let (carrier, tracking_id) = (text(&self.carrier), text(&self.tracking_id));
        let (language, cancel_reason) = (text(&self.language), text(&self.cancel_reason));
        let revision = text(&self.head.revision);
        let mut party = |map: &'s Option<PartyMap>| map.as_ref().and_then(|m| m.get(scope, problems));
        let (buyer, seller, ship_to) = (party(&self.buyer), party(&self.seller), party(&self.ship_to));
        let note = DespatchAdvice {
            number: number.unwrap_or_default(),
            revision,
            issued_at: self.issued_at.as_ref().and_then(|s| s.timestamp(scope, problems)),
            buyer: buyer.unwrap_or_else(Party::default),
            seller: seller.unwrap_or_else(Party::default),
            ship_to,
            despatched_on: self.despatched_on.as_ref().and_then(|s| s.date(scope, problems)),
            expected_delivery: self.expected_delivery.as_ref().and_then(|r| r.get(scope, problems)),
            carrier,
            tracking_id,
            language,
            notes: self.notes.iter().flat_map(|s| s.texts(scope, problems)).collect(),
            lines,
            cancel_reason,
        };
        problems.is_empty().then_some((note, purpose))
    }
}

impl LinesMap {
    fn compile(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        if fields.value("lines").is_none() {
            ctx.mistakes.add(fields.pointer(), "\"lines\" is missing");
        }
        let lines = fields.section("lines", DESPATCH_LINE_FIELDS, ctx)?;
        let each = each(&lines, ctx);
        let id = lines.required("id", ctx);
        let order_number = lines.required("orderNumber", ctx);
        let order_line_id = lines.required("orderLineId", ctx);
        let delivered = lines.required("delivered", ctx);
        let unit = lines.required("unit", ctx);
        let units = ctx.codes.get("units");
        let unit = unit.map(|u| u.with_codes(units));
        let item = ItemMap::compile(&lines, ctx);
        let outstanding = lines.spec("outstanding", ctx);
        let batch = lines.spec("batch", ctx);
        Some(Self {
            each: each?,
            id: id?,
            order_number: order_number?,
            order_line_id: order_line_id?,
            item,
            delivered: delivered?,
            outstanding,
            unit: unit?,
            batch,
        })
    }

    fn read<'s>(&'s self, scope: &'s Scope<'s>, max_lines: usize, problems: &mut Vec<Problem>) -> Vec<DespatchLine> {
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
            .filter_map(|(nth, element)| self.line(&Scope::below(scope, &self.each, nth, element), problems))
            .collect();
        unique_ids(lines.iter().map(|l| l.id.as_str()), &self.each, scope, problems);
        lines
    }

    fn line<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<DespatchLine> {
        let mut text = |spec: &'s Spec, what: &str| {
            let before = problems.len();
            let found = spec.text(scope, problems);
            required(found, what, spec, scope, problems, before)
        };
        let id = text(&self.id, "the line's id");
        let order_number = text(&self.order_number, "the order's number");
        let order_line_id = text(&self.order_line_id, "the order line's id");
        let unit = text(&self.unit, "the line's unit");
        let before = problems.len();
        let delivered = self.delivered.decimal(scope, problems);
        let delivered = required(
            delivered,
            "the delivered quantity",
            &self.delivered,
            scope,
            problems,
            before,
        );
        let item = self.item.get(scope, problems);
        let outstanding = self.outstanding.as_ref().and_then(|s| s.decimal(scope, problems));
        let batch = self.batch.as_ref().and_then(|s| s.text(scope, problems));
        Some(DespatchLine {
            id: id?,
            order_number: order_number?,
            order_line_id: order_line_id?,
            item,
            delivered: delivered?,
            outstanding,
            unit: unit?,
            batch,
        })
    }
}
