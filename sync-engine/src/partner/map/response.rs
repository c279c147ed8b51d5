//! A seller's answer to an order of ours -> the canonical order response.

use super::directives::Compile;
use super::fields::Fields;
use super::head::{Lines, Needed, ReferenceMap};
use super::party::ItemMap;
use super::spec::Spec;
use crate::domain::answer::{LineAnswer, Reason, ReasonCode};
use crate::domain::{HeaderAnswer, LineAnswerCode, OrderResponse};
use crate::partner::expr::{Problem, Scope};
use serde_json::{Map, Value};

/// What answers of both kinds have alike; `number` and `revision` are those of the document that is answered.
pub(crate) const ANSWER_FIELDS: &[&str] = &[
    "$when",
    "number",
    "revision",
    "sequence",
    "partnerRef",
    "id",
    "issuedAt",
    "note",
    "lines",
];
pub(crate) const RESPONSE_FIELDS: &[&str] = &["code", "reason"];
pub(crate) const RESPONSE_LINE_FIELDS: &[&str] = &[
    "$each",
    "lineId",
    "code",
    "quantity",
    "price",
    "date",
    "substitute",
    "reason",
];
pub(crate) const REASON_FIELDS: &[&str] = &["code", "text"];

const CODES: &[(&str, HeaderAnswer)] = &[
    ("AB", HeaderAnswer::AB),
    ("AP", HeaderAnswer::AP),
    ("RE", HeaderAnswer::RE),
    ("CA", HeaderAnswer::CA),
];
const LINE_CODES: &[(&str, LineAnswerCode)] = &[
    ("Accepted", LineAnswerCode::Accepted),
    ("Changed", LineAnswerCode::Changed),
    ("Substituted", LineAnswerCode::Substituted),
    ("Backordered", LineAnswerCode::Backordered),
    ("Rejected", LineAnswerCode::Rejected),
    ("Added", LineAnswerCode::Added),
    ("AlreadyDelivered", LineAnswerCode::AlreadyDelivered),
    ("Held", LineAnswerCode::Held),
];
const REASONS: &[(&str, ReasonCode)] = &[
    ("REF", ReasonCode::Ref),
    ("LEG", ReasonCode::Leg),
    ("REC", ReasonCode::Rec),
    ("QUA", ReasonCode::Qua),
    ("DEL", ReasonCode::Del),
    ("PRI", ReasonCode::Pri),
    ("QTY", ReasonCode::Qty),
    ("ITM", ReasonCode::Itm),
    ("PAY", ReasonCode::Pay),
    ("UNR", ReasonCode::Unr),
    ("FIN", ReasonCode::Fin),
    ("OTH", ReasonCode::Oth),
];

/// What answers of both kinds have alike.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    pub reference: ReferenceMap,
    pub id: Option<Spec>,
    pub issued_at: Option<Spec>,
    pub note: Option<Spec>,
}

impl AnswerHead {
    pub fn compile(fields: &Fields<'_>, what: &'static str, ctx: &mut Compile<'_>) -> Option<Self> {
        let reference = ReferenceMap::compile(fields, what, ctx);
        Some(Self {
            id: fields.spec("id", ctx),
            issued_at: fields.spec("issuedAt", ctx),
            note: fields.spec("note", ctx),
            reference: reference?,
        })
    }
}

#[derive(Debug)]
pub(crate) struct ResponseMap {
    pub head: AnswerHead,
    code: Option<Spec>,
    reason: Option<ReasonMap>,
    lines: Option<Lines<LineMap>>,
}

#[derive(Debug)]
struct LineMap {
    line_id: Needed,
    code: Option<Spec>,
    quantity: Option<Spec>,
    price: Option<Spec>,
    date: Option<Spec>,
    substitute: Option<ItemMap>,
    reason: Option<ReasonMap>,
}

impl ResponseMap {
    pub fn compile(map: &Map<String, Value>, pointer: String, ctx: &mut Compile<'_>) -> Option<Self> {
        let fields = Fields::new(map, pointer, &[ANSWER_FIELDS, RESPONSE_FIELDS].concat(), ctx);
        let head = AnswerHead::compile(&fields, "the number of the order that is answered", ctx);
        let code = fields.spec("code", ctx);
        let reason = ReasonMap::compile(&fields, ctx);
        let has_lines = fields.value("lines").is_some();
        let lines = has_lines.then(|| Lines::compile(&fields, RESPONSE_LINE_FIELDS, ctx, LineMap::compile));
        if !has_lines && fields.value("code").is_none() {
            ctx.mistakes.add(
                fields.pointer(),
                "\"code\" is missing: the answer as a whole; it can be left out only where \"lines\" say it",
            );
        }
        Some(Self {
            head: head?,
            code,
            reason,
            lines: match lines {
                None => None,
                Some(lines) => Some(lines?),
            },
        })
    }

