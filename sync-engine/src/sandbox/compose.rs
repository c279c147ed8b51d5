//! Composes documents: new orders, changes to them, cancellations, restated counter-offers, delivery notes.
//! Pure but for the generator that is passed in.

use super::catalog::{self, ITEMS, Item};
use super::parties::{self, MARKETS, Market};
use super::random::Random;
use super::wire::{AnswerLine, DeliveryNote, Note, NoteLine, OrderLine, Party, PaymentTerms, PurchaseOrder, Totals};
use chrono::{DateTime, Days, SecondsFormat, Utc};
use rust_decimal::Decimal;

/// Lines of one order, as po.schema.json has it.
pub(super) const MAX_LINES: usize = 1000;
/// In the notes of the schema.
const MAX_NOTES: usize = 20;

/// Milliseconds since 1970 as RFC 3339.
pub(super) fn moment(now: i64) -> String {
    instant(now).to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn instant(now: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now).unwrap_or_default()
}

pub(super) fn day(now: i64, days: u64) -> String {
    let date = instant(now).date_naive();
    date.checked_add_days(Days::new(days)).unwrap_or(date).to_string()
}

/// The market that is asked for, else one at random.
pub(super) fn choose_market(language: Option<&str>, currency: Option<&str>, random: &mut Random) -> &'static Market {
    let fits = |m: &&Market| currency.is_none_or(|c| m.currency == c);
    if let Some(found) = language.and_then(parties::market) {
        return found;
    }
    let candidates: Vec<&'static Market> = MARKETS.iter().filter(fits).collect();
    candidates
        .get(random.index(candidates.len()))
        .copied()
        .unwrap_or(&MARKETS[0])
}

/// How many lines an order has: mostly a handful, at times up to thirty.
pub(super) fn usual_line_count(random: &mut Random) -> usize {
    let count = match random.below(10) {
        0 => 1,
        1..=6 => random.between(2, 8),
        7..=8 => random.between(9, 18),
        _ => random.between(19, 30),
    };
    usize::try_from(count).unwrap_or(1)
}

pub(super) fn order(number: u32, market: &Market, lines: usize, now: i64, random: &mut Random) -> PurchaseOrder {
    let buyer = parties::company(market, random);
    let address = buyer.address.clone();
    let lead_days = random.between(5, 40);
    let lines = (1..=lines.clamp(1, MAX_LINES))
        .map(|n| line(u32::try_from(n).unwrap_or(1), market, now, lead_days, random))
        .collect();
    let notes = if random.chance(60) {
        vec![note("DEL", market.note)]
    } else {
        Vec::new()
    };
    let mut order = PurchaseOrder {
        schema_version: "2.1".into(),
        document_type: "PURCHASE_ORDER".into(),
        po_number: format!("PO-{number:08}"),
        version: 1,
        supersedes: None,
        message_id: random.uuid(),
        status: "SUBMITTED".into(),
        cancel_reason: None,
        issued_at: moment(now),
        updated_at: moment(now),
        requested_delivery: day(now, lead_days),
        currency: market.currency.into(),
        incoterm: if market.country == "DE" { "DAP" } else { "FCA" }.into(),
        incoterm_place: if market.country == "DE" {
            address.city.clone()
        } else {
            "Hamburg".into()
        },
        payment_terms: if random.chance(70) {
            PaymentTerms {
                code: "N30".into(),
                days: 30,
            }
        } else {
            PaymentTerms {
                code: "N60".into(),
                days: 60,
            }
        },
        contract_ref: random
            .chance(50)
            .then(|| format!("RV-{}-{}", market.country, random.between(1000, 9999))),
        requisition_ref: format!("REQ-{}", random.between(100_000, 999_999)),
        language: market.language.into(),
        priority: ["NORMAL", "NORMAL", "NORMAL", "HIGH", "URGENT"][random.index(5)].into(),
        seller: parties::ourselves(),
        ship_to: address.clone(),
        bill_to: address,
        buyer,
        partial_shipment_allowed: random.chance(70),
        notes,
        lines,
        totals: Totals {
            net: Decimal::ZERO,
            tax: Decimal::ZERO,
            gross: Decimal::ZERO,
            line_count: 0,
        },
    };
    add_up(&mut order, market.decimals);
    order
}

fn note(code: &str, text: &str) -> Note {
    Note {
        code: code.into(),
        text: text.into(),
    }
}

fn pick(random: &mut Random) -> (&'static Item, usize) {
    let item = &ITEMS[random.index(ITEMS.len())];
    (item, random.index(item.variants.len()))
}

