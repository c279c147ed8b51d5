//! What is written of a document, apart from the rows of its chain.

use super::{compact, text, words};
use crate::domain::CanonicalDocument;
use crate::store::StoreError;

/// About what JSON text takes, so that it need not grow while it is written.
const HEAD_BYTES: usize = 1536;
const LINE_BYTES: usize = 320;

/// A document's JSON text and its words. Made where it was read, so that the writer has less to do.
pub struct WrittenDocument {
    pub canonical: String,
    pub words: String,
}

impl WrittenDocument {
    /// # Errors
    /// `Corrupt` when the document cannot be JSON.
    pub fn of(document: &CanonicalDocument) -> Result<Self, StoreError> {
        let lines = match document {
            CanonicalDocument::Order(order) => order.lines.len(),
            CanonicalDocument::DespatchAdvice(advice) => advice.lines.len(),
        };
        let bytes = HEAD_BYTES + lines * LINE_BYTES;
        Ok(Self {
            canonical: compact::text_of(document, bytes).map_or_else(|| text::json(document), Ok)?,
            words: words::text_of(document),
        })
    }
}
