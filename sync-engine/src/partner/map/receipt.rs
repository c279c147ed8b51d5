//! A buyer's answer to a delivery note of ours -> the canonical receipt advice.

use super::directives::Compile;
use super::fields::Fields;
use super::head::{Lines, Needed};
use super::response::{ANSWER_FIELDS, AnswerHead};
use super::spec::Spec;
use crate::domain::answer::{RejectAction, RejectReason};
use crate::domain::{ReceiptAdvice, ReceiptLine};
use crate::partner::expr::{Problem, Scope};
use serde_json::{Map, Value};

pub(crate) const RECEIPT_FIELDS: &[&str] = &["receivedOn"];
pub(crate) const RECEIPT_LINE_FIELDS: &[&str] = &[
    "$each",
    "lineId",
    "received",
    "short",
    "rejected",
    "rejectReason",
    "action",
    "note",
];

const REASONS: &[(&str, RejectReason)] = &[
    ("Broken", RejectReason::Broken),
    ("Quality", RejectReason::Quality),
    ("WrongItem", RejectReason::WrongItem),
    ("WrongVersion", RejectReason::WrongVersion),
    ("Label", RejectReason::Label),
    ("Price", RejectReason::Price),
    ("Packaging", RejectReason::Packaging),
    ("PackagingAndDamage", RejectReason::PackagingAndDamage),
    ("Other", RejectReason::Other),
];
const ACTIONS: &[(&str, RejectAction)] = &[
    ("Replace", RejectAction::Replace),
    ("CreditAndCancel", RejectAction::CreditAndCancel),
];

#[derive(Debug)]
pub(crate) struct ReceiptMap {
    pub head: AnswerHead,
    received_on: Needed,
    lines: Lines<LineMap>,
}

#[derive(Debug)]
struct LineMap {
    line_id: Needed,
    received: Needed,
    short: Option<Spec>,
    rejected: Option<Spec>,
    reject_reason: Option<Spec>,
    action: Option<Spec>,
    note: Option<Spec>,
}

impl ReceiptMap {
    pub fn compile(map: &Map<String, Value>, pointer: String, ctx: &mut Compile<'_>) -> Option<Self> {
        let fields = Fields::new(map, pointer, &[ANSWER_FIELDS, RECEIPT_FIELDS].concat(), ctx);
        let head = AnswerHead::compile(&fields, "the number of the delivery note that is answered", ctx);
        let received_on = Needed::compile(&fields, "receivedOn", "the day of arrival", ctx);
        let lines = Lines::compile(&fields, RECEIPT_LINE_FIELDS, ctx, LineMap::compile);
        Some(Self {
            head: head?,
            received_on: received_on?,
            lines: lines?,
        })
    }

    /// The receipt, or nothing when `problems` were found.
    pub fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<ReceiptAdvice> {
        let received_on = self.received_on.date(scope, problems);
        let lines = self.lines.read(scope, max_lines, problems, LineMap::read);
        let ids = lines.iter().map(|l: &ReceiptLine| l.line_id.as_str());
        self.lines
            .check("receipt", ids, crate::domain::Purpose::Original, scope, problems);
        let receipt = ReceiptAdvice {
            received_on: received_on?,
            note: self.head.note.as_ref().and_then(|s| s.text(scope, problems)),
            lines,
        };
        problems.is_empty().then_some(receipt)
    }
}

impl LineMap {
    fn compile(lines: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let line_id = Needed::compile(lines, "lineId", "the id of the delivery note's line", ctx);
        let received = Needed::compile(lines, "received", "the quantity that arrived", ctx);
        Some(Self {
            short: lines.spec("short", ctx),
            rejected: lines.spec("rejected", ctx),
            reject_reason: lines.spec("rejectReason", ctx),
            action: lines.spec("action", ctx),
            note: lines.spec("note", ctx),
            line_id: line_id?,
            received: received?,
        })
    }

    fn read<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<ReceiptLine> {
        let line_id = self.line_id.text(scope, problems);
        let received = self.received.decimal(scope, problems);
        let mut decimal = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.decimal(scope, problems));
        let (short, rejected) = (decimal(&self.short), decimal(&self.rejected));
        let reason = self.reject_reason.as_ref();
        let action = self.action.as_ref();
        Some(ReceiptLine {
            reject_reason: reason.and_then(|s| s.choice(REASONS, "reason to refuse goods", scope, problems)),
            action: action.and_then(|s| s.choice(ACTIONS, "action", scope, problems)),
            note: self.note.as_ref().and_then(|s| s.text(scope, problems)),
            line_id: line_id?,
            received: received?,
            short,
            rejected,
        })
    }
}
