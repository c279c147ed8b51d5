//! Dead letters once more, as many as a filter names.

use super::{Engine, EngineError};
use crate::domain::{DeliveryState, DocumentId, PartnerId, Timestamp};
use crate::store::{OperationKind, OperationQuery, StoreExt};
use serde::Serialize;
use utoipa::ToSchema;

/// Dead letters that one call replays.
const MAX_REPLAYED: usize = 10_000;
/// Rows of one read.
const ROWS: u32 = 200;

/// Which dead letters; what is not said does not matter.
#[derive(Debug, Clone, Default)]
pub struct DeadLetters {
    pub partner: Option<PartnerId>,
    pub document: Option<DocumentId>,
    pub kind: Option<OperationKind>,
    /// Code of the error that ended them.
    pub error: Option<String>,
    /// Dead at this moment or later.
    pub since: Option<Timestamp>,
}

/// What came of a replay of many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// Go again, as new operations.
    pub queued: u32,
    /// Wait for a person: their versions were superseded meanwhile.
    pub held: u32,
    /// There are more than 10,000: ask again for the rest.
    pub more: bool,
}

impl Engine {
    /// Replays every dead letter that the filter names, the oldest first, as `retry_operation` does each.
    ///
    /// # Errors
    /// The store's own; what was replayed until then stays so.
    pub async fn replay(&self, which: &DeadLetters, actor: &str) -> Result<Replayed, EngineError> {
        let mut query = OperationQuery {
            company: Some(self.company().clone()),
            partner: which.partner.clone(),
            document: which.document,
            states: vec![DeliveryState::Dead],
            kind: which.kind,
            error: which.error.clone(),
            since: which.since,
            limit: ROWS,
            ..OperationQuery::default()
        };
        let mut dead = Vec::new();
        loop {
            let asked = query.clone();
            let page = self.store().read(move |store| store.list_operations(&asked)).await?;
            dead.extend(page.items.into_iter().map(|row| row.id));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        let mut report = Replayed {
            more: dead.len() > MAX_REPLAYED,
            ..Replayed::default()
        };
        for id in dead.into_iter().rev().take(MAX_REPLAYED) {
            match self.retry_operation(id, actor).await {
                Ok(row) if row.state == DeliveryState::Held => report.held += 1,
                Ok(_) => report.queued += 1,
                // Another person was faster.
                Err(EngineError::Refused {
                    code: "operation.state" | "operation.in_flight",
                    ..
                }) => {}
                Err(error) => return Err(error),
            }
        }
        tracing::info!(queued = report.queued, held = report.held, "dead letters replayed");
        Ok(report)
    }
}
