//! The answers that were given to an order before: what of them still holds, and whether its goods have left.

use crate::domain::{
    CanonicalDocument, ChainState, CompanyId, Earlier, EarlierAnswer, Order, OrderResponse, PartnerId, PartnerRules,
    VersionNumber, VersionState,
};
use crate::store::{OperationKind, OperationRow, ReceivedAnswer, StoreError, StoreTx, VersionContent};

/// An answer with the version that it answers.
pub type Given = (VersionNumber, OrderResponse);

/// What of `answers`, newest first, holds for version `number` with the content `order`. `content` reads a version.
///
/// # Errors
/// Those of `content`.
pub fn earlier(
    answers: Vec<Given>,
    (number, order): (VersionNumber, &Order),
    rules: &PartnerRules,
    mut content: impl FnMut(VersionNumber) -> Result<Option<VersionContent>, StoreError>,
) -> Result<Earlier, StoreError> {
    let mut given = Vec::with_capacity(answers.len());
    for (version, response) in answers.into_iter().rev() {
        let same_version = version == number;
        let answered = match same_version {
            true => Some(CanonicalDocument::Order(order.clone())),
            false => content(version)?.map(|c| c.document()).transpose()?,
        };
        if let Some(CanonicalDocument::Order(order)) = answered {
            given.push(EarlierAnswer {
                order,
                same_version,
                response,
            });
        }
    }
    Ok(Earlier::of(order, &given, rules))
}

/// Those of our own operations, newest first, that decide on an order.
pub fn ours(operations: Vec<OperationRow>) -> Vec<Given> {
    let decides = |o: &OperationRow| {
        matches!(
            o.kind,
            OperationKind::Confirm | OperationKind::Reject | OperationKind::Counter
        )
    };
    let decided = operations.into_iter().filter(decides);
    decided
        .filter_map(|o| Some((o.version, serde_json::from_value(o.answer).ok()?)))
        .collect()
}

/// Those of a partner's answers, newest first, that came in time.
pub fn theirs(answers: Vec<ReceivedAnswer>) -> Vec<Given> {
    let in_time = answers.into_iter().filter(|a| !a.stale);
    in_time
        .filter_map(|a| Some((a.version, serde_json::from_value(a.answer).ok()?)))
        .collect()
}

/// Whether goods of an order have left, as the delivery notes say that are here. One of ours that is still on its way
/// counts: its goods leave whether the partner knows of it yet or not.
///
/// # Errors
/// The store's own.
pub fn goods_left(
    tx: &mut dyn StoreTx,
    (company, partner): (&CompanyId, &PartnerId),
    order_number: &str,
) -> Result<bool, StoreError> {
    for id in tx.notes_of_order(company, partner, order_number)? {
        let Some(loaded) = tx.load_by_id(id)? else { continue };
        let Some(current) = loaded.chain.current_version() else {
            continue;
        };
        let taken_back = loaded.chain.state == ChainState::Draft && current.state == VersionState::Withdrawn;
        if loaded.chain.state == ChainState::Cancelled || taken_back {
            continue;
        }
        let content = tx.version_content(id, current.number)?;
        if let Some(CanonicalDocument::DespatchAdvice(note)) = content.map(|c| c.document()).transpose()?
            && note.delivers(order_number)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
