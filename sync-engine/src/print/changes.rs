//! The block that says what changed in a version.

use super::canvas::{BODY, Canvas, Role, SMALL};
use super::units::unit;
use super::words::{Language, Word};
use super::{PrintError, format};
use crate::domain::diff::{ChangeKind, FieldChange, VersionDiff};
use crate::domain::{Currency, Date, Decimal, Money};

/// Most entries of the block; the rest is counted.
const MAX_CHANGES: usize = 12;

/// What changed in this version.
pub(super) fn draw(canvas: &mut Canvas, base: u32, diff: &VersionDiff, language: Language) -> Result<(), PrintError> {
    if diff.is_empty() {
        return Ok(());
    }
    canvas.heading(&format!("{} {base}", language.word(Word::ChangesAgainst)), 20.0)?;
    let mut entries = field_changes(&diff.header, language);
    for line in &diff.lines {
        let id = format!("{} {}", language.word(Word::Line), line.line_id);
        entries.push(match line.change {
            ChangeKind::Added => format!("{id}: {}", language.word(Word::Added)),
            ChangeKind::Deleted => format!("{id}: {}", language.word(Word::Deleted)),
            ChangeKind::Changed => {
                format!("{id}: {}", field_changes(&line.fields, language).join("; "))
            }
        });
    }
    let rest = entries.len().saturating_sub(MAX_CHANGES);
    for entry in entries.iter().take(MAX_CHANGES) {
        canvas.paragraph(BODY, Role::Paragraph, &format!("\u{2022} {entry}"))?;
    }
    if rest > 0 {
        canvas.paragraph(
            SMALL,
            Role::Paragraph,
            &format!("+ {rest} {}", language.word(Word::More)),
        )?;
    }
    canvas.space(8.0);
    Ok(())
}

/// One entry per field; equal ones (first and last day of a delivery) are said once.
fn field_changes(changes: &[FieldChange], language: Language) -> Vec<String> {
    let mut entries: Vec<String> = changes.iter().map(|c| field_change(c, language)).collect();
    entries.dedup();
    entries
}

fn field_change(change: &FieldChange, language: Language) -> String {
    let label = label(&change.field).map_or(change.field.as_str(), |word| language.word(word));
    let show = |value: &Option<String>| {
        value
            .as_deref()
            .map_or_else(|| "\u{2013}".to_owned(), |text| readable(&change.field, text, language))
    };
    format!("{label} {} \u{bb} {}", show(&change.before), show(&change.after))
}

/// The page's own word for a field of the API: of a party the party, of a day the delivery, else the field itself.
fn label(field: &str) -> Option<Word> {
    let (head, leaf) = (field.split('.').next()?, field.rsplit('.').next()?);
    Some(match head {
        "buyer" => Word::Buyer,
        "seller" => Word::Seller,
        "shipTo" => Word::ShipTo,
        "billTo" => Word::BillTo,
        "notes" | "note" => Word::Notes,
        "references" => Word::References,
        "requestedDelivery" | "expectedDelivery" => Word::Delivery,
        "paymentTerms" => Word::Payment,
        "deliveryTerms" => Word::Terms,
        "currency" => Word::Currency,
        "cancelReason" => Word::Reason,
        "carrier" => Word::Carrier,
        "trackingId" => Word::Tracking,
        "despatchedOn" => Word::Despatched,
        "quantity" => Word::Quantity,
        "price" | "priceBase" => Word::Price,
        "unit" => Word::Unit,
        "net" => Word::Amount,
        "taxPercent" => Word::Tax,
        "delivered" => Word::Delivered,
        "outstanding" => Word::Outstanding,
        "batch" => Word::Batch,
        "orderNumber" | "orderLineId" => Word::Order,
        "totals" | "item" => match leaf {
            "net" => Word::Net,
            "tax" => Word::Tax,
            "gross" => Word::Gross,
            "description" => Word::Description,
            _ => Word::ItemNumber,
        },
        _ => return None,
    })
}

/// Numbers, days and amounts as the page writes them; all else as it is.
fn readable(field: &str, text: &str, language: Language) -> String {
    let leaf = field.rsplit('.').next().unwrap_or(field);
    let number = |digits| {
        text.parse::<Decimal>()
            .ok()
            .map(|n| format::decimal(n, digits, language))
    };
    let shown = match leaf {
        "quantity" | "priceBase" | "taxPercent" | "delivered" | "outstanding" => number(0),
        "price" => number(2),
        "first" | "last" | "despatchedOn" => text.parse::<Date>().ok().map(|day| format::date(day, language)),
        "net" | "tax" | "gross" => amount(text, language),
        "unit" => Some(unit(text, language).to_owned()),
        _ => None,
    };
    shown.unwrap_or_else(|| text.to_owned())
}

/// `1200.50 EUR`, the way a difference says an amount.
fn amount(text: &str, language: Language) -> Option<String> {
    let (value, code) = text.split_once(' ')?;
    let currency = Currency::parse(code).ok()?;
    let money = Money::from_decimal(value.parse().ok()?, &currency)?;
    Some(format::money(&money, language))
}
