//! A partner's delivery note -> the canonical despatch advice.

use super::directives::Compile;
use super::fields::{Fields, RangeMap};
use super::head::{HEAD_FIELDS, HeadMap, Lines, Needed};
use super::party::ItemMap;
use super::spec::Spec;
use crate::domain::document::DespatchLine;
use crate::domain::{DespatchAdvice, Purpose};
use crate::partner::expr::{Problem, Scope};
use serde_json::{Map, Value};

pub(crate) const DESPATCH_FIELDS: &[&str] = &["despatchedOn", "expectedDelivery", "carrier", "trackingId", "lines"];
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
    despatched_on: Option<Spec>,
    expected_delivery: Option<RangeMap>,
    carrier: Option<Spec>,
    tracking_id: Option<Spec>,
    lines: Lines<LineMap>,
}

#[derive(Debug)]
struct LineMap {
    id: Needed,
    order_number: Needed,
    order_line_id: Needed,
    item: ItemMap,
    delivered: Needed,
    outstanding: Option<Spec>,
    unit: Needed,
    batch: Option<Spec>,
}

impl DespatchMap {
    pub fn compile(map: &Map<String, Value>, pointer: String, ctx: &mut Compile<'_>) -> Option<Self> {
        let fields = Fields::new(map, pointer, &[HEAD_FIELDS, DESPATCH_FIELDS].concat(), ctx);
        let head = HeadMap::compile(&fields, "the delivery note's number", ctx);
        let lines = Lines::compile(&fields, DESPATCH_LINE_FIELDS, ctx, LineMap::compile);
        let despatched_on = fields.spec("despatchedOn", ctx);
        let expected_delivery = fields.range("expectedDelivery", ctx);
        let carrier = fields.spec("carrier", ctx);
        let tracking_id = fields.spec("trackingId", ctx);
        Some(Self {
            head: head?,
            despatched_on,
            expected_delivery,
            carrier,
            tracking_id,
            lines: lines?,
        })
    }

    /// The delivery note, or nothing when `problems` were found.
    pub fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<(DespatchAdvice, Purpose)> {
        let number = self.head.reference.number.text(scope, problems);
        let purpose = self.head.purpose(scope, true, problems);
        let lines = self.lines.read(scope, max_lines, problems, LineMap::read);
        let ids = lines.iter().map(|l: &DespatchLine| l.id.as_str());
        self.lines.check("delivery note", ids, purpose, scope, problems);
        let revision = self.head.reference.revision(scope, problems);
        let head = self.head.read(scope, problems);
        let mut text = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.text(scope, problems));
        let (carrier, tracking_id) = (text(&self.carrier), text(&self.tracking_id));
        let note = DespatchAdvice {
            number: number.unwrap_or_default(),
            revision,
            issued_at: head.issued_at,
            buyer: head.buyer,
            seller: head.seller,
            ship_to: head.ship_to,
            despatched_on: self.despatched_on.as_ref().and_then(|s| s.date(scope, problems)),
            expected_delivery: self.expected_delivery.as_ref().and_then(|r| r.get(scope, problems)),
            carrier,
            tracking_id,
            language: head.language,
            notes: head.notes,
            lines,
            cancel_reason: head.cancel_reason,
        };
        problems.is_empty().then_some((note, purpose))
    }
}

impl LineMap {
    fn compile(lines: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let id = Needed::compile(lines, "id", "the line's id", ctx);
        let order_number = Needed::compile(lines, "orderNumber", "the order's number", ctx);
        let order_line_id = Needed::compile(lines, "orderLineId", "the order line's id", ctx);
        let delivered = Needed::compile(lines, "delivered", "the delivered quantity", ctx);
        let unit = Needed::unit(lines, ctx);
        let item = ItemMap::compile(lines, "item", ctx);
        let outstanding = lines.spec("outstanding", ctx);
        let batch = lines.spec("batch", ctx);
        Some(Self {
            id: id?,
            order_number: order_number?,
            order_line_id: order_line_id?,
            item: item.unwrap_or_default(),
            delivered: delivered?,
            outstanding,
            unit: unit?,
            batch,
        })
    }

    fn read<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<DespatchLine> {
        let id = self.id.text(scope, problems);
        let order_number = self.order_number.text(scope, problems);
        let order_line_id = self.order_line_id.text(scope, problems);
        let unit = self.unit.text(scope, problems);
        let delivered = self.delivered.decimal(scope, problems);
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