fn line(line_no: u32, market: &Market, now: i64, lead_days: u64, random: &mut Random) -> OrderLine {
    let (item, variant) = pick(random);
    let steps = random.between(1, (item.most / item.step).max(1));
    OrderLine {
        line_no: line_no * 10,
        sku: item.sku(variant),
        buyer_sku: format!("{}{:05}", market.country, random.between(10_000, 99_999)),
        gtin: item.gtin(variant),
        description: item.description(market, variant),
        quantity: Decimal::from(steps * item.step),
        uom: item.uom.into(),
        unit_price: item.price(market, variant),
        tax_pct: item.tax_percent(market),
        net: Decimal::ZERO,
        requested_delivery: day(
            now,
            lead_days + if random.chance(25) { random.between(1, 20) } else { 0 },
        ),
        backorder_allowed: Some(random.chance(60)),
        note: None,
        status: "OPEN".into(),
    }
}

/// Lines to totals. Tax is taken once per rate, on the sum of that rate's lines, and rounded there (EN 16931, BR-CO-17).
pub(super) fn add_up(order: &mut PurchaseOrder, decimals: u32) {
    let money = |d: Decimal| {
        let mut d = d.round_dp_with_strategy(decimals, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        d.rescale(decimals);
        d
    };
    let mut by_rate = std::collections::BTreeMap::<u32, Decimal>::new();
    for line in &mut order.lines {
        line.net = money(line.quantity * line.unit_price);
        *by_rate.entry(line.tax_pct).or_default() += line.net;
    }
    let net = money(by_rate.values().sum());
    let tax = money(
        by_rate
            .iter()
            .map(|(rate, base)| money(base * Decimal::from(*rate) / Decimal::ONE_HUNDRED))
            .sum(),
    );
    order.totals = Totals {
        net,
        tax,
        gross: net + tax,
        line_count: order.lines.len(),
    };
}

fn market_of(language: &str) -> &'static Market {
    parties::market(language).unwrap_or(&MARKETS[0])
}

/// The next version of `base`, before anything in it is changed.
fn next_version(base: &PurchaseOrder, newest: u32, now: i64, random: &mut Random) -> PurchaseOrder {
    let mut order = base.clone();
    order.document_type = "PURCHASE_ORDER_CHANGE".into();
    order.version = newest + 1;
    order.supersedes = Some(format!("{}:{newest}", base.po_number));
    order.message_id = random.uuid();
    order.status = "UPDATED".into();
    order.cancel_reason = None;
    order.updated_at = moment(now);
    order.notes.retain(|n| n.code != "CHG");
    order
}

fn with_note(mut order: PurchaseOrder, code: &str, text: &str) -> PurchaseOrder {
    order.notes.truncate(MAX_NOTES - 1);
    order.notes.push(note(code, text));
    order
}

/// The buyer changes a quantity or a date, adds a line or takes one away.
pub(super) fn change(base: &PurchaseOrder, newest: u32, now: i64, random: &mut Random) -> PurchaseOrder {
    let market = market_of(&base.language);
    let mut order = next_version(base, newest, now, random);
    let at = random.index(order.lines.len());
    let next_no = order.lines.iter().map(|l| l.line_no).max().unwrap_or(0) / 10 + 1;
    let kind = random.below(10);
    if kind < 2 && order.lines.len() < MAX_LINES {
        let added = line(next_no, market, now, 14, random);
        order.lines.push(added);
    } else if kind < 3 && order.lines.len() > 1 {
        order.lines.remove(at);
    } else if kind < 6 {
        let later = day(now, random.between(7, 60));
        for l in order.lines.iter_mut().skip(at).take(3) {
            l.requested_delivery.clone_from(&later);
        }
    } else if let Some(l) = order.lines.get_mut(at) {
        let step = catalog::find(&l.sku).map_or(1, |(item, _)| item.step);
        l.quantity += Decimal::from(step * random.between(1, 5));
    }
    add_up(&mut order, market.decimals);
    with_note(order, "CHG", market.change_note)
}

pub(super) fn cancellation(base: &PurchaseOrder, newest: u32, now: i64, random: &mut Random) -> PurchaseOrder {
    let mut order = next_version(base, newest, now, random);
    order.document_type = "PURCHASE_ORDER_CANCEL".into();
    order.status = "CANCELLED".into();
    order.cancel_reason = Some(market_of(&base.language).cancel_reason.into());
    order
}

/// The buyer refuses a counter-offer and hands its own order back unchanged, as a new version.
pub(super) fn handed_back(base: &PurchaseOrder, newest: u32, now: i64, random: &mut Random) -> PurchaseOrder {
    let order = next_version(base, newest, now, random);
    with_note(order, "CHG", market_of(&base.language).refuse_note)
}

