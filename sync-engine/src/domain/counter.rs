//! The seller's version of an order: what a counter-offer says, as an order.

use super::answer::{LineAnswer, LineAnswerCode, OrderResponse};
use super::document::{DateRange, Order, OrderLine};
use super::earlier::Earlier;
use super::money::{line_net, totals};
use super::rules::PartnerRules;
use super::value::{Decimal, Timestamp};
use std::collections::HashSet;

/// The order as the seller offers it: rejected lines left out, changed and substituted ones restated, a split line as
/// several lines (`10`, `10.2`, `10.3`), added ones at the end, totals computed again. `response` is a checked CA;
/// `earlier` counts for lines that it leaves out.
pub fn counter_offer(order: &Order, response: &OrderResponse, rules: &PartnerRules, earlier: &Earlier) -> Order {
    let response = &earlier.completed(order, response, rules);
    let mut offer = Order {
        lines: Vec::with_capacity(order.lines.len()),
        totals: None,
        ..order.clone()
    };
    let mut ids: HashSet<String> = order.lines.iter().map(|l| l.id.clone()).collect();
    for line in &order.lines {
        let parts = parts_of(response, &line.id);
        if parts.is_empty() {
            offer.lines.push(line.clone());
        }
        let offered = parts.iter().filter(|p| p.code != LineAnswerCode::Rejected);
        for (nth, part) in offered.enumerate() {
            let mut restated = restate(line, part, order);
            if nth > 0 {
                restated.id = free_id(&line.id, nth + 1, &mut ids);
            }
            offer.lines.push(restated);
        }
    }
    for added in response.lines.iter().filter(|l| l.code == LineAnswerCode::Added) {
        offer.lines.push(added_line(added, order));
    }
    offer.totals = totals(&offer);
    offer
}

fn parts_of<'a>(response: &'a OrderResponse, line_id: &str) -> Vec<&'a LineAnswer> {
    response
        .lines
        .iter()
        .filter(|l| l.line_id == line_id && l.code != LineAnswerCode::Added)
        .collect()
}

fn restate(line: &OrderLine, part: &LineAnswer, order: &Order) -> OrderLine {
    let mut out = line.clone();
    if let Some(quantity) = part.quantity {
        out.quantity = quantity;
    }
    if part.price.is_some() {
        out.price = part.price;
    }
    if let Some(day) = part.date {
        out.requested_delivery = Some(DateRange { first: day, last: day });
    }
    if let (LineAnswerCode::Substituted, Some(item)) = (part.code, &part.substitute) {
        out.item = item.clone();
    }
    if let Some(net) = line_net(&out, &order.currency) {
        out.net = Some(net);
    } else if out.quantity != line.quantity {
        // A net without a price cannot be computed again, and the old one is no longer true.
        out.net = None;
    }
    out
}

/// `10.2` for the second part of line 10; the next free one where the order has such an id already.
fn free_id(line_id: &str, from: usize, ids: &mut HashSet<String>) -> String {
    let mut nth = from;
    loop {
        let id = format!("{line_id}.{nth}");
        if ids.insert(id.clone()) {
            return id;
        }
        nth += 1;
    }
}

fn added_line(added: &LineAnswer, order: &Order) -> OrderLine {
    let mut line = OrderLine {
        id: added.line_id.clone(),
        item: added.substitute.clone().unwrap_or_default(),
        quantity: added.quantity.unwrap_or(Decimal::ONE),
        // An answer line has no unit of its own: the order's, or Recommendation 20's "each".
        unit: order.lines.first().map_or_else(|| "EA".to_owned(), |l| l.unit.clone()),
        price: added.price,
        price_base: None,
        tax_percent: None,
        net: None,
        requested_delivery: added.date.map(|d| DateRange { first: d, last: d }),
        backorder_allowed: None,
        note: None,
    };
    line.net = line_net(&line, &order.currency);
    line
}

/// Whether the buyer's update says the same as the counter-offer: same items, quantities, prices and days, in any order
/// of lines and under any line ids. Then both sides have accepted it.
pub fn restates(counter: &Order, update: &Order) -> bool {
    type Key<'a> = (
        &'a super::document::Item,
        Decimal,
        &'a str,
        Option<Decimal>,
        Option<Decimal>,
        Option<DateRange>,
    );
    fn key(line: &OrderLine) -> Key<'_> {
        let base = line.price_base.filter(|b| *b != Decimal::ONE);
        (
            &line.item,
            line.quantity,
            &line.unit,
            line.price,
            base,
            line.requested_delivery,
        )
    }
    if counter.currency != update.currency || counter.lines.len() != update.lines.len() {
        return false;
    }
    let mut left: Vec<Key<'_>> = update.lines.iter().map(key).collect();
    counter.lines.iter().all(|line| {
        let wanted = key(line);
        // The same place first: lines mostly keep their order, and a thousand of them stay cheap.
        match left.iter().position(|k| *k == wanted) {
            Some(index) => {
                left.remove(index);
                true
            }
            None => false,
        }
    })
}

/// When the partner wants an answer to a version issued at `issued`.
pub fn answer_due(issued: Timestamp, rules: &PartnerRules) -> Option<Timestamp> {
    rules
        .answer_deadline_hours
        .map(|hours| issued.plus_seconds(i64::from(hours) * 3600))
}