    /// The answer, or nothing when `problems` were found. Without a code of its own, its lines say it: all accepted is
    /// AP, all rejected RE, anything else CA.
    pub fn read<'s>(
        &'s self,
        scope: &'s Scope<'s>,
        max_lines: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<OrderResponse> {
        let given = self
            .code
            .as_ref()
            .and_then(|s| s.choice(CODES, "answer to an order", scope, problems));
        let whole = match given {
            Some(HeaderAnswer::AP) => Some(LineAnswerCode::Accepted),
            Some(HeaderAnswer::RE) => Some(LineAnswerCode::Rejected),
            Some(HeaderAnswer::AB | HeaderAnswer::CA) | None => None,
        };
        let lines = self.lines.as_ref().map_or_else(Vec::new, |lines| {
            lines.read(scope, max_lines, problems, |line, scope, problems| {
                line.read(scope, whole, problems)
            })
        });
        let code = given.or_else(|| said_by(&lines));
        if code.is_none() && problems.is_empty() {
            problems.push(Problem {
                pointer: self.code.as_ref().map_or_else(|| scope.pointer(), |s| s.pointer(scope)),
                message: "the answer's code is missing, and there are no lines that say it".to_owned(),
            });
        }
        let response = OrderResponse {
            code: code?,
            reason: self.reason.as_ref().and_then(|r| r.read(scope, problems)),
            note: self.head.note.as_ref().and_then(|s| s.text(scope, problems)),
            lines,
        };
        problems.is_empty().then_some(response)
    }
}

/// What the lines say of the order as a whole.
fn said_by(lines: &[LineAnswer]) -> Option<HeaderAnswer> {
    let all = |code| !lines.is_empty() && lines.iter().all(|l| l.code == code);
    if all(LineAnswerCode::Accepted) {
        Some(HeaderAnswer::AP)
    } else if all(LineAnswerCode::Rejected) {
        Some(HeaderAnswer::RE)
    } else {
        (!lines.is_empty()).then_some(HeaderAnswer::CA)
    }
}

impl LineMap {
    fn compile(lines: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let line_id = Needed::compile(lines, "lineId", "the id of the order line that is answered", ctx);
        Some(Self {
            code: lines.spec("code", ctx),
            quantity: lines.spec("quantity", ctx),
            price: lines.spec("price", ctx),
            date: lines.spec("date", ctx),
            substitute: ItemMap::compile(lines, "substitute", ctx),
            reason: ReasonMap::compile(lines, ctx),
            line_id: line_id?,
        })
    }

    /// `whole`: what a line without a code says, where the answer as a whole says it.
    fn read<'s>(
        &'s self,
        scope: &Scope<'s>,
        whole: Option<LineAnswerCode>,
        problems: &mut Vec<Problem>,
    ) -> Option<LineAnswer> {
        let line_id = self.line_id.text(scope, problems);
        let before = problems.len();
        let code = self
            .code
            .as_ref()
            .and_then(|s| s.choice(LINE_CODES, "answer to a line", scope, problems));
        let code = code.or(whole);
        if code.is_none() && problems.len() == before {
            problems.push(Problem {
                pointer: self.code.as_ref().map_or_else(|| scope.pointer(), |s| s.pointer(scope)),
                message: "the line's code is missing: needed unless the answer as a whole is AP or RE".to_owned(),
            });
        }
        let mut decimal = |spec: &'s Option<Spec>| spec.as_ref().and_then(|s| s.decimal(scope, problems));
        let (quantity, price) = (decimal(&self.quantity), decimal(&self.price));
        let substitute = self.substitute.as_ref().map(|item| item.get(scope, problems));
        Some(LineAnswer {
            date: self.date.as_ref().and_then(|s| s.date(scope, problems)),
            reason: self.reason.as_ref().and_then(|r| r.read(scope, problems)),
            line_id: line_id?,
            code: code?,
            quantity,
            price,
            substitute: substitute.filter(|item| *item != crate::domain::document::Item::default()),
        })
    }
}

/// A reason: its code, or `{code, text}`.
#[derive(Debug)]
struct ReasonMap {
    code: Option<Spec>,
    text: Option<Spec>,
}

impl ReasonMap {
    fn compile(fields: &Fields<'_>, ctx: &mut Compile<'_>) -> Option<Self> {
        let (value, _) = fields.value("reason")?;
        if value
            .as_object()
            .is_none_or(|map| map.keys().any(|k| k.starts_with('$')))
        {
            return Some(Self {
                code: fields.spec("reason", ctx),
                text: None,
            });
        }
        let reason = fields.section("reason", REASON_FIELDS, ctx)?;
        Some(Self {
            code: reason.spec("code", ctx),
            text: reason.spec("text", ctx),
        })
    }

    /// A text without a code is another reason (OTH).
    fn read<'s>(&'s self, scope: &Scope<'s>, problems: &mut Vec<Problem>) -> Option<Reason> {
        let code = self
            .code
            .as_ref()
            .and_then(|s| s.choice(REASONS, "reason", scope, problems));
        let text = self.text.as_ref().and_then(|s| s.text(scope, problems));
        let code = code.or_else(|| text.as_ref().map(|_| ReasonCode::Oth))?;
        Some(Reason { code, text })
    }
}
