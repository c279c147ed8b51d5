//! A document of ours before it is issued: an order (we are the buyer), a delivery note (we are the seller).

use super::{AnswerProblem, Problems};
use crate::domain::diff::diff;
use crate::domain::document::{CanonicalDocument, DespatchAdvice, DespatchLine, Item, Order, OrderLine};
use crate::domain::money::check_amounts;
use crate::domain::quantity::{LineQuantities, change_blocked};
use crate::domain::rules::PartnerRules;
use crate::domain::value::Decimal;
use std::collections::HashSet;

/// An order that a delivery note names, with how far it is delivered without that note.
pub struct DeliveredOrder {
    pub order: Order,
    pub lines: Vec<LineQuantities>,
}

/// What stands against a change of ours, where the partner's rules block changes once goods have left.
pub const CHANGE_OF_OURS_AFTER_SHIPMENT: &str =
    "goods of this order have left, and this partner takes no change after that";

/// Everything that is wrong with an order that we issue. `previous` is the version before; `delivered` says how far that
/// is delivered. Empty when it may be sent.
pub fn check_order(
    order: &Order,
    previous: Option<&Order>,
    rules: &PartnerRules,
    delivered: &[LineQuantities],
) -> Vec<AnswerProblem> {
    let mut problems = Problems::default();
    number(&mut problems, &order.number, previous.map(|p| p.number.as_str()));
    for (index, note) in order.notes.iter().enumerate() {
        problems.text(&format!("/notes/{index}"), Some(note));
    }
    range(&mut problems, "/requestedDelivery", order.requested_delivery);
    if order.lines.is_empty() {
        problems.add("/lines", "an order needs at least one line");
    }
    if problems.too_many_lines(order.lines.len()) {
        return problems.0;
    }
    ids(&mut problems, order.lines.iter().map(|l| l.id.as_str()));
    for (index, line) in order.lines.iter().enumerate() {
        order_line(&mut problems, index, line);
    }
    if let Some(previous) = previous {
        if previous.currency != order.currency {
            problems.add(
                "/currency",
                "a change keeps the currency: cancel the order and issue another",
            );
        }
        if change_blocked(rules, delivered) {
            problems.add("", CHANGE_OF_OURS_AFTER_SHIPMENT);
        }
        below_delivered(&mut problems, order, delivered);
        same_as_before(
            &mut problems,
            &CanonicalDocument::Order(previous.clone()),
            &CanonicalDocument::Order(order.clone()),
        );
    }
    problems
        .0
        .extend(check_amounts(order, rules.amount_tolerance_minor_units));
    problems.0
}

/// Everything that is wrong with a delivery note that we issue. `orders` are those of its orders that are here.
pub fn check_despatch(
    note: &DespatchAdvice,
    previous: Option<&DespatchAdvice>,
    rules: &PartnerRules,
    orders: &[DeliveredOrder],
) -> Vec<AnswerProblem> {
    let mut problems = Problems::default();
    number(&mut problems, &note.number, previous.map(|p| p.number.as_str()));
    for (index, text) in note.notes.iter().enumerate() {
        problems.text(&format!("/notes/{index}"), Some(text));
    }
    range(&mut problems, "/expectedDelivery", note.expected_delivery);
    if let (Some(left), Some(expected)) = (note.despatched_on, note.expected_delivery)
        && expected.last < left
    {
        problems.add(
            "/expectedDelivery",
            format!("{} lies before the day the goods leave ({left})", expected.last),
        );
    }
    if note.lines.is_empty() {
        problems.add("/lines", "a delivery note needs at least one line");
    } else if note.lines.iter().all(|l| l.delivered <= Decimal::ZERO) {
        problems.add("/lines", "nothing leaves: give at least one line a delivered quantity");
    }
    if problems.too_many_lines(note.lines.len()) {
        return problems.0;
    }
    ids(&mut problems, note.lines.iter().map(|l| l.id.as_str()));
    for (index, line) in note.lines.iter().enumerate() {
        despatch_line(&mut problems, index, line, note, orders, rules);
    }
    if let Some(previous) = previous {
        same_as_before(
            &mut problems,
            &CanonicalDocument::DespatchAdvice(previous.clone()),
            &CanonicalDocument::DespatchAdvice(note.clone()),
        );
    }
    problems.0
}

fn number(problems: &mut Problems, number: &str, previous: Option<&str>) {
    if number.trim().is_empty() {
        problems.add("/number", "the document needs a number");
    } else if previous.is_some_and(|p| p != number) {
        problems.add("/number", "every version of a document has the same number");
    }
}

