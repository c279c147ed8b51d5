//! Differences between versions, and printed pages. Both block on the store: call them where that is allowed.

use super::answers::order_response;
use super::{Engine, EngineError};
use crate::domain::diff::{VersionDiff, diff};
use crate::domain::{CanonicalDocument, DeliveryState, DocumentId, OrderResponse, ReceiptAdvice, VersionNumber};
use crate::print::{Answer, PrintInput, render_pdf};
use crate::store::{OperationKind, OperationQuery};

/// How far back the latest answer to a version is looked for.
const EARLIER_OPERATIONS: u32 = 200;

/// Our latest answer to a version.
enum Latest {
    Order(OrderResponse),
    Receipt(ReceiptAdvice),
}

impl Engine {
    /// What differs between two versions of a document.
    ///
    /// # Errors
    /// `NotFound` when a version is not there, or its document is another company's.
    pub fn diff(
        &self,
        document: DocumentId,
        from: VersionNumber,
        to: VersionNumber,
    ) -> Result<VersionDiff, EngineError> {
        self.document(document)?;
        Ok(diff(&self.content(document, from)?, &self.content(document, to)?))
    }

    /// The PDF of a version, with our latest answer to it if there is one, and what changed in it.
    ///
    /// # Errors
    /// `NotFound` when it is not there or another company's; `Internal` when the page cannot be drawn.
    pub fn print(&self, document: DocumentId, version: VersionNumber) -> Result<Vec<u8>, EngineError> {
        self.document(document)?;
        let content = self.content(document, version)?;
        let answer = self.latest_answer(document, version)?;
        let changes = match self.compared_with(document, version)? {
            Some(base) => Some((base.0, diff(&self.content(document, base)?, &content))),
            None => None,
        };
        let input = PrintInput {
            letterhead: self.letterhead(),
            document: &content,
            answer: answer.as_ref().map(|answer| match answer {
                Latest::Order(response) => Answer::Order(response),
                Latest::Receipt(receipt) => Answer::Receipt(receipt),
            }),
            version: version.0,
            changes: changes.as_ref().map(|(base, diff)| (*base, diff)),
            printed_at: self.exchange().clock.now(),
        };
        render_pdf(&input).map_err(|e| EngineError::Internal(e.to_string()))
    }

    pub(super) fn content(
        &self,
        document: DocumentId,
        number: VersionNumber,
    ) -> Result<CanonicalDocument, EngineError> {
        let content = self.store().version_content(document, number)?;
        let content = content.ok_or_else(|| EngineError::NotFound {
            what: "version",
            id: format!("{number} of document {document}"),
        })?;
        Ok(content.document()?)
    }

    /// The version last agreed before this one, else the one that it superseded.
    fn compared_with(&self, document: DocumentId, number: VersionNumber) -> Result<Option<VersionNumber>, EngineError> {
        let Some(chain) = self.store().chain(document)? else {
            return Ok(None);
        };
        let agreed = chain.agreed.filter(|agreed| *agreed < number);
        let before = chain.version(number).and_then(|v| v.base.or(v.supersedes));
        Ok(agreed.or(before))
    }

    fn latest_answer(&self, document: DocumentId, version: VersionNumber) -> Result<Option<Latest>, EngineError> {
        let operations = self.store().list_operations(&OperationQuery {
            document: Some(document),
            limit: EARLIER_OPERATIONS,
            ..OperationQuery::default()
        })?;
        let mut answers = operations
            .items
            .iter()
            .filter(|o| o.version == version && o.state != DeliveryState::Withdrawn);
        Ok(answers.find_map(|o| match o.kind {
            OperationKind::Receipt => serde_json::from_value(o.answer.clone()).ok().map(Latest::Receipt),
            OperationKind::Confirm
            | OperationKind::Reject
            | OperationKind::Counter
            | OperationKind::Acknowledge
            | OperationKind::Submit
            | OperationKind::Update
            | OperationKind::Cancel
            | OperationKind::Close
            | OperationKind::Despatch => order_response(o).map(Latest::Order),
        }))
    }
}
