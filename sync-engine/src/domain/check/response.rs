//! The seller's answer to an order version.

use super::{AnswerProblem, Problems};
use crate::domain::answer::{HeaderAnswer, LineAnswer, LineAnswerCode, OrderResponse};
use crate::domain::document::{Item, Order, OrderLine};
use crate::domain::earlier::Earlier;
use crate::domain::rules::{PartnerRules, beyond};
use crate::domain::value::Decimal;
use std::collections::HashMap;

/// Everything that is wrong with `response` as an answer to `order`, after the answers in `earlier`. Empty when it may be
/// sent.
pub fn check_order_response(
    order: &Order,
    response: &OrderResponse,
    rules: &PartnerRules,
    earlier: &Earlier,
) -> Vec<AnswerProblem> {
    let mut problems = Problems::default();
    problems.text("/note", response.note.as_deref());
    problems.reason("/reason", response.reason.as_ref());
    match response.code {
        HeaderAnswer::AB | HeaderAnswer::AP => no_lines(response, &mut problems),
        HeaderAnswer::RE => {
            no_lines(response, &mut problems);
            if response.reason.is_none() {
                problems.add("/reason", "a rejection needs a reason: choose one");
            }
        }
        HeaderAnswer::CA => counter(order, response, rules, earlier, &mut problems),
    }
    problems.0.extend(taken_back(order, response, earlier));
    problems.0
}

/// Where a line that stays rejected is given another answer.
pub fn taken_back(order: &Order, response: &OrderResponse, earlier: &Earlier) -> Vec<AnswerProblem> {
    let mut problems = Problems::default();
    match response.code {
        HeaderAnswer::AB | HeaderAnswer::RE => {}
        HeaderAnswer::AP => {
            let rejected: Vec<&str> = order.lines.iter().map(|l| l.id.as_str()).collect();
            let rejected: Vec<&str> = rejected
                .into_iter()
                .filter(|id| earlier.rejected.contains(*id))
                .collect();
            if !rejected.is_empty() {
                problems.add(
                    "/code",
                    format!(
                        "line {} was rejected before, and this partner takes that as final: answer CA (with changes) and \
                         leave it rejected",
                        rejected.join(", ")
                    ),
                );
            }
        }
        HeaderAnswer::CA => {
            for (index, line) in response.lines.iter().enumerate() {
                if line.code != LineAnswerCode::Rejected && earlier.rejected.contains(&line.line_id) {
                    problems.add(
                        format!("/lines/{index}/code"),
                        format!(
                            "line {} was rejected before, and this partner takes that as final: leave it rejected",
                            line.line_id
                        ),
                    );
                }
            }
        }
    }
    problems.0
}

/// Where quantities and prices of a counter-offer lie farther from the ordered ones than the partner's rules allow.
pub fn beyond_tolerance(order: &Order, response: &OrderResponse, rules: &PartnerRules) -> Vec<AnswerProblem> {
    let mut problems = Problems::default();
    if rules.quantity_tolerance_percent.is_none() && rules.price_tolerance_percent.is_none() {
        return problems.0;
    }
    let ordered: HashMap<&str, &OrderLine> = order.lines.iter().map(|l| (l.id.as_str(), l)).collect();
    let mut parts: HashMap<&str, usize> = HashMap::new();
    for line in &response.lines {
        *parts.entry(&line.line_id).or_default() += 1;
    }
    for (index, line) in response.lines.iter().enumerate() {
        let Some(ordered) = ordered.get(line.line_id.as_str()) else {
            continue;
        };
        if matches!(line.code, LineAnswerCode::Rejected | LineAnswerCode::Added) {
            continue;
        }
        let far = |offered: Decimal, ordered: Decimal, percent: u32| {
            let (offered, ordered) = (offered.normalize(), ordered.normalize());
            format!(
                "{offered} lies more than {percent} % from the {ordered} that line {} orders",
                line.line_id
            )
        };
        // The parts of a split line share out what is ordered.
        let quantity = line.quantity.filter(|_| parts.get(line.line_id.as_str()) == Some(&1));
        if let (Some(offered), Some(percent)) = (quantity, rules.quantity_tolerance_percent)
            && beyond(offered, ordered.quantity, Some(percent))
        {
            problems.add(
                format!("/lines/{index}/quantity"),
                far(offered, ordered.quantity, percent),
            );
        }
        if let (Some(offered), Some(price), Some(percent)) = (line.price, ordered.price, rules.price_tolerance_percent)
            && beyond(offered, price, Some(percent))
        {
            problems.add(format!("/lines/{index}/price"), far(offered, price, percent));
        }
    }
    problems.0
}

