//! What lists show of a document's current version.

use super::text::Json;
use super::words;
use crate::domain::document::{DateRange, Party};
use crate::domain::{CanonicalDocument, Date, DocumentId, Money, Order, Side, Timestamp, VersionNumber};
use crate::store::{StoreError, VersionContentRef};
use rusqlite::Connection;

/// Sorts after every ISO day: a document without one comes last.
pub const NO_DAY: &str = "~";

pub struct Facts {
    pub counterparty: Option<String>,
    pub promised_key: String,
    pub last_day: String,
    pub answer_due: Option<Timestamp>,
    pub line_count: u32,
    pub total_minor: Option<i64>,
    pub total_currency: Option<String>,
    pub change_summary: Option<String>,
    pub doubtful: bool,
}

/// What lists show of a version and its content does not say.
struct Beside {
    change_summary: Option<String>,
    answer_due: Option<Timestamp>,
    doubtful: bool,
}

impl Facts {
    pub fn of(content: &VersionContentRef<'_>, side: Side) -> Self {
        let beside = Beside {
            change_summary: content.change_summary.map(str::to_owned),
            answer_due: content.answer_due,
            doubtful: content.doubtful,
        };
        Self::new(content.document, side, beside)
    }

    fn new(document: &CanonicalDocument, side: Side, beside: Beside) -> Self {
        let (buyer, seller, lines) = match document {
            CanonicalDocument::Order(order) => (&order.buyer, &order.seller, order.lines.len()),
            CanonicalDocument::DespatchAdvice(advice) => (&advice.buyer, &advice.seller, advice.lines.len()),
        };
        let total = total(document);
        let days = days(document);
        Self {
            counterparty: name(match side {
                Side::Seller => buyer,
                Side::Buyer => seller,
            }),
            promised_key: key(days.map(|days| days.first)),
            last_day: key(days.map(|days| days.last)),
            answer_due: beside.answer_due,
            line_count: u32::try_from(lines).unwrap_or(u32::MAX),
            total_minor: total.as_ref().map(|total| total.minor),
            total_currency: total.map(|total| total.currency.as_str().to_owned()),
            change_summary: beside.change_summary,
            doubtful: beside.doubtful,
        }
    }
}

/// Another current version: its row, what lists show of it, its words.
pub struct Current {
    pub row: i64,
    pub facts: Facts,
    pub text: String,
}

impl Current {
    /// From a version that is in the store, when an older one becomes current again.
    pub fn stored(db: &Connection, id: DocumentId, number: VersionNumber, side: Side) -> Result<Self, StoreError> {
        let (row, canonical, beside): (i64, Json<CanonicalDocument>, _) = db
            .prepare_cached(
                "SELECT v.id, c.canonical, v.change_summary, v.answer_due, v.doubtful
                 FROM version v JOIN version_content c ON c.version_id = v.id
                 WHERE v.document_id = ?1 AND v.number = ?2",
            )?
            .query_row((id, number), |row| {
                let beside = Beside {
                    change_summary: row.get(2)?,
                    answer_due: row.get(3)?,
                    doubtful: row.get(4)?,
                };
                Ok((row.get(0)?, row.get(1)?, beside))
            })?;
        Ok(Self {
            row,
            facts: Facts::new(&canonical.0, side, beside),
            text: words::text_of(&canonical.0),
        })
    }
}

fn name(party: &Party) -> Option<String> {
    party.name.clone().or_else(|| party.id.clone())
}

fn key(day: Option<Date>) -> String {
    day.map_or_else(|| NO_DAY.to_owned(), |day| day.to_string())
}

/// From the first to the last day of all its deliveries.
fn days(document: &CanonicalDocument) -> Option<DateRange> {
    let both = |a: DateRange, b: DateRange| DateRange {
        first: a.first.min(b.first),
        last: a.last.max(b.last),
    };
    match document {
        CanonicalDocument::Order(order) => order
            .lines
            .iter()
            .filter_map(|line| line.requested_delivery)
            .chain(order.requested_delivery)
            .reduce(both),
        CanonicalDocument::DespatchAdvice(advice) => advice.expected_delivery,
    }
}

/// The document's own net total, or the sum of its lines when every line has one in the document's currency.
fn total(document: &CanonicalDocument) -> Option<Money> {
    let CanonicalDocument::Order(order) = document else {
        return None;
    };
    match &order.totals {
        Some(totals) => Some(totals.net.clone()),
        None => lines_total(order),
    }
}

fn lines_total(order: &Order) -> Option<Money> {
    if order.lines.is_empty() {
        return None;
    }
    let minor = order.lines.iter().try_fold(0i64, |sum, line| {
        let net = line.net.as_ref().filter(|net| net.currency == order.currency)?;
        sum.checked_add(net.minor)
    })?;
    Some(Money {
        minor,
        currency: order.currency.clone(),
    })
}
