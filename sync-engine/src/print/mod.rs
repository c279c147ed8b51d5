//! Printed pages: a document's version as a PDF that can go to a customer.

mod canvas;
mod changes;
mod columns;
mod content;
mod despatch;
mod fonts;
mod format;
mod order;
mod pack;
mod parts;
mod pdf;
#[cfg(test)]
mod tests;
mod units;
mod words;

use crate::domain::diff::VersionDiff;
use crate::domain::{CanonicalDocument, OrderResponse, ReceiptAdvice, document::Party};

/// Our own company, for the header of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Letterhead {
    pub company: Party,
    /// Lines at the foot of each page: register, bank, managing directors.
    #[serde(default)]
    pub footer: Vec<String>,
}

/// What a page shows besides the document.
pub struct PrintInput<'a> {
    pub letterhead: &'a Letterhead,
    pub document: &'a CanonicalDocument,
    /// Our answer to it, if there is one: printed as order confirmation, rejection or counter-offer.
    pub answer: Option<Answer<'a>>,
    pub version: u32,
    /// What changed against the version before or the one last agreed; `(base version, diff)`.
    pub changes: Option<(u32, &'a VersionDiff)>,
    pub printed_at: crate::domain::Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    Order(&'a OrderResponse),
    Receipt(&'a ReceiptAdvice),
}

#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    #[error("the page cannot be drawn: {0}")]
    Draw(String),
}

/// A4, tagged (ISO 32000-1 14.8). Same input, same bytes.
///
/// An answer that does not belong to the document's kind is left out.
///
/// # Errors
/// `PrintError` when the library refuses, or the document needs more than 2,000 pages.
pub fn render_pdf(input: &PrintInput<'_>) -> Result<Vec<u8>, PrintError> {
    let mut canvas = canvas::Canvas::new()?;
    let (title, language) = match (input.document, input.answer) {
        (CanonicalDocument::Order(order), answer) => {
            let response = match answer {
                Some(Answer::Order(response)) => Some(response),
                Some(Answer::Receipt(_)) | None => None,
            };
            (
                order::draw(&mut canvas, input, order, response)?,
                order.language.as_deref(),
            )
        }
        (CanonicalDocument::DespatchAdvice(note), answer) => {
            let receipt = match answer {
                Some(Answer::Receipt(receipt)) => Some(receipt),
                Some(Answer::Order(_)) | None => None,
            };
            (
                despatch::draw(&mut canvas, input, note, receipt)?,
                note.language.as_deref(),
            )
        }
    };
    let language = words::Language::of(language);
    let version = format!(
        "{title} \u{b7} {} {}",
        language.word(words::Word::Version),
        input.version
    );
    parts::feet(&mut canvas, input, &version, language);
    let info = pdf::Info {
        title,
        language: language.tag().to_owned(),
        author: input.letterhead.company.name.clone(),
        printed_at: input.printed_at,
    };
    pdf::write(canvas, info)
}
