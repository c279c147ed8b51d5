//! What belongs to this engine's company. A database may hold that of several: an id of another one names nothing here,
//! to read or to act on.

use super::{Engine, EngineError};
use crate::domain::{CompanyId, DocumentId, OperationId};
use crate::store::{DocumentRow, OperationRow, QuarantineRow, Store};

impl Engine {
    /// A document of this company. Blocks on the store.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it is another company's.
    pub fn document(&self, id: DocumentId) -> Result<DocumentRow, EngineError> {
        document(self.store().as_ref(), self.company(), id)
    }

    /// An operation of this company. Blocks on the store.
    ///
    /// # Errors
    /// As `document`.
    pub fn operation(&self, id: OperationId) -> Result<OperationRow, EngineError> {
        operation(self.store().as_ref(), self.company(), id)
    }

    /// A payload in this company's quarantine. Blocks on the store.
    ///
    /// # Errors
    /// As `document`.
    pub fn quarantined(&self, id: i64) -> Result<QuarantineRow, EngineError> {
        quarantined(self.store().as_ref(), self.company(), id)
    }
}

pub(super) fn document(store: &dyn Store, company: &CompanyId, id: DocumentId) -> Result<DocumentRow, EngineError> {
    let row = store.document(id)?.filter(|row| row.company == *company);
    row.ok_or_else(|| not_found("document", &id))
}

pub(super) fn operation(store: &dyn Store, company: &CompanyId, id: OperationId) -> Result<OperationRow, EngineError> {
    let row = store.operation(id)?.filter(|row| row.company == *company);
    row.ok_or_else(|| EngineError::no_operation(id))
}

pub(super) fn quarantined(store: &dyn Store, company: &CompanyId, id: i64) -> Result<QuarantineRow, EngineError> {
    let row = store.quarantine(id)?.filter(|row| row.company == *company);
    row.ok_or_else(|| not_found("quarantine item", &id))
}

fn not_found(what: &'static str, id: &dyn std::fmt::Display) -> EngineError {
    EngineError::NotFound {
        what,
        id: id.to_string(),
    }
}
