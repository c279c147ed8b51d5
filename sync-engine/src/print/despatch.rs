//! The page of a delivery note, with our receipt where there is one.

use super::canvas::{BODY, BODY_BOLD, Canvas, Ink, LEFT, Role, SMALL, Style};
use super::parts::{self, Column, Table};
use super::units::unit;
use super::words::{Language, Word, reject_action, reject_reason};
use super::{PrintError, PrintInput, changes, format};
use crate::domain::document::DespatchLine;
use crate::domain::{DespatchAdvice, ReceiptAdvice, ReceiptLine};

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
        width: 84.0,
        right: false,
    },
    Column {
        word: Word::Description,
        x: LEFT + 114.0,
        width: 156.0,
        right: false,
    },
    Column {
        word: Word::Order,
        x: LEFT + 270.0,
        width: 84.0,
        right: false,
    },
    Column {
        word: Word::Delivered,
        x: LEFT + 354.0,
        width: 52.0,
        right: true,
    },
    Column {
        word: Word::Outstanding,
        x: LEFT + 410.0,
        width: 48.0,
        right: true,
    },
    Column {
        word: Word::Unit,
        x: LEFT + 466.0,
        width: 33.0,
        right: false,
    },
];

pub(super) fn draw(
    canvas: &mut Canvas,
    input: &PrintInput<'_>,
    note: &DespatchAdvice,
    receipt: Option<&ReceiptAdvice>,
) -> Result<String, PrintError> {
    let language = Language::of(note.language.as_deref());
    let title = language.word(if receipt.is_some() {
        Word::GoodsReceipt
    } else {
        Word::DeliveryNote
    });
    parts::letterhead(canvas, input.letterhead, language);
    parts::title(canvas, title, &note.number, &facts(input, note, receipt, language));
    let mut parties = vec![
        (language.word(Word::Buyer), &note.buyer),
        (language.word(Word::Seller), &note.seller),
    ];
    parties.extend(note.ship_to.as_ref().map(|p| (language.word(Word::ShipTo), p)));
    parts::parties(canvas, &parties, language);
    if let Some(text) = note.cancel_reason.as_ref() {
        canvas.heading(language.word(Word::Cancelled), 14.0)?;
        canvas.paragraph(BODY, Role::Paragraph, text)?;
        canvas.space(8.0);
    }
    if let Some(text) = receipt.and_then(|r| r.note.as_ref()) {
        canvas.paragraph(BODY, Role::Paragraph, text)?;
        canvas.space(8.0);
    }
    if let Some((base, diff)) = input.changes {
        changes::draw(canvas, base, diff, language)?;
    }
    let table = Table::begin(canvas, &COLUMNS, language)?;
    for line in &note.lines {
        let received = receipt.and_then(|r| r.lines.iter().find(|l| l.line_id == line.id));
        let mut below: Vec<(String, Style)> = Vec::new();
        below.extend(
            line.batch
                .iter()
                .map(|b| (format!("{} {b}", language.word(Word::Batch)), SMALL)),
        );
        below.extend(received.map(|r| receipt_line(r, line, language)));
        table.row(canvas, &cells(line, language), &below)?;
    }
    canvas.space(8.0);
    parts::notes(canvas, &note.notes, language)?;
    Ok(format!("{title} {}", note.number))
}

fn facts(
    input: &PrintInput<'_>,
    note: &DespatchAdvice,
    receipt: Option<&ReceiptAdvice>,
    language: Language,
) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut put = |word: Word, value: Option<String>| {
        facts.extend(value.map(|value| (language.word(word).to_owned(), value)));
    };
    put(Word::ReceivedOn, receipt.map(|r| format::date(r.received_on, language)));
    put(Word::Version, Some(input.version.to_string()));
    put(
        Word::Revision,
        note.revision.clone().filter(|r| *r != input.version.to_string()),
    );
    put(Word::Issued, note.issued_at.map(|at| format::day(at, language)));
    put(Word::Despatched, note.despatched_on.map(|d| format::date(d, language)));
    put(
        Word::Delivery,
        note.expected_delivery.map(|r| format::range(r, language)),
    );
    put(Word::Carrier, note.carrier.clone());
    put(Word::Tracking, note.tracking_id.clone());
    facts
}

fn cells(line: &DespatchLine, language: Language) -> [(String, Style); 7] {
    let item = &line.item;
    let number = item
        .seller_id
        .as_ref()
        .or(item.buyer_id.as_ref())
        .or(item.gtin.as_ref());
    [
        (line.id.clone(), BODY),
        (number.cloned().unwrap_or_default(), BODY),
        (item.description.clone().unwrap_or_default(), BODY),
        (format!("{} / {}", line.order_number, line.order_line_id), BODY),
        (format::decimal(line.delivered, 0, language), BODY),
        (
            line.outstanding
                .map(|o| format::decimal(o, 0, language))
                .unwrap_or_default(),
            BODY,
        ),
        (unit(&line.unit, language).to_owned(), BODY),
    ]
}

/// Such as `Received: 38 pcs · Short: 2 · Rejected: 1 (broken, please replace)`.
fn receipt_line(receipt: &ReceiptLine, line: &DespatchLine, language: Language) -> (String, Style) {
    let quantity = |value| format::decimal(value, 0, language);
    let mut facts = vec![format!(
        "{}: {} {}",
        language.word(Word::Received),
        quantity(receipt.received),
        unit(&line.unit, language)
    )];
    if let Some(short) = receipt.short.filter(|s| !s.is_zero()) {
        facts.push(format!("{}: {}", language.word(Word::Short), quantity(short)));
    }
    let rejected = receipt.rejected.filter(|r| !r.is_zero());
    if let Some(rejected) = rejected {
        let why = receipt.reject_reason.map(|r| reject_reason(r, language));
        let what = receipt.action.map(|a| language.word(reject_action(a)));
        let detail = [why, what].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let mut text = format!("{}: {}", language.word(Word::Rejected), quantity(rejected));
        if !detail.is_empty() {
            text.push_str(&format!(" ({detail})"));
        }
        facts.push(text);
    }
    facts.extend(receipt.note.clone());
    let ink = if rejected.is_some() {
        Ink::Alert
    } else if receipt.received == line.delivered {
        Ink::Quiet
    } else {
        Ink::Accent
    };
    (facts.join(" \u{b7} "), Style { ink, ..BODY_BOLD })
}