fn no_lines(response: &OrderResponse, problems: &mut Problems) {
    if !response.lines.is_empty() {
        problems.add(
            "/lines",
            format!(
                "{:?} answers the order as a whole and takes no lines: leave them out, or answer CA (with changes)",
                response.code
            ),
        );
    }
}

/// An answer line with its place in the answer.
type Part<'a> = (usize, &'a LineAnswer);

fn counter(order: &Order, response: &OrderResponse, rules: &PartnerRules, earlier: &Earlier, problems: &mut Problems) {
    if problems.too_many_lines(response.lines.len()) {
        return;
    }
    let mut by_line: HashMap<&str, Vec<Part<'_>>> = HashMap::new();
    for (index, line) in response.lines.iter().enumerate() {
        by_line.entry(&line.line_id).or_default().push((index, line));
    }
    let ordered: HashMap<&str, &OrderLine> = order.lines.iter().map(|l| (l.id.as_str(), l)).collect();
    for (index, line) in response.lines.iter().enumerate() {
        one_line(
            order,
            index,
            line,
            ordered.get(line.line_id.as_str()).copied(),
            problems,
        );
    }
    for line in &order.lines {
        match by_line.get(line.id.as_str()) {
            None if rules.missing_lines_rejected || earlier.lines.iter().any(|l| l.line_id == line.id) => {}
            None => problems.add(
                "/lines",
                format!(
                    "line {} is not answered: an answer with changes (CA) states every line",
                    line.id
                ),
            ),
            Some(parts) => quantities(line, parts, problems),
        }
    }
    problems.0.extend(beyond_tolerance(order, response, rules));
    let nothing_differs = !response.lines.is_empty()
        && response.lines.iter().all(|l| l.code == LineAnswerCode::Accepted)
        && order.lines.iter().all(|l| by_line.contains_key(l.id.as_str()))
        && problems.0.is_empty();
    if nothing_differs {
        problems.add("/code", "nothing differs from the order: confirm it (AP) instead");
    }
}

/// What can be said of one answer line by itself.
fn one_line(order: &Order, index: usize, line: &LineAnswer, ordered: Option<&OrderLine>, problems: &mut Problems) {
    let at = |field: &str| format!("/lines/{index}/{field}");
    problems.reason(&at("reason"), line.reason.as_ref());
    if line.quantity.is_some_and(|q| q <= Decimal::ZERO) {
        problems.add(at("quantity"), "the quantity must be greater than zero");
    }
    if line.price.is_some_and(|p| p < Decimal::ZERO) {
        problems.add(at("price"), "the price must not be negative");
    }
    if let (Some(date), Some(issued)) = (line.date, order.issued_at.map(|t| t.date()))
        && date < issued
    {
        problems.add(
            at("date"),
            format!("{date} lies before the day the order was issued ({issued})"),
        );
    }
    let substitute = line.substitute.as_ref();
    match (line.code, ordered) {
        (LineAnswerCode::Added, Some(_)) => problems.add(
            at("lineId"),
            format!(
                "the order has a line {} already: give an added line an id of its own",
                line.line_id
            ),
        ),
        (LineAnswerCode::Added, None) => {
            if substitute.is_none_or(unnamed) {
                problems.add(at("substitute"), "an added line needs its item");
            }
            if line.quantity.is_none() {
                problems.add(at("quantity"), "an added line needs a quantity");
            }
        }
        (
            LineAnswerCode::Accepted
            | LineAnswerCode::Changed
            | LineAnswerCode::Substituted
            | LineAnswerCode::Backordered
            | LineAnswerCode::Rejected
            | LineAnswerCode::AlreadyDelivered
            | LineAnswerCode::Held,
            None,
        ) => problems.add(
            at("lineId"),
            format!(
                "the order has no line \"{}\"; an additional line has the code Added",
                line.line_id
            ),
        ),
        (LineAnswerCode::Accepted, Some(ordered)) => accepted(&at, line, ordered, problems),
        (LineAnswerCode::Changed, Some(ordered)) => changed(&at, line, ordered, problems),
        (LineAnswerCode::Substituted, Some(_)) => {
            if substitute.is_none_or(unnamed) {
                problems.add(
                    at("substitute"),
                    "a substitution needs the item that is offered instead",
                );
            }
        }
        (LineAnswerCode::Backordered, Some(ordered)) => {
            if ordered.backorder_allowed == Some(false) {
                problems.add(
                    at("code"),
                    format!(
                        "the buyer allows no backorder for line {}: change or reject it",
                        line.line_id
                    ),
                );
            }
        }
        (LineAnswerCode::Rejected | LineAnswerCode::AlreadyDelivered | LineAnswerCode::Held, Some(_)) => {}
    }
    let item_allowed = matches!(line.code, LineAnswerCode::Substituted | LineAnswerCode::Added);
    if substitute.is_some() && !item_allowed {
        problems.add(
            at("substitute"),
            format!("{:?} takes no other item: answer Substituted", line.code),
        );
    }
}

