//! What is written of a document, apart from the rows of its chain.

use super::{text, words};
use crate::domain::CanonicalDocument;
use crate::store::StoreError;

/// A document's JSON text and its words. Made where it was read, so that the writer has less to do.
pub struct WrittenDocument {
    pub canonical: String,
    pub words: String,
}

impl WrittenDocument {
    /// # Errors
    /// `Corrupt` when the document cannot be JSON.
    pub fn of(document: &CanonicalDocument) -> Result<Self, StoreError> {
        Ok(Self {
            canonical: text::json(document)?,
            words: words::text_of(document),
        })
    }
}
