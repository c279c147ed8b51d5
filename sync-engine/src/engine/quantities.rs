//! How far an order is answered, delivered and received.

use super::{Engine, EngineError};
use crate::domain::quantity::{LineQuantities, line_quantities};
use crate::domain::{
    CanonicalDocument, ChainState, CompanyId, DeliveryState, DespatchAdvice, DocumentId, HeaderAnswer, Order,
    OrderResponse, PartnerId, PartnerRules, ReceiptAdvice, VersionState,
};
use crate::exchange::earlier::{earlier, ours, theirs};
use crate::store::{OperationKind, OperationQuery, OperationRow, Store, StoreError};

/// Answers that are looked through for the newest.
const ANSWERS: u32 = 50;

impl Engine {
    /// Of every line of an order, as it is agreed, else as it stands.
    ///
    /// # Errors
    /// `NotFound`; `Refused` with `document.refused` for a delivery note.
    pub fn line_quantities(&self, id: DocumentId) -> Result<Vec<LineQuantities>, EngineError> {
        let store = self.store().as_ref();
        let row = self.document(id)?;
        let missing = || EngineError::Internal(format!("document {id} has no content"));
        let content = store.version_content(id, row.agreed.unwrap_or(row.current))?;
        let CanonicalDocument::Order(order) = content.ok_or_else(missing)?.document()? else {
            return Err(EngineError::refused(
                "document.refused",
                "only an order has quantities to deliver",
            ));
        };
        Ok(delivered_lines(
            store,
            (&row.company, &row.partner),
            &order,
            None,
            &self.rules(&row.partner),
        )?)
    }
}

/// Of every line of `order`, with the delivery notes that are here, except one.
pub fn delivered_lines(
    store: &dyn Store,
    (company, partner): (&CompanyId, &PartnerId),
    order: &Order,
    except: Option<DocumentId>,
    rules: &PartnerRules,
) -> Result<Vec<LineQuantities>, StoreError> {
    let notes = notes_in_force(store, (company, partner), &order.number, except)?;
    let notes = notes.into_iter().map(|(id, note)| Ok((note, receipt(store, id)?)));
    let notes: Vec<_> = notes.collect::<Result<_, StoreError>>()?;
    let deliveries: Vec<_> = notes.iter().map(|(note, receipt)| (note, receipt.as_ref())).collect();
    let kind = crate::domain::DocumentKind::Order;
    let response = match store.find_document(company, partner, kind, &order.number)? {
        Some(id) => response(store, (id, order), rules)?,
        None => None,
    };
    Ok(line_quantities(order, response.as_ref(), &deliveries))
}

/// The delivery notes of an order that are in force, oldest first, except one.
pub fn notes_in_force(
    store: &dyn Store,
    (company, partner): (&CompanyId, &PartnerId),
    order_number: &str,
    except: Option<DocumentId>,
) -> Result<Vec<(DocumentId, DespatchAdvice)>, StoreError> {
    let mut notes = Vec::new();
    for id in store.notes_of_order(company, partner, order_number)? {
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
            notes.push((id, note));
        }
    }
    Ok(notes)
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
        .filter(|o| o.kind == OperationKind::Receipt)
        .find_map(|o| serde_json::from_value(o.answer).ok()))
}

/// The newest decision on an order, with what holds of those before it: what it confirms.
fn response(
    store: &dyn Store,
    (id, order): (DocumentId, &Order),
    rules: &PartnerRules,
) -> Result<Option<OrderResponse>, StoreError> {
    let mut given = theirs(store.received_answers(id, ANSWERS)?)?;
    given.retain(|(_, response)| response.code != HeaderAnswer::AB);
    if given.is_empty() {
        given = ours(delivered_operations(store, id)?)?;
    }
    if given.is_empty() {
        return Ok(None);
    }
    let (version, newest) = given.remove(0);
    if !rules.look_back() {
        given.clear();
    }
    let content = |number| store.version_content(id, number);
    let before = earlier(given, (version, order), rules, content)?;
    Ok(Some(before.completed(order, &newest, rules)))
}

fn delivered_operations(store: &dyn Store, id: DocumentId) -> Result<Vec<OperationRow>, StoreError> {
    let page = store.list_operations(&OperationQuery {
        document: Some(id),
        states: vec![DeliveryState::Delivered, DeliveryState::Applied],
        limit: ANSWERS,
        ..OperationQuery::default()
    })?;
    Ok(page.items)
}