/// The buyer takes a counter-offer: a change that restates it. Nothing left to deliver is a cancellation.
pub(super) fn restated(
    base: &PurchaseOrder,
    newest: u32,
    answers: &[AnswerLine],
    now: i64,
    random: &mut Random,
) -> PurchaseOrder {
    let market = market_of(&base.language);
    let mut order = next_version(base, newest, now, random);
    let mut next_no = order.lines.iter().map(|l| l.line_no).max().unwrap_or(0) / 10 * 10;
    let mut lines = Vec::new();
    for ordered in &base.lines {
        let mut answered = false;
        for answer in answers
            .iter()
            .filter(|a| a.line_no == ordered.line_no && a.code != "ADDED")
        {
            let mut line = agreed_line(ordered, answer, market);
            if answered {
                // A split: each further delivery is a line of its own.
                next_no += 10;
                line.line_no = next_no;
            }
            answered = true;
            if answer.code != "REJECTED" && !line.quantity.is_zero() {
                lines.push(line);
            }
        }
        if !answered {
            lines.push(ordered.clone());
        }
    }
    for answer in answers.iter().filter(|a| a.code == "ADDED") {
        if let Some(first) = base.lines.first() {
            let mut line = agreed_line(first, answer, market);
            next_no += 10;
            line.line_no = next_no;
            lines.push(line);
        }
    }
    lines.truncate(MAX_LINES);
    if lines.is_empty() {
        return cancellation(base, newest, now, random);
    }
    order.lines = lines;
    add_up(&mut order, market.decimals);
    with_note(order, "CHG", market.change_note)
}

fn agreed_line(ordered: &OrderLine, answer: &AnswerLine, market: &Market) -> OrderLine {
    let mut line = ordered.clone();
    if let Some(quantity) = answer.quantity {
        line.quantity = quantity;
    }
    if let Some(sku) = &answer.substitute_sku {
        line.sku.clone_from(sku);
        match catalog::find(sku) {
            Some((item, variant)) => {
                line.gtin = item.gtin(variant);
                line.description = item.description(market, variant);
                line.uom = item.uom.into();
                line.unit_price = item.price(market, variant);
                line.tax_pct = item.tax_percent(market);
            }
            None => line.description = answer.description.clone().unwrap_or_else(|| sku.clone()),
        }
    }
    if let Some(price) = answer.unit_price {
        line.unit_price = price;
    }
    if let Some(date) = &answer.date {
        line.requested_delivery.clone_from(date);
    }
    line
}

/// A delivery to us: the market's company is the supplier, the orders named are ours.
pub(super) fn delivery_note(number: u32, market: &Market, lines: usize, now: i64, random: &mut Random) -> DeliveryNote {
    let supplier: Party = parties::company(market, random);
    let our_order = format!("PO-{:08}", 70_000_000 + u64::from(number % 1_000_000));
    let lines = (1..=lines.clamp(1, MAX_LINES))
        .map(|n| {
            let line_no = u32::try_from(n).unwrap_or(1);
            let ordered = line(line_no, market, now, 0, random);
            // Now and then a part comes later.
            let outstanding = if random.chance(20) && ordered.quantity > Decimal::ONE {
                (ordered.quantity / Decimal::from(4)).ceil()
            } else {
                Decimal::ZERO
            };
            NoteLine {
                line_no,
                po_number: our_order.clone(),
                po_line_no: ordered.line_no,
                delivered: ordered.quantity - outstanding,
                outstanding,
                sku: ordered.sku,
                gtin: ordered.gtin,
                description: ordered.description,
                uom: ordered.uom,
                batch: format!("L{}", random.between(100_000, 999_999)),
            }
        })
        .collect();
    DeliveryNote {
        schema_version: "2.1".into(),
        document_type: "DELIVERY_NOTE".into(),
        note_number: format!("DN-{number:08}"),
        version: 1,
        supersedes: None,
        message_id: random.uuid(),
        status: "ORIGINAL".into(),
        cancel_reason: None,
        issued_at: moment(now),
        shipped_at: moment(now),
        expected_delivery: day(now, random.between(1, 4)),
        language: market.language.into(),
        carrier: ["Nordfracht Spedition", "Kurierdienst Adler", "Alpenlog", "Baltic Cargo"][random.index(4)].into(),
        tracking_id: format!("{}{:012}", market.country, random.below(1_000_000_000_000)),
        supplier,
        buyer: parties::ourselves(),
        ship_to: parties::our_address(),
        notes: Vec::new(),
        lines,
    }
}

/// The supplier replaces its note: one line leaves with another quantity.
pub(super) fn replaced_note(base: &DeliveryNote, now: i64, random: &mut Random) -> DeliveryNote {
    let mut note = base.clone();
    note.version = base.version + 1;
    note.supersedes = Some(format!("{}:{}", base.note_number, base.version));
    note.message_id = random.uuid();
    note.status = "REPLACE".into();
    note.issued_at = moment(now);
    let at = random.index(note.lines.len());
    if let Some(l) = note.lines.get_mut(at) {
        let moved = (l.delivered / Decimal::from(5)).ceil().min(l.delivered);
        l.delivered -= moved;
        l.outstanding += moved;
    }
    note
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