fn unnamed(item: &Item) -> bool {
    item == &Item::default()
}

fn accepted(at: &impl Fn(&str) -> String, line: &LineAnswer, ordered: &OrderLine, problems: &mut Problems) {
    if line.price.is_some() && line.price != ordered.price {
        problems.add(at("price"), "an accepted line keeps the ordered price: answer Changed");
    }
    let outside = ordered
        .requested_delivery
        .zip(line.date)
        .is_some_and(|(asked, date)| date < asked.first || date > asked.last);
    if outside {
        problems.add(
            at("date"),
            "an accepted line keeps the requested days: answer Changed for another date",
        );
    }
}

fn changed(at: &impl Fn(&str) -> String, line: &LineAnswer, ordered: &OrderLine, problems: &mut Problems) {
    let quantity = line.quantity.is_some_and(|q| q != ordered.quantity);
    let price = line.price.is_some() && line.price != ordered.price;
    let date = line
        .date
        .is_some_and(|d| ordered.requested_delivery.is_none_or(|r| d < r.first || d > r.last));
    if !(quantity || price || date) {
        problems.add(
            at("code"),
            "nothing differs on this line: give another quantity, price or date, or accept it",
        );
    }
}

/// The parts of one order line together. A single part may change the quantity; several parts share out what was ordered.
fn quantities(line: &OrderLine, parts: &[Part<'_>], problems: &mut Problems) {
    if let [(index, part)] = parts {
        let free = match part.code {
            LineAnswerCode::Changed | LineAnswerCode::Substituted | LineAnswerCode::Added => true,
            LineAnswerCode::Accepted
            | LineAnswerCode::Backordered
            | LineAnswerCode::Rejected
            | LineAnswerCode::AlreadyDelivered
            | LineAnswerCode::Held => false,
        };
        let differs = part.quantity.is_some_and(|q| q > Decimal::ZERO && q != line.quantity);
        if differs && !free {
            problems.add(
                format!("/lines/{index}/quantity"),
                format!(
                    "line {} orders {}: answer the rest in a second part, or answer Changed",
                    line.id, line.quantity
                ),
            );
        }
        return;
    }
    let mut sum = Decimal::ZERO;
    for (index, part) in parts {
        match part.quantity {
            Some(quantity) => sum = sum.saturating_add(quantity.max(Decimal::ZERO)),
            None => {
                problems.add(
                    format!("/lines/{index}/quantity"),
                    format!("line {} is split, so each part needs its quantity", line.id),
                );
                return;
            }
        }
    }
    let at = parts
        .first()
        .map_or_else(|| "/lines".into(), |(i, _)| format!("/lines/{i}/quantity"));
    let (sum, ordered) = (sum.normalize(), line.quantity.normalize());
    if sum > ordered {
        problems.add(
            at,
            format!("the parts of line {} add up to {sum}; {ordered} is ordered", line.id),
        );
    } else if sum < ordered {
        problems.add(
            at,
            format!(
                "the parts of line {} add up to {sum} of {ordered}: answer the other {} as backordered or rejected",
                line.id,
                (ordered - sum).normalize()
            ),
        );
    }
}
