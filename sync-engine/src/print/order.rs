//! The page of an order, with our answer to it where there is one.

use super::canvas::{BODY, BODY_BOLD, Canvas, Ink, LABEL, LEFT, RIGHT, Role, SMALL, Style};
use super::fonts::Weight;
use super::parts::{self, Column, Table};
use super::units::unit;
use super::words::{Language, Word, line_answer, reason};
use super::{PrintError, PrintInput, changes, format};
use crate::domain::answer::Reason;
use crate::domain::counter::counter_offer;
use crate::domain::document::{DateRange, OrderLine, Totals};
use crate::domain::{Earlier, HeaderAnswer, LineAnswer, LineAnswerCode, Money, Order, OrderResponse, PartnerRules};

const COLUMNS: [Column; 7] = [
    Column {
        word: Word::Position,
        x: LEFT + 3.0,
        width: 25.0,
        right: false,
    },
    Column {
        word: Word::ItemNumber,
        x: LEFT + 30.0,
        width: 86.0,
        right: false,
    },
    Column {
        word: Word::Description,
        x: LEFT + 116.0,
        width: 160.0,
        right: false,
    },
    Column {
        word: Word::Quantity,
        x: LEFT + 276.0,
        width: 52.0,
        right: true,
    },
    Column {
        word: Word::Unit,
        x: LEFT + 334.0,
        width: 34.0,
        right: false,
    },
    Column {
        word: Word::Price,
        x: LEFT + 366.0,
        width: 60.0,
        right: true,
    },
    Column {
        word: Word::Amount,
        x: LEFT + 430.0,
        width: 66.0,
        right: true,
    },
];

pub(super) fn draw(
    canvas: &mut Canvas,
    input: &PrintInput<'_>,
    order: &Order,
    answer: Option<&OrderResponse>,
) -> Result<String, PrintError> {
    let language = Language::of(order.language.as_deref());
    let title = language.word(title_word(order, answer));
    parts::letterhead(canvas, input.letterhead, language);
    parts::title(canvas, title, &order.number, &facts(input, order, language));
    let mut parties = vec![
        (language.word(Word::Buyer), &order.buyer),
        (language.word(Word::Seller), &order.seller),
    ];
    parties.extend(order.ship_to.as_ref().map(|p| (language.word(Word::ShipTo), p)));
    parties.extend(
        order
            .bill_to
            .as_ref()
            .filter(|p| **p != order.buyer)
            .map(|p| (language.word(Word::BillTo), p)),
    );
    parts::parties(canvas, &parties, language);
    if let Some(text) = order.cancel_reason.as_ref() {
        canvas.heading(language.word(Word::OrderCancellation), 14.0)?;
        canvas.paragraph(BODY, Role::Paragraph, text)?;
        canvas.space(8.0);
    }
    if let Some(answer) = answer {
        answer_block(canvas, answer, language)?;
    }
    if let Some((base, diff)) = input.changes {
        changes::draw(canvas, base, diff, language)?;
    }
    let table = Table::begin(canvas, &COLUMNS, language)?;
    for line in &order.lines {
        draw_line(canvas, &table, order, line, answer, language)?;
    }
    let added = answer.map(|a| a.lines.as_slice()).unwrap_or_default().iter();
    for extra in added.filter(|l| l.code == LineAnswerCode::Added) {
        table.row(
            canvas,
            &added_cells(extra, language),
            &[answer_line(extra, None, language)],
        )?;
    }
    totals(canvas, order, answer, language)?;
    parts::notes(canvas, &order.notes, language)?;
    Ok(format!("{title} {}", order.number))
}

fn title_word(order: &Order, answer: Option<&OrderResponse>) -> Word {
    let cancelled = order.cancel_reason.is_some();
    match answer.map(|a| a.code) {
        None if cancelled => Word::OrderCancellation,
        Some(HeaderAnswer::AP) if cancelled => Word::CancellationConfirmed,
        Some(HeaderAnswer::RE) if cancelled => Word::CancellationRejected,
        None => Word::PurchaseOrder,
        Some(HeaderAnswer::AB) => Word::OrderAcknowledgement,
        Some(HeaderAnswer::AP) => Word::OrderConfirmation,
        Some(HeaderAnswer::RE) => Word::OrderRejection,
        Some(HeaderAnswer::CA) => Word::OrderConfirmationWithChanges,
    }
}

fn facts(input: &PrintInput<'_>, order: &Order, language: Language) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut put = |word: Word, value: Option<String>| {
        facts.extend(value.map(|value| (language.word(word).to_owned(), value)));
    };
    put(Word::Version, Some(input.version.to_string()));
    put(
        Word::Revision,
        order.revision.clone().filter(|r| *r != input.version.to_string()),
    );
    put(Word::Issued, order.issued_at.map(|at| format::day(at, language)));
    put(
        Word::Delivery,
        order.requested_delivery.map(|range| format::range(range, language)),
    );
    put(Word::Currency, Some(order.currency.as_str().to_owned()));
    put(Word::Terms, order.delivery_terms.clone());
    put(Word::Payment, order.payment_terms.clone());
    facts.extend(parts::references(&order.references));
    facts
}

