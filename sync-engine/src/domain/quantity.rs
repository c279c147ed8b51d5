//! Quantities of an order line through its life: derived from versions, answers and notes, never stored.

use super::answer::{LineAnswerCode, OrderResponse, ReceiptAdvice};
use super::document::{DespatchAdvice, DespatchLine, Order, OrderLine};
use super::rules::PartnerRules;
use super::value::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// All in the order line's unit; never negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineQuantities {
    pub line_id: String,
    #[schema(value_type = String)]
    pub ordered: Decimal,
    /// What the seller will deliver: accepted, changed, substituted and backordered parts.
    #[schema(value_type = String)]
    pub confirmed: Decimal,
    /// The part of `confirmed` that comes later than asked.
    #[schema(value_type = String)]
    pub backordered: Decimal,
    #[schema(value_type = String)]
    pub rejected: Decimal,
    /// Left the seller, over all delivery notes.
    #[schema(value_type = String)]
    pub delivered: Decimal,
    /// Will still come: as the newest note says, else what is confirmed and not delivered.
    #[schema(value_type = String)]
    pub outstanding: Decimal,
    /// Arrived, with what was refused and what was over.
    #[schema(value_type = String)]
    pub received: Decimal,
    /// Arrived and was refused.
    #[schema(value_type = String)]
    pub refused: Decimal,
    /// Ordered, and neither delivered nor outstanding: never comes. Zero until a note speaks of the line.
    #[schema(value_type = String)]
    pub closed_short: Decimal,
}

/// A delivery note's version in force, with the receipt given to it.
pub type Delivery<'a> = (&'a DespatchAdvice, Option<&'a ReceiptAdvice>);

/// The quantities of every line of `order`. `deliveries` are oldest first, each note once, cancelled ones left out.
pub fn line_quantities(
    order: &Order,
    response: Option<&OrderResponse>,
    deliveries: &[Delivery<'_>],
) -> Vec<LineQuantities> {
    order
        .lines
        .iter()
        .map(|line| one_line(order, line, response, deliveries))
        .collect()
}

fn one_line(
    order: &Order,
    line: &OrderLine,
    response: Option<&OrderResponse>,
    deliveries: &[Delivery<'_>],
) -> LineQuantities {
    let mut out = LineQuantities {
        line_id: line.id.clone(),
        ordered: line.quantity,
        confirmed: Decimal::ZERO,
        backordered: Decimal::ZERO,
        rejected: Decimal::ZERO,
        delivered: Decimal::ZERO,
        outstanding: Decimal::ZERO,
        received: Decimal::ZERO,
        refused: Decimal::ZERO,
        closed_short: Decimal::ZERO,
    };
    confirm(&mut out, line, response);
    let mut stated: Option<Decimal> = None;
    for (note, receipt) in deliveries {
        let of_line = |l: &&DespatchLine| l.order_number == order.number && l.order_line_id == line.id;
        for delivered in note.lines.iter().filter(of_line) {
            out.delivered = out.delivered.saturating_add(delivered.delivered);
            stated = delivered
                .outstanding
                .or(stated.map(|s| s.saturating_sub(delivered.delivered).max(Decimal::ZERO)));
            let arrived = receipt.and_then(|r| r.lines.iter().find(|l| l.line_id == delivered.id));
            if let Some(arrived) = arrived {
                out.received = out.received.saturating_add(arrived.received);
                out.refused = out.refused.saturating_add(arrived.rejected.unwrap_or_default());
            }
        }
    }
    out.outstanding = stated.unwrap_or(out.confirmed.saturating_sub(out.delivered).max(Decimal::ZERO));
    if stated.is_some() {
        out.closed_short = out
            .ordered
            .saturating_sub(out.delivered)
            .saturating_sub(out.outstanding)
            .max(Decimal::ZERO);
    }
    out
}

/// Without line answers (AP) the whole line is confirmed; without any answer nothing is.
fn confirm(out: &mut LineQuantities, line: &OrderLine, response: Option<&OrderResponse>) {
    use super::answer::HeaderAnswer;
    let Some(response) = response else { return };
    match response.code {
        HeaderAnswer::AB => {}
        HeaderAnswer::AP => out.confirmed = line.quantity,
        HeaderAnswer::RE => out.rejected = line.quantity,
        HeaderAnswer::CA => {
            for part in response.lines.iter().filter(|p| p.line_id == line.id) {
                let quantity = part.quantity.unwrap_or(line.quantity);
                match part.code {
                    LineAnswerCode::Accepted
                    | LineAnswerCode::Changed
                    | LineAnswerCode::Substituted
                    | LineAnswerCode::AlreadyDelivered => out.confirmed = out.confirmed.saturating_add(quantity),
                    LineAnswerCode::Backordered => {
                        out.confirmed = out.confirmed.saturating_add(quantity);
                        out.backordered = out.backordered.saturating_add(quantity);
                    }
                    LineAnswerCode::Rejected => out.rejected = out.rejected.saturating_add(quantity),
                    LineAnswerCode::Added | LineAnswerCode::Held => {}
                }
            }
        }
    }
}

/// Whether a change of the order is refused because goods have left, where the partner's rules say so.
pub fn change_blocked(rules: &PartnerRules, lines: &[LineQuantities]) -> bool {
    rules.changes_blocked_once_shipped && lines.iter().any(|l| l.delivered > Decimal::ZERO)
}
