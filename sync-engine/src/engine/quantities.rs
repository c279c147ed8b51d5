//! How far an order is answered, delivered and received.

use super::{Engine, EngineError};
use crate::domain::quantity::{LineQuantities, line_quantities};
use crate::domain::{
    CanonicalDocument, ChainState, CompanyId, DeliveryState, DocumentId, HeaderAnswer, Order, OrderResponse, PartnerId,
    ReceiptAdvice, VersionState,
};
use crate::store::{OperationKind, OperationQuery, Store, StoreError};

/// Answers that are looked through for the newest.
const ANSWERS: u32 = 50;

impl Engine {
    /// Of every line of an order, as it is agreed, else as it stands.
    ///
    /// # Errors
    /// `NotFound`; `Refused` with `document.refused` for a delivery note.
    pub fn line_quantities(&self, id: DocumentId) -> Result<Vec<LineQuantities>, EngineError> {
        let missing = || EngineError::NotFound {
            what: "document",
            id: id.to_string(),
        };
        let store = self.store().as_ref();
        let row = store.document(id)?.ok_or_else(missing)?;
        let content = store.version_content(id, row.agreed.unwrap_or(row.current))?;
        let CanonicalDocument::Order(order) = content.ok_or_else(missing)?.document()? else {
            return Err(EngineError::refused(
                "document.refused",
                "only an order has quantities to deliver",
            ));
        };
        Ok(delivered_lines(store, &row.company, &row.partner, &order, None)?)
    }
}

/// Of every line of `order`, with the delivery notes that are here, except one.
pub fn delivered_lines(
    store: &dyn Store,
    company: &CompanyId,
    partner: &PartnerId,
    order: &Order,
    except: Option<DocumentId>,
) -> Result<Vec<LineQuantities>, StoreError> {
    let mut notes = Vec::new();
    for id in store.notes_of_order(company, partner, &order.number)? {
        if Some(id) == except {
            continue;
        }
        let Some(row) = store.document(id)? else { continue };
        // One of ours that is still on its way counts: its goods leave whether the partner knows of it yet or not.
        let taken_back = row.state == ChainState::Draft && row.current_state == VersionState::Withdrawn;
        if row.state == ChainState::Cancelled || taken_back {
            continue;
        }
        let content = store.version_content(id, row.current)?;
        if let Some(CanonicalDocument::DespatchAdvice(note)) = content.map(|c| c.document()).transpose()? {
            notes.push((note, receipt(store, id)?));
        }
    }
    let deliveries: Vec<_> = notes.iter().map(|(note, receipt)| (note, receipt.as_ref())).collect();
    let kind = crate::domain::DocumentKind::Order;
    let response = match store.find_document(company, partner, kind, &order.number)? {
        Some(id) => response(store, id)?,
        None => None,
    };
    Ok(line_quantities(order, response.as_ref(), &deliveries))
}

/// What was received of a delivery note: our own receipt, or the buyer's.
fn receipt(store: &dyn Store, id: DocumentId) -> Result<Option<ReceiptAdvice>, StoreError> {
    let theirs = store.received_answers(id, ANSWERS)?.into_iter().find(|a| !a.stale);
    if let Some(answer) = theirs {
        return Ok(serde_json::from_value(answer.answer).ok());
    }
    let ours = delivered_operations(store, id)?;
    Ok(ours
        .into_iter()
        .filter(|(kind, _)| *kind == OperationKind::Receipt)
        .find_map(|(_, answer)| serde_json::from_value(answer).ok()))
}

/// The newest decision on an order: what it confirms.
fn response(store: &dyn Store, id: DocumentId) -> Result<Option<OrderResponse>, StoreError> {
    let decides = |r: &OrderResponse| r.code != HeaderAnswer::AB;
    let theirs = store.received_answers(id, ANSWERS)?;
    let theirs = theirs.into_iter().filter(|a| !a.stale);
    let newest = theirs
        .filter_map(|a| serde_json::from_value(a.answer).ok())
        .find(decides);
    if newest.is_some() {
        return Ok(newest);
    }
    let ours = delivered_operations(store, id)?.into_iter();
    Ok(ours
        .filter(|(kind, _)| {
            matches!(
                kind,
                OperationKind::Confirm | OperationKind::Reject | OperationKind::Counter
            )
        })
        .find_map(|(_, answer)| serde_json::from_value(answer).ok()))
}

fn delivered_operations(
    store: &dyn Store,
    id: DocumentId,
) -> Result<Vec<(OperationKind, serde_json::Value)>, StoreError> {
    let page = store.list_operations(&OperationQuery {
        document: Some(id),
        states: vec![DeliveryState::Delivered, DeliveryState::Applied],
        limit: ANSWERS,
        ..OperationQuery::default()
    })?;
    Ok(page.items.into_iter().map(|o| (o.kind, o.answer)).collect())
}