fn answer_block(canvas: &mut Canvas, answer: &OrderResponse, language: Language) -> Result<(), PrintError> {
    if let Some(reason) = &answer.reason {
        let style = Style::new(9.5, Weight::Bold, Ink::Alert);
        canvas.paragraph(
            style,
            Role::Paragraph,
            &format!("{}: {}", language.word(Word::Reason), reason_text(reason, language)),
        )?;
        canvas.space(4.0);
    }
    if let Some(note) = &answer.note {
        canvas.paragraph(BODY, Role::Paragraph, note)?;
    }
    if answer.reason.is_some() || answer.note.is_some() {
        canvas.space(8.0);
    }
    Ok(())
}

fn reason_text(r: &Reason, language: Language) -> String {
    let standard = reason(r.code, language);
    match &r.text {
        Some(text) => format!("{standard} \u{2013} {text}"),
        None => standard.to_owned(),
    }
}

fn draw_line(
    canvas: &mut Canvas,
    table: &Table<'_>,
    order: &Order,
    line: &OrderLine,
    answer: Option<&OrderResponse>,
    language: Language,
) -> Result<(), PrintError> {
    let mut price = line.price.map(|p| format::decimal(p, 2, language)).unwrap_or_default();
    if let Some(base) = line
        .price_base
        .filter(|b| !b.is_zero() && b.normalize().to_string() != "1")
    {
        price.push_str(&format!(" / {}", format::decimal(base, 0, language)));
    }
    let seller = line
        .item
        .seller_id
        .as_ref()
        .or(line.item.buyer_id.as_ref())
        .or(line.item.gtin.as_ref());
    let cells = [
        (line.id.clone(), BODY),
        (seller.cloned().unwrap_or_default(), BODY),
        (line.item.description.clone().unwrap_or_default(), BODY),
        (format::decimal(line.quantity, 0, language), BODY),
        (unit(&line.unit, language).to_owned(), BODY),
        (price, BODY),
        (
            line.net
                .as_ref()
                .map(|m| format::amount(m, language))
                .unwrap_or_default(),
            BODY,
        ),
    ];
    let mut below = Vec::new();
    let mut codes = Vec::new();
    if let (Some(_), Some(buyer)) = (&line.item.seller_id, &line.item.buyer_id) {
        codes.push(format!("{} {buyer}", language.word(Word::SameNumber)));
    }
    if let (Some(gtin), true) = (&line.item.gtin, seller != line.item.gtin.as_ref()) {
        codes.push(format!("GTIN {gtin}"));
    }
    if let Some(range) = line.requested_delivery.filter(|r| Some(*r) != order.requested_delivery) {
        codes.push(format!(
            "{} {}",
            language.word(Word::Delivery),
            format::range(range, language)
        ));
    }
    if !codes.is_empty() {
        below.push((codes.join("  \u{b7}  "), SMALL));
    }
    below.extend(line.note.iter().map(|note| (note.clone(), SMALL)));
    let answers = answer.map(|a| a.lines.as_slice()).unwrap_or_default();
    below.extend(
        answers
            .iter()
            .filter(|a| a.line_id == line.id && a.code != LineAnswerCode::Added)
            .map(|a| answer_line(a, Some(line), language)),
    );
    table.row(canvas, &cells, &below)
}

/// What we answer to a line, such as `Changed: 40 pcs · price 12.50 (13.00) · delivery 12 Mar 2026`.
fn answer_line(answer: &LineAnswer, line: Option<&OrderLine>, language: Language) -> (String, Style) {
    let mut facts = Vec::new();
    if let Some(quantity) = answer.quantity {
        let unit = line.map_or("", |l| unit(&l.unit, language));
        let mut text = format!("{} {unit}", format::decimal(quantity, 0, language))
            .trim_end()
            .to_owned();
        if let Some(line) = line.filter(|l| l.quantity != quantity) {
            text.push_str(&format!(" ({})", format::decimal(line.quantity, 0, language)));
        }
        facts.push(text);
    }
    if let Some(price) = answer.price {
        let mut text = format!("{} {}", language.word(Word::Price), format::decimal(price, 2, language));
        if let Some(before) = line.and_then(|l| l.price).filter(|p| *p != price) {
            text.push_str(&format!(" ({})", format::decimal(before, 2, language)));
        }
        facts.push(text);
    }
    if let Some(date) = answer.date {
        let mut text = format!("{} {}", language.word(Word::Delivery), format::date(date, language));
        let day = DateRange {
            first: date,
            last: date,
        };
        if let Some(before) = line.and_then(|l| l.requested_delivery).filter(|r| *r != day) {
            text.push_str(&format!(" ({})", format::range(before, language)));
        }
        facts.push(text);
    }
    if let Some(item) = &answer.substitute {
        let names = [&item.seller_id, &item.gtin, &item.description];
        let mut text = names.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        if let Some(before) = line.and_then(|l| l.item.seller_id.as_deref()) {
            text.push_str(&format!(" {} {before}", language.word(Word::Instead)));
        }
        facts.push(text);
    }
    facts.extend(answer.reason.as_ref().map(|r| reason_text(r, language)));
    let head = language.word(line_answer(answer.code));
    let text = if facts.is_empty() {
        head.to_owned()
    } else {
        format!("{head}: {}", facts.join(" \u{b7} "))
    };
    let ink = match answer.code {
        LineAnswerCode::Accepted | LineAnswerCode::AlreadyDelivered => Ink::Quiet,
        LineAnswerCode::Rejected => Ink::Alert,
        LineAnswerCode::Changed
        | LineAnswerCode::Substituted
        | LineAnswerCode::Backordered
        | LineAnswerCode::Added
        | LineAnswerCode::Held => Ink::Accent,
    };
    (text, Style { ink, ..BODY_BOLD })
}