fn range(problems: &mut Problems, at: &str, range: Option<crate::domain::document::DateRange>) {
    if let Some(range) = range.filter(|r| r.last < r.first) {
        problems.add(at, format!("{} lies before {}", range.last, range.first));
    }
}

fn ids<'a>(problems: &mut Problems, ids: impl Iterator<Item = &'a str>) {
    let mut seen = HashSet::new();
    for (index, id) in ids.enumerate() {
        let at = format!("/lines/{index}/id");
        if id.trim().is_empty() {
            problems.add(at, "the line needs a number");
        } else if !seen.insert(id) {
            problems.add(at, format!("there are two lines {id}"));
        }
    }
}

fn order_line(problems: &mut Problems, index: usize, line: &OrderLine) {
    let at = |field: &str| format!("/lines/{index}/{field}");
    problems.text(&at("note"), line.note.as_deref());
    if line.item == Item::default() {
        problems.add(
            at("item"),
            "say what is ordered: an item number, a GTIN or a description",
        );
    }
    if line.quantity <= Decimal::ZERO {
        problems.add(at("quantity"), "the quantity must be greater than zero");
    }
    if line.unit.trim().is_empty() {
        problems.add(at("unit"), "the unit of measure is missing");
    }
    if line.price.is_some_and(|p| p < Decimal::ZERO) {
        problems.add(at("price"), "the price must not be negative");
    }
    if line.price_base.is_some_and(|b| b <= Decimal::ZERO) {
        problems.add(at("priceBase"), "the price is for a quantity greater than zero");
    }
    range(problems, &at("requestedDelivery"), line.requested_delivery);
}

fn below_delivered(problems: &mut Problems, order: &Order, delivered: &[LineQuantities]) {
    for line in delivered.iter().filter(|l| l.delivered > Decimal::ZERO) {
        match order.lines.iter().enumerate().find(|(_, l)| l.id == line.line_id) {
            None => problems.add(
                "/lines",
                format!(
                    "line {} cannot be left out: {} of it has left",
                    line.line_id, line.delivered
                ),
            ),
            Some((index, ordered)) if ordered.quantity < line.delivered => problems.add(
                format!("/lines/{index}/quantity"),
                format!("{} of line {} has left already", line.delivered, line.line_id),
            ),
            Some(_) => {}
        }
    }
}

fn same_as_before(problems: &mut Problems, previous: &CanonicalDocument, document: &CanonicalDocument) {
    if diff(previous, document).is_empty() {
        problems.add("", "nothing differs from the version before");
    }
}

fn despatch_line(
    problems: &mut Problems,
    index: usize,
    line: &DespatchLine,
    note: &DespatchAdvice,
    orders: &[DeliveredOrder],
    rules: &PartnerRules,
) {
    let at = |field: &str| format!("/lines/{index}/{field}");
    if line.delivered < Decimal::ZERO {
        problems.add(at("delivered"), "the delivered quantity must not be negative");
    }
    if line.outstanding.is_some_and(|o| o < Decimal::ZERO) {
        problems.add(at("outstanding"), "the outstanding quantity must not be negative");
    }
    if line.unit.trim().is_empty() {
        problems.add(at("unit"), "the unit of measure is missing");
    }
    if line.order_number.trim().is_empty() {
        problems.add(at("orderNumber"), "say which order the line delivers");
        return;
    }
    let Some(known) = orders.iter().find(|o| o.order.number == line.order_number) else {
        return;
    };
    let Some(ordered) = known.order.lines.iter().find(|l| l.id == line.order_line_id) else {
        problems.add(
            at("orderLineId"),
            format!("order {} has no line \"{}\"", line.order_number, line.order_line_id),
        );
        return;
    };
    if !ordered.unit.is_empty() && ordered.unit != line.unit {
        problems.add(
            at("unit"),
            format!("line {} is ordered in {}", line.order_line_id, ordered.unit),
        );
        return;
    }
    let earlier = known.lines.iter().find(|l| l.line_id == line.order_line_id);
    let here = note
        .lines
        .iter()
        .filter(|l| l.order_number == line.order_number && l.order_line_id == line.order_line_id)
        .fold(Decimal::ZERO, |sum, l| sum.saturating_add(l.delivered));
    let total = earlier.map_or(Decimal::ZERO, |l| l.delivered).saturating_add(here);
    if let Some(most) = rules.most_delivered(ordered.quantity)
        && total > most
    {
        problems.add(
            at("delivered"),
            format!(
                "{} of line {} would have left; this partner takes {} at most",
                total.normalize(),
                line.order_line_id,
                most.normalize()
            ),
        );
    }
}