fn added_cells(extra: &LineAnswer, language: Language) -> [(String, Style); 7] {
    let item = extra.substitute.clone().unwrap_or_default();
    let number = |value: Option<crate::domain::Decimal>, digits| {
        value.map(|v| format::decimal(v, digits, language)).unwrap_or_default()
    };
    [
        (extra.line_id.clone(), BODY),
        (item.seller_id.or(item.gtin).unwrap_or_default(), BODY),
        (item.description.unwrap_or_default(), BODY),
        (number(extra.quantity, 0), BODY),
        (String::new(), BODY),
        (number(extra.price, 2), BODY),
        (String::new(), BODY),
    ]
}

/// A row of the totals: label, amount, whether it is the sum that counts.
type TotalRow = (String, Money, bool);

/// The order's totals; under a counter-offer the order's sum for comparison, then the totals of what we offer.
fn totals(
    canvas: &mut Canvas,
    order: &Order,
    answer: Option<&OrderResponse>,
    language: Language,
) -> Result<(), PrintError> {
    let countered = answer.filter(|a| a.code == HeaderAnswer::CA);
    let offered = countered.and_then(|a| counter_offer(order, a, &PartnerRules::default(), &Earlier::default()).totals);
    let mut rows: Vec<TotalRow> = Vec::new();
    if let Some(totals) = &order.totals {
        rows = total_rows(totals, countered.map(|_| Word::Order), language);
    }
    if let Some(offered) = &offered {
        // Of the order only the last row, and that quiet.
        rows = rows
            .pop()
            .map(|(label, money, _)| (label, money, false))
            .into_iter()
            .collect();
        rows.extend(total_rows(offered, Some(Word::Offer), language));
    }
    let height = rows.len() as f32 * (BODY.leading() + 2.0) + 10.0;
    if !canvas.fits(height) {
        canvas.new_page()?;
    }
    canvas.space(4.0);
    for (index, (label, money, strong)) in rows.iter().enumerate() {
        total_row(canvas, label, &format::money(money, language), *strong, index == 0);
    }
    if !rows.is_empty() {
        canvas.space(10.0);
    }
    Ok(())
}

fn total_rows(totals: &Totals, of: Option<Word>, language: Language) -> Vec<TotalRow> {
    let mut rows = vec![(Word::Net, totals.net.clone())];
    rows.extend(totals.tax.iter().map(|m| (Word::Tax, m.clone())));
    rows.extend(totals.gross.iter().map(|m| (Word::Gross, m.clone())));
    let last = rows.len() - 1;
    rows.into_iter()
        .enumerate()
        .map(|(index, (word, money))| {
            let label = match of {
                Some(of) => format!("{} ({})", language.word(word), language.word(of)),
                None => language.word(word).to_owned(),
            };
            (label, money, index == last)
        })
        .collect()
}

fn total_row(canvas: &mut Canvas, label: &str, amount: &str, strong: bool, first: bool) {
    let (style, label_style) = if strong {
        let style = Style::new(10.0, Weight::Bold, Ink::Text);
        (style, style)
    } else {
        (
            BODY,
            Style {
                size: BODY.size,
                ..LABEL
            },
        )
    };
    if strong && !first {
        canvas.line(LEFT + 300.0, RIGHT, canvas.y, Ink::Accent, 0.8);
        canvas.space(3.0);
    }
    let node = canvas.node(Role::Paragraph, None);
    canvas.text(LEFT + 300.0, canvas.y, label_style, label, Some(node));
    canvas.text_right(RIGHT - 3.0, canvas.y, style, amount, Some(node));
    canvas.space(style.leading() + 2.0);
}
